"""Few tones, like a screen print."""

from math import floor
from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._base import PointOperation


class Posterize(PointOperation):
    """Leaves only a few tones in each channel, with flat areas like a poster or screen print."""

    words: ClassVar[str] = """
        en: posterize, posteriz*, posteris*, screen print, poster effect, poster style, few tones, tones only
        en: only tones, few color*, fewer color*, reduc* color*, flat color*, reduc* tones, serigraph, poster look
        en: silkscreen, tonal steps, limit color*, {number} colors, {number} tones, {number} colours
        de: Tontrennung, posteris*, siebdruck, tontrennung, wenige farb*, wenige tone, plakat*, nur tone
        de: nur farbstufen, farbstufen, tonstufen, farben reduzier*, {number} farben, {number} farbtone*
        de: {number} tonwerte
        fr: postérisation, posteris*, serigraph*, effet affiche, aplats, reduis couleurs, peu de couleurs, peu de tons
        fr: aplat*, nombre de couleurs, {number} couleurs, {number} tons
        es: posterizar, posteriz*, serigraf*, efecto poster, efecto cartel, pocos colores, colores planos, pocos tonos
        es: reduc* colores, limit* colores, {number} colores, {number} tonos
        zh: 色调分离, 海报, 丝网印刷, 丝印, 版画 色块, 色块, 减少颜色, 几种颜色, 只留 色阶, 分层色, {number}种颜色
        zh: {number}级, {number}个色阶
        ja: ポスタライズ, ポスタリゼーション, シルクスクリーン, 階調 減, 色数 減, 階調数, ポスター風, 色数, ポスター調
        ja: {number}色, {number}階調
    """

    op: Literal["posterize"] = "posterize"
    levels: int = Field(4, ge=2, le=256, description="Tones in each channel; 2 to 8 shows clearly, 256 leaves it.")

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return floor(value * (self.levels - 1) + 0.5) / (self.levels - 1)
