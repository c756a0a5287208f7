"""More or less color, everywhere alike."""

from typing import Literal

from pydantic import Field

from darkroom.operations._matrix import GREY, IDENTITY, Matrix, MatrixOperation, mixed
from darkroom.operations._tone import Signed


class Saturation(MatrixOperation):
    """Makes all colors stronger or weaker alike; lightness stays."""

    op: Literal["saturation"] = "saturation"
    amount: Signed = Field(description="Per cent: -100 grey, 0 unchanged, 100 twice as strong.")

    def matrix(self) -> Matrix:
        return mixed(GREY, IDENTITY, 1 + self.amount / 100)
