"""The word that a simulated picture carries, so that it is never taken for a model's."""

from PIL import Image, ImageDraw, ImageFont

WORD = "SIMULATED"
# Below it letters are no letters any more: such a picture is left as it is.
_SMALLEST = 8
_SHARE = 20
_INK, _PLATE = "white", (24, 24, 24)


def marked(picture: Image.Image) -> Image.Image:
    """The picture with the word in its lower left corner, on a plate that makes it legible on any colour."""
    size = max(_SMALLEST, min(picture.size) // _SHARE)
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(WORD)
    gap = size // 2
    width, height = int(right - left) + 2 * gap, int(bottom - top) + 2 * gap
    if width > picture.width or height > picture.height or picture.mode not in ("RGB", "RGBA"):
        return picture
    copy = picture.copy()
    draw = ImageDraw.Draw(copy)
    draw.rectangle((0, copy.height - height, width - 1, copy.height - 1), fill=_PLATE)
    draw.text((gap - left, copy.height - height + gap - top), WORD, fill=_INK, font=font)
    return copy
