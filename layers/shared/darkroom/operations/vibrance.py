"""More or less color where there is little of it."""

from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._base import Color, ColorOperation
from darkroom.operations._tone import Signed, luma


class Vibrance(ColorOperation):
    """Makes muted colors stronger or weaker and hardly touches vivid ones; gentler than `saturation`, kind to skin."""

    words: ClassVar[str] = """
        {"amount": 25}
        en: more vibrance, vibrance, muted colors strong*, muted color* boost, boost muted, without skin
        en: skin* natural, protect* skin, skin tone* color*, gentle saturation, natural saturation
        en: dull color* strong*, muted color* strong*, color* skin, subdued color* strong*
        de: mehr Dynamik, dynamik, vibrance, lebendigkeit, naturlich* sattigung, hauttone* farb*, farb* hauttone*
        de: farb* haut, blasse* farben kraftig*, schwache* farben kraftig*, farbdynamik
        fr: plus de vibrance, vibrance, couleurs ternes, saturation naturelle, couleur* peau, vitalite, couleurs fades
        es: más vibrance, vibrance, vibranc*, intensidad de color, saturacion natural, color* piel, vibracion
        es: colores apagados {up}, colores apagados viv*
        zh: 自然饱和度, 鲜艳度, 自然 饱和, 肤色 鲜艳, 肤色 饱和, 鲜明度
        ja: 自然な彩度, バイブランス, 自然な 鮮やか, 肌 鮮やか, 自然な鮮やかさ, 肌色 彩度, 肌 彩度
        {"amount": -25}
        en: less vibrance, vibrance {down}
        de: weniger Dynamik, dynamik {down}, vibrance {down}
        fr: moins de vibrance, vibrance {down}
        es: menos vibrance, vibrance {down}, vibranc* {down}
        zh: 降低自然饱和度, 自然饱和度 {down}, 鲜艳度 {down}
        ja: 自然な彩度を下げる, 自然な彩度 {down}, バイブランス {down}
    """

    op: Literal["vibrance"] = "vibrance"
    amount: Signed = Field(description="Per cent: -100 muted colors grey, 0 unchanged, 100 muted colors doubled.")

    def color(self) -> Callable[[Color], Color]:
        amount = self.amount / 100

        def strengthened(color: Color) -> Color:
            red, green, blue = color
            grey = luma(red, green, blue)
            by = amount * (1 - (max(color) - min(color)))
            return red + (red - grey) * by, green + (green - grey) * by, blue + (blue - grey) * by

        return strengthened
