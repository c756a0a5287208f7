"""What can be put behind a subject: a colour, a gradient, or another picture."""

import re
from collections.abc import Callable
from typing import Final

from PIL import Image, ImageCms, ImageColor, ImageOps

from darkroom.errors import InvalidParameter
from darkroom.images import icc as profiles
from darkroom.images.gradient import Rgba, parse_gradient
from darkroom.images.picture import Picture

# Paints a background of the size asked for, RGB or RGBA, in sRGB.
Painter = Callable[[tuple[int, int]], Image.Image]

ACCEPTED: Final = (
    "a CSS color (`white`, `transparent`, `#f80`, `#ff8800`, `#ff880080`, `rgb(255, 136, 0)`, "
    "`rgba(255, 136, 0, 0.5)`, `hsl(32, 100%, 50%)`)",
    "`linear-gradient(<angle or side>, <color> [<position>%], <color> [<position>%], ...)`, where the angle is like "
    "`45deg` and the side like `to right` or `to bottom left`",
)
_RGBA = re.compile(
    r"rgba?\(\s*(\d{1,3})\s*[,\s]\s*(\d{1,3})\s*[,\s]\s*(\d{1,3})\s*[,/]\s*(\d*\.?\d+)(%?)\s*\)", re.IGNORECASE
)
_GRADIENT = re.compile(r"linear-gradient\((.*)\)", re.IGNORECASE | re.DOTALL)


def parse_background(text: str) -> Painter:
    """The painter for a `background` parameter.

    Raises:
        InvalidParameter: not a colour or a gradient; the error says what is.
    """
    text = text.strip()
    try:
        if found := _GRADIENT.fullmatch(text):
            return parse_gradient(found[1], parse_colour).paint
        colour = parse_colour(text)
    except (ValueError, OverflowError) as error:
        raise InvalidParameter(
            f"The background {text[:80]!r} is not understood: {error}.",
            fix=f"Give {' or '.join(ACCEPTED)}.",
            param="background",
            context={"accepted": list(ACCEPTED)},
        ) from error
    return lambda size: _plain(colour, size)


def parse_colour(text: str) -> Rgba:
    """A CSS colour. Raises ValueError on anything else."""
    if text.lower() == "transparent":
        return 0, 0, 0, 0
    if found := _RGBA.fullmatch(text):
        red, green, blue = (int(found[channel]) for channel in (1, 2, 3))
        alpha = float(found[4]) / (100 if found[5] else 1)
        rgba = (red, green, blue, round(alpha * 255))
    else:
        try:
            rgb = ImageColor.getrgb(text)
        except ValueError as error:
            raise ValueError(f"{text[:40]!r} is no color") from error
        rgba = (rgb[0], rgb[1], rgb[2], rgb[3] if len(rgb) == 4 else 255)
    if max(rgba) > 255 or min(rgba) < 0:
        raise ValueError(f"{text[:40]!r} has a value beyond its range")
    return rgba


def paint_picture(picture: Picture) -> Painter:
    """A painter that covers any size with the picture, cut at two sides where the proportions differ."""
    pixels = in_srgb(picture)
    return lambda size: ImageOps.fit(pixels, size, Image.Resampling.BICUBIC)


def in_srgb(picture: Picture) -> Image.Image:
    """The picture's pixels with their colours brought to sRGB, to go together with others."""
    if picture.icc is None or profiles.is_srgb(picture.icc):
        return picture.pixels
    try:
        return profiles.to_srgb(picture.pixels, picture.icc)
    except ImageCms.PyCMSError:
        return picture.pixels


def _plain(colour: Rgba, size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, colour[:3]) if colour[3] == 255 else Image.new("RGBA", size, colour)
