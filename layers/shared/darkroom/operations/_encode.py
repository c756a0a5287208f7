"""A finished canvas as a file. The same pixels give the same bytes wherever the same Pillow runs."""

from io import BytesIO
from typing import Final

from PIL import Image

from darkroom.errors import InvalidParameter
from darkroom.operations._alpha import is_transparent
from darkroom.operations._base import Canvas, OutputFormat

_OWN: Final[dict[str, OutputFormat]] = {"PNG": "png", "JPEG": "jpeg", "WebP": "webp"}
_LONGEST: Final[dict[OutputFormat, int]] = {"webp": 16383, "jpeg": 65500}
_JPEG_QUALITY, _WEBP_QUALITY = 92, 90
# Twice as fast as Pillow's own 6 and a twentieth larger.
_PNG_LEVEL: Final = 4

ON_WHITE: Final = "JPEG knows no transparency; the picture was put on white."


def encoded(canvas: Canvas, source_format: str) -> tuple[bytes, str, tuple[str, ...]]:
    """The file, its media type, and the canvas's warnings with those about encoding.

    Args:
        source_format: what `Picture.source_format` says.

    Raises:
        InvalidParameter: the picture is larger than the format can hold.
    """
    transparent = is_transparent(canvas.pixels)
    chosen = canvas.format or _usual(source_format, transparent)
    if canvas.format == "jpeg" and transparent:
        canvas = canvas.having(_on_white(canvas.pixels)).warned(ON_WHITE)
    _check(canvas.pixels.size, chosen)
    return _file(canvas, chosen), f"image/{chosen}", canvas.warnings


def _usual(source_format: str, transparent: bool) -> OutputFormat:
    own = _OWN.get(source_format, "png")
    return "png" if own == "jpeg" and transparent else own


def _file(canvas: Canvas, chosen: OutputFormat) -> bytes:
    pixels, icc = canvas.pixels, canvas.icc
    buffer = BytesIO()
    if chosen == "png":
        pixels.save(buffer, "PNG", compress_level=_PNG_LEVEL, icc_profile=icc)
    elif chosen == "jpeg":
        quality = canvas.quality or _JPEG_QUALITY
        pixels.convert("RGB").save(buffer, "JPEG", quality=quality, subsampling=0, icc_profile=icc)
    elif canvas.quality == 100:
        # For lossless WebP, quality is effort.
        pixels.save(buffer, "WEBP", lossless=True, quality=50, method=2, exact=True, icc_profile=icc or b"")
    else:
        quality = canvas.quality or _WEBP_QUALITY
        pixels.save(buffer, "WEBP", quality=quality, alpha_quality=100, method=3, exact=True, icc_profile=icc or b"")
    return buffer.getvalue()


def _on_white(pixels: Image.Image) -> Image.Image:
    behind = Image.new("RGB", pixels.size, "white")
    behind.paste(pixels.convert("RGB"), mask=pixels.getchannel("A"))
    return behind


def _check(size: tuple[int, int], chosen: OutputFormat) -> None:
    longest = _LONGEST.get(chosen)
    if longest is not None and max(size) > longest:
        raise InvalidParameter(
            f"The result has {size[0]} x {size[1]} pixels; {chosen} holds at most {longest} along a side.",
            fix="Convert to png, or resize it.",
            param="operations",
            context={"max_side": longest},
        )
