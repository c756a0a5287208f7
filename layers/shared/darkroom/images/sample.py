"""The mark on a sample: letters all over it, light and dark, so that they are seen on everything."""

from typing import Final

from PIL import Image, ImageDraw, ImageFont

_WORD: Final = "PREVIEW"
_ANGLE: Final = 30


def marked(picture: Image.Image) -> Image.Image:
    """The picture (L, RGB or RGBA) with the mark, in the same mode."""
    letters = _letters(picture.size)
    canvas = picture.convert("RGBA")
    canvas.alpha_composite(letters)
    return canvas if picture.mode == "RGBA" else canvas.convert(picture.mode)


def _letters(size: tuple[int, int]) -> Image.Image:
    width, height = size
    font = ImageFont.load_default(max(10.0, max(size) / 14))
    left, top, right, bottom = font.getbbox(_WORD)
    across, down = int((right - left) * 1.4) + 1, int((bottom - top) * 3.2) + 1
    side = int((width**2 + height**2) ** 0.5) + across
    tile = Image.new("RGBA", (side, side))
    pen = ImageDraw.Draw(tile)
    for row, y in enumerate(range(0, side, down)):
        for x in range(-(row % 2) * across // 2, side, across):
            pen.text((x, y), _WORD, (255, 255, 255, 130), font, stroke_width=1, stroke_fill=(0, 0, 0, 110))
    turned = tile.rotate(_ANGLE, Image.Resampling.BILINEAR)
    x, y = (side - width) // 2, (side - height) // 2
    return turned.crop((x, y, x + width, y + height))
