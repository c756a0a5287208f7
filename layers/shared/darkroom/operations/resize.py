"""Another size."""

from typing import ClassVar, Literal, Self

from PIL import Image
from pydantic import Field, model_validator

from darkroom.operations._base import Canvas, Tools
from darkroom.operations._geometry import LONGEST_SIDE, Focus, Geometric, Size, check_room

_WAYS = "width, height or both; longest_side; or scale"


class Resize(Geometric):
    """Makes the picture smaller or larger: to a width, a height or both, to a longest side, or by a factor."""

    cost: ClassVar = 110

    words: ClassVar[str] = """
        {"scale": 50}
        en: smaller, resiz*, shrink, shrink*, scale down, {size}, downscale, downsize, half size, half the size, halve
        en: reduce size, size {down}, longest side, longer side, pixels wide, pixels tall, px wide, px, pixels, scale*
        en: for web, thumbnail, file size, reduc* {number} size, percent smaller
        de: kleiner, verkleiner*, skalier*, {size}, halb* grosse, halbier*, breite, hohe auf, langste seite
        de: lange seite, lange kante, px, pixel, grosse andern, grosse {down}, runterskalier*, halb so gross
        de: {number} kleiner
        fr: plus petit, redimension*, redui* taille, redui* image, redui*, reduction taille, {size}, moitie, largeur
        fr: hauteur, cote le plus long, grand cote, px, pixels, plus petit*, taille {down}, retreci*, mise a l echelle
        fr: demi taille, de large, redui* {number}
        es: más pequeño, redimension*, escal* !gris*, {size}, mitad, ancho, anchura, alto de, altura, lado mas largo
        es: lado mayor, px, pixeles, mas pequen*, tamano {down}, achic*, encog*, reduc* tamano, reduc* imagen
        es: mas chic*, disminuy* tamano, reducela, reducelo, redu* {number}, reduc* {number}
        zh: 缩小, 尺寸, {size}, 像素, px, 宽 px, 缩放, 一半, 长边, 边长, 宽度, 高度, 改大小, 缩到, 小一点, 改成 像素
        zh: 调整大小
        ja: 縮小, リサイズ, {size}, px, ピクセル, 幅, 長辺, 半分, サイズを変, サイズ変更, 小さく, 高さ, サイズを
        {"scale": 200}
        en: larger, enlarge*, bigger, upscale*, scale up, double size, twice size, twice as big, double the size
        en: size {up}, upsiz*, larger size
        de: größer, vergrosser*, grosser*, doppelt*, verdopp*, hochskalier*, grosse {up}
        fr: plus grand, agrandi*, plus grand*, double taille, doubl*, deux fois plus, taille {up}
        es: más grande, agrand*, mas grande, ampli*, dobl*, duplic*, tamano {up}, el doble, aument* tamano
        zh: 放大, 变大, 两倍, 2倍, 大一倍, 翻倍, 尺寸 大
        ja: 拡大, 大きく, 2倍, 二倍, ２倍, 倍に
    """

    op: Literal["resize"] = "resize"
    width: int | None = Field(None, ge=1, le=LONGEST_SIDE, description="Pixels.")
    height: int | None = Field(None, ge=1, le=LONGEST_SIDE, description="Pixels.")
    longest_side: int | None = Field(
        None, ge=1, le=LONGEST_SIDE, description="Pixels of the longer side; instead of width and height."
    )
    scale: float | None = Field(
        None, ge=1, le=1000, description="Per cent of the size it has; instead of width and height."
    )
    mode: Literal["fit", "fill", "stretch"] = Field(
        "fit",
        description="With both width and height: `fit` stays whole inside them, `fill` covers them exactly and cuts "
        "off what is too much, `stretch` distorts.",
    )
    enlarge: bool = Field(True, description="Whether a smaller picture is made larger; false leaves it as it is.")
    focus_x: Focus = Field(50, description="What `fill` keeps in the middle: per cent from the left.")
    focus_y: Focus = Field(50, description="What `fill` keeps in the middle: per cent from the top.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = (self.width or self.height, self.longest_side, self.scale)
        if sum(each is not None for each in given) != 1:
            raise ValueError(f"give exactly one of: {_WAYS}")
        return self

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        before = canvas.pixels.size
        after = self._size(before)
        if not self.enlarge and (after[0] > before[0] or after[1] > before[1]):
            return canvas
        check_room(after, "scale" if self.scale else "longest_side" if self.longest_side else "width")
        box = self._seen(before, after)
        if after == before and box == (0, 0, *before):
            return canvas
        # Pillow weighs the colors of RGBA by alpha here by itself.
        return canvas.having(canvas.pixels.resize(after, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0))

    def _size(self, size: Size) -> Size:
        if self.width is not None and self.height is not None and self.mode != "fit":
            return self.width, self.height
        if self.longest_side is not None:
            factor = self.longest_side / max(size)
        elif self.scale is not None:
            factor = self.scale / 100
        else:
            wanted = ((self.width, size[0]), (self.height, size[1]))
            factor = min(new / old for new, old in wanted if new is not None)
        return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))

    def _seen(self, before: Size, after: Size) -> tuple[float, float, float, float]:
        """The part of the picture that is scaled; all of it but for `fill`."""
        if self.mode != "fill" or self.width is None or self.height is None:
            return 0, 0, *before
        factor = min(before[0] / after[0], before[1] / after[1])
        width, height = min(after[0] * factor, before[0]), min(after[1] * factor, before[1])
        left = min(max(before[0] * self.focus_x / 100 - width / 2, 0), before[0] - width)
        top = min(max(before[1] * self.focus_y / 100 - height / 2, 0), before[1] - height)
        return left, top, left + width, top + height
