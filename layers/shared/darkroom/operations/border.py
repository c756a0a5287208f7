"""A border around the picture."""

from typing import ClassVar, Literal

from PIL import Image
from pydantic import Field

from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._css import EXAMPLES, CssColor, rgba
from darkroom.operations._geometry import check_room
from darkroom.operations._place import of_longer_side


class Border(Operation):
    """Adds a border of one color around the picture, which grows by it."""

    words: ClassVar[str] = """
        en: border, border*, frame, framed, edge around, outline around, passepartout, mat around, matte around
        de: Rahmen, rahm*, einrahm*, rand !entfern* !weg, rander !entfern* !weg, umrand*, umrahm*, bordure
        de: passepartout
        fr: bordure, bordur*, cadre, encadr*, contour autour, lisere autour !detour*, marge, passe partout
        es: borde, borde !recorte !suaviz*, marco, enmarc*, orla, recuadr*
        zh: 边框, 相框, 画框, {color}框, 外框, 加框, 描边, 框, 白边, 黑边, {color}边, 加个框, 白框, 黑框, 描个边
        ja: 枠, フレーム, 縁取り, ふち, 額縁, 縁, ボーダー, フチ, フレームを, 縁を付け, 縁をつけ
        {"bottom": 15, "width": 4}
        en: polaroid, polaroid frame, instant photo
        de: Polaroid, polaroid*
        fr: polaroid
        es: polaroid
        zh: 拍立得
        ja: ポラロイド, チェキ
    """

    op: Literal["border"] = "border"
    width: float = Field(3, ge=0, le=50, description="In per cent of the longer side; 0 for none.")
    bottom: float | None = Field(
        None,
        ge=0,
        le=50,
        description="Width at the bottom, in per cent of the longer side, where it differs; 15 is an instant photo's.",
    )
    color: CssColor = Field("white", description=f"{EXAMPLES}.")

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        pixels = canvas.pixels
        width = self._pixels(self.width, canvas)
        bottom = width if self.bottom is None else self._pixels(self.bottom, canvas)
        if not width and not bottom:
            return canvas
        size = (pixels.width + 2 * width, pixels.height + width + bottom)
        check_room(size, "width")
        color = rgba(self.color, canvas.icc)
        if pixels.mode == "RGB" and color[3] == 255:
            framed = Image.new("RGB", size, color[:3])
        else:
            framed = Image.new("RGBA", size, color)
        framed.paste(pixels.convert(framed.mode), (width, width))
        return canvas.having(framed)

    @staticmethod
    def _pixels(per_cent: float, canvas: Canvas) -> int:
        return max(round(of_longer_side(per_cent, canvas.pixels.size)), 1) if per_cent else 0
