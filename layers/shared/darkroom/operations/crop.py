"""A part of the picture."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from darkroom.errors import InvalidParameter
from darkroom.operations._base import Canvas, Tools
from darkroom.operations._geometry import Box, Focus, Geometric, Ratio, Size, cropped, largest_of_ratio


class Crop(Geometric):
    """Cuts away what is outside a box, or as little as gives a ratio such as 16:9; with both, the ratio in the box."""

    words: ClassVar[str] = """
        en: crop, crop*, trim, trim*, cut off, tighter, zoom in, cut to, aspect ratio, cut {ratio}, {ratio} format
        en: portrait format, landscape format, {ratio}
        de: zuschneiden, zuschneid*, zuschnitt, schneid* zu, beschneid*, schneid* ab, abschneid*, schneid*
        de: seitenverhaltnis, zoom*, {ratio} format, {ratio}, engerer ausschnitt, ausschnitt, hochformat, querformat
        fr: recadrer, recadr*, rogne*, coupe*, decoupe*, cadrage plus serre, resserr*, zoom*, format {ratio}, {ratio}
        fr: format portrait, format paysage
        es: recortar, recort*, cort*, encuadr*, acerc*, zoom, formato {ratio}, {ratio}, formato vertical
        es: formato horizontal
        zh: 裁剪, 裁, 剪裁, 截, 裁切, 切, {ratio}, 比例 {ratio}, 放大画面, 裁一下, 剪成, 竖版, 横版, 剪切
        ja: トリミング, トリミ, 切り取, 切り抜 {ratio}, クロップ, {ratio}, 余分な 切, 端を切, 切り落と, 比率 {ratio}
        ja: 縦長, 横長, 切り取って, 余計な部分
        {"ratio": "1:1"}
        en: square, squared, instagram square, square crop, square format, insta format
        de: quadratisch, quadrat*, quadratformat
        fr: carré, carre*
        es: cuadrado, cuadrad*
        zh: 正方形, 方形, 方图, 方的, 一比一
        ja: 正方形, スクエア, 真四角, 四角く
    """

    op: Literal["crop"] = "crop"
    unit: Literal["percent", "pixels"] = Field(
        "percent", description="What left, top, width and height are given in: per cent of the picture's, or pixels."
    )
    left: float = Field(0, ge=0, le=65535, description="From the picture's left edge to the box.")
    top: float = Field(0, ge=0, le=65535, description="From the picture's upper edge to the box.")
    width: float | None = Field(None, gt=0, le=65535, description="Width of the box; to the right edge if left out.")
    height: float | None = Field(None, gt=0, le=65535, description="Height of the box; to the lower edge if left out.")
    ratio: Ratio | None = Field(None, description="Width to height, such as `16:9` or `1:1`.")
    focus_x: Focus | None = Field(
        None,
        description="What a ratio keeps in the middle, in per cent of the picture's width from the left; if left out, "
        "the middle of the box.",
    )
    focus_y: Focus | None = Field(None, description="The same in per cent of the picture's height from the top.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.left and not self.top and self.width is None and self.height is None and self.ratio is None:
            raise ValueError("give a box (left, top, width, height), a ratio, or both")
        return self

    @property
    def moves_whole_pixels(self) -> bool:
        return True

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        size = canvas.pixels.size
        box, clamped = self._box(size)
        if self.ratio is not None:
            focus = (_focus(self.focus_x, size[0], box[0] + box[2]), _focus(self.focus_y, size[1], box[1] + box[3]))
            box = largest_of_ratio(box, self.ratio, focus)
        done = canvas.having(cropped(canvas.pixels, box))
        if not clamped:
            return done
        return done.warned(
            f"The crop reached beyond the picture, which is {size[0]} x {size[1]} pixels; it ends there."
        )

    def _box(self, size: Size) -> tuple[Box, bool]:
        """The box in whole pixels, and whether some of what was asked for lies beyond the picture."""
        left, right, beyond_x = self._side(self.left, self.width, size[0], "left")
        top, bottom, beyond_y = self._side(self.top, self.height, size[1], "top")
        return (left, top, right, bottom), beyond_x or beyond_y

    def _side(self, start: float, length: float | None, whole: int, name: str) -> tuple[int, int, bool]:
        scale = whole / 100 if self.unit == "percent" else 1
        if start * scale >= whole:
            raise InvalidParameter(
                f"The crop begins at {name} {self._said(start)}, but the picture ends at {self._said(whole / scale)}"
                f" ({whole} pixels): there is nothing in the box.",
                fix=f"Give a smaller {name}.",
                param=name,
                context={"picture_pixels": whole},
            )
        end = whole if length is None else (start + length) * scale
        first = min(round(start * scale), whole - 1)
        return first, min(max(round(end), first + 1), whole), end > whole + 1e-6 * whole

    def _said(self, value: float) -> str:
        return f"{value:g} %" if self.unit == "percent" else f"{value:g}"


def _focus(per_cent: float | None, whole: int, both_sides: int) -> float:
    return both_sides / 2 if per_cent is None else per_cent * whole / 100
