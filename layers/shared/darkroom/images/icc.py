"""Colour profiles: reading them, and bringing a picture's colours to sRGB."""

from functools import cache, lru_cache
from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

# Print profiles reach 2-3 MB. More than this is none.
MAX_BYTES: Final = 4 * 1024 * 1024
# More than this is not carried along: readers of PNG refuse a profile that inflates to more.
MAX_CARRIED: Final = 1024 * 1024 - 1024


@cache
def srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def trimmed(icc: bytes) -> bytes:
    """Without what lies behind its end, as the profile itself says where that is."""
    said = int.from_bytes(icc[:4], "big")
    return icc[:said] if 128 < said < len(icc) else icc


def colour_space(icc: bytes) -> str | None:
    """What the profile is for: `RGB`, `GRAY`, `CMYK` …; None if it is no usable profile."""
    if not 128 < len(icc) <= MAX_BYTES:
        return None
    try:
        return str(ImageCms.ImageCmsProfile(BytesIO(icc)).profile.xcolor_space).strip()
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


@lru_cache(maxsize=8)
def is_usable(icc: bytes) -> bool:
    """Whether colours of RGB can really be converted by the profile: its header may be sound and its tables not."""
    try:
        to_srgb(Image.new("RGB", (1, 1)), icc)
    except ImageCms.PyCMSError:
        return False
    return True


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
