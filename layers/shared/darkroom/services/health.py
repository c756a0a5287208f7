"""Health: whether everything that Darkroom stands on answers, and whose fault it is if not. Nothing is spent."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

from darkroom.errors import DarkroomError, InsufficientCredits, InvalidApiKey, ServiceUnavailable
from darkroom.models.money import said
from darkroom.ports import CatalogueSource, Clock, KeyInspector
from darkroom.services.accounts.keys import Keys

Probe = Callable[[], str]
"""Says in some words how the thing is, or raises."""
# Whoever asks in a row asks this container, and not everything behind it each time.
KEPT: Final = timedelta(seconds=10)
# Seconds.
LONGEST: Final = 3.5


class Finding(Struct, frozen=True):
    """Args:
    status: `absent` is no fault: nobody has set it up.
    detail: in words for people; never a secret, or what an exception has in it.
    """

    name: str
    status: Literal["ok", "failed", "absent"]
    detail: str
    milliseconds: float


class Checked(Struct, frozen=True):
    """What was found, and when."""

    findings: Sequence[Finding]
    at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """Args:
    probes: of what the stack is made of, by the names that people know them by.
    sees_stack_key: whether this function may read the stack's own key; one in Secrets Manager is the worker's alone.
    longest: seconds that each of them has.
    """

    probes: Mapping[str, Probe]
    published: CatalogueSource
    keys: Keys
    inspectors: Mapping[str, KeyInspector]
    clock: Clock
    sees_stack_key: bool
    longest: float = LONGEST
    # By user, for each has keys of their own.
    _kept: dict[str, Checked] = field(default_factory=dict, repr=False)

    def check(self, user: str) -> Checked:
        """How it all is, or was at most KEPT ago."""
        now = self.clock()
        for each in [each for each, known in self._kept.items() if not timedelta(0) <= now - known.at < KEPT]:
            del self._kept[each]
        if user not in self._kept:
            self._kept[user] = Checked(self._look(user), now)
        return self._kept[user]

    def _look(self, user: str) -> Sequence[Finding]:
        """Everything at once, so that it takes as long as the slowest; what is slower than `longest` has failed."""
        probes = {
            **self.probes,
            "models": self._models,
            **{f"key:{provider}": self._key(user, provider) for provider in sorted(self.inspectors)},
        }
        pool = ThreadPoolExecutor(max_workers=len(probes))
        looking = {name: pool.submit(copy_context().run, _find, name, probe) for name, probe in probes.items()}
        done, _ = wait(looking.values(), timeout=self.longest)
        # A probe that hangs is left behind, and ends by its client's time-outs.
        pool.shutdown(wait=False, cancel_futures=True)
        return [look.result() if look in done else silent(name, self.longest) for name, look in looking.items()]

    def _models(self) -> str:
        pictures, words = len(self.published.image_models()), len(self.published.chat_models())
        if not pictures or not words:
            raise ServiceUnavailable(f"OpenRouter lists {pictures} models for pictures and {words} in all.")
        return f"{pictures} models make pictures; there are {words} in all."

    def _key(self, user: str, provider: str) -> Probe:
        def probe() -> str:
            try:
                whose = self.keys.payer(user, provider)
            except InvalidApiKey as error:
                raise _Absent from error
            if whose == "stack" and not self.sees_stack_key:
                return "The stack's key pays. The worker alone may read it, so nothing was asked of it."
            status = self.inspectors[provider].inspect(self.keys.reveal(user, provider, own=whose == "user"))
            owner = "Your own key" if whose == "user" else "The stack's key"
            if status.is_exhausted:
                raise InsufficientCredits(f"{owner} may not spend anything more.")
            left = "without limit" if status.limit_remaining is None else f"{said(status.limit_remaining)} left"
            return f"{owner} is valid, {left}."

        return probe


def silent(name: str, seconds: float) -> Finding:
    """Of what did not answer."""
    return Finding(name, "failed", f"No answer came within {seconds:g} s.", seconds * 1000)


class _Absent(Exception):
    """There is nothing to look at."""


def _find(name: str, probe: Probe) -> Finding:
    begun = time.perf_counter()
    status: Literal["ok", "failed", "absent"] = "ok"
    try:
        detail = probe()
    except _Absent:
        status, detail = "absent", "No key is connected."
    except DarkroomError as error:
        status, detail = "failed", error.detail
    except Exception as error:  # noqa: BLE001 - what it says may hold names that are nobody's business
        status, detail = "failed", f"{type(error).__name__}; the log has more."
    return Finding(name, status, detail, round((time.perf_counter() - begun) * 1000, 1))
