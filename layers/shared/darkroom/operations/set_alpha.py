"""Erasing and restoring by a mask, as a brush leaves one."""

from typing import Annotated, ClassVar, Final, Literal

from PIL import Image, ImageChops
from pydantic import Field

from darkroom.errors import CallerError, InvalidParameter
from darkroom.operations._alpha import with_alpha
from darkroom.operations._base import Canvas, Operation, Tools

# A mask of a few strokes is some kB; a larger one is uploaded, for steps are kept with the conversation.
MAX_CHARACTERS: Final = 24_000


class SetAlpha(Operation):
    """Shows and hides parts of the picture by a mask: white is meant, black is not, and gray is in between."""

    cuts: ClassVar[bool] = True
    needs_uncut: ClassVar[bool] = True

    words: ClassVar[str] = """
        en: mask applied, apply* mask, alpha mask, use* mask, erase* by mask, layer mask
        de: Maske angewandt, maske anwend*, maske benutz*, alphamaske, ebenenmaske
        fr: masque appliqué, appliqu* masque, utilis* masque, masque alpha, masque de fusion
        es: máscara aplicada, aplic* mascara, us* mascara, mascara alfa, mascara de capa
        zh: 应用蒙版, 蒙版, 遮罩
        ja: マスク適用, マスクを適用, マスクを使, アルファマスク, レイヤーマスク
    """

    op: Literal["set_alpha"] = "set_alpha"
    mask: Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)] = Field(
        description="An upload's id, a job's picture like `job_…/0`, or a data URL. It is stretched to the picture; "
        "where it is transparent it counts as black."
    )
    mode: Literal["keep", "erase", "restore"] = Field(
        "keep",
        description="What is white stays and the rest goes (`keep`), what is white goes (`erase`), or what is white "
        "comes back as it was before it was cut away (`restore`).",
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:
        mask = self._mask(tools).resize(canvas.pixels.size, Image.Resampling.BILINEAR)
        pixels = canvas.pixels
        before = pixels.getchannel("A") if pixels.mode == "RGBA" else Image.new("L", pixels.size, 255)
        if self.mode == "keep":
            return canvas.having(with_alpha(pixels, ImageChops.multiply(before, mask)))
        if self.mode == "erase":
            return canvas.having(with_alpha(pixels, ImageChops.multiply(before, ImageChops.invert(mask))))
        return canvas.having(_restored(canvas, before, mask))

    def _mask(self, tools: Tools) -> Image.Image:
        """Mode L: how much each pixel is meant."""
        try:
            given = tools.picture(self.mask)
        except CallerError as error:
            error.param = "mask"
            raise
        light = given.convert("RGB").convert("L")
        return ImageChops.multiply(light, given.getchannel("A")) if given.mode == "RGBA" else light


def _restored(canvas: Canvas, before: Image.Image, mask: Image.Image) -> Image.Image:
    """With what is meant as it would be had nothing been cut away."""
    uncut = canvas.uncut or canvas.pixels
    if uncut.size != canvas.pixels.size:
        raise InvalidParameter(
            "What was cut away cannot be put back after the picture was cropped to what was left of it.",
            fix="Restore first, and crop then.",
            param="mode",
        )
    there = uncut.getchannel("A") if uncut.mode == "RGBA" else Image.new("L", uncut.size, 255)
    alpha = ImageChops.lighter(before, ImageChops.multiply(there, mask))
    colors = canvas.pixels.convert("RGB")
    # Where something is left, its colors are as they were; elsewhere they were taken away with it.
    colors.paste(uncut.convert("RGB"), mask=mask.point([0] + [255] * 255))
    return with_alpha(colors, alpha)
