"""Warmer or cooler light."""

from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._base import PointOperation
from darkroom.operations._tone import Signed, from_linear, luma, to_linear


class ColorTemperature(PointOperation):
    """Makes the light warmer (orange) or cooler (blue), or shifts it between green and magenta; brightness stays."""

    words: ClassVar[str] = """
        {"temperature": 20}
        en: warmer, warm*, warmth, color temperature, temperature, golden hour, golden light, {too} cold, {too} cool
        en: sunnier, cozy, cosier, candle light, warm* tone*
        de: wärmer, warmer*, warme*, warm, farbtemperatur, {too} kalt, {too} kuhl, goldene stunde, erwarm*
        fr: plus chaud, chaud*, rechauff*, temperature, {too} froid*, chaleureu*, heure doree, tons chauds
        es: más cálido, calida, calidas, calido*, calient*, temperatura, {too} fri*, calidez, hora dorada
        es: tonos calidos
        zh: 更暖, 暖, 色温, 暖色, 偏冷, 暖一点, 太冷, 暖调
        ja: 暖かく, 暖か, 暖色, 色温度, 温かみ, 温か, あたたか, 寒すぎ, ウォーム
        {"temperature": -20}
        en: cooler, cool_down, cool_it, cooling, colder, cold*, temperature {down}, {too} warm, less warm, icy
        en: {too} hot, bluish tone, cool* tone*, cool tone*, cool color*, cool light
        de: kühler, kuhl*, kalter*, kalt*, farbtemperatur {down}, {too} warm, weniger warm, eisig*
        fr: plus froid, froid*, refroidi*, temperature {down}, {too} chaud*, moins chaud*, glacial*, tons froids
        es: más frío, fri*, enfri*, temperatura {down}, {too} calida, {too} calido*, menos calida, menos calido*
        es: tonos frios
        zh: 更冷, 冷, 冷色, 色温 {down}, 偏暖, 太暖, 冷调, 冷一点
        ja: 寒色, 冷た, クール, 色温度 {down}, 暖かすぎ, 涼し, 寒々, 冷やか
        {"tint": 20}
        en: more magenta, add magenta, magenta, tint pink, pinker, rosier, green cast add
        de: mehr Magenta, magenta, rosiger
        fr: plus de magenta, magenta, plus rose
        es: más magenta, magenta, mas rosado
        zh: 偏洋红, 洋红, 品红, 加点洋红
        ja: マゼンタ寄り, マゼンタ
        {"tint": -20}
        en: greener, less magenta, more green tint, {too} magenta, {too} pink, toward* green
        de: grüner, weniger magenta, {too} rosa
        fr: plus vert, moins de magenta, {too} rose
        es: más verde, menos magenta, {too} rosad*
        zh: 偏绿一点, 少点洋红, 太粉
        ja: 緑寄り, マゼンタ {down}
    """

    op: Literal["color_temperature"] = "color_temperature"
    temperature: Signed = Field(
        0,
        description="Warm above 0, cool below: 20 a golden evening, 100 candlelight, -100 deep blue shade; 0 leaves.",
    )
    tint: Signed = Field(0, description="Magenta above 0, green below; 0 leaves.")

    def curve(self, channel: int, value: float) -> float:
        return from_linear(to_linear(value) * self._gain(channel))

    def _gain(self, channel: int) -> float:
        """How much more light, such that white keeps its luminance."""
        warm, magenta = self.temperature / 100, self.tint / 100
        gains = (2 ** (0.6 * warm + 0.2 * magenta), 2 ** (-0.4 * magenta), 2 ** (-1.2 * warm + 0.2 * magenta))
        return float(gains[channel] / luma(*gains))
