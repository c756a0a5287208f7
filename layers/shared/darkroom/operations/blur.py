"""Gaussian blur."""

from typing import ClassVar, Literal

from PIL import ImageFilter
from pydantic import Field

from darkroom.operations._alpha import premultiplied
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._place import of_longer_side


class Blur(Operation):
    """Blurs the whole picture softly (Gaussian). To blur only what is behind the subject, use `background_blur`."""

    cost: ClassVar = 80

    words: ClassVar[str] = """
        en: blur, blur*, gaussian, soft focus, softer !edge* !light* !shadow*, soften image, soften photo
        en: soften picture, soften everything, out of focus, unsharp !mask, less sharp, dreamy, fuzzy
        de: weichgezeichnet, weichzeichn*, unscharf*, verwisch*, verschwomm*, weicher !kante* !rand*, gauss*
        de: soft fokus, weniger scharf, blur
        fr: flou, flout*, adouci* image, adouci* photo, gaussien*, moins net*, estompe*, vaporeu*
        es: desenfocado, desenfoc*, difumin*, borros*, emborron*, gaussian*, menos nitid*, suaviz* imagen
        es: suaviz* foto
        zh: 模糊, 柔焦, 高斯, 糊一点, 柔化, 朦胧感, 朦胧, 虚一点, 柔一点
        ja: ぼかし, ぼか, ボカ, ぼやけ, ソフトフォーカス, ガウス, ソフトに, ふんわり, 柔らかくぼか, 柔らかい感じ
        ja: やわらかい雰囲気
    """

    op: Literal["blur"] = "blur"
    radius: float = Field(
        0.5,
        ge=0,
        le=20,
        description="In per cent of the longer side; 0 changes nothing, 0.5 is soft, 3 unrecognisable.",
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        radius = of_longer_side(self.radius, canvas.pixels.size)
        if not radius:
            return canvas
        gaussian = ImageFilter.GaussianBlur(radius)
        return canvas.having(premultiplied(canvas.pixels, lambda image: image.filter(gaussian)))
