"""Darker corners."""

from typing import ClassVar, Final, Literal

from PIL import Image
from pydantic import Field

from darkroom.operations._alpha import on_colors
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._css import EXAMPLES, CssColor, Size, rgba

# The mask is worked out on so many points a side and drawn out: it is smooth, and 8 bits hold no more.
_POINTS: Final = 128


class Vignette(Operation):
    """Darkens the picture towards its corners, or tints them with another color."""

    words: ClassVar[str] = """
        en: vignette, vignett*, dark* corner*, corner* dark*, dark* edge*, edge* dark*, dark* border* around
        en: corner* black, edge* fade* black, corner shading, light fall off, light falloff, dark* towards corner*
        de: Vignette, vignett*, ecken abdunk*, ecken dunk*, dunk* ecken, randabdunk*, abgedunkelt* ecken, rander dunk*
        de: rander abdunk*, dunk* rander, rand* abdunk*, randabschattung
        fr: vignettage, vignet*, coins sombre*, assombri* coin*, bords sombre*, assombri* bord*, coins fonce*
        fr: fonce* coins
        es: viñeta, vinet*, oscurec* esquina*, esquinas oscur*, bordes oscur*, oscurec* borde*, vineteado
        es: esquinas negras, bordes negros difumin*, esquinas {down}, contornos oscur*
        zh: 暗角, 四角 暗, 边角 暗, 四周 暗, 边缘 暗, 角落 暗, 四周压暗, 四周 压暗, 角 压暗
        ja: ビネット, 周辺減光, 四隅 暗, 隅 暗, 周辺 暗, ヴィネット, 周辺光量, 周り 暗, トンネル効果, 端を暗, 四隅を暗
        ja: 隅を落と
        {"color": "white"}
        en: white vignette, light* corner*, bright* corner*, corner* white, white corner*, corner* light*
        de: weiße Vignette, weiss* vignett*, ecken aufhell*, ecken heller, hell* ecken, hell* vignett*
        fr: vignettage blanc, vignet* blanc*, coins blanc*, eclairci* coins, coins clair*
        es: viñeta blanca, vinet* blanc*, esquinas blancas, aclar* esquina*, esquinas clar*
        zh: 白色暗角, 白色晕影, 四角 亮, 四角 白
        ja: 白いビネット, 四隅 明る, 四隅 白, 白い周辺
    """

    op: Literal["vignette"] = "vignette"
    amount: float = Field(50, ge=0, le=100, description="How much of the color the corners get, in per cent.")
    start: float = Field(
        30, ge=0, le=95, description="Where it begins, in per cent of the way from the middle to the corners."
    )
    shape: Literal["ellipse", "circle"] = Field(
        "ellipse", description="`ellipse` follows the picture's shape, `circle` is round on any picture."
    )
    color: CssColor = Field("black", description=f"{EXAMPLES}; `white` makes the corners lighter.")

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        red, green, blue, alpha = rgba(self.color, canvas.icc)
        strength = self.amount / 100 * alpha / 255
        if not strength:
            return canvas
        mask = self._mask(canvas.pixels.size, strength)

        def tinted(image: Image.Image) -> Image.Image:
            done = image.copy()
            done.paste((red, green, blue), (0, 0, *image.size), mask)
            return done

        return canvas.having(on_colors(canvas.pixels, tinted))

    def _mask(self, size: Size, strength: float) -> Image.Image:
        """Mode L: how much of the color each pixel gets."""
        columns, rows = min(size[0], _POINTS), min(size[1], _POINTS)
        # Squares of the distance from the middle, such that a corner is at 1.
        weight = (size[0] ** 2, size[1] ** 2) if self.shape == "circle" else (1, 1)
        # One point more on each side, or the mask would be flat at the picture's edges.
        across, down = (
            [weight[axis] * ((2 * at + 1) / count - 1) ** 2 / sum(weight) for at in range(-1, count + 1)]
            for axis, count in ((0, columns), (1, rows))
        )
        values = bytes(round(255 * strength * self._share((x + y) ** 0.5)) for y in down for x in across)
        wide = Image.frombytes("L", (columns + 2, rows + 2), values)
        return wide.resize(size, Image.Resampling.BICUBIC, box=(1, 1, columns + 1, rows + 1))

    def _share(self, distance: float) -> float:
        way = min(max((distance - self.start / 100) / (1 - self.start / 100), 0.0), 1.0)
        return way * way * (3 - 2 * way)
