"""Writing on the picture."""

from typing import ClassVar, Final, Literal

from msgspec.structs import replace
from pydantic import Field

from darkroom.models.subject import Position
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._css import EXAMPLES, CssColor, rgba
from darkroom.operations._lettering import Align, Style, Writing, lettered, wrapped
from darkroom.operations._place import Margin, Opacity, faded, of_longer_side, placed, stamp

_READABLE: Final = 6
_SMALLEST: Final = 1.0


class Text(Operation):
    """Writes text on the picture, in lines that are broken where the picture ends.

    Latin, Greek and Cyrillic letters, digits, punctuation and line breaks; no emoji.
    """

    words: ClassVar[str] = """
        en: text, writ* {quoted}, write, caption, text*, {quoted}, title, lettering, headline, say* {quoted}
        en: words {quoted}, type {quoted}, label
        de: Text, schreib*, text*, {quoted}, beschrift*, schriftzug, titel, uberschrift, bildunterschrift, untertitel
        fr: texte, ecri*, texte*, {quoted}, legende, titre, inscri*, sous titre
        es: texto, escrib*, texto*, {quoted}, titulo, leyenda, rotul*, pon* {quoted}, subtitulo
        zh: 文字, 写, 字, {quoted}, 标题, 文案, 配字, 字幕
        ja: 文字, 書, テキスト, {quoted}, タイトル, 字幕, 文字入れ, キャプション, 見出し
    """

    op: Literal["text"] = "text"
    text: Writing = Field(description="What to write; a line break starts a new line.")
    position: Position = Field("bottom", description="Where it stands; lines are aligned to that side.")
    size: float = Field(
        8,
        ge=1,
        le=100,
        description="Of the letters, in per cent of the picture's height; made smaller if it does not fit.",
    )
    margin: Margin = 3
    color: CssColor = Field("white", description=f"{EXAMPLES}.")
    opacity: Opacity = 100
    bold: bool = Field(False, description="True for heavy letters.")
    outline: float = Field(0, ge=0, le=20, description="Width of an outline, in per cent of the letters' size.")
    outline_color: CssColor = Field("black", description=f"{EXAMPLES}.")
    shadow: float = Field(
        0, ge=0, le=100, description="Opacity of a soft shadow in per cent; 60 keeps text readable on any picture."
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        if not self.opacity:
            return canvas
        margin = of_longer_side(self.margin, canvas.pixels.size)
        style, lines, fits = self._fitting(canvas, margin)
        pixels = canvas.pixels.copy()
        mark = faded(lettered(lines, style), self.opacity)
        stamp(pixels, mark, placed(mark.size, pixels.size, self.position, margin))
        done = canvas.having(pixels)
        if style.size < _READABLE or not fits:
            return done.warned(
                f"The text is {style.size:.1f} pixels high on a picture of {pixels.width} x {pixels.height}: it can "
                "hardly be read, or is cut off."
            )
        if style.size < self._pixels(canvas):
            fitting = style.size / pixels.height * 100
            return done.warned(f"The text did not fit at {self.size:g} % and was written at {fitting:.1f} %.")
        return done

    def _pixels(self, canvas: Canvas) -> float:
        return max(self.size * canvas.pixels.height / 100, _SMALLEST)

    def _fitting(self, canvas: Canvas, margin: float) -> tuple[Style, list[str], bool]:
        """The largest style up to the one asked for in which the text fits, its lines, and whether it does."""
        style = self._style(canvas)
        width, height = (side - 2 * margin for side in canvas.pixels.size)
        lines = wrapped(self.text, style, width)
        smallest, largest = _SMALLEST, style.size
        if _fits(lines, style, width, height):
            return style, lines, True
        for _ in range(12):
            tried = replace(style, size=(smallest + largest) / 2)
            if _fits(wrapped(self.text, tried, width), tried, width, height):
                smallest = tried.size
            else:
                largest = tried.size
        style = replace(style, size=smallest, outline=smallest * self.outline / 100)
        lines = wrapped(self.text, style, width)
        return style, lines, _fits(lines, style, width, height)

    def _style(self, canvas: Canvas) -> Style:
        size = self._pixels(canvas)
        align: Align = "left" if self.position.endswith("left") else "center"
        return Style(
            size=size,
            color=rgba(self.color, canvas.icc),
            bold=self.bold,
            outline=size * self.outline / 100,
            outline_color=rgba(self.outline_color, canvas.icc),
            shadow=self.shadow,
            align="right" if self.position.endswith("right") else align,
        )


def _fits(lines: list[str], style: Style, width: float, height: float) -> bool:
    """Not if a word had to be broken so far that a single letter is too wide."""
    widest = max(map(style.font.getlength, lines))
    return widest <= width and len(lines) * style.line_height <= height
