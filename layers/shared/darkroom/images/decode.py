"""From the bytes of a file to a picture, or to an error that says what is wrong with them."""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Final

from PIL import ExifTags, Image

from darkroom.errors import CallerError, ImageTooLarge, UnreadableImage
from darkroom.images.modes import to_rgb
from darkroom.images.picture import Picture
from darkroom.images.sniff import ACCEPTED, sniff

__all__ = ["Picture", "decode"]

# Pillow's guard against decompression bombs and Python's warning filters belong to the whole process.
_ONE_AT_A_TIME: Final = threading.Lock()

_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes, *, max_megapixels: float, enough: int | None = None) -> Picture:
    """The picture in `data`, the right way up, in RGB or RGBA with 8 bits a channel; of an animation, the first frame.

    Args:
        data: a JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF file.
        max_megapixels: larger pictures are refused by their header, before any pixel is unpacked.
        enough: a JPEG may come out smaller than it is, but with its longest side at least this long; that is several
            times faster.

    Raises:
        EmptyImage: no bytes.
        UnsupportedMediaType: another kind of file.
        ImageTooLarge: more than max_megapixels.
        UnreadableImage: damaged, cut short, or made to do harm.
    """
    kind = sniff(data)
    try:
        with _ONE_AT_A_TIME, _guarded(max_megapixels):
            return _decode(data, kind, max_megapixels, enough)
    except CallerError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(_pixels_named_in(error), max_megapixels) from error
    except Exception as error:  # Pillow's decoders raise nearly everything on hostile bytes
        raise UnreadableImage(
            f"The file begins like a {ACCEPTED[kind]} image, but cannot be decoded.",
            fix="It may be damaged or cut short: check that it opens in another program and that all of it was sent.",
        ) from error


@contextmanager
def _guarded(max_megapixels: float) -> Iterator[None]:
    """Makes Pillow's guard refuse what we refuse, and keeps its other complaints about bad files quiet."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = int(max_megapixels * 1e6)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _decode(data: bytes, kind: str, max_megapixels: float, enough: int | None) -> Picture:
    image = Image.open(BytesIO(data), formats=(kind,))
    width, height = image.size
    if width * height > max_megapixels * 1e6:
        raise _too_large(width * height, max_megapixels)
    if width < 1 or height < 1:
        raise UnreadableImage(f"The picture is {width} x {height} pixels: there is nothing in it.")
    if enough is not None:
        longest = max(width, height)
        image.draft(None, (-(-width * enough // longest), -(-height * enough // longest)))
    image.load()
    orientation, about_exif = _orientation(image)
    pixels, icc, about_colour = to_rgb(image, image.info.get("icc_profile") or None)
    if orientation in _UPRIGHT:
        pixels = pixels.transpose(_UPRIGHT[orientation])
    # Comments, XMP and whatever else the file says: nothing of it may find its way into a result.
    pixels.info = {}
    return Picture(pixels, icc, (*about_exif, *about_colour, *_about_frames(image)), ACCEPTED[kind])


def _orientation(image: Image.Image) -> tuple[int, tuple[str, ...]]:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1), ()
    except Exception:  # noqa: BLE001 -- damaged EXIF raises anything, and the picture can do without
        return 1, ("The file's EXIF data are damaged; an orientation in them was ignored.",)


def _about_frames(image: Image.Image) -> tuple[str, ...]:
    """Looks no further than at the second frame, of however many there are. A JPEG's second picture is a preview."""
    try:
        more = image.format != "MPO" and getattr(image, "is_animated", False)
    except Exception:  # noqa: BLE001 -- there is a second frame, and it is damaged
        more = True
    return ("The file holds more than one frame; only the first was used.",) if more else ()


def _too_large(pixels: int | None, max_megapixels: float) -> ImageTooLarge:
    size = "more" if pixels is None else f"{max(pixels / 1e6, 0.01):.2f}".rstrip("0").rstrip(".") + " megapixels"
    return ImageTooLarge(
        f"The picture has {size}; at most {max_megapixels:g} megapixels are accepted.",
        fix="Scale it down and send it again.",
        context={"max_megapixels": max_megapixels} | ({"megapixels": pixels / 1e6} if pixels else {}),
    )


def _pixels_named_in(error: Exception) -> int | None:
    """Pillow tells the figure in its message only."""
    found = re.search(r"\((\d+) pixels\)", str(error))
    return int(found[1]) if found else None
