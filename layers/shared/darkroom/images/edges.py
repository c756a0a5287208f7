"""The subject's own color in half-opaque pixels, where a photograph has a blend of subject and background.

Foreground estimation by blur fusion (Forte and Pitié, "Approximate Fast Foreground Colour Estimation", ICIP 2021): the
local means of the opaque and the transparent part are first guesses of both colors; what the blend of the two leaves of
the photograph is then given to the foreground. Repeated with smaller and smaller windows on a small copy, and once more
at full size for the pixels that are half-opaque.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

Values = NDArray[np.float32]

# The longest side of the small copy, in pixels; and by how much smaller the copy for the widest window is.
_WORKING: Final = 768
_COARSER: Final = 4
# Radii of the windows, in pixels of the copy that each is moved over.
_WIDE: Final = 11
_NARROW: Final = (12, 3)
# From this alpha on, of 255, a pixel keeps its color: what is left of the background in it cannot be seen.
_OPAQUE_FROM: Final = 253

# Of masks, at their own size: below and above these a pixel is empty or solid; between, it is half-opaque. A true edge
# has an empty and a solid pixel within so many pixels; where there is neither, the model could not decide.
EMPTY_BELOW: Final = 20
SOLID_FROM: Final = 235
NEAR: Final = 2


class Edges:
    """The colors at the edges of one picture's subject.

    Args:
        pixels: mode RGB.
        mask: mode L, of any resolution; 255 where the subject is.
    """

    def __init__(self, pixels: Image.Image, mask: Image.Image) -> None:
        self._size = pixels.size
        scale = min(1.0, _WORKING / max(pixels.size))
        small = _scaled(pixels, (max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale))))
        found = _estimated(small, _scaled(mask, small.size))
        self._foreground, self._background = (each.convert("RGBX") for each in found)
        self._fog = _weights(mask)

    def clean(self, band: NDArray[np.uint8], left: int, top: int) -> None:
        """Puts the subject's color into half-opaque pixels.

        Args:
            band: rows, columns, RGBA with the photograph's colors, one row after the other; changed in place.
            left, top: where in the picture it begins.
        """
        width = band.shape[1]
        alpha = band[..., 3]
        at = np.flatnonzero((alpha - 1) < _OPAQUE_FROM - 1)  # 0 wraps around to 255
        if not at.size:
            return
        first, last = int(at[0]) // width, int(at[-1]) // width + 1
        box = (left, top + first, left + width, top + last)
        words = band.view(np.uint32).reshape(-1)
        shown, inside = _colors(words[at]), at - first * width
        share = alpha.reshape(-1)[at].astype(np.float32)[:, np.newaxis] / 255
        background = _colors(self._part(self._background, box)[inside])
        foreground = _colors(self._part(self._foreground, box)[inside])
        foreground += share * (shown - background - share * (foreground - background))
        if self._fog is not None:
            weight = self._part(self._fog, box)[inside].astype(np.float32)[:, np.newaxis] / 255
            foreground = shown + weight * (foreground - shown)
        foreground[:, 3] = shown[:, 3]
        words[at] = np.clip(foreground + 0.5, 0, 255).astype(np.uint8).view(np.uint32)[:, 0]

    def _part(self, image: Image.Image, box: tuple[int, int, int, int]) -> NDArray[Any]:
        """What belongs into that box of the picture, scaled up to its size; a value for each pixel."""
        across, down = image.width / self._size[0], image.height / self._size[1]
        where = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
        part = image.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR, box=where)
        values = np.asarray(part)
        return values.view(np.uint32).reshape(-1) if part.mode == "RGBX" else values.reshape(-1)


def _colors(words: NDArray[np.uint32]) -> Values:
    """Four values, 0 to 255, for each pixel."""
    return words[:, np.newaxis].view(np.uint8).astype(np.float32)


def fog(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which half-opaque pixels have neither a solid nor an empty one near."""
    solid, empty = mask >= SOLID_FROM, mask < EMPTY_BELOW
    return ~(solid | empty | _grown(solid) | _grown(empty))


def _weights(mask: Image.Image) -> Image.Image | None:
    """255 where an edge is and 0 in fog; None where there is no fog."""
    small = np.asarray(_scaled(mask, (min(mask.width, 320), min(mask.height, 320))))
    undecided = fog(small)
    return Image.fromarray(np.where(undecided, 0, 255).astype(np.uint8)) if undecided.any() else None


def _grown(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether it is so within NEAR pixels across, down or in between."""
    grown = where.copy()
    for axis in (0, 1):
        before = grown.copy()
        for step in range(1, NEAR + 1):
            ahead, behind = (slice(step, None), slice(None, -step))
            one, other = ((ahead, slice(None)), (behind, slice(None))) if axis == 0 else ((..., ahead), (..., behind))
            grown[one] |= before[other]
            grown[other] |= before[one]
    return grown


def _estimated(shown: Image.Image, alpha: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Foreground and background (both RGB) of a picture in RGB, from its alpha in L."""
    coarse = (max(1, shown.width // _COARSER), max(1, shown.height // _COARSER))
    small = _scaled(shown, coarse)
    found = _fused(small, _scaled(alpha, coarse), (small, small), _WIDE)
    foreground, background = (each.resize(shown.size, Image.Resampling.BILINEAR) for each in found)
    for radius in _NARROW:
        foreground, background = _fused(shown, alpha, (foreground, background), radius)
    return foreground, background


def _fused(
    shown: Image.Image, alpha: Image.Image, last: tuple[Image.Image, Image.Image], radius: int
) -> tuple[Image.Image, Image.Image]:
    """One pass: both colors from those of the last one."""
    front = _mean(last[0], alpha, radius)
    back = _mean(last[1], ImageChops.invert(alpha), radius)
    share = _unit(alpha)[..., np.newaxis]
    foreground = np.asarray(front, np.float32)
    background = np.asarray(back, np.float32)
    # What the blend of both leaves of the photograph.
    foreground = foreground + share * (np.asarray(shown, np.float32) - background - share * (foreground - background))
    return Image.fromarray(np.clip(foreground + 0.5, 0, 255).astype(np.uint8)), back


def _mean(colors: Image.Image, weights: Image.Image, radius: int) -> Image.Image:
    """The weighted mean of the square window around each pixel; the color itself where nothing in it counts.

    Weighted sums of eight bits are coarse where little counts, and there the result counts as little.
    """
    weighted = colors.copy()
    weighted.putalpha(weights)
    means = weighted.convert("RGBa").filter(ImageFilter.BoxBlur(radius)).convert("RGBA")
    known = means.getchannel("A").point([0] + [255] * 255)
    return Image.composite(means.convert("RGB"), colors, known)


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _unit(image: Image.Image) -> Values:
    values: Values = np.asarray(image, np.float32)
    return values * np.float32(1 / 255)
