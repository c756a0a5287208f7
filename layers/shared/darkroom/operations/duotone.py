"""Two inks."""

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from darkroom.operations._base import Colour, ColourOperation
from darkroom.operations._tone import HexColour, PerCent, luma, rgb


class Duotone(ColourOperation):
    """Prints the picture in two colours: one for the shadows, one for the highlights, and all between them."""

    op: Literal["duotone"] = "duotone"
    shadows: HexColour = Field("#1b1464", description="Colour of the darkest parts, `#rrggbb`.")
    highlights: HexColour = Field("#ffd9a0", description="Colour of the brightest parts, `#rrggbb`.")
    amount: PerCent = Field(100, description="Per cent: 0 unchanged, 100 only the two colours.")

    def colour(self) -> Callable[[Colour], Colour]:
        (r0, g0, b0), (r1, g1, b1) = rgb(self.shadows), rgb(self.highlights)
        share = self.amount / 100

        def printed(colour: Colour) -> Colour:
            red, green, blue = colour
            light = luma(red, green, blue)
            return (
                red + (r0 + (r1 - r0) * light - red) * share,
                green + (g0 + (g1 - g0) * light - green) * share,
                blue + (b0 + (b1 - b0) * light - blue) * share,
            )

        return printed
