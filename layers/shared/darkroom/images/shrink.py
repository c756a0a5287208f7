"""Fit pictures into a number of bytes, for answers that carry them as text."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from PIL import Image

# From hardly visible to visible; after the last one the picture itself gets smaller.
_QUALITIES: Final = (92, 85, 75, 60)
# Nothing that small is too large for an answer.
_MIN_SIDE: Final = 16
_ALPHA_MODES: Final = ("RGBA", "LA", "PA")


class Shrunk(Struct, frozen=True):
    """A picture's file, and its size in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int


def shrink(pictures: Sequence[Callable[[], bytes]], sizes: Sequence[int], max_bytes: int) -> list[Shrunk | None]:
    """Encode pictures again, one at a time, so that together they take no more than `max_bytes`.

    A picture that is small enough for an equal share stays as it is, and what it leaves is shared by the others.
    JPEG for opaque pictures (ten times as fast as WebP) and WebP for those with transparency.

    Args:
        pictures: read the files; called only for those that are encoded again.
        sizes: of the files, in bytes.
        max_bytes: for all of them together.

    Returns:
        For each picture the new file, or None where the old one stays: it is small enough, or cannot be decoded here,
        as SVG cannot.
    """
    shrunk: list[Shrunk | None] = [None] * len(pictures)
    left, waiting = max_bytes, len(pictures)
    for index in sorted(range(len(pictures)), key=sizes.__getitem__):
        share = left // waiting
        found = None if sizes[index] <= share else _encoded(pictures[index](), share)
        shrunk[index] = found
        left -= sizes[index] if found is None else len(found.data)
        waiting -= 1
    return shrunk


def _encoded(data: bytes, max_bytes: int) -> Shrunk | None:
    # Here, for few answers are too large, and functions that answer load nothing else of Pillow.
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(BytesIO(data))
    except UnidentifiedImageError:
        return None
    profile = image.info.get("icc_profile")
    has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
    pixels = image.convert("RGBA" if has_alpha else "RGB")
    while True:
        for quality in _QUALITIES:
            found = _file(pixels, quality, profile)
            if len(found.data) <= max_bytes:
                return found
        if max(pixels.size) <= _MIN_SIDE:
            return found
        pixels = pixels.resize((max(1, pixels.width // 2), max(1, pixels.height // 2)), Image.Resampling.BOX)


def _file(pixels: "Image.Image", quality: int, profile: bytes | None) -> Shrunk:
    buffer = BytesIO()
    form = "WEBP" if pixels.mode == "RGBA" else "JPEG"
    more = {"method": 1} if form == "WEBP" else {}
    pixels.save(buffer, form, quality=quality, icc_profile=profile or b"", **more)
    return Shrunk(buffer.getvalue(), f"image/{form.lower()}", *pixels.size)
