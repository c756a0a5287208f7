"""Refinement of a mask's edge by closed-form alpha matting, with pymatting as rembg uses it.

pymatting compiles itself with numba when it is first imported, which takes half a minute or more. numba keeps what it
compiled in a cache, so the image bakes one when it is built (`python -m darkroom.adapters.matter DIRECTORY`, at the
place where the packages will lie) and `prepare_numba_cache` puts it where numba can use it.
"""

import os
import shutil
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from darkroom.images.bands import resize

# As rembg draws the line: surely subject above, surely background below, less a margin of about 5 pixels of each.
_FOREGROUND: Final = 240
_BACKGROUND: Final = 10
_DOUBT: Final = 11

# The matte is solved with the longest side at most this long. What counts is the area in doubt: on two cores a cup or
# a portrait takes 0.3 to 1 s (1 to 3 s at 1400), a cat whose mask is vague 4 s (17 s).
LONGEST: Final = 800


def prepare_numba_cache(baked: Path | None, cache_dir: Path) -> None:
    """Lets numba find its cache; call before numba is imported.

    numba insists on writing beside what it reads, so a baked cache is copied to where it can. It is filed under the
    processor's name and features: "generic" makes it valid on every machine.

    Args:
        baked: a cache made when the image was built, with the packages at the same paths; None for none.
        cache_dir: a directory that can be written to; made if missing.
    """
    if baked is not None and baked.is_dir() and not cache_dir.exists():
        # By way of another name: a half-copied cache is never mistaken for a whole one.
        copy = cache_dir.with_name(f"{cache_dir.name}.{os.getpid()}")
        shutil.copytree(baked, copy, copy_function=shutil.copyfile)
        for directory in (copy, *(path for path in copy.iterdir() if path.is_dir())):
            directory.chmod(0o755)  # in the image they may be for reading only
        copy.replace(cache_dir)
    cache_dir.mkdir(parents=True, exist_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(cache_dir)
    os.environ["NUMBA_CPU_NAME"] = "generic"


class RembgMatter:
    """Args:
    baked_cache: see `prepare_numba_cache`.
    cache_dir: see there; None leaves numba to itself, which keeps its cache beside the packages.
    longest: see `LONGEST`.
    """

    def __init__(
        self, *, baked_cache: Path | None = None, cache_dir: Path | None = None, longest: int = LONGEST
    ) -> None:
        self._baked_cache = baked_cache
        self._cache_dir = cache_dir
        self._longest = longest
        self._prepared = False
        self._preparing = Lock()

    def prepare(self) -> None:
        """Readies numba's cache, once. For whoever else is about to import numba."""
        with self._preparing:
            if not self._prepared and self._cache_dir is not None and "numba" not in sys.modules:
                prepare_numba_cache(self._baked_cache, self._cache_dir)
            self._prepared = True

    def refine(self, image: Image.Image, mask: Image.Image) -> Image.Image:
        """The mask at the picture's size, with a finer edge; what is far from the edge stays as it was.

        Args:
            image: RGB.
            mask: mode L, of any size.
        """
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


if __name__ == "__main__":
    prepare_numba_cache(None, Path(sys.argv[1]))
    import pymatting  # noqa: F401 -- the import is what compiles
