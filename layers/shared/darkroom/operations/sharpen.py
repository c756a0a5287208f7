"""Unsharp mask."""

from typing import ClassVar, Literal

from PIL import ImageFilter
from pydantic import Field

from darkroom.operations._alpha import bled
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._place import of_longer_side


class Sharpen(Operation):
    """Sharpens edges and fine detail (unsharp mask)."""

    cost: ClassVar = 90

    words: ClassVar[str] = """
        en: sharper, sharp* !less, crisp*, more detail*, {too} soft, blurry, out of focus fix, clearer, clarity
        en: unsharp mask, detail* enhance*, enhanc* detail*, in focus, bring out detail*, bring out texture
        en: {too} blurry, fine detail*, edges crisp*, more definition, detail* pop, definition, emphasi* detail*
        en: detail* emphasi*, enhance texture*
        de: schärfer, scharf*, nachscharf*, geschart*, mehr details, {too} weich, klarer, knackscharf, details {up}
        de: detail* herausarbeit*, {too} unscharf, bildscharfe, mehr scharfe, etwas unscharf, ist unscharf
        de: details betonen, details schaerfen, detail* deutlich*
        fr: plus net, nettet*, net !contour*, nette, nets !contour*, plus de details, accentu* details, affute*, pique
        fr: {too} flou*, {too} mou, renforc* details, sharpen, est floue, un peu floue, trop molle, details
        es: más nítido, nitid*, enfoc*, mas detalle*, afil*, definicion, {too} borros*, detalle* {up}, poco nitid*
        es: mas definid*, realz* detalle*, enfoque, sale borros*, esta borros*, resalt* detalle*, detalle* resalt*
        es: destac* detalle*, marc* detalle*
        zh: 锐化, 清晰, 锐利, 更清楚, 细节, 不清晰, 清楚, 有点糊, 太糊, 锐度, 锐, 糊了, 虚了, 不够清
        ja: シャープに, シャープ, くっきり, 鮮明, 解像感, ピント, 鮮鋭, はっきり !色, アンシャープ, ディテール, 細部
        ja: 細部 強調, ボケてる, ぼやけてる, 輪郭をくっきり
    """

    op: Literal["sharpen"] = "sharpen"
    amount: float = Field(80, ge=0, le=500, description="Strength in per cent; 0 changes nothing, 80 is usual.")
    radius: float = Field(
        0.1, ge=0.01, le=5, description="In per cent of the longer side; 0.1 for detail, 2 and more for local contrast."
    )
    threshold: int = Field(
        2, ge=0, le=255, description="Differences below this many of 255 steps are left alone, so that noise is."
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        if not self.amount:
            return canvas
        pixels = canvas.pixels
        radius = of_longer_side(self.radius, pixels.size)
        # What is hidden under transparency must not count as a neighbour.
        sharp = bled(pixels, radius).filter(ImageFilter.UnsharpMask(radius, round(self.amount), self.threshold))
        if pixels.mode == "RGBA":
            alpha = pixels.getchannel("A")
            sharp.paste(pixels.convert("RGB"), mask=alpha.point([255] + [0] * 255))
            sharp.putalpha(alpha)
        return canvas.having(sharp)
