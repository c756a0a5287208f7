"""Small copies of a picture: for a model to look at, and for people who look at many."""

from io import BytesIO
from typing import Final

from msgspec.structs import replace
from PIL import Image

from darkroom.images.colour import in_srgb
from darkroom.images.decode import decode
from darkroom.images.picture import opaque
from darkroom.models.job import thumbnail_size

LONGEST: Final = 768
_QUALITY: Final = 80
_MOST_MEGAPIXELS: Final = 64
_THUMBNAIL_QUALITY: Final = 78
# It is scaled from as many times its size; a larger picture is averaged down to that before, some rows at a time.
_OVERSAMPLING: Final = 2
_ROWS: Final = 32


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


def thumbnail(data: bytes, *, max_megapixels: int) -> bytes:
    """WebP in sRGB of `thumbnail_size`, upright, transparent where the picture is; the same bytes every time.

    Raises:
        EmptyImage, UnsupportedMediaType, ImageTooLarge, UnreadableImage: as `decode` says.
    """
    picture = decode(data, max_megapixels=max_megapixels, enough=_OVERSAMPLING * max(thumbnail_size(10_000, 10_000)))
    size, before = thumbnail_size(*picture.pixels.size), picture.pixels.size
    pixels, factor = _averaged(picture.pixels, max(before) // (_OVERSAMPLING * max(size)))
    box = (0.0, 0.0, before[0] / factor, before[1] / factor)
    small = pixels.resize(size, Image.Resampling.LANCZOS, box=box)
    if small.mode == "RGBa":
        small = small.convert("RGBA")
    buffer = BytesIO()
    in_srgb(replace(picture, pixels=small)).save(buffer, "WEBP", quality=_THUMBNAIL_QUALITY, method=4)
    return buffer.getvalue()


def _averaged(pixels: Image.Image, factor: int) -> tuple[Image.Image, int]:
    """The picture at one in `factor`, and that; premultiplied where it has alpha, of which no whole copy is made."""
    if factor <= 1:
        return (pixels.convert("RGBa") if pixels.mode == "RGBA" else pixels), 1
    width, height = pixels.size
    mode = "RGBa" if pixels.mode == "RGBA" else pixels.mode
    small = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, factor * _ROWS):
        band = pixels.crop((0, top, width, min(height, top + factor * _ROWS)))
        small.paste((band.convert(mode) if mode != band.mode else band).reduce(factor), (0, top // factor))
    return small, factor
