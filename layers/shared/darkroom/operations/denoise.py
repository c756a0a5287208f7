"""Less noise."""

import math
from typing import ClassVar, Final, Literal

from PIL import Image, ImageChops, ImageFilter
from pydantic import Field

from darkroom.operations._alpha import bled
from darkroom.operations._base import Canvas, Operation, Tools

# Pixels, not per cents: noise is as large as a sensor's pixels, whatever the picture's size.
_NEIGHBOURS, _DETAIL, _SOFT = 2.0, 0.8, 0.7
# The difference, in steps of 255, that the strongest setting still takes for noise.
_STRONGEST: Final = 50


class Denoise(Operation):
    """Takes out noise and grain where the picture is even, and keeps edges and texture."""

    cost: ClassVar = 170

    words: ClassVar[str] = """
        en: less noise, denoise*, de noise, noise {remove}, noise {down}, noise reduction, noise, noisy
        en: {remove} grain, grain {down}, {too} grainy, {too} noisy, smooth noise, clean noise, iso noise, speckle*
        en: {too} grain, grain high iso
        de: weniger Rauschen, entrausch*, rausch*, bildrausch*, rauschreduz*, rauschunterdruck*, kornig {too}
        de: {too} kornig, korn {remove}, korn {down}, verrauscht, rauschfrei
        fr: moins de bruit, debruit*, bruit, bruite*, reduction du bruit, grain {remove}, grain {down}, {too} de grain
        fr: {too} granuleu*, {too} grain
        es: menos ruido, ruido, quit* grano, reduc* ruido, grano {remove}, grano {down}, {too} grano, granulad* {too}
        es: {too} granul*, ruidos*, grano quit*, pixelad*, ruidosa, mucho ruido
        zh: 降噪, 噪, 去噪, 杂点, 颗粒 {remove}, 颗粒太, 噪点, 噪音, 颗粒 {down}, 噪声, 去颗粒, 颗粒感太重, 磨掉噪
        zh: 画面 脏
        ja: ノイズ除去, ノイズ, ざらつき, ザラザラ, ざらざら, 粒子 {remove}, 粒状感 {remove}, ザラつき
        ja: ノイズリダクション, 粒々
    """

    op: Literal["denoise"] = "denoise"
    amount: float = Field(
        30,
        ge=0,
        le=100,
        description="Strength in per cent; 0 changes nothing, 20 suits dim photographs, 70 heavy noise.",
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        if not self.amount:
            return canvas
        colors = bled(canvas.pixels, _NEIGHBOURS)
        smooth = colors.filter(ImageFilter.GaussianBlur(_NEIGHBOURS))
        detail = ImageChops.difference(colors.filter(ImageFilter.GaussianBlur(_DETAIL)), smooth)
        red, green, blue = detail.split()
        # Where any channel differs much from its neighbourhood there is an edge.
        even = ImageChops.lighter(ImageChops.lighter(red, green), blue).point(self._table())
        done = Image.composite(smooth, colors, even.filter(ImageFilter.GaussianBlur(_SOFT)))
        if canvas.pixels.mode == "RGBA":
            done.putalpha(canvas.pixels.getchannel("A"))
        return canvas.having(done)

    def _table(self) -> list[int]:
        """How much of the smooth picture to take, by the difference to it."""
        noise = max(self.amount / 100 * _STRONGEST, 0.5)
        return [round(255 * math.exp(-((step / noise) ** 2))) for step in range(256)]
