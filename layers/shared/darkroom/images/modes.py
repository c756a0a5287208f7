"""Every way of storing pixels that Pillow knows, brought to RGB or RGBA with 8 bits a channel."""

import math
from collections.abc import Callable

from PIL import Image, ImageChops, ImageCms

from darkroom.errors import UnreadableImage
from darkroom.images import icc as profiles
from darkroom.images.containers.contents import IGNORED_PROFILE

_GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")
_SPACE = {"CMYK": "CMYK", "LAB": "LAB"} | dict.fromkeys(_GREY, "GRAY")

# White of floating-point, 8-bit and 16-bit pictures; an "I" picture that holds only 0 and 1 is a mask.
_USUAL_WHITE = (1.0, 255.0, 65535.0)


def to_rgb(image: Image.Image, icc: bytes | None) -> tuple[Image.Image, bytes | None, tuple[str, ...]]:
    """RGB or RGBA pixels, the profile they are in (None for sRGB), and warnings.

    Grey and CMYK colours with a profile are converted to sRGB, since a profile for one channel or four says nothing
    of three. An RGB profile is passed on, so that no colour is lost.
    """
    warnings: list[str] = []
    icc = icc and profiles.trimmed(icc)
    space = _SPACE.get(image.mode, "RGB")
    if icc is not None and (profiles.colour_space(icc) != space or (space == "RGB" and not profiles.is_usable(icc))):
        icc = None
        warnings.append(IGNORED_PROFILE)
    if image.mode in ("I", "F") and (extremes := _range_of(image))[1] not in _USUAL_WHITE:
        warnings.append("The file's values reach from {:g} to {:g}; they were scaled to 0 to 255.".format(*extremes))
    if image.mode == "RGBA" and (icc is None or len(icc) <= profiles.MAX_CARRIED):
        # It is what is asked for; taken apart and put together, it would be there twice.
        return image, icc, tuple(warnings)
    eight_bit, alpha = _split(image)
    if icc is not None and eight_bit.mode in ("L", "CMYK"):
        try:
            eight_bit, icc = profiles.to_srgb(eight_bit, icc), None
        except ImageCms.PyCMSError:
            icc = None
            warnings.append(IGNORED_PROFILE)
    rgb = eight_bit if eight_bit.mode == "RGB" else eight_bit.convert("RGB")
    if icc is not None and len(icc) > profiles.MAX_CARRIED and image.mode != "LAB":
        rgb, icc = profiles.to_srgb(rgb, icc), None
    if alpha is not None:
        rgb.putalpha(alpha)
    return rgb, None if image.mode == "LAB" else icc, tuple(warnings)


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Colour as L, CMYK or RGB, and the alpha channel if there is one."""
    if convert := _DEEP.get(image.mode):
        return convert(image), _keyed_out(image)
    if image.mode in ("La", "RGBa"):  # premultiplied
        image = image.convert(image.mode.upper())
    if image.mode in ("P", "PA", "1", "L", "RGB") and image.has_transparency_data:
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        colour = image.getchannel("L") if image.mode == "LA" else image.convert("RGB")
        return colour, image.getchannel("A")
    return image.convert("L") if image.mode == "1" else image, None


def _from_16_bit(image: Image.Image) -> Image.Image:
    # Pillow's own conversion clips everything above 255 to white. "I" has room for the product, "L" then cuts it.
    return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")


def _from_32_bit(image: Image.Image) -> Image.Image:
    low, high = _range_of(image)
    scale = 255 / (high - low) if high > low else 1.0
    offset = 0.5 - low * scale
    return image.convert("F").point(lambda value: value * scale + offset).convert("L")


_DEEP: dict[str, Callable[[Image.Image], Image.Image]] = {
    **dict.fromkeys(("I;16", "I;16L", "I;16B", "I;16N"), _from_16_bit),
    **dict.fromkeys(("I", "F"), _from_32_bit),
}


def _keyed_out(image: Image.Image) -> Image.Image | None:
    """Alpha of a deep grey PNG that names one value as transparent. Pillow compares such values by 8 bits only."""
    key = image.info.get("transparency")
    if not isinstance(key, int) or image.mode == "F":
        return None
    deep = image.convert("I")
    # Converting to L cuts off at 0 and 255: what is neither above the key nor below it is the key.
    above = deep.point(lambda value: value * 1 + -key).convert("L")
    below = deep.point(lambda value: value * -1 + key).convert("L")
    return ImageChops.lighter(above, below).point([0] + [255] * 255)


def _extrema(image: Image.Image) -> tuple[float, float]:
    low, high = image.getextrema()
    if not (isinstance(low, int | float) and isinstance(high, int | float) and math.isfinite(high - low)):
        raise UnreadableImage("The picture holds values that are no finite numbers.")
    return low, high


def _range_of(image: Image.Image) -> tuple[float, float]:
    """Which values stand for black and white: a usual range where one fits, else the picture's own extremes."""
    low, high = _extrema(image)
    usual = next((top for top in _USUAL_WHITE if high <= top), None)
    return (0.0, usual) if low >= 0 and usual else (low, high)
