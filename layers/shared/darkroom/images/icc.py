"""Colour profiles: reading them, and bringing a picture's colours to sRGB."""

from functools import cache
from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

# Print profiles reach 2-3 MB. More than this is no profile that a result should carry along.
MAX_BYTES: Final = 4 * 1024 * 1024


@cache
def srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def colour_space(icc: bytes) -> str | None:
    """What the profile is for: `RGB`, `GRAY`, `CMYK` …; None if it is no usable profile."""
    if len(icc) > MAX_BYTES:
        return None
    try:
        return str(ImageCms.ImageCmsProfile(BytesIO(icc)).profile.xcolor_space).strip()
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def is_srgb(icc: bytes) -> bool:
    return "srgb" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(icc))).lower()


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """The picture (L, RGB, RGBA or CMYK) in sRGB; alpha is kept.

    Raises:
        ImageCms.PyCMSError: the profile does not fit the picture.
    """
    if image.mode == "RGBA":
        converted = to_srgb(image.convert("RGB"), icc)
        converted.putalpha(image.getchannel("A"))
        return converted
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(BytesIO(icc)),
        srgb(),
        image.mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return transform.apply(image)
