"""More or less colour where there is little of it."""

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from darkroom.operations._base import Colour, ColourOperation
from darkroom.operations._tone import Signed, luma


class Vibrance(ColourOperation):
    """Makes muted colours stronger or weaker and hardly touches vivid ones; gentler than `saturation`, kind to skin."""

    op: Literal["vibrance"] = "vibrance"
    amount: Signed = Field(description="Per cent: -100 muted colours grey, 0 unchanged, 100 muted colours doubled.")

    def colour(self) -> Callable[[Colour], Colour]:
        amount = self.amount / 100

        def strengthened(colour: Colour) -> Colour:
            red, green, blue = colour
            grey = luma(red, green, blue)
            by = amount * (1 - (max(colour) - min(colour)))
            return red + (red - grey) * by, green + (green - grey) * by, blue + (blue - grey) * by

        return strengthened
