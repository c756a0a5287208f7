"""A soft shadow under what is opaque."""

import math
from typing import ClassVar, Final, Literal

from PIL import Image, ImageFilter
from pydantic import Field

from darkroom.images.shadow import Shadow, reach, shaded
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._css import EXAMPLES, CssColor, rgba
from darkroom.operations._geometry import check_room
from darkroom.operations._place import Opacity, of_longer_side

# Beyond this many radii nothing is left of a blurred edge.
_REACH: Final = 2.5
# From this alpha on a pixel belongs to the subject.
_SUBJECT_FROM: Final = 32
# Per cent of `blur` with which a shadow on the ground is as soft as it can be.
_SOFTEST: Final = 10


class DropShadow(Operation):
    """Puts a soft shadow under what is opaque: the subject after `remove_background`, or the whole picture's frame.

    `drop` lies behind it, as on a wall; `contact` and `cast` lie on the ground that it stands on. The picture grows by
    the room that the shadow needs, which is transparent.
    """

    cost: ClassVar = 60

    words: ClassVar[str] = """
        en: drop shadow, shadow {add} !lift !raise !open !bright*, soft shadow, shadow under, shadow behind
        en: shadow beneath, shadow below
        de: Schlagschatten, schatten {add}, weich* schatten, schatten drunter, schatten unter, schatten werf*
        de: schatten hinter, schatten dahinter
        fr: ombre portée, ombre {add}, ombre douce, ombre sous, ombre dessous, ombrage, ombre derriere
        es: sombra paralela, sombra {add}, sombra suave, sombra debajo, sombra proyectada, sombra bajo, sombra detras
        es: sombread*, sombrita
        zh: 投影, 阴影, 影子, 加影
        ja: 影, ドロップシャドウ, 影を付ける, シャドウを付け, シャドウを入れ, シャドウを追加
        {"kind": "contact"}
        en: contact shadow, contact shadow, ground* shadow, shadow on ground, shadow on floor, natural shadow
        de: Bodenschatten, kontaktschatten, schatten boden, naturlich* schatten
        fr: ombre de contact, ombre au sol, ombre naturelle
        es: sombra de contacto, sombra suelo, sombra natural
        zh: 接触阴影, 地面阴影, 自然阴影
        ja: 接地影, 地面の影, 自然な影
        {"kind": "cast"}
        en: cast shadow, cast* shadow, long shadow
        de: geworfener Schatten, lang* schatten
        fr: ombre allongée, ombre longue
        es: sombra alargada, sombra larga
        zh: 长投影, 长阴影
        ja: 長い影, 伸びた影
    """

    op: Literal["drop_shadow"] = "drop_shadow"
    kind: Literal["drop", "contact", "cast"] = Field(
        "drop", description="`contact` is soft and under the subject, `cast` its outline laid down on the ground."
    )
    direction: float = Field(
        60, ge=0, le=360, description="Of `cast`, in degrees: 0 away from the viewer, 90 to the right, 180 toward them."
    )
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
        if self.kind != "drop":
            return self._on_ground(canvas, pixels)
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

    def _on_ground(self, canvas: Canvas, pixels: Image.Image) -> Canvas:
        box = pixels.getchannel("A").point([0] * _SUBJECT_FROM + [255] * (256 - _SUBJECT_FROM)).getbbox()
        if box is None or self.kind == "drop":
            return canvas
        red, green, blue, alpha = rgba(self.color, canvas.icc)
        shadow = Shadow(self.kind, self.direction, self.opacity / 100 * alpha / 255, self.blur / _SOFTEST)
        left, above, right, below = reach(shadow, box) if self.grow else (0, 0, 0, 0)
        # Only as far as the picture has no room of its own.
        left, above = max(left - box[0], 0), max(above - box[1], 0)
        right, below = max(right - pixels.width + box[2], 0), max(below - pixels.height + box[3], 0)
        size = (pixels.width + left + right, pixels.height + above + below)
        check_room(size, "grow")
        grown = Image.new("RGBA", size)
        grown.paste(pixels, (left, above))
        box = (box[0] + left, box[1] + above, box[2] + left, box[3] + above)
        return canvas.having(shaded(grown, box, shadow, (red, green, blue)))
