"""Other colors of the same lightness."""

from math import cos, radians, sin
from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._matrix import Matrix, MatrixOperation
from darkroom.operations._tone import BLUE, GREEN, RED


class Hue(MatrixOperation):
    """Turns all colors around the color wheel (red to green to blue and back); greys stay grey."""

    words: ClassVar[str] = """
        {"degrees": 30}
        en: hue, hue*, shift color*, color shift, rotate color*, color wheel, turn color* wheel, shift tint
        en: color* rotat*, rotate hue, shift all color*
        de: Farbton, farbton*, farbkreis, farben verschieb*, farben dreh*, farbverschieb*, farben rotier*
        fr: teinte, teinte*, roue chromatique, decal* couleur*, cercle chromatique, fais tourner couleurs
        fr: tourne* couleurs, roue des couleurs
        es: tono de color, tono !tonos !marron* !sepia !gris*, matiz*, rueda de color*, gir* color*, rot* color*
        es: desplaz* color*, circulo cromatico, hue, rueda cromatica
        zh: 调整色相, 色相 !相框, 色轮, 色调 度, 颜色 旋转, 转色相, 色环
        ja: 色相, 色合い 回, 色相環, 色 回転, 色をずら, ヒュー
    """

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
