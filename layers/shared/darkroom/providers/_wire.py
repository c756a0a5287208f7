"""Reading what a provider sent: numbers exactly, and nothing taken for granted.

    {"usage": {"prompt_tokens": 14417.92, "cost": 3e-05, "cost_details": {"upstream_inference_cost": 3e-05}, …}}

Fields may be missing, null, of another type than yesterday, or new. What cannot be read is None. Nothing that is read
here is larger than a job's row can hold: labels are cut, and numbers have an end.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from darkroom.models.generation import Usage
from darkroom.models.money import dollars, micro_usd

MAX_LABEL = 200
"""Characters of a name or a word."""
_MAX_VALUES = 1_000_000
_MAX_DIGITS = 100


def parse_json(body: bytes | str) -> Any:
    """The JSON value, fractions as Decimal. Line breaks within strings are let through, and broken characters replaced.

    NaN, the infinities and numbers of more than a hundred digits or an exponent beyond Decimal's become None.

    Raises:
        ValueError: it is no JSON, is nested too deeply, or holds more than a million values.
    """
    return _parsed(body, _fraction)


def plain_json(body: bytes | str) -> Any:
    """As parse_json, with fractions as floats: for passing on. Every number in it can be written as JSON again."""
    return _parsed(body, _float)


def _parsed(body: bytes | str, fraction: Callable[[str], object]) -> Any:
    text = body if isinstance(body, str) else body.decode(json.detect_encoding(body), "replace")
    # Before any of it is read: each value takes a hundred bytes of memory, however short it is.
    if sum(map(text.count, ",[{")) > _MAX_VALUES:
        raise ValueError("too many values")
    try:
        return json.loads(text, parse_float=fraction, parse_int=_whole, parse_constant=lambda _name: None, strict=False)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _fraction(digits: str) -> Decimal | None:
    try:
        return Decimal(digits) if len(digits) <= _MAX_DIGITS else None
    except InvalidOperation:
        return None


def _float(digits: str) -> float | None:
    found = float(digits)
    return found if math.isfinite(found) else None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def to_json(value: Any, *, sort_keys: bool = True) -> bytes:
    """The one way to write a value: an identical request is the same bytes, which is what a cache goes by."""
    return json.dumps(value, sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def text(value: Any) -> str | None:
    """A text that can be written as UTF-8: halves of surrogate pairs are replaced."""
    if not isinstance(value, str) or not value:
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def label(value: Any) -> str | None:
    """A name or a word, on one line and cut to MAX_LABEL characters."""
    found = text(value[:MAX_LABEL]) if isinstance(value, str) else None
    return "".join(letter if letter.isprintable() else " " for letter in found).strip() or None if found else None


def identifier(value: Any) -> str | None:
    """An id; None for one that is too long or not printable, since a part of an id is another id."""
    found = isinstance(value, str) and len(value) <= MAX_LABEL and value.isascii() and value.isprintable()
    return value.strip() or None if found else None


def texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in sequence(value) if isinstance(item, str))


def labels(value: Any, most: int) -> tuple[str, ...]:
    """The first of a list of labels, up to that number."""
    return tuple(found for item in sequence(value)[:most] if (found := label(item)))


def integer(value: Any) -> int | None:
    found = number(value)
    return int(found) if found is not None else None


def number(value: Any) -> Decimal | None:
    """A count or an amount of zero or more, also where it is written as a string."""
    return dollars(value)


def moment(value: Any) -> datetime | None:
    """A time from seconds since 1970, or from ISO 8601; 0 means that nobody knew."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        # Not `number`, to which so much would be no amount.
        seconds = value if isinstance(value, int | Decimal) and not isinstance(value, bool) else 0
        return datetime.fromtimestamp(float(seconds), UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def usage(value: Any) -> Usage:
    found = mapping(value)
    details = mapping(found.get("cost_details"))
    is_byok = found.get("is_byok") is True
    return Usage(
        prompt_tokens=number(found.get("prompt_tokens")),
        completion_tokens=number(found.get("completion_tokens")),
        image_tokens=number(mapping(found.get("completion_tokens_details")).get("image_tokens")),
        cost=micro_usd(found.get("cost")),
        is_byok=is_byok,
        # Without a key at the source the two are the same money.
        upstream_cost=micro_usd(details.get("upstream_inference_cost")) if is_byok else None,
    )
