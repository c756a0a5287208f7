"""Work on a picture in bands of rows, several at a time: Pillow, numpy and isal all let other threads run."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import cpu_count
from typing import Final, TypeVar

from PIL import Image

T = TypeVar("T")

# Small enough for a processor's cache, large enough to be worth a hand-over.
_BAND_BYTES: Final = 2 * 1024 * 1024


def in_bands(size: tuple[int, int], work: Callable[[int, int], T], *, bytes_per_pixel: int = 4) -> list[T]:
    """Calls work(top, bottom) for each band of a picture of `size`; the results in order, from top to bottom."""
    width, height = size
    return _map_rows(height, max(1, _BAND_BYTES // (width * bytes_per_pixel)), work)


def resize(image: Image.Image, size: tuple[int, int], resample: Image.Resampling) -> Image.Image:
    """What image.resize(size, resample) gives, to within rounding."""
    width, height = size
    large = max(image.width * image.height, width * height) * 4 > 2 * _BAND_BYTES
    per_row = image.height / height

    def band(top: int, bottom: int) -> Image.Image:
        return image.resize((width, bottom - top), resample, box=(0, top * per_row, image.width, bottom * per_row))

    # One band for each processor: neighbours both read the rows that their common edge depends on.
    bands = _map_rows(height, -(-height // cpu_count()) if large else height, band)
    if len(bands) == 1:
        return bands[0]
    whole = Image.new(image.mode, size)
    top = 0
    for part in bands:
        whole.paste(part, (0, top))
        top += part.height
    return whole


def _map_rows(height: int, rows: int, work: Callable[[int, int], T]) -> list[T]:
    tops = range(0, height, rows)
    bottoms = [min(top + rows, height) for top in tops]
    workers = min(cpu_count(), len(tops))
    if workers == 1:
        return list(map(work, tops, bottoms))
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, tops, bottoms))
