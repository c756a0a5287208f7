"""`X-OpenRouter-Cache: true`: an identical request of the same key is answered from memory, and costs nothing.

Identical means every byte of the body. Two at the same time are both carried out and charged, for the first has not
been kept yet when the second comes. Only answers are kept, and no errors.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from local.simulator.exchange import Exchange
from local.simulator.state import Key

DEFAULT_SECONDS = 300
MOST_SECONDS = 86_400
_ASKED = "x-openrouter-cache"
_FAILED = ("error_body", "choice_error", "stream_error", "empty_answer")


@dataclass(frozen=True)
class Kept:
    """An answer, and until when it holds."""

    said: Any
    at: datetime
    seconds: int

    def is_current(self, now: datetime) -> bool:
        return now < self.at + timedelta(seconds=self.seconds)


class ResponseCache:
    """The cache as one request sees it."""

    def __init__(self, exchange: Exchange, key: Key) -> None:
        self._state = exchange.state
        self._plan = exchange.plan
        self._is_asked = exchange.headers.get(_ASKED, "").lower() == "true"
        self._seconds = _seconds(exchange.headers.get(f"{_ASKED}-ttl", ""))
        self._name = sha256(key.hash.encode() + exchange.body).hexdigest()
        self._found: Kept | None = None
        if self._is_asked:
            with self._state.lock:
                kept = self._state.cached.get(self._name)
            self._found = kept if kept is not None and kept.is_current(self._state.clock()) else None

    @property
    def said(self) -> Any:
        """What is known already; None if that is nothing."""
        return self._found.said if self._found else None

    def keep(self, said: Any) -> None:
        """For its time, which does not begin anew with each use."""
        if self._is_asked and self._found is None and not any(name in self._plan for name in _FAILED):
            with self._state.lock:
                self._state.cached[self._name] = Kept(said, self._state.clock(), self._seconds)

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says of it."""
        if not self._is_asked:
            return {}
        if self._found is None:
            return {"x-openrouter-cache-status": "MISS", "x-openrouter-cache-ttl": str(self._seconds)}
        age = int((self._state.clock() - self._found.at).total_seconds())
        return {
            "x-openrouter-cache-status": "HIT",
            "x-openrouter-cache-age": str(age),
            "x-openrouter-cache-ttl": str(self._found.seconds - age),
        }


def _seconds(given: str) -> int:
    return min(MOST_SECONDS, max(1, int(given))) if given.isdecimal() else DEFAULT_SECONDS
