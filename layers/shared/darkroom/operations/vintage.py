"""The colors of an old, faded photograph."""

from collections.abc import Callable
from typing import ClassVar, Final, Literal

from pydantic import Field

from darkroom.operations._base import Color, ColorOperation

# What black and white become, as red, green and blue: faded shadows with some red, yellowed paper.
_BLACK: Final = (0.115, 0.085, 0.085)
_WHITE: Final = (0.985, 0.945, 0.835)
_KEPT_COLOR: Final = 0.72
_CONTRAST: Final = 0.35


class Vintage(ColorOperation):
    """Gives the colors of an old, faded photograph: paler, warmer, with lifted shadows and yellowed whites.

    Add `grain` and `vignette` for the rest of the look.
    """

    words: ClassVar[str] = """
        en: vintage, vintage*, retro*, old photo*, old time*, nostalgi*, faded look, analog look, film look, analogue
        en: old film, old fashioned, seventies, 70s, 60s, 80s, like an old, aged look, antique, look* old
        en: polaroid look, kodachrome, old picture, faded film
        de: Vintage, vintage*, retro*, nostalgisch*, alt* foto*, analog*, altmodisch*, wie fruher, alt* bild*, antik*
        de: verblichen*, 70er*, 60er*, 80er*, vergilbt*, filmlook, aus omas zeiten, alt aussehen, alt* look
        fr: vintage, vintage*, retro*, ancien*, vieille photo, vieux film, vieilli*, annees 70, annees 60, annees 80
        fr: argentique, nostalgi*, vieille, d epoque, jauni*, d autrefois, a l ancienne, d antan, ancienne
        es: vintage, vintage*, retro*, antigu*, foto vieja, nostalgi*, analogic*, anos 70, anos 60, anos 80, setentas
        es: de epoca, envejec*, vieja, aspecto viejo, ochentas, de antes, epoca, anejo, viejit*
        zh: 复古, 怀旧, 老照片, 旧照片, 年代感, 胶片风, 复古风, 老电影, 古早, 做旧, 胶片色, 七十年代, 八十年代, 旧时光
        zh: 民国, 年代, 老旧, 复古感
        ja: ヴィンテージ, ビンテージ, レトロ, 昔の写真, 古い写真, 懐かし, ノスタルジ, フィルム風, 昭和, 古びた
        ja: 色褪せた, アンティーク, フィルムっぽい色, 昔風, 昔っぽ, 古い感じ, 年代物, 古めかしい
    """

    op: Literal["vintage"] = "vintage"
    amount: float = Field(100, ge=0, le=100, description="Strength in per cent; 0 changes nothing.")

    def color(self) -> Callable[[Color], Color]:
        share = self.amount / 100

        def faded(color: Color) -> Color:
            red, green, blue = color
            grey = 0.299 * red + 0.587 * green + 0.114 * blue
            return (
                red + share * (_aged(grey, red, 0) - red),
                green + share * (_aged(grey, green, 1) - green),
                blue + share * (_aged(grey, blue, 2) - blue),
            )

        return faded


def _aged(grey: float, value: float, channel: int) -> float:
    pale = min(max(grey + _KEPT_COLOR * (value - grey), 0.0), 1.0)
    curved = pale + _CONTRAST * (pale * pale * (3 - 2 * pale) - pale)
    return _BLACK[channel] + (_WHITE[channel] - _BLACK[channel]) * curved
