"""Pictures on their way in and out, as base64, as data URLs and by address. What a label says of them is not believed.

What comes is read as a person would read it: base64 with line breaks, without its padding, in the alphabet for URLs, in
a data URL of whatever type; an https address is fetched at once, through the guard. It is a picture once all of it has
been decoded.
"""

import base64
import binascii
import re
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_to_bytes

from darkroom.errors import DarkroomError, InvalidParameter, UrlUnreachable
from darkroom.images.sniff import sniff
from darkroom.models.deadline import Deadline
from darkroom.models.generation import GeneratedImage, Reference
from darkroom.ports import UrlFetcher

MAX_PICTURE_BYTES: Final = 48 * 1024 * 1024
# No model makes larger ones; decoded, one of these takes a quarter of a gigabyte.
MAX_MEGAPIXELS: Final = 64.0

_MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
}
SVG = "image/svg+xml"
# A drawing begins with its root element, after whatever XML allows before it; there are no zero bytes in it.
_SVG = re.compile(
    # Atomic groups: a hostile beginning must not be tried in every way there is.
    rb"(?:\xef\xbb\xbf)?\s*(?>(?:<\?xml[^>]*>|(?><!--.*?-->)|<!DOCTYPE\s+svg[^>\[]*>)\s*)*<svg[\s>/]",
    re.DOTALL,
)
_REFERENCES = ("PNG", "JPEG", "WEBP", "GIF")
_DATA_URL = re.compile(r"data:([^,]{0,300}),", re.IGNORECASE)
_MARK = re.compile(r"(?:base64|b64)\s*[,:]\s*", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_FOR_URLS = bytes.maketrans(b"-_", b"+/")
_NOT_DIGITS = b" \t\r\n\f\v=\0"
# A JPEG's smaller copies decode several times faster, and all of the file is read for them.
_SMALL_SIDE = 256

Fetch = Callable[[str], bytes]
"""What lies at an https address.

Raises:
    DarkroomError: it may not be fetched, or could not.
"""


class NotAPicture(Exception):
    """Why something is no picture, as the end of a sentence; holds nothing of its content."""


def read_picture(said: object, fetch: Fetch | None) -> GeneratedImage:
    """The picture, or SVG drawing, that a text holds or names. A drawing is a program, too: never show it as one's own.

    Args:
        fetch: None: addresses are not followed.

    Raises:
        NotAPicture
    """
    text = said.strip().strip("\"'") if isinstance(said, str) and len(said) < _most_characters() else said
    if not isinstance(text, str):
        raise NotAPicture("is missing")
    if not text:
        raise NotAPicture("is missing" if not said else "is empty")
    if len(text) >= _most_characters():
        raise NotAPicture(f"is larger than {MAX_PICTURE_BYTES} bytes")
    if _ADDRESS.match(text):
        return checked(_fetched(text, fetch))
    if text[:7].lower() == "data%3a":
        text = unquote_to_bytes(text).decode("latin-1")
    start = _DATA_URL.match(text)
    if start is not None:
        # Some put the beginning of a data URL before what is one already.
        start = _DATA_URL.match(text, start.end()) or start
        return checked(_of_data_url(start[1], text[start.end() :]))
    if text.startswith("<"):
        return checked(text.encode(errors="replace"))
    mark = _MARK.match(text)
    return checked(_bytes(text[mark.end() :] if mark else text))


def checked(data: bytes) -> GeneratedImage:
    """The picture that some bytes are: all of it can be decoded, and it is none too large for that.

    Raises:
        NotAPicture
    """
    if len(data) > MAX_PICTURE_BYTES:
        raise NotAPicture(f"is larger than {MAX_PICTURE_BYTES} bytes")
    if _SVG.match(data[:4096]) and b"\0" not in data:
        return GeneratedImage(data=data, media_type=SVG)
    kind = _kind(data, tuple(_MEDIA_TYPES))
    # Here, for Pillow is loaded with it, and most functions ask providers about keys and models alone.
    from darkroom.images.decode import require_picture

    try:
        require_picture(data, max_megapixels=MAX_MEGAPIXELS, enough=_SMALL_SIDE)
    except DarkroomError as error:
        raise NotAPicture(f"begins like a {kind} file and cannot be decoded ({error.code})") from None
    return GeneratedImage(data=data, media_type=_MEDIA_TYPES[kind])


def _most_characters() -> int:
    """Of a text that may hold a picture: each byte may be percent-encoded."""
    return MAX_PICTURE_BYTES * 3


def _fetched(url: str, fetch: Fetch | None) -> bytes:
    if fetch is None:
        raise NotAPicture("is an address, and addresses are not followed here")
    try:
        return fetch(url)
    except DarkroomError as error:
        raise NotAPicture(f"could not be fetched from its address. {error.detail.rstrip('.')}") from None


def _of_data_url(labels: str, content: str) -> bytes:
    """What a data URL holds. https://www.rfc-editor.org/rfc/rfc2397"""
    is_base64 = any(label.strip().lower() in ("base64", "b64") for label in labels.split(";"))
    if not is_base64:
        data = unquote_to_bytes(content)
        # Some forget to say that it is base64.
        return data if is_begun(data) else _bytes(content)
    return _bytes(unquote_to_bytes(content).decode("latin-1") if "%" in content[:4096] or "%" in content else content)


def is_begun(data: bytes) -> bool:
    """Whether bytes begin as a picture does, as far as that can be told at once."""
    try:
        sniff(data[:64])
    except DarkroomError:
        return _SVG.match(data[:4096]) is not None
    return True


def _bytes(encoded: str) -> bytes:
    """The bytes that base64 encodes, also with line breaks, without padding, in the alphabet for URLs."""
    try:
        return binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:  # binascii.Error, or characters beyond ASCII
        pass
    try:
        # A line break may have been escaped twice, and then is a backslash and a letter.
        digits = re.sub(r"\\[rnt/]", lambda found: "/" if found[0] == "\\/" else "", encoded).encode("ascii")
        digits = digits.translate(_FOR_URLS, _NOT_DIGITS)
        return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4), strict_mode=True)
    except ValueError:
        raise NotAPicture("is not valid base64") from None


def reference_url(reference: Reference) -> str:
    """The reference as the URL that is sent.

    Raises:
        InvalidParameter: the bytes are no picture that models look at.
    """
    if reference.url is not None:
        return reference.url
    data = reference.data or b""
    return f"data:{reference_type(data)};base64,{base64.b64encode(data).decode('ascii')}"


def reference_type(data: bytes) -> str:
    """The media type of a reference, told from its bytes.

    Raises:
        InvalidParameter: they are no picture that models look at.
    """
    try:
        return _MEDIA_TYPES[_kind(data, _REFERENCES)]
    except NotAPicture as error:
        raise InvalidParameter(
            f"A reference {error}.", fix="Send PNG, JPEG, WebP or GIF.", param="input_references"
        ) from None


def _kind(data: bytes, accepted: tuple[str, ...]) -> str:
    try:
        kind = sniff(data)
    except DarkroomError as error:
        looks_like = error.context.get("looks_like", "an empty file")
        raise NotAPicture(f"is {looks_like}") from None
    if kind not in accepted:
        raise NotAPicture(f"is a {kind} file")
    return kind


# For all the pictures of an answer together: no fetch begins later, and each has an end of its own.
MAX_SECONDS: Final = 12.0
_WAITS: Final = (0.5, 1.0)


def follow(
    fetcher: UrlFetcher | None, *, seconds: float = MAX_SECONDS, sleep: Callable[[float], None] = time.sleep
) -> Fetch | None:
    """What fetches the pictures of one answer; tries again what may only have been a moment's trouble."""
    if fetcher is None:
        return None
    deadline = Deadline(seconds)

    def fetch(url: str) -> bytes:
        for wait in (*_WAITS, None):
            if deadline.is_over:
                break
            try:
                return fetcher.fetch(url, max_bytes=MAX_PICTURE_BYTES)
            except UrlUnreachable:
                if wait is None or deadline.left() <= wait:
                    raise
            sleep(wait)
        raise UrlUnreachable("There was no time left to fetch it.")

    return fetch
