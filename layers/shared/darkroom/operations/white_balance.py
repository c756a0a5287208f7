"""White that is white."""

from typing import ClassVar, Final, Literal, Self

from PIL import Image
from pydantic import Field, model_validator

from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._histogram import counts, looked_up, mean_light
from darkroom.operations._tone import from_linear, luma, to_linear

# More than that is no color cast, but the color of things.
_MOST_GAIN: Final = 4.0
# The square around a picked point, in per cent of the longer side.
_PICKED: Final = 1.0

Light = tuple[float, float, float]


class WhiteBalance(Operation):
    """Takes out a color cast, by itself or so that a point that you know to be grey or white becomes neutral."""

    words: ClassVar[str] = """
        en: white balance, white balanc*, color cast, cast !add, {too} yellow, {too} blue, {too} green, {too} orange
        en: {too} red, yellowish, greenish, bluish, orangey, neutral* color*, color* neutral*, color* off, fix color*
        en: correct color*, color correct*, whites white, yellow tinge, tinge, neutralize, blue tinge, natural color*
        en: looks yellow, looks blue, looks green, looks orange, color* wrong, whites look, yellow tint, blue tint
        en: green tint, color* natural, unnatural color*
        de: Weißabgleich, weissabgleich, farbstich, gelbstich*, blaustich*, grunstich*, rotstich*, {too} gelb
        de: {too} blau, {too} grun, {too} rot, {too} orange, gelblich*, blaulich*, grunlich*, rotlich*
        de: farben neutral*, neutral* farben, stich, farben korrigier*, farbkorrektur, farben stimmen nicht
        de: naturlich* farben, farben naturlich*
        fr: balance des blancs, balance blanc*, dominante*, {too} jaune, {too} bleu*, {too} vert*, {too} orange
        fr: {too} rouge, jaunatre, bleute*, bleuatre, verdatre, couleurs neutre*, neutralis*, tire* sur
        fr: corrige* couleur*, couleurs naturelles, couleurs justes, tire vers
        es: balance de blancos, balance blanco*, dominante*, {too} amarill*, {too} azul*, {too} verd*, {too} naranj*
        es: {too} roj*, amarillent*, azulad*, verdos*, colores neutr*, neutraliz*, corrig* color*, tira a
        es: colores naturales, correccion de color, equilibr* blanco*, se ve amarill*, se ve azul, tono amarill*
        es: tono azul*, color real, colores reales, se ve verd*, se ve naranj*
        zh: 白平衡, 偏黄, 偏蓝, 偏绿, 偏红, 偏色, 色偏, 太黄, 太蓝, 太绿, 太红, 发黄, 发蓝, 发绿, 校正颜色, 颜色不对
        zh: 校色, 颜色 自然, 颜色 正常, 黄黄的, 色彩还原, 偏色校正, 颜色 正, 肤色 黄, 颜色怪
        ja: ホワイトバランス, 色かぶり, 黄ばみ, 黄色っぽ, 青っぽ, 緑っぽ, 赤っぽ, 黄色い !に, 色被り, 青すぎ, 黄色すぎ
        ja: 緑がか, 青みがか, 黄みがか, 自然な色, 色味 補正, 色がおかしい, 色味がおかしい, 青み, 赤み, 黄色く !して
        ja: 色味を自然, 肌 黄色, 肌 青, 色が変, 緑がかって
    """

    op: Literal["white_balance"] = "white_balance"
    method: Literal["grey_world", "point"] = Field(
        "grey_world",
        description="`grey_world` makes the picture grey on the average; `point` makes what is at x, y neutral.",
    )
    x: float | None = Field(None, ge=0, le=100, description="For `point`: per cent of the width from the left.")
    y: float | None = Field(None, ge=0, le=100, description="For `point`: per cent of the height from the top.")
    strength: float = Field(100, ge=0, le=100, description="How much of the cast goes, in per cent; 0 leaves it.")

    @model_validator(mode="after")
    def _where(self) -> Self:
        if self.method == "point" and (self.x is None or self.y is None):
            raise ValueError("the method `point` needs x and y")
        if self.method == "grey_world" and not (self.x is None and self.y is None):
            raise ValueError("x and y are for the method `point`")
        return self

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        seen = self._seen(canvas.pixels)
        red, green, blue = (mean_light(channel) for channel in counts(seen))
        if min(red, green, blue) <= 0:
            if max(red, green, blue) <= 0:
                why = "is black or transparent"
            else:
                why = "lacks one of red, green and blue altogether"
            return canvas.warned(f"The white balance was left as it is: what it is measured at {why}.")
        gains = self._gains((red, green, blue))
        if all(abs(gain - 1) < 1e-6 for gain in gains):
            return canvas
        tables = [[from_linear(to_linear(value / 255) * gain) for value in range(256)] for gain in gains]
        return canvas.having(looked_up(canvas.pixels, tables))

    def _gains(self, light: Light) -> list[float]:
        """How much more light each channel gets, such that the luminance of what was measured stays."""
        target = luma(*light)
        return [
            min(max(target / each, 1 / _MOST_GAIN), _MOST_GAIN) ** (self.strength / 100) for each in light
        ]  # fmt: skip

    def _seen(self, pixels: Image.Image) -> Image.Image:
        if self.x is None or self.y is None:
            return pixels
        width, height = pixels.size
        x, y = min(int(width * self.x / 100), width - 1), min(int(height * self.y / 100), height - 1)
        around = int(max(width, height) * _PICKED / 200)
        return pixels.crop(
            (max(x - around, 0), max(y - around, 0), min(x + around + 1, width), min(y + around + 1, height))
        )
