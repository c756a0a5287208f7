"""Refinement of a mask's edge by closed-form alpha matting, with pymatting as rembg uses it."""

import sys
from contextlib import redirect_stdout
from io import StringIO
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from darkroom.adapters.numba_cache import NumbaCache
from darkroom.adapters.pymatting_parts import is_imported, is_installed, skip_package_imports
from darkroom.errors import InvalidParameter
from darkroom.images.bands import resize

# As rembg draws the line: surely subject above, surely background below, less a margin of about 5 pixels of each.
_FOREGROUND: Final = 240
_BACKGROUND: Final = 10
_DOUBT: Final = 11

# The matte is solved with the longest side at most this long. What counts is the area in doubt: on two cores a cup or
# a portrait takes 0.3 to 1 s (1 to 3 s at 1400), a cat whose mask is vague 4 s (17 s).
LONGEST: Final = 800


class RembgMatter:
    """Args:
    cache: what pymatting is compiled to; None leaves numba to itself, which keeps its cache beside the packages.
    longest: see `LONGEST`.
    """

    def __init__(self, cache: NumbaCache | None = None, *, longest: int = LONGEST) -> None:
        self._cache = cache
        self._longest = longest
        self._prepared = False
        self._preparing = Lock()

    @property
    def is_ready(self) -> bool:
        """Whether `refine` can begin at once; else it would compile first, for half a minute or more."""
        return self._cache is None or not is_installed() or is_imported() or self._cache.is_compiled

    def make_ready(self, seconds: float) -> bool:
        """Has it compiled for so long at the most; whether it is ready then. Raises InternalError."""
        return self.is_ready or self._cache is None or self._cache.compile_within(seconds)

    def prepare(self) -> None:
        """Readies numba's cache, once."""
        with self._preparing:
            if not self._prepared and self._cache is not None and "numba" not in sys.modules:
                self._cache.prepare()
            skip_package_imports()
            self._prepared = True

    def refine(self, image: Image.Image, mask: Image.Image) -> Image.Image:
        """The mask at the picture's size, with a finer edge; what is far from the edge stays as it was.

        Args:
            image: RGB.
            mask: mode L, of any size.

        Raises:
            InvalidParameter: it is not installed here.
        """
        if not is_installed():
            raise InvalidParameter(
                "Alpha matting is not installed in this stack.",
                fix="Leave `matting` out: edges have the subject's own color without it. The owner of the stack can "
                "have it built in (parameter Matting).",
                param="matting",
            )
        self.prepare()
        scale = min(1.0, self._longest / max(image.size))
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        full_mask = resize(mask, image.size, Image.Resampling.LANCZOS)
        trimap = _trimap(resize(mask, size, Image.Resampling.BICUBIC))
        if not ({0, 128, 255} <= set(np.unique(trimap).tolist())):
            return full_mask
        small = image if scale == 1.0 else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        matte = _solve(np.asarray(small, np.float64) / 255, trimap)
        if matte is None:
            return full_mask
        doubtful = Image.fromarray(np.where(trimap == 128, np.uint8(255), np.uint8(0)))
        # Only where there was doubt: elsewhere the mask is as good, and sharper than what was solved small.
        return Image.composite(
            resize(matte, image.size, Image.Resampling.BICUBIC),
            full_mask,
            resize(doubtful, image.size, Image.Resampling.BILINEAR),
        )


def _trimap(mask: Image.Image) -> NDArray[np.uint8]:
    """255 where the subject is for sure, 0 where the background is, 128 in between."""
    shrink = ImageFilter.MinFilter(_DOUBT)
    subject = mask.point([255 * (value > _FOREGROUND) for value in range(256)]).filter(shrink)
    background = mask.point([255 * (value < _BACKGROUND) for value in range(256)]).filter(shrink)
    trimap = np.full((mask.height, mask.width), 128, np.uint8)
    trimap[np.asarray(subject) > 0] = 255
    trimap[np.asarray(background) > 0] = 0
    return trimap


def _solve(image: NDArray[np.float64], trimap: NDArray[np.uint8]) -> Image.Image | None:
    """The matte; None where the equations have no solution that can be found."""
    from pymatting.alpha.estimate_alpha_cf import estimate_alpha_cf

    try:
        # pymatting prints advice to its developers.
        with redirect_stdout(StringIO()):
            alpha: NDArray[Any] = estimate_alpha_cf(image, trimap / 255)
    except ValueError:
        return None
    return Image.fromarray((np.clip(alpha, 0, 1) * 255 + 0.5).astype(np.uint8))
