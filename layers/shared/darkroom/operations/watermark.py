"""A translucent text or logo on the picture."""

from typing import ClassVar, Final, Literal, Self

from PIL import Image
from pydantic import Field, model_validator

from darkroom.models.subject import Position
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._css import EXAMPLES, CssColor, Size, from_srgb, rgba
from darkroom.operations._lettering import Style, Writing, lettered
from darkroom.operations._place import Margin, Opacity, faded, of_longer_side, placed, stamp

_DRAFT: Final = 100
# Letters in the color of what is below them are told from it by their shadow.
_SHADOW: Final = 60


class Watermark(Operation):
    """Marks the picture with a translucent text or logo, once or all over it."""

    words: ClassVar[str] = """
        en: watermark, watermark*, copyright, logo, copyright mark, stamp, {quoted} all over, faint* {quoted}
        de: Wasserzeichen, wasserzeich*, copyright*, logo, urheber*, stempel
        fr: filigrane, filigran*, copyright, logo, tatouage, watermark
        es: marca de agua, marca* agua, copyright, logo, logotipo, sello
        zh: 水印, 版权, 标识, logo, 商标
        ja: 透かし, ウォーターマーク, コピーライト, ロゴ, 著作権
    """

    op: Literal["watermark"] = "watermark"
    text: Writing | None = Field(None, description="What the mark says; either this or `image`.")
    image: str | None = Field(
        None, min_length=1, max_length=200, description="A logo: an upload's id or a job's picture like `job_…/0`."
    )
    size: float = Field(
        20, ge=1, le=100, description="Of the mark's longer side, in per cent of the picture's longer side."
    )
    position: Position = Field("bottom-right", description="Where it stands if it is not tiled.")
    margin: Margin = 3
    opacity: Opacity = 50
    angle: float = Field(0, ge=-90, le=90, description="Degrees, clockwise: -30 rises to the right.")
    tile: bool = Field(False, description="True repeats it all over the picture.")
    gap: float = Field(60, ge=10, le=500, description="Between tiles, in per cent of the mark's longer side.")
    color: CssColor = Field("white", description=f"Of the text: {EXAMPLES}.")

    @model_validator(mode="after")
    def _one_mark(self) -> Self:
        if (self.text is None) == (self.image is None):
            raise ValueError("a watermark takes either `text` or `image`")
        return self

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:
        if not self.opacity:
            return canvas
        pixels = canvas.pixels.copy()
        margin = of_longer_side(self.margin, pixels.size)
        mark = faded(self._mark(canvas, tools, margin), self.opacity)
        if self.tile:
            _tile(pixels, mark, max(round(max(mark.size) * self.gap / 100), 1))
        else:
            stamp(pixels, mark, placed(mark.size, pixels.size, self.position, margin))
        return canvas.having(pixels)

    def _mark(self, canvas: Canvas, tools: Tools, margin: float) -> Image.Image:
        size = canvas.pixels.size
        drawn = self._picture(canvas, tools)
        scale = of_longer_side(self.size, size) / max(drawn.size)
        turned = drawn.rotate(-self.angle, expand=True).size
        room = [max(side - 2 * margin, 1) for side in size]
        if not self.tile:
            scale = min(scale, room[0] / turned[0], room[1] / turned[1])
        mark = drawn.resize(_scaled(drawn.size, scale), Image.Resampling.LANCZOS)
        return mark.rotate(-self.angle, Image.Resampling.BICUBIC, expand=True) if self.angle else mark

    def _picture(self, canvas: Canvas, tools: Tools) -> Image.Image:
        if self.image is not None:
            return from_srgb(tools.picture(self.image), canvas.icc).convert("RGBA")
        lines = (self.text or "").split("\n")
        color = rgba(self.color, canvas.icc)
        draft = Style(size=_DRAFT, color=color, bold=True, shadow=_SHADOW, align="center")
        longest = max(lettered(lines, draft).size)
        fitting = min(_DRAFT * of_longer_side(self.size, canvas.pixels.size) / longest, 4 * _DRAFT)
        return lettered(lines, Style(size=max(fitting, 1), color=color, bold=True, shadow=_SHADOW, align="center"))


def _scaled(size: Size, scale: float) -> Size:
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def _tile(pixels: Image.Image, mark: Image.Image, gap: int) -> None:
    """One in the middle, the others around it; every other row half a step to the side, as bricks are laid."""
    across, down = mark.width + gap, mark.height + gap
    middle = (pixels.height - mark.height) // 2
    for top in _starts(pixels.height, mark.height, down):
        shift = across // 2 if (top - middle) // down % 2 else 0
        for left in _starts(pixels.width, mark.width, across):
            stamp(pixels, mark, (left - shift, top))


def _starts(length: int, mark: int, step: int) -> range:
    """Where marks begin along a side, such that one is in the middle."""
    middle = (length - mark) // 2
    return range(middle - (middle // step + 2) * step, length + step, step)
