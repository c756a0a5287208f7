"""A black-and-white photograph."""

from typing import Literal, Self

from pydantic import Field, model_validator

from darkroom.operations._matrix import Matrix, MatrixOperation


class BlackAndWhite(MatrixOperation):
    """Makes a black-and-white picture; the weights say how bright each color becomes, like filters on film."""

    op: Literal["black_and_white"] = "black_and_white"
    red: float = Field(21.26, ge=0, le=100, description="Weight of red, relative to the others; much: bright skin.")
    green: float = Field(71.52, ge=0, le=100, description="Weight of green, relative to the others.")
    blue: float = Field(7.22, ge=0, le=100, description="Weight of blue, relative to the others; 0: dramatic dark sky.")

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if self.red + self.green + self.blue < 0.01:
            raise ValueError("the weights red, green and blue are all 0: the picture would be black")
        return self

    def matrix(self) -> Matrix:
        whole = self.red + self.green + self.blue
        row = (self.red / whole, self.green / whole, self.blue / whole)
        return row, row, row
