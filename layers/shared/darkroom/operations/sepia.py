"""The brown of old photographs."""

from typing import Final, Literal

from pydantic import Field

from darkroom.operations._matrix import IDENTITY, Matrix, MatrixOperation, mixed
from darkroom.operations._tone import PerCent

_SEPIA: Final = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))


class Sepia(MatrixOperation):
    """Tones the picture brown like an old photograph."""

    op: Literal["sepia"] = "sepia"
    amount: PerCent = Field(100, description="Per cent: 0 unchanged, 100 all brown.")

    def matrix(self) -> Matrix:
        return mixed(IDENTITY, _SEPIA, self.amount / 100)
