"""Colors at which the precision of a lookup is estimated: the same in every process."""

from collections.abc import Iterator
from itertools import product
from math import floor
from typing import Final

from darkroom.operations._base import Color

_COUNT: Final = 160
# Multiples of these fill a cube evenly (Roberts, 2018: the plastic number's sequence in three dimensions).
_STEP: Final = (0.8191725133961645, 0.6710436067037893, 0.5497004779019703)


def _even(count: int) -> Iterator[Color]:
    for at in range(1, count + 1):
        yield (0.5 + at * _STEP[0]) % 1, (0.5 + at * _STEP[1]) % 1, (0.5 + at * _STEP[2]) % 1


def _muted(count: int) -> Iterator[Color]:
    """Near the greys, more of them dark: as photographs are."""
    for lightness, first, second in _even(count):
        grey = lightness**1.5
        yield grey, grey + (first - 0.5) * 0.3 * grey, grey + (second - 0.5) * 0.3 * grey


def _pixels(colors: Iterator[Color]) -> tuple[Color, ...]:
    """As they are in a picture: whole steps of 255."""
    return tuple((_step(red), _step(green), _step(blue)) for red, green, blue in colors)


def _step(value: float) -> float:
    return floor(min(max(value, 0.0), 1.0) * 255 + 0.5) / 255


ALL: Final = _pixels(_even(_COUNT))
MUTED: Final = _pixels(_muted(_COUNT))
_GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
SAMPLES: Final = ALL + MUTED + _pixels(product(_GRID, _GRID, _GRID))
