"""Text as a small transparent picture.

The letters are Roboto's (Google, Apache License 2.0: `fonts/LICENSE.txt`), cut down to Latin, Greek and Cyrillic
letters, punctuation and signs. They lie beside this file, so that a recipe gives the same picture on every machine.
"""

import math
import unicodedata
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Struct
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from pydantic import AfterValidator, StringConstraints

from darkroom.operations._css import Rgba

Align = Literal["left", "center", "right"]

_FONTS: Final = Path(__file__).with_name("fonts")
_LINE: Final = 1.2
_SHADOW_OFFSET, _SHADOW_BLUR = 0.05, 0.06


_NO_FONT: Final = (
    "A font for Chinese, Japanese or Korean has tens of thousands of them and is not part of Darkroom: use a "
    "picture of the text as the `image` of a watermark, or have it painted."
)


def _is_east_asian(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH"))


def _writable(text: str) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    if missing := sorted({letter for letter in text if letter != "\n" and not _has(letter)}):
        shown = ", ".join(repr(letter) for letter in missing[:8])
        why = f" {_NO_FONT}" if any(map(_is_east_asian, missing)) else ""
        raise ValueError(
            f"There are no letters here for {shown}.{why} Latin, Greek and Cyrillic letters, digits, punctuation and "
            "line breaks can be written; emoji cannot."
        )
    return text


Writing = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_writable)
]  # fmt: skip


class Style(Struct, frozen=True):
    """How letters look.

    Args:
        size: of the font, in pixels.
        color, outline_color: in the picture's profile.
        outline: its width in pixels.
        shadow: its opacity in per cent.
    """

    size: float
    color: Rgba
    bold: bool = False
    outline: float = 0
    outline_color: Rgba = (0, 0, 0, 255)
    shadow: float = 0
    align: Align = "left"

    @property
    def font(self) -> ImageFont.FreeTypeFont:
        return font(max(self.size, 1), bold=self.bold)

    @property
    def line_height(self) -> float:
        return self.size * _LINE


@cache
def _file(name: str) -> bytes:
    return (_FONTS / name).read_bytes()


def font(size: float, *, bold: bool) -> ImageFont.FreeTypeFont:
    name = "Roboto-Bold.ttf" if bold else "Roboto-Regular.ttf"
    # Raqm, the other engine, spaces letters better, but is not there on every machine.
    return ImageFont.truetype(BytesIO(_file(name)), size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _has(letter: str) -> bool:
    return letter.isprintable() and _drawn(letter) != _drawn("\uffff")


def _drawn(letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font(24, bold=False).getmask(letter)
    return mask.size, bytes(mask)


def wrapped(text: str, style: Style, width: float) -> list[str]:
    """The text in lines no wider than that many pixels, broken between words where there is a place."""
    letters = style.font
    # The basic layout sets letter after letter: a line is as wide as its letters together.
    advance = {letter: letters.getlength(letter) for letter in {*text, " "} - {"\n"}}
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            joined = f"{line} {word}" if line else word
            if line and sum(map(advance.__getitem__, joined)) > width:
                lines.append(line)
                joined = word
            *full, line = _pieces(joined, advance, width)
            lines += full
        lines.append(line)
    return lines


def _pieces(line: str, advance: Mapping[str, float], width: float) -> list[str]:
    """The line broken anywhere, with at least a letter in each piece."""
    pieces, used = [""], 0.0
    for letter in line:
        if pieces[-1] and used + advance[letter] > width:
            pieces.append("")
            used = 0.0
        pieces[-1] += letter
        used += advance[letter]
    return pieces


def lettered(lines: list[str], style: Style) -> Image.Image:
    """RGBA, just as large as what is seen of the text, outline and shadow."""
    pad = math.ceil(style.outline + style.size * (_SHADOW_OFFSET + 3 * _SHADOW_BLUR)) + 2
    widths = [style.font.getlength(line) for line in lines]
    size = (math.ceil(max(widths)) + 2 * pad, math.ceil(len(lines) * style.line_height) + 2 * pad)
    starts = [(pad + _indent(max(widths) - width, style.align), pad + index * style.line_height)
              for index, width in enumerate(widths)]  # fmt: skip
    fill = Image.new("L", size)
    _write(fill, lines, starts, style.font, 0)
    wide = fill
    if style.outline:
        wide = Image.new("L", size)
        _write(wide, lines, starts, style.font, style.outline)
    picture = Image.new("RGBA", size)
    if style.shadow:
        picture.alpha_composite(_solid(_shadow(wide, style.size), (0, 0, 0, round(style.shadow * 2.55))))
    if style.outline:
        picture.alpha_composite(_solid(wide, style.outline_color))
    picture.alpha_composite(_solid(fill, style.color))
    box = picture.getchannel("A").getbbox()
    return picture.crop(box) if box else picture.crop((0, 0, 1, 1))


def _indent(room: float, align: Align) -> float:
    return {"left": 0.0, "center": room / 2, "right": room}[align]


def _write(
    mask: Image.Image,
    lines: list[str],
    starts: list[tuple[float, float]],
    letters: ImageFont.FreeTypeFont,
    outline: float,
) -> None:
    draw = ImageDraw.Draw(mask)
    for line, start in zip(lines, starts, strict=True):
        draw.text(start, line, fill=255, font=letters, stroke_width=outline)


def _shadow(mask: Image.Image, size: float) -> Image.Image:
    moved = Image.new("L", mask.size)
    offset = max(round(size * _SHADOW_OFFSET), 1)
    moved.paste(mask, (offset, offset))
    return moved.filter(ImageFilter.GaussianBlur(size * _SHADOW_BLUR))


def _solid(mask: Image.Image, color: Rgba) -> Image.Image:
    picture = Image.new("RGBA", mask.size, color)
    picture.putalpha(mask.point([round(value * color[3] / 255) for value in range(256)]))
    return picture
