"""Brings one picture to the size and the colours of another."""

import math
from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

from darkroom.images import icc as profiles
from darkroom.images.picture import Picture

Size = tuple[int, int]

_SAME_SHAPE: Final = 0.03
_LANCZOS: Final = 3.0
_BAND_ROWS: Final = 256
_LARGE: Final = 8_000_000


def fitted(painted: Picture, icc: bytes | None, size: Size) -> tuple[Image.Image, tuple[str, ...]]:
    """The painted picture in the colour profile (None is sRGB) and the size of the one it is put into."""
    pixels, warnings = _in_profile(painted, icc)
    if pixels.size == size:
        return pixels, warnings
    box: tuple[float, float, float, float] = (0, 0, *pixels.size)
    if abs((pixels.width * size[1]) / (pixels.height * size[0]) - 1) > _SAME_SHAPE:
        box = _covering(pixels.size, size)
        warnings += (
            f"The model painted {pixels.width} x {pixels.height} pixels, which is another shape than {size[0]} x "
            f"{size[1]}: its edges were cut off, and what it painted may not meet your picture exactly.",
        )
    return _resized(pixels, size, box), warnings


def _resized(pixels: Image.Image, size: Size, box: tuple[float, float, float, float]) -> Image.Image:
    """A large one in bands, for Pillow has several copies of a picture with alpha in memory while it resizes it."""
    if max(pixels.width * pixels.height, size[0] * size[1]) <= _LARGE:
        return pixels.resize(size, Image.Resampling.LANCZOS, box=box)
    left, top, right, bottom = box
    scale = (bottom - top) / size[1]
    # How far the filter reaches, in rows of the source.
    reach = math.ceil(_LANCZOS * max(1.0, scale)) + 1
    resized = Image.new(pixels.mode, size)
    for first in range(0, size[1], _BAND_ROWS):
        last = min(first + _BAND_ROWS, size[1])
        begin, end = top + first * scale, top + last * scale
        above, below = max(0, math.floor(begin) - reach), min(pixels.height, math.ceil(end) + reach)
        band = pixels.crop((0, above, pixels.width, below))
        band = band.resize(
            (size[0], last - first), Image.Resampling.LANCZOS, box=(left, begin - above, right, end - above)
        )
        resized.paste(band, (0, first))
    return resized


def _covering(size: Size, target: Size) -> tuple[float, float, float, float]:
    """The largest box of the target's shape, in the middle."""
    scale = min(size[0] / target[0], size[1] / target[1])
    width, height = target[0] * scale, target[1] * scale
    left, top = max((size[0] - width) / 2, 0), max((size[1] - height) / 2, 0)
    return left, top, min(left + width, size[0]), min(top + height, size[1])


def _in_profile(painted: Picture, icc: bytes | None) -> tuple[Image.Image, tuple[str, ...]]:
    """A picture without a profile is sRGB."""
    if painted.icc == icc:
        return painted.pixels, ()
    try:
        return _converted(painted.pixels, painted.icc, icc), ()
    except ImageCms.PyCMSError:
        return painted.pixels, ("The colours could not be brought to your picture's profile; they may look different.",)


def _converted(pixels: Image.Image, source: bytes | None, target: bytes | None) -> Image.Image:
    transform = ImageCms.buildTransform(
        _profile(source),
        _profile(target),
        "RGB",
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    converted = transform.apply(pixels.convert("RGB"))
    if pixels.mode == "RGBA":
        converted.putalpha(pixels.getchannel("A"))
    return converted


def _profile(icc: bytes | None) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(BytesIO(icc)) if icc else profiles.srgb()
