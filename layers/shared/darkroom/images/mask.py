"""Masks of edits: transparent where the picture may change, opaque where it has to stay (OpenAI's convention)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final, Literal

from PIL import Image

from darkroom.errors import CallerError, InvalidParameter, UnusableAnswer
from darkroom.images.decode import decode
from darkroom.images.fit import Size, fitted
from darkroom.images.normalise import Normalised
from darkroom.images.picture import Picture

# Models paint up to 17 megapixels. What has been paid for is not refused because the stack accepts smaller pictures.
_MOST_PAINTED: Final = 40.0
_MOST_MASK: Final = 100.0  # of a mask that was accepted before
_WEBP_LONGEST: Final = 16383
_BAND_ROWS: Final = 256
_LARGE: Final = 8_000_000

_HOW: Final = (
    "Send a PNG or WebP of the first picture's size, transparent (alpha 0) where it may change, opaque everywhere else."
)


@dataclass(frozen=True, slots=True)
class Composed:
    """A finished edit: the original with the painted parts in it; width and height in pixels."""

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    warnings: tuple[str, ...] = ()


def normalise_mask(data: bytes, *, max_megapixels: float) -> Normalised:
    """The mask as a PNG that is black, with the file's own alpha: nothing but what may change, and a mask as before.

    Raises:
        InvalidParameter: it has no alpha, or nothing in it is transparent. `param` is "mask".
        EmptyImage, UnsupportedMediaType, ImageTooLarge, UnreadableImage: as `decode` says.
    """
    alpha = _alpha(data, max_megapixels)
    black = Image.merge("LA", (Image.new("L", alpha.size), alpha))
    return Normalised(_png(black, None), "image/png", *alpha.size)


def check_size(mask: Size, picture: Size) -> None:
    """Raises InvalidParameter unless both are the same; each is (width, height) of the upright picture."""
    if mask != picture:
        raise InvalidParameter(
            f"The mask is {mask[0]} x {mask[1]} pixels, and the first picture {picture[0]} x {picture[1]}.",
            fix="Make the mask exactly as large as the first picture is when it is the right way up.",
            param="mask",
            context={"mask_size": "{}x{}".format(*mask), "image_size": "{}x{}".format(*picture)},
        )


def region_hint(mask: bytes) -> str:
    """Where the change is, as an instruction for a model that cannot see the mask; nothing if it may be everywhere."""
    alpha = _alpha(mask, _MOST_MASK)
    box = _where(alpha, lambda value: value < 255).getbbox()
    if box is None or box == (0, 0, *alpha.size):
        return ""
    left, top, right, bottom = box
    across, down = _per_cent(left, right, alpha.width), _per_cent(top, bottom, alpha.height)
    return (
        f"Change only the area from {across} of the width (from the left) and from {down} of the height "
        "(from the top); keep everything else as it is."
    )


def compose(
    original: bytes,
    painted: bytes,
    mask: bytes,
    *,
    output_format: Literal["png", "webp"] = "png",
    max_megapixels: float,
) -> Composed:
    """The original where the mask is opaque, pixel for pixel; what was painted where it is transparent; between, both.

    The result has the original's size and colour profile. What was painted is scaled to it, and cropped at its edges
    if its shape is another. It is lossless; a WebP that would be too large for the format becomes a PNG.

    Args:
        painted: the model's picture, of any size.

    Raises:
        UnusableAnswer: `painted` cannot be decoded.
        InvalidParameter: the mask has another size than the original, or is none.
    """
    alpha = _alpha(mask, max_megapixels)
    below = decode(original, max_megapixels=max_megapixels)
    check_size(alpha.size, below.pixels.size)
    icc, is_large = below.icc, alpha.width * alpha.height > _LARGE
    if is_large:
        # Unpacked again below: three large pictures at a time are more than a function that waits has memory for.
        below.pixels.close()
    above, warnings = fitted(_decoded_answer(painted, max_megapixels), icc, alpha.size)
    if is_large:
        below = decode(original, max_megapixels=max_megapixels)
    blended = _blended(below.pixels, above, alpha)
    if output_format == "webp" and max(blended.size) > _WEBP_LONGEST:
        output_format = "png"
        warnings += (f"WebP has room for {_WEBP_LONGEST} pixels a side; the result is a PNG.",)
    data = _png(blended, icc) if output_format == "png" else _webp(blended, icc)
    return Composed(data, f"image/{output_format}", *blended.size, warnings)


def _alpha(data: bytes, max_megapixels: float) -> Image.Image:
    """Mode L: 255 where nothing may change."""
    pixels = decode(data, max_megapixels=max_megapixels).pixels
    if pixels.mode != "RGBA":
        raise InvalidParameter(
            "The mask has no alpha channel, so nothing in it is transparent. Black and white say nothing in a mask.",
            fix=_HOW,
            param="mask",
        )
    alpha = pixels.getchannel("A")
    if alpha.getextrema() == (255, 255):
        raise InvalidParameter(
            "The mask is opaque everywhere, so nothing may change: there is nothing to pay a model for.",
            fix=_HOW,
            param="mask",
        )
    return alpha


def _decoded_answer(painted: bytes, max_megapixels: float) -> Picture:
    try:
        return decode(painted, max_megapixels=max(max_megapixels, _MOST_PAINTED))
    except CallerError as error:
        raise UnusableAnswer(
            f"The model's picture cannot be put into yours. {error.detail}", fix=error.fix, charged=True
        ) from error


def _blended(below: Image.Image, above: Image.Image, alpha: Image.Image) -> Image.Image:
    """Changes `above`; the same size all three."""
    if below.mode == above.mode == "RGB":
        above.paste(below, mask=alpha)  # exact for 0 and 255
        return above
    # Pillow's convert() copies what has the mode already.
    below, above = (each if each.mode == "RGBA" else each.convert("RGBA") for each in (below, above))
    for top in range(0, above.height, _BAND_ROWS):
        box = (0, top, above.width, min(top + _BAND_ROWS, above.height))
        above.paste(_blended_band(below.crop(box), above.crop(box), alpha.crop(box)), box)
    return above


def _blended_band(below: Image.Image, above: Image.Image, alpha: Image.Image) -> Image.Image:
    """Colours count as much as they are opaque, or what lies under transparent pixels would shine through."""
    both = Image.composite(below.convert("RGBa"), above.convert("RGBa"), alpha).convert("RGBA")
    both.paste(below, mask=_where(alpha, lambda value: value == 255))
    both.paste(above, mask=_where(alpha, lambda value: value == 0))
    return both


def _where(alpha: Image.Image, holds: Callable[[int], bool]) -> Image.Image:
    """Mode L: 255 where it holds, 0 elsewhere."""
    return alpha.point([255 * holds(value) for value in range(256)])


def _per_cent(start: int, end: int, whole: int) -> str:
    return f"{start * 100 // whole} % to {math.ceil(end * 100 / whole)} %"


def _png(image: Image.Image, icc: bytes | None) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1, icc_profile=icc)
    return buffer.getvalue()


def _webp(image: Image.Image, icc: bytes | None) -> bytes:
    buffer = BytesIO()
    # "exact" keeps what is under alpha 0. Methods above 0 take several times as long for a quarter of the size.
    image.save(buffer, "WEBP", lossless=True, quality=25, method=0, exact=True, icc_profile=icc or b"")
    return buffer.getvalue()
