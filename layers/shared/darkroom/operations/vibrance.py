"""More or less color where there is little of it."""

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from darkroom.operations._base import Color, ColorOperation
from darkroom.operations._tone import Signed, luma


class Vibrance(ColorOperation):
    """Makes muted colors stronger or weaker and hardly touches vivid ones; gentler than `saturation`, kind to skin."""

    op: Literal["vibrance"] = "vibrance"
    amount: Signed = Field(description="Per cent: -100 muted colors grey, 0 unchanged, 100 muted colors doubled.")

    def color(self) -> Callable[[Color], Color]:
        amount = self.amount / 100

        def strengthened(color: Color) -> Color:
            red, green, blue = color
            grey = luma(red, green, blue)
            by = amount * (1 - (max(color) - min(color)))
            return red + (red - grey) * by, green + (green - grey) * by, blue + (blue - grey) * by

        return strengthened
