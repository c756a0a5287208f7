"""A small copy of a picture for a model to look at."""

from dataclasses import replace
from io import BytesIO
from typing import Final

from PIL import Image

from darkroom.images.colour import in_srgb
from darkroom.images.decode import decode
from darkroom.images.picture import opaque

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
    opaque(in_srgb(replace(picture, pixels=small))).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
