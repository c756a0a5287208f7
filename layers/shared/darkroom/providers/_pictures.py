"""Pictures on their way in and out, as base64 and data URLs. What a label says of them is not believed."""

import base64
import binascii
import re

from darkroom.errors import DarkroomError, InvalidParameter
from darkroom.images.sniff import sniff
from darkroom.models.generation import GeneratedImage, Reference

MAX_PICTURE_BYTES = 48 * 1024 * 1024

_MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}
SVG = "image/svg+xml"
# A drawing begins with its root element, after whatever XML allows before it; there are no zero bytes in it.
_SVG = re.compile(
    # Atomic groups: a hostile beginning must not be tried in every way there is.
    rb"(?:\xef\xbb\xbf)?\s*(?>(?:<\?xml[^>]*>|(?><!--.*?-->)|<!DOCTYPE\s+svg[^>\[]*>)\s*)*<svg[\s>/]",
    re.DOTALL,
)
_REFERENCES = ("PNG", "JPEG", "WEBP", "GIF")
_DATA_URL = re.compile(r"data:[^,;]{0,100}(?:;[^,;]{1,100})*?;base64,", re.ASCII)


class NotAPicture(Exception):
    """Why something is no picture, as the end of a sentence; holds nothing of its content."""


def decode(encoded: object) -> GeneratedImage:
    """The picture, or SVG drawing, in a text of base64. A drawing is a program, too: never show it as one's own.

    Raises:
        NotAPicture
    """
    if not isinstance(encoded, str) or not encoded:
        raise NotAPicture("is missing")
    if len(encoded) * 3 // 4 > MAX_PICTURE_BYTES:
        raise NotAPicture(f"is larger than {MAX_PICTURE_BYTES} bytes")
    try:
        data = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:  # binascii.Error, or characters beyond ASCII
        raise NotAPicture("is not valid base64") from None
    if _SVG.match(data[:4096]) and b"\0" not in data:
        return GeneratedImage(data=data, media_type=SVG)
    return GeneratedImage(data=data, media_type=_MEDIA_TYPES[_kind(data, tuple(_MEDIA_TYPES))])


def decode_data_url(url: object) -> GeneratedImage:
    """The picture in a data URL.

    Raises:
        NotAPicture
    """
    start = _DATA_URL.match(url) if isinstance(url, str) else None
    if start is None or not isinstance(url, str):
        raise NotAPicture("is not a data URL in base64")
    return decode(url[start.end() :])


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
