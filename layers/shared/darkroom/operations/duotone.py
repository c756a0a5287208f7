"""Two inks."""

from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._base import Color, ColorOperation
from darkroom.operations._tone import HexColor, PerCent, luma, rgb


class Duotone(ColorOperation):
    """Prints the picture in two colors: one for the shadows, one for the highlights, and all between them."""

    words: ClassVar[str] = """
        en: duotone, duo tone, two color*, two tone, bichrome, two ink*, only two colors, 2 color*, dual tone
        de: Duotone, duoton*, duplex, zwei farben, zweifarb*, zweiton*, 2 farben
        fr: bichromie, duotone, duoton, deux couleurs, bicolore, bichrome, 2 couleurs, deux tons, deux encres
        es: duotono, duotone, dos colores, bicolor, bitono, dos tintas, dos tonos, 2 colores
        zh: 双色调, 双色, 两种颜色, 两色, 双调
        ja: デュオトーン, ダブルトーン, 2色, 二色, 2トーン, ツートン, ２色
    """

    op: Literal["duotone"] = "duotone"
    shadows: HexColor = Field("#1b1464", description="Color of the darkest parts, `#rrggbb`.")
    highlights: HexColor = Field("#ffd9a0", description="Color of the brightest parts, `#rrggbb`.")
    amount: PerCent = Field(100, description="Per cent: 0 unchanged, 100 only the two colors.")

    def color(self) -> Callable[[Color], Color]:
        (r0, g0, b0), (r1, g1, b1) = rgb(self.shadows), rgb(self.highlights)
        share = self.amount / 100

        def printed(color: Color) -> Color:
            red, green, blue = color
            light = luma(red, green, blue)
            return (
                red + (r0 + (r1 - r0) * light - red) * share,
                green + (g0 + (g1 - g0) * light - green) * share,
                blue + (b0 + (b1 - b0) * light - blue) * share,
            )

        return printed
