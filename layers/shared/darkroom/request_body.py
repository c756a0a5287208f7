"""What a request's body says: JSON and forms taken apart into fields, and the file that is itself the body."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import File, create_form_parser

from darkroom.errors import InvalidParameter, UnsupportedMediaType

_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Request:
    """A request's parts as plain values; `fields` is query, form and JSON fields in one."""

    accept: str
    fields: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Any) -> "Request":
        """Raises InvalidParameter for a body that cannot be taken apart, UnsupportedMediaType for another kind."""
        headers: Mapping[str, str] = event.headers
        query: dict[str, Any] = dict(event.query_string_parameters or {})
        return cls(headers.get("accept", "*/*"), query | _fields(headers.get("content-type", ""), body_of(event)))

    def wants_image(self) -> bool:
        """Whether a picture is asked for by name; `*/*`, which clients send unasked, is answered as JSON."""
        kinds = [part.partition(";")[0].strip().lower() for part in self.accept.split(",")]
        return next((kind.startswith("image/") for kind in kinds if kind.startswith(("image/", "application/"))), False)


def body_of(event: Any) -> bytes:
    text = event.body or ""
    return base64.b64decode(text) if event.is_base64_encoded else text.encode()


def _fields(content_type: str, body: bytes) -> dict[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _form(content_type, body)
    if kind == "application/json" or kind.endswith("+json"):
        return _json(body)
    if kind.startswith("image/") or kind in ("application/octet-stream", ""):
        return {"image": body}
    raise UnsupportedMediaType(
        f"A body of type {kind[:100]!r} is not accepted.",
        fix="Send JSON with `Content-Type: application/json`; or, where a picture is taken, multipart/form-data with a "
        "file `image`, or the file itself as image/*.",
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body, parse_constant=_no_number)
        # Half a surrogate pair is no text that could be written down; depth is what would break whoever walks it.
        json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("The body is not JSON.", fix="Send a JSON object in UTF-8.") from error
    if _is_deeper(parsed, _DEEPEST):
        raise InvalidParameter(f"The body is nested deeper than {_DEEPEST} levels.", fix="Send it flatter.")
    if not isinstance(parsed, dict):
        raise InvalidParameter("The body is not a JSON object.", fix="Send a JSON object.")
    return parsed


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inside)


def _form(content_type: str, body: bytes) -> dict[str, Any]:
    """Text fields as str, files as bytes.

    Of several texts with one name the last counts. Several files with one name are a list, for to drop one silently
    could be paid for; and those whose name ends in `[]` are a list, however many there are.
    """
    parts: dict[str, Any] = {}

    def put(name: bytes | None, value: str | bytes) -> None:
        key = (name or b"").decode()
        before = parts.get(key)
        if key.endswith("[]"):
            parts.setdefault(key, []).append(value)
        elif isinstance(value, bytes) and before is not None:
            parts[key] = [*(before if isinstance(before, list) else [before]), value]
        else:
            parts[key] = value

    def on_field(part: Any) -> None:
        put(part.field_name, (part.value or b"").decode())

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        put(file.field_name, file.file_object.read())

    try:
        parser = create_form_parser(
            {"Content-Type": content_type.encode()},
            on_field,
            on_file,
            config={"MAX_MEMORY_FILE_SIZE": len(body) + 1},
        )
        parser.write(body)
        parser.finalize()
    except (FormParserError, UnicodeDecodeError, ValueError) as error:
        raise InvalidParameter("The multipart form is broken.", fix="Let an HTTP client build the form.") from error
    return parts
