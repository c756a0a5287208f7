"""The mirror image."""

from typing import Literal

from PIL import Image
from pydantic import Field

from darkroom.operations._base import Canvas, Tools
from darkroom.operations._geometry import Geometric

_TRANSPOSE = {"horizontal": Image.Transpose.FLIP_LEFT_RIGHT, "vertical": Image.Transpose.FLIP_TOP_BOTTOM}


class Flip(Geometric):
    """Mirrors the picture."""

    op: Literal["flip"] = "flip"
    direction: Literal["horizontal", "vertical"] = Field(
        "horizontal", description="`horizontal` swaps left and right, `vertical` swaps top and bottom."
    )

    @property
    def moves_whole_pixels(self) -> bool:
        return True

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        return canvas.having(canvas.pixels.transpose(_TRANSPOSE[self.direction]))
