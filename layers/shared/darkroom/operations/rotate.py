"""Turned by any angle."""

from math import ceil, cos, hypot, radians, sin
from typing import ClassVar, Final, Literal

from PIL import Image
from pydantic import Field

from darkroom.operations._base import Canvas, Tools
from darkroom.operations._css import EXAMPLES, CssColor, rgba
from darkroom.operations._geometry import Geometric, Size, check_room

_QUARTERS: Final = {
    90: Image.Transpose.ROTATE_270,  # Pillow counts the other way round
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
# Pixels by which a corner may be off and nobody sees it.
_INVISIBLE: Final = 0.05


class Rotate(Geometric):
    """Turns the picture clockwise; exact at 90, 180 and 270. To level a crooked horizon use `straighten`."""

    cost: ClassVar = 180

    words: ClassVar[str] = """
        {"angle": 90}
        en: rotate to the right, rotat*, turn {number}, turn degrees, turn right, turn clockwise, clockwise
        en: quarter turn, turn quarter, on its side, sideways, turn on side, turned right
        de: nach rechts drehen, dreh* !farb*, rotier* !farb*, vierteldrehung, uhrzeigersinn, rechts herum, rechtsherum
        de: kipp*, verdreht
        fr: rotation à droite, pivot*, tourn* !couleur*, rotation, fais pivoter, quart de tour, sens horaire
        fr: sens des aiguilles, couchee, sur le cote
        es: girar a la derecha, gir* !color*, rot* !color*, cuarto de vuelta, sentido horario, de lado
        es: vuelta a la derecha
        zh: 向右旋转, 旋转, 转 度, 右转, 转个方向, 顺时针, 转{number}, 右旋
        ja: 右に回転, 回転 !色, 右に回, 時計回り, 度回, 横向き, 横倒し
        {"angle": -90}
        en: rotate to the left, rotat* left, turn* left, counterclockwise, counter clockwise, anticlockwise
        en: anti clockwise, quarter left, rotat* counter*, left turn
        de: nach links drehen, dreh* links, links dreh*, rotier* links, links rotier*, gegen uhrzeigersinn, linksherum
        de: gegen den uhrzeigersinn
        fr: rotation à gauche, pivot* gauche, tourn* gauche, rotation gauche, sens antihoraire, sens inverse aiguilles
        fr: contraire des aiguilles, anti horaire, sens inverse des aiguilles
        es: girar a la izquierda, gir* izquierda, rot* izquierda, sentido antihorario, contrario reloj, contra reloj
        es: antihorario
        zh: 向左旋转, 左转, 向左转, 逆时针, 左旋, 往左转, 向左旋, 往左旋
        ja: 左に回転, 左に回, 反時計, 左回転, 左へ回, 左に90, 左へ90
        {"angle": 180}
        en: turn upside down, upside down, head over, wrong way up, rotate half turn, half turn, on its head
        en: turn around 180
        de: auf den Kopf stellen, kopf, auf dem kopf, kopfuber, halbe drehung, verkehrt herum, falsch herum
        de: richtig herum, auf die fusse
        fr: tête en bas, tete en bas, a l envers, demi tour, envers, remets endroit, a l endroit, mets endroit
        fr: tourne* a l endroit
        es: de cabeza, cabeza, boca abajo, media vuelta, al reves, patas arriba, dale la vuelta, de vuelta
        es: endereza de cabeza, ponla al derecho
        zh: 上下颠倒, 倒过来, 倒了, 颠倒, 转180, 倒着, 反了, 倒立, 转正, 转回来, 倒了 转
        ja: 上下逆さま, 逆さ, さかさま, 上下が逆, 180度, 半回転, 天地逆, 正しい向き, 向きを直
    """

    op: Literal["rotate"] = "rotate"
    angle: float = Field(ge=-360, le=360, description="Degrees, clockwise; -90 is a quarter turn to the left.")
    expand: bool = Field(
        True, description="Whether the picture grows so that its corners stay; else it keeps its size and loses them."
    )
    fill: CssColor = Field(
        "transparent", description=f"What shows in the corners at angles between quarter turns. {EXAMPLES}."
    )

    @property
    def moves_whole_pixels(self) -> bool:
        return self.angle % 90 == 0 and (self.expand or self.angle % 180 == 0)

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        angle = visible(self.angle, canvas.pixels.size) % 360
        if angle == 0:
            return canvas
        if angle % 90 == 0 and (self.expand or angle == 180):
            return canvas.having(canvas.pixels.transpose(_QUARTERS[round(angle)]))
        turned = _turned(canvas.pixels, angle, self._size(canvas.pixels.size, angle))
        color = rgba(self.fill, canvas.icc)
        if color[3] == 0:
            return canvas.having(turned)
        behind = Image.new("RGBA", turned.size, color)
        behind.alpha_composite(turned)
        opaque = color[3] == 255 and canvas.pixels.mode == "RGB"
        return canvas.having(behind.convert("RGB") if opaque else behind)

    def _size(self, size: Size, angle: float) -> Size:
        if not self.expand:
            return size
        width, height = grown(size, angle)
        check_room((width, height), "angle")
        return width, height


def visible(angle: float, size: Size) -> float:
    """The angle, or the quarter turn next to it if no pixel of such a picture would show the difference."""
    quarter = 90.0 * round(angle / 90)
    return quarter if radians(abs(angle - quarter)) * hypot(*size) / 2 < _INVISIBLE else angle


def grown(size: Size, angle: float) -> Size:
    """What holds all of a picture turned by that angle."""
    s, c = abs(sin(radians(angle))), abs(cos(radians(angle)))
    # A little less, or the rounding of sine and cosine would add a pixel at quarter turns.
    return ceil(size[0] * c + size[1] * s - 1e-6), ceil(size[0] * s + size[1] * c - 1e-6)


def _turned(pixels: Image.Image, angle: float, size: Size) -> Image.Image:
    """RGBA of that size: the picture around the middle, transparent where there is none of it."""
    # One transparent pixel all around makes the edge smooth.
    framed = Image.new("RGBA", (pixels.width + 2, pixels.height + 2))
    framed.paste(pixels, (1, 1))
    return around_middle(framed, angle, size)


def around_middle(pixels: Image.Image, angle: float, size: Size) -> Image.Image:
    """A window of that size on the picture turned clockwise, middle on middle; RGBA weighted by alpha."""
    c, s = cos(radians(angle)), sin(radians(angle))
    x, y, u, v = pixels.width / 2, pixels.height / 2, size[0] / 2, size[1] / 2
    # For each new pixel, where it was.
    back = (c, s, x - c * u - s * v, -s, c, y + s * u - c * v)
    return pixels.transform(size, Image.Transform.AFFINE, back, Image.Resampling.BICUBIC)
