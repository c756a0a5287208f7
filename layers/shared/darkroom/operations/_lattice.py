"""Colors at the points of a cube, and Pillow's interpolation between them."""

from array import array
from collections.abc import Sequence
from functools import cached_property
from math import sqrt
from typing import Final

from msgspec import Struct
from PIL import Image, ImageFilter

from darkroom.operations._base import Color
from darkroom.operations._passes import Chain, to_byte
from darkroom.operations._samples import ALL, MUTED

SIZES: Final = (17, 33, 65)

# How much worse than one operation after the other, each rounded to 8 bits, a lattice may be, in levels of 255: of the
# mean (root of the mean square; rounding once makes 0.29), and of the single worst sample.
_MEAN: Final = 0.02
_MOST: Final = 1.5


class Error(Struct, frozen=True):
    """How far 8-bit results are from the exact one, in levels of 255; the mean is the root of that of the squares."""

    mean: float
    most: float

    @classmethod
    def of(cls, exact: Sequence[Color], found: Sequence[Color]) -> "Error":
        away = [
            abs(min(max(was, 0.0), 1.0) - to_byte(now) / 255) * 255
            for colors in zip(exact, found, strict=True)
            for was, now in zip(*colors, strict=True)
        ]
        return cls(sqrt(sum(each * each for each in away) / len(away)), max(away))


def is_precise(chain: Chain, size: int) -> bool:
    """Whether a lattice gives what is at least as near to the exact result as one operation after the other does.

    Looked at among all colors, and among muted ones.
    """
    points: dict[tuple[int, int, int], Color] = {}
    for colors in (ALL, MUTED):
        exact = [chain(color) for color in colors]
        rounded = Error.of(exact, [chain.rounded(color) for color in colors])
        ours = Error.of(exact, [_interpolated(chain, color, size, points) for color in colors])
        if ours.mean > rounded.mean + _MEAN or ours.most > rounded.most + _MOST:
            return False
    return True


def choose(chain: Chain) -> int:
    """The smallest lattice that is precise enough; the largest if none is."""
    return next((size for size in SIZES[:-1] if is_precise(chain, size)), SIZES[-1])


class Lattice:
    """One pass: each pixel's color between those of the eight points around it."""

    def __init__(self, chain: Chain, size: int) -> None:
        self._chain = chain
        self.size = size

    @property
    def points(self) -> int:
        return self.size**3

    @cached_property
    def _filter(self) -> ImageFilter.Color3DLUT:
        curves = self._chain.leading_curves
        rest = self._chain.after(len(curves.operations))
        axes = [[_cut(curves.curve(channel, at / (self.size - 1))) for at in range(self.size)] for channel in range(3)]
        table = array("f")
        for blue in axes[2]:
            for green in axes[1]:
                for red in axes[0]:
                    table.extend(rest((red, green, blue)))
        # Pillow's stubs know lists alone; arrays of floats are read without a copy.
        return ImageFilter.Color3DLUT(self.size, table, _copy_table=False)

    def prepare(self) -> None:
        self._filter  # noqa: B018

    def apply(self, pixels: Image.Image) -> Image.Image:
        return pixels.filter(self._filter)


def _interpolated(
    chain: Chain, color: Color, size: int, points: dict[tuple[int, int, int], Color]
) -> tuple[float, float, float]:
    """What the lattice gives for a color; `points` keeps those that have been computed."""
    cells = [min(int(value * (size - 1)), size - 2) for value in color]
    shares = [value * (size - 1) - cell for value, cell in zip(color, cells, strict=True)]
    red = green = blue = 0.0
    for corner in range(8):
        offsets = (corner & 1, corner >> 1 & 1, corner >> 2)
        weight = 1.0
        for share, offset in zip(shares, offsets, strict=True):
            weight *= share if offset else 1 - share
        if weight == 0:
            continue
        at = (cells[0] + offsets[0], cells[1] + offsets[1], cells[2] + offsets[2])
        if at not in points:
            points[at] = chain((at[0] / (size - 1), at[1] / (size - 1), at[2] / (size - 1)))
        found = points[at]
        red, green, blue = red + weight * found[0], green + weight * found[1], blue + weight * found[2]
    return red, green, blue


def _cut(value: float) -> float:
    return min(max(value, 0.0), 1.0)
