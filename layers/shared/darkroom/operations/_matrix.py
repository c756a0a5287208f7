"""Color operations that are a matrix: each new channel is a sum of the old ones.

The matrices are those of the W3C's Filter Effects Module Level 1: the same numbers look as they do in a browser.
"""

from collections.abc import Callable

from darkroom.operations._base import Color, ColorOperation
from darkroom.operations._tone import LUMA

Row = tuple[float, float, float]
Matrix = tuple[Row, Row, Row]

IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
GREY: Matrix = (LUMA, LUMA, LUMA)


class MatrixOperation(ColorOperation):
    """What a matrix does to each color."""

    def matrix(self) -> Matrix:
        raise NotImplementedError

    def color(self) -> Callable[[Color], Color]:
        (a, b, c), (d, e, f), (g, h, i) = self.matrix()

        def multiplied(color: Color) -> Color:
            red, green, blue = color
            return a * red + b * green + c * blue, d * red + e * green + f * blue, g * red + h * green + i * blue

        return multiplied


def mixed(first: Matrix, second: Matrix, share: float) -> Matrix:
    """From the first (share 0) to the second (1), and on beyond it."""

    def row(old: Row, new: Row) -> Row:
        red, green, blue = (a + (b - a) * share for a, b in zip(old, new, strict=True))
        return red, green, blue

    return row(first[0], second[0]), row(first[1], second[1]), row(first[2], second[2])
