"""The negative."""

from typing import ClassVar, Literal

from darkroom.operations._base import PointOperation


class Invert(PointOperation):
    """Turns the picture into its negative: black to white, each color to its opposite."""

    words: ClassVar[str] = """
        en: inverted colors, invert*, negative, color negative, opposite color*, reverse color*, x ray, xray
        en: like a negative, color* revers*, swap black white
        de: Negativ, negativ*, invertier*, farben umkehr*, umgekehrt* farben, umkehr* farben, farbumkehr
        de: farben vertausch*
        fr: négatif, negatif, invers* couleur*, inversion couleur*, inverti*, couleurs inversees
        es: negativo, negativ*, invert* color*, colores invertid*, invers* color*, inviert*
        zh: 反相, 负片, 底片, 反色, 反转颜色, 颜色 反, 颜色 颠倒
        ja: ネガ, 色 反転, 階調反転, ネガポジ, 反転した色, 色を逆
    """

    op: Literal["invert"] = "invert"

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return 1 - value
