"""Other colors of the same lightness."""

from math import cos, radians, sin
from typing import Literal

from pydantic import Field

from darkroom.operations._matrix import Matrix, MatrixOperation
from darkroom.operations._tone import BLUE, GREEN, RED


class Hue(MatrixOperation):
    """Turns all colors around the color wheel (red to green to blue and back); greys stay grey."""

    op: Literal["hue"] = "hue"
    degrees: float = Field(
        ge=-180, le=180, description="Degrees: 120 turns red to green, -120 red to blue, 180 to the opposite, 0 leaves."
    )

    def matrix(self) -> Matrix:
        angle = radians(self.degrees)
        c, s = cos(angle), sin(angle)
        return (
            (RED + c * (1 - RED) - s * RED, GREEN - c * GREEN - s * GREEN, BLUE - c * BLUE + s * (1 - BLUE)),
            (RED - c * RED + s * 0.143, GREEN + c * (1 - GREEN) + s * 0.140, BLUE - c * BLUE - s * 0.283),
            (RED - c * RED - s * (1 - RED), GREEN - c * GREEN + s * GREEN, BLUE + c * (1 - BLUE) + s * BLUE),
        )
