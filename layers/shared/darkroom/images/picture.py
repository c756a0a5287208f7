"""A decoded picture."""

from msgspec import Struct
from PIL import Image


class Picture(Struct, frozen=True):
    """Pixels the right way up, free of metadata.

    Attributes:
        pixels: mode RGB or RGBA, 8 bits a channel, straight alpha.
        icc: the profile that says what the colours mean, to embed in the result; None for sRGB.
        warnings: what the person who sent the file should know, as sentences.
        source_format: `JPEG`, `PNG`, `WebP`, `GIF`, `TIFF`, `BMP`, `AVIF` or `HEIC`.
        dpi: pixels per inch that the file says, across and down; None where it says none.
    """

    pixels: Image.Image
    icc: bytes | None
    warnings: tuple[str, ...]
    source_format: str
    dpi: tuple[float, float] | None = None


def opaque(pixels: Image.Image, colour: str | tuple[int, int, int] = "white") -> Image.Image:
    """The pixels (RGB or RGBA) as RGB, on a colour where they are transparent."""
    if pixels.mode != "RGBA":
        return pixels
    flat = Image.new("RGB", pixels.size, colour)
    flat.paste(pixels, mask=pixels)
    return flat
