"""The subject on a canvas of a given size."""

from typing import Annotated, ClassVar, Final, Literal

from PIL import Image
from pydantic import Field

from darkroom.errors import NoForeground
from darkroom.images.layout import fitted_in
from darkroom.models.subject import Position
from darkroom.operations._alpha import is_transparent, premultiplied
from darkroom.operations._base import Canvas, Tools
from darkroom.operations._geometry import LONGEST_SIDE, Geometric, check_room, cropped

# From this alpha on a pixel belongs to the subject. Masks have a faint haze that reaches far from it.
_SUBJECT_FROM: Final = 32

Side = Annotated[int, Field(ge=16, le=LONGEST_SIDE)]


class Frame(Geometric):
    """Puts what is opaque on a canvas of exactly that size, as large as `fill` says; the rest is transparent.

    Use it after `remove_background` and before `replace_background`; a picture without transparency is fitted whole.
    """

    cost: ClassVar = 60

    words: ClassVar[str] = """
        en: placed on canvas, plac* canvas, center* on canvas, fit* on canvas, canvas of {size}, product canvas
        de: auf Leinwand gesetzt, leinwand {size}, auf leinwand, zentrier* leinwand, produktbild {size}
        fr: posé sur un canevas, canevas {size}, sur canevas, toile {size}, centr* canevas
        es: puesto en lienzo, lienzo {size}, en lienzo, centr* lienzo
        zh: 放到画布, 画布 {size}, 居中画布, 画布居中
        ja: キャンバスに配置, キャンバス {size}, キャンバス 中央, キャンバスに置
    """

    op: Literal["frame"] = "frame"
    width: Side = Field(description="Of the canvas, in pixels.")
    height: Side = Field(description="Of the canvas, in pixels.")
    fill: float = Field(
        85,
        ge=5,
        le=100,
        description="How much of the canvas's width or height is taken, in per cent; it stays inside.",
    )
    position: Position = "center"

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        pixels, size = canvas.pixels, (self.width, self.height)
        check_room(size, "width")
        if is_transparent(pixels):
            alpha = pixels.getchannel("A").point([0] * _SUBJECT_FROM + [255] * (256 - _SUBJECT_FROM))
            found = alpha.getbbox()
            if found is None:
                raise NoForeground(
                    "There is nothing opaque in the picture to put on a canvas.", fix="Leave `frame` out."
                )
            pixels = cropped(pixels, found)
        layout = fitted_in(pixels.size, size, fill=self.fill, pad="0", position=self.position)
        scaled = premultiplied(pixels, lambda image: image.resize(layout.content, Image.Resampling.LANCZOS))
        framed = Image.new("RGBA", size)
        framed.paste(scaled.convert("RGBA"), layout.place)
        enlarged = layout.content[0] / pixels.width
        done = canvas.having(framed)
        if enlarged > 1.05:
            done = done.warned(f"The subject was enlarged {enlarged:.1f} times: a larger picture would be sharper.")
        return done
