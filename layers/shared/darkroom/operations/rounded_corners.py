"""Rounded, transparent corners."""

from typing import ClassVar, Final, Literal

from PIL import Image, ImageDraw
from pydantic import Field

from darkroom.operations._alpha import both, with_alpha
from darkroom.operations._base import Canvas, Operation, Tools

_FINER: Final = 4
_BAND_ROWS: Final = 256


class RoundedCorners(Operation):
    """Rounds the picture's corners; what is cut off becomes transparent."""

    words: ClassVar[str] = """
        en: rounded corners, round* corner*, corner* round*, rounded edge*, round* off, app icon, curved corner*
        en: corner radius
        de: abgerundete Ecken, abrund*, ecken rund*, rund* ecken, abgerundet*, eckenradius, ecken rundlich, rund* ab
        fr: coins arrondis, arrondi*, coin* rond*
        es: esquinas redondeadas, redond*, esquina* redond*
        zh: 圆角, 圆润的角, 角 圆, 四角变圆
        ja: 角丸, 角を丸, 角 丸, 丸い角, 丸みを
        {"radius": 50}
        en: circle crop, circular, round picture, round avatar, make it round, into a circle, circle
        de: kreisrund, kreis, rund ausschneid*, rundes bild
        fr: en cercle, cercle, rond, circulaire
        es: en círculo, circul*, redonda
        zh: 圆形, 裁成圆
        ja: 円形, 丸く切り抜, 丸型
    """

    op: Literal["rounded_corners"] = "rounded_corners"
    radius: float = Field(
        8, ge=0, le=50, description="In per cent of the shorter side; 50 makes a square picture a circle."
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        pixels = canvas.pixels
        radius = round(min(pixels.size) * self.radius / 100)
        radius = min(radius, pixels.width // 2, pixels.height // 2)
        if not radius:
            return canvas
        mask = Image.new("L", pixels.size, 255)
        corner = _corner(radius)
        mirrored = corner.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        right, bottom = pixels.width - radius, pixels.height - radius
        mask.paste(corner, (0, 0))
        mask.paste(mirrored, (right, 0))
        mask.paste(corner.transpose(Image.Transpose.FLIP_TOP_BOTTOM), (0, bottom))
        mask.paste(mirrored.transpose(Image.Transpose.FLIP_TOP_BOTTOM), (right, bottom))
        return canvas.having(with_alpha(pixels, both(mask, pixels)))


def _corner(radius: int) -> Image.Image:
    """The upper left quarter of a disc, mode L; drawn larger in bands, since the whole may be large enough already."""
    corner = Image.new("L", (radius, radius))
    across = 2 * radius * _FINER - 1
    for top in range(0, radius, _BAND_ROWS):
        rows = min(_BAND_ROWS, radius - top)
        band = Image.new("L", (radius * _FINER, rows * _FINER))
        ImageDraw.Draw(band).ellipse((0, -top * _FINER, across, across - top * _FINER), fill=255)
        corner.paste(band.reduce(_FINER), (0, top))
    return corner
