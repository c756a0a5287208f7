"""More or less difference between light and dark."""

from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._base import PointOperation
from darkroom.operations._tone import Signed


class Contrast(PointOperation):
    """Raises or lowers the difference between light and dark parts, around middle grey."""

    words: ClassVar[str] = """
        {"amount": 20}
        en: more contrast, contrast, contrasty, punchier, punch*, {too} flat, flat, more depth, crisper tones
        en: washed out !sky
        de: mehr Kontrast, kontrast*, kontrastreich*, {too} flach, knackiger, flach
        fr: plus de contraste, contrast*, {too} plat*, plus de punch, manque de relief, plate, fade plate, image plate
        fr: photo plate
        es: más contraste, contrast*, {too} plan*, mas fuerza, mas profundidad, plana, foto plana, apagada y plana
        es: sin fuerza, poca fuerza
        zh: 更高对比度, 对比, 反差, 对比度, 太平, 层次感, 画面平, 太平淡, 平淡, 没有冲击力, 没劲
        ja: コントラストを上げる, コントラスト, メリハリ, めりはり, のっぺり, 平坦, ぼんやりした印象, インパクト
        ja: 引き締
        {"amount": -20}
        en: less contrast, contrast {down}, {too} contrast, contrast {too}, {too} contrasty, soft* contrast
        en: contrast soft*, harsh, contrast hard, flatter, less harsh
        de: weniger Kontrast, kontrast {down}, {too} kontrast*, kontrast {too}, kontrast* weich*, kontrastarm*
        de: hart* kontrast*
        fr: moins de contraste, contraste {down}, {too} contrast*, contraste {too}, contraste dur, adouci* contraste
        fr: contraste douc*, contraste doux
        es: menos contraste, contraste {down}, {too} contrast*, contraste {too}, suaviz* contraste, contraste dur*
        es: contraste suave
        zh: 更低对比度, 对比 {down}, 对比度{too}, {too} 对比, 反差 {down}, 反差太大, 对比度太
        ja: コントラストを下げる, コントラスト {down}, コントラスト 強すぎ, コントラスト 高すぎ, コントラスト きつ
        ja: メリハリ {down}, コントラスト 柔らか
    """

    op: Literal["contrast"] = "contrast"
    amount: Signed = Field(description="Per cent: -100 flat grey, 0 unchanged, 100 twice the contrast.")

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return value + (value - 0.5) * self.amount / 100
