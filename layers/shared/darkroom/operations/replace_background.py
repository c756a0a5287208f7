"""The subject on something else."""

from typing import ClassVar, Literal, Self

from PIL import Image, ImageOps
from pydantic import Field, model_validator

from darkroom.images.colour import parse_background
from darkroom.operations._alpha import is_transparent, with_alpha
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._css import CssBackground, from_srgb


class ReplaceBackground(Operation):
    """Puts the subject on a color, a gradient or another picture. A picture that is transparent already is filled."""

    needs_subject: ClassVar[bool] = True

    words: ClassVar[str] = """
        {"background": "white"}
        en: new background, {color} background, background {color}, background to {color}, on {only}, onto {only}
        en: {color} backdrop, backdrop {color}, background gradient, gradient background, gradient, backdrop gradient
        en: background solid, change background color, white behind, {color} behind, plain background
        en: studio background, replac* background {color}, swap background {color}, background color, plain backdrop
        de: neuer Hintergrund, {color} hintergrund, hintergrund {color}, auf {only}, vor {only}, verlauf hintergrund
        de: hintergrund verlauf, farbverlauf, verlauf, hintergrundfarbe, einfarbig* hintergrund, hintergrund einfarbig
        de: vor einen {color}
        fr: nouveau fond, fond {color}, {color} fond, sur {only}, fond degrade, degrade fond, degrade
        fr: arriere plan {color}, couleur du fond, fond uni, arriere plan uni, sur un fond, couleur de fond
        es: fondo nuevo, fondo {color}, {color} fondo, sobre {only}, fondo degradado, degradado, gradiente
        es: color de fondo, fondo liso, fondo de color, sobre fondo, fondo a {color}
        zh: 换背景, {color}底, {color}背景, 背景 {color}, 换底, 底色, 渐变, 纯色背景, 背景色, 白底图, {color}的背景
        zh: 背景 渐变, 换{color}, {color}的底, 底换成{color}, 背景 换成
        ja: 背景を替える, 背景 {color}, {color}背景, {color}い背景, {color}の背景, グラデーション, 背景色, 単色背景
        ja: {color}バック, 無地の背景, 背景を無地, 背景は{color}, 背景を{color}
    """

    op: Literal["replace_background"] = "replace_background"
    background: CssBackground | None = Field(
        None,
        description="CSS color or gradient: `white`, `#ff8800`, `linear-gradient(45deg, #ffffff, #0088ff 80%)`; "
        "either this or `image`.",
    )
    image: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="A picture that is cut to fill the background: an upload's id or a job's picture like `job_…/0`.",
    )

    @model_validator(mode="after")
    def _one_background(self) -> Self:
        if (self.background is None) == (self.image is None):
            raise ValueError("replace_background takes either `background` or `image`")
        return self

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:
        pixels = canvas.pixels
        behind = from_srgb(self._painted(pixels.size, tools), canvas.icc)
        if not is_transparent(pixels):
            pixels = with_alpha(pixels, tools.subject(pixels))
        if behind.mode == "RGBA":
            return canvas.having(Image.alpha_composite(behind, pixels))
        behind.paste(pixels.convert("RGB"), mask=pixels.getchannel("A"))
        return canvas.having(behind)

    def _painted(self, size: tuple[int, int], tools: Tools) -> Image.Image:
        """RGB or RGBA, a picture of its own."""
        if self.image is None:
            return parse_background(self.background or "")(size)
        picture = ImageOps.fit(tools.picture(self.image), size, Image.Resampling.BICUBIC)
        return picture if is_transparent(picture) else picture.convert("RGB")
