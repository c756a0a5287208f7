"""The mirror image."""

from typing import ClassVar, Literal

from PIL import Image
from pydantic import Field

from darkroom.operations._base import Canvas, Tools
from darkroom.operations._geometry import Geometric

_TRANSPOSE = {"horizontal": Image.Transpose.FLIP_LEFT_RIGHT, "vertical": Image.Transpose.FLIP_TOP_BOTTOM}


class Flip(Geometric):
    """Mirrors the picture."""

    words: ClassVar[str] = """
        en: mirror, mirror*, flip, flip*, reflect*, left and right swapped, swap left right, reverse image
        de: spiegeln, spiegel*, seitenverkehrt, gespiegelt, umklapp*
        fr: miroir, retourne* horizontal*, symetrie, inverse* gauche droite, retourne* vertical*
        fr: renverse* horizontal*, en miroir
        es: espejo, espej*, volte*, reflej*, invert* horizontal*, invert* vertical*, simetri*, al otro lado
        zh: 镜像, 翻转, 水平翻, 左右翻, 左右对调, 左右颠倒, 对称翻, 翻过来, 反过来, 左右反
        ja: 左右反転, 反転 !色 !ネガ, ミラー, 鏡, 裏返, 左右を逆, 左右逆, 鏡像, 左右を反転
        {"direction": "vertical"}
        en: flip vertically, flip* vertical*, mirror* vertical*, flip* top bottom, flip* upside down, vertical mirror
        en: vertical flip, flip* along horizontal axis
        de: vertikal spiegeln, spiegel* vertikal, vertikal spiegel*, spiegel* senkrecht, senkrecht spiegel*
        de: spiegel* oben unten
        fr: miroir vertical, retourne* vertical*, miroir vertical*, symetrie vertical*, verticale* miroir
        fr: inverse* haut bas
        es: volteo vertical, volte* vertical*, reflej* vertical*, espej* vertical*, invert* vertical*
        zh: 垂直翻转, 上下翻, 垂直翻, 上下镜像, 上下对调, 垂直镜像
        ja: 上下反転, 垂直 反転, 縦 反転, 上下を逆, 上下 ミラー
    """

    op: Literal["flip"] = "flip"
    direction: Literal["horizontal", "vertical"] = Field(
        "horizontal", description="`horizontal` swaps left and right, `vertical` swaps top and bottom."
    )

    @property
    def moves_whole_pixels(self) -> bool:
        return True

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        return canvas.having(canvas.pixels.transpose(_TRANSPOSE[self.direction]))
