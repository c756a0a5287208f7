"""Two inks."""

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from darkroom.operations._base import Color, ColorOperation
from darkroom.operations._tone import HexColor, PerCent, luma, rgb


class Duotone(ColorOperation):
    """Prints the picture in two colors: one for the shadows, one for the highlights, and all between them."""

    op: Literal["duotone"] = "duotone"
    shadows: HexColor = Field("#1b1464", description="Color of the darkest parts, `#rrggbb`.")
    highlights: HexColor = Field("#ffd9a0", description="Color of the brightest parts, `#rrggbb`.")
    amount: PerCent = Field(100, description="Per cent: 0 unchanged, 100 only the two colors.")

    def color(self) -> Callable[[Color], Color]:
        (r0, g0, b0), (r1, g1, b1) = rgb(self.shadows), rgb(self.highlights)
        share = self.amount / 100

        def printed(color: Color) -> Color:
            red, green, blue = color
            light = luma(red, green, blue)
            return (
                red + (r0 + (r1 - r0) * light - red) * share,
                green + (g0 + (g1 - g0) * light - green) * share,
                blue + (b0 + (b1 - b0) * light - blue) * share,
            )

        return printed
