"""The full range from black to white."""

from typing import ClassVar, Literal

from PIL import Image
from pydantic import Field

from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._histogram import counts, extremes, looked_up


class AutoContrast(Operation):
    """Stretches a dull or hazy picture so that its darkest parts become black and its brightest white."""

    words: ClassVar[str] = """
        en: auto contrast, automatic contrast, contrast auto*, auto tone, auto level*, auto enhance
        en: enhance !edge* !detail*, hazy, haze, dehaze, dull, foggy !make, flat look*, looks flat, full tonal range
        en: stretch contrast, normalize, adjust light*, fix light*, improve light*, better light*, correct light*
        en: light* {bad}, lighting, stretch histogram, contrast automatic*
        de: Auto-Kontrast, autokontrast, kontrast automatisch, automatisch* kontrast, auto tonwert*, dunst*, diesig
        de: nebelschleier, schleier, flau, licht anpass*, beleuchtung, licht verbesser*, licht korrigier*
        de: lichtverhaltnis*, belichtung anpass*, licht optimier*, tonwertspreizung, optimier* bild, grauschleier
        de: trub, trube, matsch*
        fr: contraste automatique, contraste auto, auto contraste, auto niveaux, voilee, voile, brumeu*, terne
        fr: eclairage, ajuste* lumiere, corrige* lumiere, ameliore* lumiere, regle* lumiere, optimis* lumiere
        fr: plage tonale, contraste automatique*, grisatre, voile de brume
        es: contraste automático, contraste auto, autocontraste, auto niveles, neblina, bruma, velada, apagad* !color*
        es: iluminacion, ajust* luz, mejor* luz, corrig* luz, arregl* luz, rango tonal, contraste automatica*, opaca
        es: gris y apagada, brumosa
        zh: 自动对比度, 自动对比, 自动色阶, 灰蒙蒙, 发灰, 去雾, 雾霾, 朦胧, 调整 光, 光线, 打光, 优化光, 改善光, 光照
        zh: 灰雾, 自动调整, 有点灰, 灰灰的, 偏灰, 雾蒙蒙, 发闷, 通透
        ja: 自動コントラスト, コントラスト 自動, オートコントラスト, 自動レベル, かすみ, 霞, もや, 眠い, ライティング
        ja: 光 調整, 照明, 光の加減, 自動補正, 光の感じ, くすんで見え, ぼんやり, クリアに
    """

    op: Literal["auto_contrast"] = "auto_contrast"
    cutoff: float = Field(
        0.5, ge=0, le=20, description="How much may turn all black, and all white: per cent of the pixels, for each."
    )
    keep_colors: bool = Field(
        True,
        description="true stretches all channels alike, so that hues stay; false each by itself, which also "
        "takes out a color cast.",
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        ranges = self._ranges(canvas.pixels)
        if all(low >= high or (low, high) == (0, 255) for low, high in ranges):
            return canvas
        tables = [_stretched(low, high) for low, high in ranges]
        return canvas.having(looked_up(canvas.pixels, tables))

    def _ranges(self, pixels: Image.Image) -> list[tuple[int, int]]:
        channels = counts(pixels)
        share = self.cutoff / 100
        if not self.keep_colors:
            return [extremes(channel, share) for channel in channels]
        together = [sum(each) for each in zip(*channels, strict=True)]
        return [extremes(together, share)] * 3


def _stretched(low: int, high: int) -> list[float]:
    if low >= high:  # one value alone: there is nothing to stretch
        return [value / 255 for value in range(256)]
    return [(value - low) / (high - low) for value in range(256)]
