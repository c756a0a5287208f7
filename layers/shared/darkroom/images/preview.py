"""A small copy of a picture for a model to look at."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

from darkroom.images import icc as profiles
from darkroom.images.decode import decode

LONGEST: Final = 768
_QUALITY: Final = 80
_MOST_MEGAPIXELS: Final = 64


def preview(data: bytes) -> bytes:
    """JPEG in sRGB, at most 768 pixels long, on white where the picture is transparent; the same bytes every time.

    Raises:
        EmptyImage, UnsupportedMediaType, ImageTooLarge, UnreadableImage: as `decode` says.
    """
    picture = decode(data, max_megapixels=_MOST_MEGAPIXELS, enough=LONGEST)
    small = picture.pixels.copy()
    small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = BytesIO()
    _on_white(_in_srgb(small, picture.icc)).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _in_srgb(pixels: Image.Image, icc: bytes | None) -> Image.Image:
    if icc is None or profiles.is_srgb(icc):
        return pixels
    try:
        return profiles.to_srgb(pixels, icc)
    except ImageCms.PyCMSError:
        return pixels


def _on_white(pixels: Image.Image) -> Image.Image:
    if pixels.mode != "RGBA":
        return pixels
    behind = Image.new("RGB", pixels.size, "white")
    behind.paste(pixels.convert("RGB"), mask=pixels.getchannel("A"))
    return behind
