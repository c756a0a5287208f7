"""Reading what a provider sent: numbers exactly, and nothing taken for granted.

    {"usage": {"prompt_tokens": 14417.92, "cost": 3e-05, "cost_details": {"upstream_inference_cost": 3e-05}, …}}

Fields may be missing, null, of another type than yesterday, or new. What cannot be read is None.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from darkroom.models.generation import Usage
from darkroom.models.money import dollars, micro_usd


def parse_json(body: bytes | str) -> Any:
    """The JSON value, fractions as Decimal; NaN and the infinities, which are no JSON, become None.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=lambda _name: None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def to_json(value: Any, *, sort_keys: bool = True) -> bytes:
    """The one way to write a value: an identical request is the same bytes, which is what a cache goes by."""
    return json.dumps(value, sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in sequence(value) if isinstance(item, str))


def integer(value: Any) -> int | None:
    found = number(value)
    return int(found) if found is not None else None


def number(value: Any) -> Decimal | None:
    """A count or an amount of zero or more."""
    return dollars(value) if not isinstance(value, str) else None


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
