"""What a request says: its query, and its body as fields, whether JSON, a form, or the file that is itself the body."""

import base64
import json
import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from msgspec import Struct, field

from darkroom.errors import InvalidParameter, PayloadTooLarge, UnsupportedMediaType
from darkroom.http.form_data import read_multipart, read_urlencoded

_DEEPEST: Final = 40
# Of a body that comes compressed: as much as API Gateway takes of one that does not.
_MOST_UNPACKED: Final = 10 * 1024 * 1024
_JSON: Final = ("application/json", "text/json", "application/x-json", "text/x-json")
# What clients say of a body when nobody has told them what it is.
_UNTOLD: Final = ("", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded")
# zlib tells gzip and deflate apart by itself.
_PACKED: Final = ("gzip", "x-gzip", "deflate")


class Request(Struct, frozen=True):
    """A request's parts as plain values."""

    accept: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Any) -> "Request":
        """Raises InvalidParameter for a body that cannot be taken apart, UnsupportedMediaType for another kind."""
        headers: Mapping[str, str] = event.headers
        query: dict[str, str] = dict(event.query_string_parameters or {})
        body = _fields(headers.get("content-type", ""), _whole(event, headers))
        return cls(headers.get("accept", "*/*"), query, body)

    def fields(self, known: Collection[str] | Callable[[str], bool]) -> dict[str, Any]:
        """The body's fields, and of the query those that are known: whatever else stands there is ignored.

        Clients put into the query what concerns somebody else (`?api-version=`, a cache buster).
        """
        is_known = known if callable(known) else known.__contains__
        return {name: value for name, value in self.query.items() if is_known(name)} | self.body

    def wants_image(self) -> bool:
        """Whether a picture is asked for by name, or an archive of pictures; `*/*`, which clients send unasked, is
        answered as JSON.
        """
        kinds = [part.partition(";")[0].strip().lower() for part in self.accept.split(",")]
        asked = next((kind for kind in kinds if kind.startswith(("image/", "application/"))), "")
        return asked.startswith("image/") or asked == "application/zip"


def body_of(event: Any) -> bytes:
    text = event.body or ""
    return base64.b64decode(text) if event.is_base64_encoded else text.encode()


def json_object(event: Any) -> dict[str, Any]:
    """The body of a route that takes JSON alone.

    Raises:
        InvalidParameter: it is not a JSON object.
        UnsupportedMediaType: it is said to be something else.
    """
    return _object(json_value(event))


def json_value(event: Any) -> Any:
    """As json_object, of a route that takes more than objects."""
    headers: Mapping[str, str] = event.headers
    kind = media_type(headers.get("content-type", ""))
    body = _whole(event, headers)
    if not (_is_json(kind) or (kind in _UNTOLD and (not body or _begins_object(body)))):
        raise UnsupportedMediaType(f"A body of type {kind[:100]!r} is not accepted here.", fix="Send application/json.")
    return _value(body)


def media_type(content_type: str) -> str:
    """In lower case and without parameters; the first, if a header was sent twice."""
    return content_type.partition(";")[0].partition(",")[0].strip().lower()


def _whole(event: Any, headers: Mapping[str, str]) -> bytes:
    """The body as the client meant it.

    Raises:
        InvalidParameter: API Gateway has put U+FFFD in the place of bytes that are no UTF-8.
        UnsupportedMediaType: it is compressed in a way that is not known here.
    """
    body = body_of(event)
    coding = headers.get("content-encoding", "").strip().lower()
    length = headers.get("content-length", "")
    has_replacements = not event.is_base64_encoded and "\ufffd" in (event.body or "")
    # What the caller wrote as U+FFFD has the length that was told; what was put in a byte's place has not.
    if has_replacements and length.isdecimal() and int(length) != len(body):
        raise _not_utf8(coding)
    return _unpacked(body, coding) if coding not in ("", "identity") else body


def _unpacked(body: bytes, coding: str) -> bytes:
    if coding not in _PACKED:
        raise UnsupportedMediaType(
            f"The Content-Encoding {coding[:40]!r} is not accepted.", fix="Send the body as it is, or in gzip."
        )
    unpacker = zlib.decompressobj(wbits=47)
    try:
        unpacked = unpacker.decompress(body, _MOST_UNPACKED + 1)
    except zlib.error as error:
        raise InvalidParameter(
            f"The body is not {coding}, as its Content-Encoding says.", fix="Send it as it is."
        ) from error
    if len(unpacked) > _MOST_UNPACKED:
        raise PayloadTooLarge("The body is more than 10 MB when unpacked.", fix="Use POST /v1/uploads for a picture.")
    if not unpacker.eof:
        raise InvalidParameter(f"The {coding} of the body is cut short.", fix="Send it as it is.")
    return unpacked


def _fields(content_type: str, body: bytes) -> dict[str, Any]:
    kind = media_type(content_type)
    if kind.startswith("multipart/"):
        # Where a header is set by hand for all calls, what it is set on may be JSON: then there is no delimiter.
        return _json(body) if _begins_object(body) and b"\n--" not in body else read_multipart(content_type, body)
    if _is_json(kind) or (kind in _UNTOLD and _begins_object(body)):
        return _json(body)
    if kind == "application/x-www-form-urlencoded":
        return read_urlencoded(content_type, body)
    if kind.startswith("image/") or kind in ("application/octet-stream", ""):
        return {"image": body}
    raise UnsupportedMediaType(
        f"A body of type {kind[:100]!r} is not accepted.",
        fix="Send JSON with `Content-Type: application/json`; or, where a picture is taken, multipart/form-data with a "
        "file `image`, or the file itself as image/*.",
    )


def _is_json(kind: str) -> bool:
    return kind in _JSON or kind.endswith("+json")


def _begins_object(body: bytes) -> bool:
    return body[:1000].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def _json(body: bytes) -> dict[str, Any]:
    return _object(_value(body))


def _object(parsed: Any) -> dict[str, Any]:
    if not isinstance(parsed, dict):
        raise InvalidParameter("The body is not a JSON object.", fix="Send a JSON object.")
    return parsed


def _value(body: bytes) -> Any:
    """In UTF-8; or in UTF-16 or UTF-32, which JSON's own first characters tell."""
    if not body:
        raise InvalidParameter("The body is empty.", fix="Send a JSON object.")
    try:
        parsed = json.loads(body, parse_constant=_no_number)
        # Half a surrogate pair is no text that could be written down; depth is what would break whoever walks it.
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise _not_utf8("") from error
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("The body is not JSON.", fix="Send a JSON object in UTF-8.") from error
    if _is_deeper(parsed, _DEEPEST):
        raise InvalidParameter(f"The body is nested deeper than {_DEEPEST} levels.", fix="Send it flatter.")
    return parsed


def _not_utf8(coding: str) -> InvalidParameter:
    if coding not in ("", "identity"):
        return InvalidParameter("A compressed body does not get here whole.", fix="Send it without Content-Encoding.")
    return InvalidParameter("The body is not UTF-8.", fix="Send JSON in UTF-8; a library for JSON writes it so.")


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inside)
