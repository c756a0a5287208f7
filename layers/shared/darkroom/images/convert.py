"""Pictures in another file format than a model made them in."""

from io import BytesIO
from typing import Final

from darkroom.images.decode import decode
from darkroom.images.picture import opaque

MEDIA_TYPES: Final = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
# What has been paid for is not refused because the stack accepts smaller pictures.
_MOST_PAINTED: Final = 40.0
_QUALITY: Final = 95


def converted(data: bytes, output_format: str, *, max_megapixels: float) -> tuple[bytes, str]:
    """The picture in that format (`png`, `jpeg` or `webp`), and its media type. JPEG puts what is transparent on white.

    Raises:
        CallerError: it cannot be decoded.
        OSError: the format has no room for it.
    """
    picture = decode(data, max_megapixels=max(max_megapixels, _MOST_PAINTED))
    pixels, buffer = picture.pixels, BytesIO()
    if output_format == "jpeg":
        opaque(pixels).save(buffer, "JPEG", quality=_QUALITY, subsampling=0, icc_profile=picture.icc)
    elif output_format == "webp":
        pixels.save(buffer, "WEBP", quality=_QUALITY, method=1, exact=True, icc_profile=picture.icc or b"")
    else:
        pixels.save(buffer, "PNG", compress_level=1, icc_profile=picture.icc)
    return buffer.getvalue(), MEDIA_TYPES[output_format]
