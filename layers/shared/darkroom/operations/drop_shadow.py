"""A soft shadow under what is opaque."""

import math
from typing import ClassVar, Final, Literal

from PIL import Image, ImageFilter
from pydantic import Field

from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._css import EXAMPLES, CssColor, rgba
from darkroom.operations._geometry import check_room
from darkroom.operations._place import Opacity, of_longer_side

# Beyond this many radii nothing is left of a blurred edge.
_REACH: Final = 2.5


class DropShadow(Operation):
    """Puts a soft shadow under what is opaque: the subject after `remove_background`, or the whole picture's frame.

    The picture grows by the room the shadow needs, which is transparent.
    """

    cost: ClassVar = 60

    words: ClassVar[str] = """
        en: drop shadow, shadow {add} !lift !raise !open !bright*, soft shadow, shadow under, shadow behind
        en: shadow beneath, cast shadow, shadow below
        de: Schlagschatten, schatten {add}, weich* schatten, schatten drunter, schatten unter, schatten werf*
        de: schatten hinter, schatten dahinter
        fr: ombre portée, ombre {add}, ombre douce, ombre sous, ombre dessous, ombrage, ombre derriere
        es: sombra paralela, sombra {add}, sombra suave, sombra debajo, sombra proyectada, sombra bajo, sombra detras
        es: sombread*, sombrita
        zh: 投影, 阴影, 影子, 加影
        ja: 影, ドロップシャドウ, 影を付ける, シャドウを付け, シャドウを入れ, シャドウを追加
    """

    op: Literal["drop_shadow"] = "drop_shadow"
    offset_x: float = Field(
        1, ge=-20, le=20, description="How far it falls to the right, in per cent of the longer side; negative: left."
    )
    offset_y: float = Field(
        1.5, ge=-20, le=20, description="How far it falls downwards, in per cent of the longer side; negative: upwards."
    )
    blur: float = Field(1.5, ge=0, le=10, description="How soft its edge is, in per cent of the longer side.")
    opacity: Opacity = 50
    color: CssColor = Field("black", description=f"{EXAMPLES}.")
    grow: bool = Field(True, description="False keeps the picture's size and cuts the shadow off at its edges.")

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        if not self.opacity:
            return canvas
        pixels = canvas.pixels.convert("RGBA")
        offset_x, offset_y, blur = (
            of_longer_side(length, pixels.size) for length in (self.offset_x, self.offset_y, self.blur)
        )
        x, y = round(offset_x), round(offset_y)
        reach = math.ceil(blur * _REACH)
        left, top, right, bottom = (
            max(room, 0) if self.grow else 0 for room in (reach - x, reach - y, reach + x, reach + y)
        )
        size = (pixels.width + left + right, pixels.height + top + bottom)
        check_room(size, "grow")
        shade = Image.new("L", size)
        shade.paste(pixels.getchannel("A"), (left + x, top + y))
        red, green, blue, alpha = rgba(self.color, canvas.icc)
        opacity = self.opacity / 100 * alpha / 255
        shadow = Image.new("RGBA", size, (red, green, blue))
        shadow.putalpha(shade.filter(ImageFilter.GaussianBlur(blur)).point([round(v * opacity) for v in range(256)]))
        shadow.alpha_composite(pixels, (left, top))
        return canvas.having(shadow)
