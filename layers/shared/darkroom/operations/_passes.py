"""A chain of operations on single pixels, and the passes over a picture that do exactly the same."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final, Protocol

from PIL import Image

from darkroom.operations._base import Color, ColorOperation, PointOperation
from darkroom.operations._samples import SAMPLES

Step = Callable[[Color], Color]

# As far as a matrix may be from the exact result, in levels of 255.
_SAME: Final = 0.02


class Pass(Protocol):
    """One way over all pixels (RGB to RGB), which rounds to 8 bits once."""

    @property
    def points(self) -> int:
        """At how many colors it has to be computed first, beyond a few hundred."""

    def prepare(self) -> None:
        """Computes what `apply` looks up; once."""

    def apply(self, pixels: Image.Image) -> Image.Image: ...


class Chain:
    """Operations one after the other in floating point; after each but the last, what is beyond 0 to 1 is cut off."""

    def __init__(self, operations: Sequence[PointOperation | ColorOperation]) -> None:
        self.operations = tuple(operations)

    @property
    def is_curves(self) -> bool:
        return all(isinstance(each, PointOperation) for each in self.operations)

    @property
    def leading_curves(self) -> "Chain":
        count = 0
        while count < len(self.operations) and isinstance(self.operations[count], PointOperation):
            count += 1
        return Chain(self.operations[:count])

    def after(self, count: int) -> "Chain":
        return Chain(self.operations[count:])

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        return tuple(
            each.color() if isinstance(each, ColorOperation) else _by_channel(each) for each in self.operations
        )

    def __call__(self, color: Color) -> Color:
        """The new color; values can lie beyond 0 to 1."""
        for step in self._steps[:-1]:
            color = clipped(step(color))
        return self._steps[-1](color) if self._steps else color

    def rounded(self, color: Color) -> Color:
        """The new color if each operation's result is rounded to 8 bits."""
        for step in self._steps:
            red, green, blue = step(color)
            color = to_byte(red) / 255, to_byte(green) / 255, to_byte(blue) / 255
        return color

    def curve(self, channel: int, value: float) -> float:
        """The new value of a channel, if `is_curves`; it can lie beyond 0 to 1."""
        first = True
        for each in self.operations:
            value = each.curve(channel, value if first else min(max(value, 0.0), 1.0))  # type: ignore[union-attr]
            first = False
        return value

    def pixel(self, color: bytes) -> bytes:
        """The new color of a pixel."""
        red, green, blue = self((color[0] / 255, color[1] / 255, color[2] / 255))
        return bytes((to_byte(red), to_byte(green), to_byte(blue)))


class TablePass:
    """A table for each channel."""

    points = 0

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    @cached_property
    def table(self) -> list[int]:
        return [to_byte(self._chain.curve(channel, value / 255)) for channel in range(3) for value in range(256)]

    def prepare(self) -> None:
        self.table  # noqa: B018

    def apply(self, pixels: Image.Image) -> Image.Image:
        return pixels.point(self.table)


class MatrixPass:
    """Each new channel is a sum of the old ones and a constant."""

    points = 0

    def __init__(self, rows: tuple[float, ...]) -> None:
        self.rows = rows

    @classmethod
    def of(cls, chain: Chain) -> "MatrixPass | None":
        """None if the chain is no matrix."""
        black = chain((0.0, 0.0, 0.0))
        ends = (chain((1.0, 0.0, 0.0)), chain((0.0, 1.0, 0.0)), chain((0.0, 0.0, 1.0)))
        rows = [[end[channel] - black[channel] for end in ends] for channel in range(3)]
        for color in SAMPLES:
            exact = clipped(chain(color))
            for channel, (red, green, blue) in enumerate(rows):
                value = black[channel] + red * color[0] + green * color[1] + blue * color[2]
                if abs(min(max(value, 0.0), 1.0) - exact[channel]) * 255 > _SAME:
                    return None
        return cls(tuple(number for row, first in zip(rows, black, strict=True) for number in (*row, first * 255)))

    def prepare(self) -> None:
        """There is nothing to compute."""

    def apply(self, pixels: Image.Image) -> Image.Image:
        return pixels.convert("RGB", self.rows)


def clipped(color: Color) -> Color:
    red, green, blue = color
    if 0.0 <= red <= 1.0 and 0.0 <= green <= 1.0 and 0.0 <= blue <= 1.0:
        return color  # nearly always, and this is called a hundred thousand times
    return min(max(red, 0.0), 1.0), min(max(green, 0.0), 1.0), min(max(blue, 0.0), 1.0)


def to_byte(value: float) -> int:
    return int(min(max(value, 0.0), 1.0) * 255 + 0.5)


def _by_channel(operation: PointOperation) -> Step:
    curve = operation.curve

    def step(color: Color) -> Color:
        red, green, blue = color
        return curve(0, red), curve(1, green), curve(2, blue)

    return step
