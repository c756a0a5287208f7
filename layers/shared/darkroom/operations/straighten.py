"""A level horizon."""

from math import cos, radians, sin
from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._base import Canvas, Tools
from darkroom.operations._geometry import Geometric, Size
from darkroom.operations.rotate import around_middle, visible


class Straighten(Geometric):
    """Levels a crooked horizon: turns the picture a little and crops it so that no empty corners show."""

    cost: ClassVar = 100

    words: ClassVar[str] = """
        {"angle": 2}
        en: straightened, straight*, horizon, crooked, level it, level horizon, tilted, tilt, slanted, skewed
        en: level the, not level, leaning, slanting, tilt* fix
        de: begradigt, begradig*, horizont, horizonts, horizontlinie, schief, gerade*, geraderuck*, ausricht*
        de: richte* gerade, waagerecht*, schrag*, verkantet, gekippt, kipp* gerade, gerad* kipp*, schief gerade
        fr: redressé, redress*, horizon, penche*, de travers, droite !a, mets droit, remets droit, incline*
        fr: bien droit, mettre droit
        es: enderezado, enderez*, horizonte, torcid*, nivel* !niveles, inclinad*, chuec*, ladead*, derech* !a
        es: ponla derecha, bien recta, recta
        zh: 拉直, 歪, 水平线, 地平线, 扶正, 校正水平, 倾斜, 摆正, 斜了, 水平校正, 放平, 调平, 调正, 转正 歪, 正一点
        zh: 弄正, 拉平
        ja: 傾き補正, 傾き, 傾い, 水平, 斜め, まっすぐ, 地平線, 水平線, 曲がって, 水平に, 真っ直ぐ, 真っすぐ
        ja: 水平にして
    """

    op: Literal["straighten"] = "straighten"
    angle: float = Field(
        ge=-45, le=45, description="Degrees, clockwise: positive lifts the left side, negative lifts the right side."
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        if visible(self.angle, canvas.pixels.size) == 0:
            return canvas
        size = largest_upright(canvas.pixels.size, self.angle)
        return canvas.having(around_middle(canvas.pixels, self.angle, size))


def largest_upright(size: Size, angle: float) -> Size:
    """The largest upright rectangle (by area) inside a picture that was turned by that angle; at least one pixel."""
    s, c = sin(radians(abs(angle))), cos(radians(abs(angle)))
    longer, shorter = max(size), min(size)
    if shorter <= 2 * s * c * longer:  # two corners touch the longer sides, the others are free
        half = shorter / 2
        width, height = (half / s, half / c) if size[0] >= size[1] else (half / c, half / s)
    else:
        twice = c * c - s * s
        width, height = (size[0] * c - size[1] * s) / twice, (size[1] * c - size[0] * s) / twice
    return max(1, int(width)), max(1, int(height))
