"""A tone curve through points."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from darkroom.operations._base import PointOperation
from darkroom.operations._tone import CHANNEL_HELP, Channel, concerns

_ENDS: Final = (0.0, 255.0)


class CurvePoint(BaseModel):
    """What one value becomes."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", strict=True)

    input: float = Field(ge=0, le=255, description="A value as it is (0 to 255).")
    output: float = Field(ge=0, le=255, description="What it becomes (0 to 255).")


class Curves(PointOperation):
    """Bends the tones along a smooth curve through points; for example an S for more contrast."""

    words: ClassVar[str] = """
        {"points": [{"input": 64, "output": 52}, {"input": 192, "output": 204}]}
        en: tone curve, curve, curves, s curve, tonal curve, fade* black*, matte look, matte black*, lifted black*
        en: lift black*
        de: Gradationskurve, kurve*, s kurve, tonkurve, schwarz* verblass*, matt* schwarz*, matter look
        fr: courbe de tons, courbe*, courbe en s, noirs delaves, noirs mats, effet mat
        es: curva de tonos, curva*, negros lavados, negros mate, efecto mate
        zh: 曲线, S曲线, 色调曲线, 黑色 褪, 哑光
        ja: トーンカーブ, カーブ, S字, マットな, 黒を浮か
    """

    op: Literal["curves"] = "curves"
    points: tuple[CurvePoint, ...] = Field(
        min_length=1,
        max_length=16,
        # JSON has lists only.
        strict=False,
        description="Points of the curve, each `input` once. Without a point there, 0 stays 0 and 255 stays 255.",
    )
    channel: Channel = Field("all", description=CHANNEL_HELP)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        inputs = sorted(point.input for point in self.points)
        for left, right in pairwise(inputs):
            if right - left < 0.5:
                raise ValueError(f"two points have the inputs {left:g} and {right:g}: they have to be 0.5 apart")
        return self

    def curve(self, channel: int, value: float) -> float:
        return self._spline(value * 255) / 255 if concerns(self.channel, channel) else value

    @cached_property
    def _spline(self) -> "_Spline":
        given = {point.input: point.output for point in self.points}
        known = sorted(({end: end for end in _ENDS if all(abs(end - at) >= 0.5 for at in given)} | given).items())
        return _Spline([at for at, _ in known], [to for _, to in known])


class _Spline:
    """A monotone cubic (Fritsch and Butland, 1984) through two points or more.

    It never swings beyond the points, and is flat before the first and after the last.
    """

    def __init__(self, x: Sequence[float], y: Sequence[float]) -> None:
        self._x, self._y = x, y
        steps = [(y1 - y0) / (x1 - x0) for (x0, x1), (y0, y1) in zip(pairwise(x), pairwise(y), strict=True)]
        self._slopes = _slopes(steps)

    def __call__(self, at: float) -> float:
        x, y = self._x, self._y
        if at <= x[0]:
            return y[0]
        if at >= x[-1]:
            return y[-1]
        left = bisect_right(x, at) - 1
        width = x[left + 1] - x[left]
        t = (at - x[left]) / width
        low, high = y[left], y[left + 1]
        start, end = self._slopes[left] * width, self._slopes[left + 1] * width
        # Hermite's cubic, written so that it is exact where it is a straight line.
        return low + t * (start + t * (3 * (high - low) - 2 * start - end + t * (start + end - 2 * (high - low))))


def _slopes(steps: Sequence[float]) -> list[float]:
    """The slope at each point: the harmonic mean of those beside it, 0 at an extreme. That keeps it monotone."""
    inner = [2 * a * b / (a + b) if a * b > 0 else 0.0 for a, b in pairwise(steps)]
    return [steps[0], *inner, steps[-1]]
