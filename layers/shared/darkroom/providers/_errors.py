"""What every provider's errors have in common: what failed on the way, when to come back, and nothing that is secret.

A provider's text is somebody else's: it is shortened, and what looks like a key or a picture is taken out of it, before
anything is said with it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from darkroom import errors
from darkroom.errors import Charged, DarkroomError, NetworkError, ProviderTimeout, Upstream
from darkroom.ports import UrlFetcher
from darkroom.providers import _wire
from darkroom.providers._http import BrokenOff

if TYPE_CHECKING:
    from darkroom.net.http1 import Headers

MAX_TEXT = 400
_MAX_READ = 20_000

_SECRETS = (
    (re.compile(r"(?i)\bbearer\s+\S+"), "Bearer …"),
    (re.compile(r"\b(?:sk|gsk|xai|key)-[A-Za-z0-9_\-]{8,}|\bgsk_\w{8,}|\bAIza[\w-]{8,}"), "…"),
    (re.compile(r"data:[\w.+-]*/?[\w.+-]*[;,][^\s\"']*"), "…"),
    (re.compile(r"[A-Za-z0-9+/_=-]{120,}"), "…"),
)


def plain(said: str | None, secrets: Iterable[str] = ()) -> str | None:
    """The text on one line, short, and without what may be a key or a picture."""
    if not said:
        return None
    said = said[:_MAX_READ].encode("utf-8", "replace").decode()
    for secret in filter(None, secrets):
        said = said.replace(secret, "…")
    for pattern, instead in _SECRETS:
        said = pattern.sub(instead, said)
    said = "".join(letter if letter.isprintable() else " " for letter in said)
    said = " ".join(said.split())
    return said if len(said) <= MAX_TEXT else f"{said[: MAX_TEXT - 1]}…"


Kind = type[DarkroomError]
REFUSALS: Final = json.loads(Path(__file__).with_name("refusals.json").read_text(encoding="utf-8"))
"""By provider, and for any of them: the kinds of error that statuses and codes amount to; by kind what is wrong, with
the provider's title for `{}`, and what to do.
"""


def listed(provider: str, table: str) -> dict[Any, Kind]:
    """The kind for each status or code."""
    return {said: getattr(errors, kind) for kind, each in REFUSALS[provider][table].items() for said in each}


def by_kind(provider: str, table: str = "kinds") -> dict[Kind, tuple[str, str]]:
    return {getattr(errors, kind): (detail, fix) for kind, (detail, fix) in REFUSALS[provider][table].items()}


# The header by which a simulator of `local/` says that it is one.
SIMULATOR = "x-darkroom-simulator"


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that an error is about.

    Args:
        title: the provider's name for people.
        paid: whether it may cost money.
        secrets: what no error may repeat.
        is_simulated: whether the answer came from a simulator of the provider.
        fetcher: gets the pictures that an answer names by address.
    """

    provider: str
    title: str
    paid: bool
    secrets: tuple[str, ...] = field(default=(), repr=False)
    model: str | None = None
    attempt: int = 1
    status: int | None = None
    request_id: str | None = None
    generation_id: str | None = None
    is_simulated: bool = False
    fetcher: UrlFetcher | None = field(default=None, repr=False)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def answered(self, status: int, headers: Headers) -> Asked:
        ids = (_wire.identifier(headers.get(name)) for name in ("request-id", "x-request-id", "cf-ray"))
        generation_id = _wire.identifier(headers.get("x-generation-id"))
        return replace(
            self,
            status=status,
            request_id=next(filter(None, ids), None),
            generation_id=generation_id,
            is_simulated=SIMULATOR in headers,
        )

    def upstream(
        self, *, error_type: str | None = None, message: str | None = None, cost: int | None = None
    ) -> Upstream:
        return Upstream(
            provider=self.provider,
            status=self.status,
            error_type=plain(error_type, self.secrets),
            message=plain(message, self.secrets),
            request_id=plain(self.request_id, self.secrets),
            generation_id=plain(self.generation_id, self.secrets),
            model=self.model,
            attempts=self.attempt,
            cost_micro_usd=cost,
        )


def fix_for(charged: Charged, fix: str) -> str:
    """What to do, which depends on what it has cost."""
    if charged == "unknown":
        return "Do not send it again yet: whether it was charged is being found out."
    return f"{fix} This attempt was charged." if charged else fix


def out_of_time(asked: Asked) -> DarkroomError:
    """There is no time left to send the request in."""
    return ProviderTimeout(
        f"There is no time left to ask {asked.title}.", fix="Try again.", retryable=True, upstream=asked.upstream()
    )


def broken(error: BrokenOff, asked: Asked) -> DarkroomError:
    """What it means that the exchange broke off."""
    charged: Charged = "unknown" if asked.paid and error.sent else False
    upstream = asked.upstream(message=str(error))
    fix = fix_for(charged, "Try again in a moment; nothing was charged.")
    if error.timed_out:
        said = "did not finish in time" if error.sent else "cannot be connected to in time"
        return ProviderTimeout(f"{asked.title} {said}.", fix=fix, charged=charged, retryable=True, upstream=upstream)
    said = "broke off the connection" if error.sent else "cannot be connected to"
    return NetworkError(f"{asked.title} {said}.", fix=fix, charged=charged, retryable=True, upstream=upstream)


def retry_after(headers: Mapping[str, str], said: Mapping[str, Any], now: datetime) -> int | None:
    """Seconds to wait: the longest that the provider names, in a header or in its body."""
    waits = [_seconds(headers.get("retry-after"), now), *(_seconds(value, now) for value in said.values())]
    found = [wait for wait in waits if wait is not None]
    return math.ceil(max(found)) if found else None


def _seconds(value: Any, now: datetime) -> float | None:
    """Seconds of a Retry-After: a number, or an HTTP date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""
    if value is None or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _until(value, now)
    return min(seconds, 1e9) if seconds >= 0 else None  # False for NaN, too


def _until(value: Any, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(str(value))
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def until_midnight(now: datetime) -> int:
    """Seconds until the next day begins in UTC."""
    tomorrow = (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return math.ceil((tomorrow - now).total_seconds())
