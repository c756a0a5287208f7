"""From the bytes of a file to a picture, or to an error that says what is wrong with them."""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Final

from msgspec import Struct
from PIL import Image, ImageChops, UnidentifiedImageError

from darkroom.errors import CallerError, ImageTooLarge, UnreadableImage
from darkroom.images.colour_codes import interpreted
from darkroom.images.containers import Contents, contents, png
from darkroom.images.containers.contents import CUT_SHORT, IGNORED_PROFILE, damaged, unsupported
from darkroom.images.modes import to_rgb
from darkroom.images.picture import Picture
from darkroom.images.sniff import ACCEPTED, sniff

__all__ = [
    "MAX_SIDE",
    "Decoded",
    "Header",
    "Picture",
    "decode",
    "decode_file",
    "read_header",
    "require_picture",
    "upright_size",
]

# What JPEG has room for. A picture of one column and millions of rows takes seconds of every step that goes by rows.
MAX_SIDE: Final = 65_535

_MOST_DPI: Final = 100_000

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


class Decoded(Struct, frozen=True):
    """A picture, with the file that it was in taken apart.

    Attributes:
        kind: Pillow's name of the format.
        is_as_stored: whether `contents.data` with `picture.icc` shows the same pixels.
    """

    picture: Picture
    contents: Contents
    kind: str
    is_as_stored: bool


class Header(Struct, frozen=True):
    """What a file says of its picture: Pillow's name of the format, pixels (width, height) as stored, Pillow's mode."""

    kind: str
    size: tuple[int, int]
    mode: str
    contents: Contents


def decode(data: bytes, *, max_megapixels: float, enough: int | None = None) -> Picture:
    """The picture in `data`, the right way up, in RGB or RGBA with 8 bits a channel; of an animation, the first frame.

    Args:
        data: a JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or HEIC file.
        max_megapixels: larger pictures are refused by their header, before any pixel is unpacked.
        enough: a JPEG may come out smaller than it is, but with its longest side at least this long; that is several
            times faster.

    Raises:
        EmptyImage: no bytes.
        UnsupportedMediaType: another kind of file.
        UnsupportedImage: a sound file of a kind that is not read here.
        ImageTooLarge: more than max_megapixels, or more than MAX_SIDE pixels along one side.
        UnreadableImage: damaged, cut short, or made to do harm.
    """
    return decode_file(data, max_megapixels=max_megapixels, enough=enough).picture


def require_picture(data: bytes, *, max_megapixels: float, enough: int | None = None) -> None:
    """Raises what `decode` raises, for those who want to know no more; most PNGs are inflated for that alone."""
    kind = sniff(data)
    if kind == "PNG":
        with _errors_of(kind, max_megapixels):
            found = _taken_apart(data, kind, max_megapixels)
            if png.is_whole(found.data, lambda size: _check_size(size, max_megapixels)):
                return
    decode_file(data, max_megapixels=max_megapixels, enough=enough)


def decode_file(data: bytes, *, max_megapixels: float, enough: int | None = None) -> Decoded:
    """As `decode`, for those who write the file's own data again."""
    kind = sniff(data)
    with _errors_of(kind, max_megapixels):
        return _decoded(_taken_apart(data, kind, max_megapixels), kind, max_megapixels, enough)


def upright_size(data: bytes) -> tuple[int, int]:
    """Width and height of the picture in a file, as it is shown, from its header alone.

    Raises:
        CallerError: as `decode` does.
    """
    header = read_header(data)
    width, height = header.size
    return (height, width) if header.contents.orientation >= 5 else (width, height)


_ANY_SIZE: Final = 10_000.0


def read_header(data: bytes, *, max_megapixels: float = _ANY_SIZE) -> Header:
    """What the file says before any pixel is decoded. Raises CallerError, as `decode` does."""
    kind = sniff(data)
    with _errors_of(kind, max_megapixels):
        found = _taken_apart(data, kind, max_megapixels)
        with _opened(found.data, kind) as image:
            return Header(kind, image.size, image.mode, found)


def _taken_apart(data: bytes, kind: str, max_megapixels: float) -> Contents:
    found = contents(data, kind)
    if found.size is not None:
        _check_size(found.size, max_megapixels)
    return found


@contextmanager
def _errors_of(kind: str, max_megapixels: float) -> Iterator[None]:
    """Turns what decoders raise into what the person who sent the file can do something about."""
    try:
        with _ONE_AT_A_TIME, _guarded(max_megapixels):
            yield
    except CallerError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(_pixels_named_in(error), max_megapixels) from error
    except Exception as error:  # decoders raise nearly everything on hostile bytes
        raise UnreadableImage(
            f"The file begins like a {ACCEPTED[kind]} image, but cannot be decoded.", fix=CUT_SHORT
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


def _opened(data: bytes, kind: str) -> Image.Image:
    """The picture, of which only the header is read."""
    if kind == "HEIF":
        from darkroom.images import heif  # what it stands on is loaded only for such a file

        return heif.opened(data)
    try:
        image = Image.open(BytesIO(data), formats=(kind,))
    except UnidentifiedImageError as error:
        if kind != "TIFF":
            raise
        # Its directory is sound, or it would have been refused before.
        raise unsupported("TIFF", "a TIFF of a kind that the decoder does not know") from error
    # Pillow would turn a picture by what XMP says of an original that may have lain on its side. Browsers do not.
    image.info.pop("xmp", None)
    return image


def _decoded(found: Contents, kind: str, max_megapixels: float, enough: int | None) -> Decoded:
    image = _opened(found.data, kind)
    _check_size(image.size, max_megapixels)
    _unpack(image, enough)
    if found.proof is not None:
        _check_whole(image, found.proof, kind, enough)
    given, dpi = found.icc or image.info.get("icc_profile") or None, _dpi(image, found)
    opaque = _without_alpha(image) if _is_blank(image, kind) else image
    pixels, icc, warnings = to_rgb(opaque, given)
    is_as_stored = given is None or icc is not None or IGNORED_PROFILE in warnings
    if found.code is not None and given is None:
        before = pixels
        pixels, icc, about_code = interpreted(pixels, found.code)
        is_as_stored, warnings = pixels is before, (*warnings, *about_code)
    if found.orientation in _UPRIGHT:
        pixels, is_as_stored = pixels.transpose(_UPRIGHT[found.orientation]), False
    # Comments, XMP and whatever else the file says: nothing of it may find its way into a result.
    pixels.info = {}
    told = (*found.warnings, *warnings, *_about_frames(image, found))
    picture = Picture(pixels, icc, told, ACCEPTED[kind], dpi)
    return Decoded(picture, found, kind, is_as_stored)


def _dpi(image: Image.Image, found: Contents) -> tuple[float, float] | None:
    """Pixels per inch of the upright picture, where the file says a possible number."""
    said = image.info.get("dpi") or found.dpi
    try:
        across, down = (float(each) for each in said or ())
    except (TypeError, ValueError, ArithmeticError):
        return None
    # Not so for half of 1 or less, infinity, or what is no number.
    if not all(1 <= each <= _MOST_DPI for each in (across, down)):
        return None
    return (down, across) if found.orientation >= 5 else (across, down)


def _check_size(size: tuple[int, int], max_megapixels: float) -> None:
    width, height = size
    if width * height > max_megapixels * 1e6:
        raise _too_large(width * height, max_megapixels)
    if max(size) > MAX_SIDE:
        raise ImageTooLarge(
            f"The picture is {width} x {height} pixels; at most {MAX_SIDE} pixels a side are accepted.",
            fix="Cut it into parts, or scale it down.",
            context={"max_side": MAX_SIDE},
        )
    if min(size) < 1:
        raise UnreadableImage(f"The picture is {width} x {height} pixels: there is nothing in it.")


def _unpack(image: Image.Image, enough: int | None) -> None:
    if enough is not None:
        width, height = image.size
        longest = max(width, height)
        image.draft(None, (-(-width * enough // longest), -(-height * enough // longest)))
    image.load()


def _check_whole(image: Image.Image, proof: bytes, kind: str, enough: int | None) -> None:
    """A decoder makes up what is missing at the end, without a word, and makes up something else from other bytes."""
    other = _opened(proof, kind)
    _unpack(other, enough)
    if ImageChops.difference(_comparable(image), _comparable(other)).getbbox(alpha_only=False) is not None:
        raise damaged(f"The {ACCEPTED[kind]} file is cut short: parts of the picture are missing.")


def _comparable(image: Image.Image) -> Image.Image:
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _is_blank(image: Image.Image, kind: str) -> bool:
    """Whether it is a BMP whose fourth channel is 0 all over: then the writer did not mean alpha by it."""
    return kind == "BMP" and image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0)


def _without_alpha(image: Image.Image) -> Image.Image:
    opaque = image.convert("RGB")
    opaque.info = dict(image.info)
    return opaque


def _about_frames(image: Image.Image, found: Contents) -> tuple[str, ...]:
    """Looks no further than at the second frame, of however many there are. A JPEG's second picture is a preview."""
    try:
        more = found.has_more_frames or getattr(image, "is_animated", False)
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
