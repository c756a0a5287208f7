"""What goes wrong, when somebody asks for it.

A rule names a scenario and says for whom it holds (a key, a model, a path) and how often. The first rule that matches a
request and refuses it decides; all others that match change the answer together. Where a chat names several models, a
rule for one of them holds for that one, and the next is asked.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.simulator.errors import Refusal
from local.simulator.refusals import OF_A_MODEL, REFUSALS

PAID = ("/images", "/images/generations", "/chat/completions")

# What changes an answer without refusing the request, and the paths that it is meant for.
QUIRKS: dict[str, tuple[str, ...]] = {
    # An error, or nothing, inside a 200.
    "error_body": PAID,
    "choice_error": ("/chat/completions",),
    "no_image": PAID,
    "empty_answer": ("/chat/completions",),
    "text_answer": ("/chat/completions",),
    "stream_error": PAID,
    # Bodies that are not whole.
    "cut_body": PAID,
    "cut_stream": PAID,
    "stream_without_done": PAID,
    "truncated_json": PAID,
    "invalid_base64": PAID,
    "not_an_image": PAID,
    # Late ones.
    "slow_headers": PAID,
    "held": PAID,
    "slow_body": PAID,
    "slow_stream": PAID,
    # A stream, behind its first `after` pieces, until it is released.
    "held_stream": PAID,
    "bill_cancelled": PAID,
    # Numbers and labels.
    "fractional_tokens": PAID,
    "exponent_cost": PAID,
    "missing_cost": PAID,
    "missing_usage": PAID,
    "nan_cost": PAID,
    "overcharge": PAID,
    "byok": PAID,
    "wrong_media_type": PAID,
    "missing_media_type": PAID,
    "fewer_images": PAID,
    # `side` pixels at the most, at the price of what was asked for.
    "small_picture": PAID,
    # Whatever it is told to say: `body`, `headers` and `status`, as it is.
    "answer": PAID,
    # What is known late, or never.
    "generation_missing": ("/generation",),
    "key_lag": ("/key", "/credits"),
    "state_dropped": ("/auth",),
}


class UnknownScenario(Exception):
    """There is no scenario of that name."""


@dataclass
class Rule:
    """One scenario, for whom it holds and how often.

    Args:
        times: how many more requests; None for all.
        released: whether what it holds back may leave.
    """

    name: str
    paths: tuple[str, ...]
    options: dict[str, Any]
    since: datetime
    key_hash: str | None = None
    model: str | None = None
    times: int | None = None
    released: bool = False

    def matches(self, path: str, key_hash: str | None, model: str | None) -> bool:
        return (
            (path in self.paths or "*" in self.paths)
            and self.key_hash in (None, key_hash)
            and self.model in (None, model)
            and self.times != 0
        )

    def number(self, name: str, default: float) -> float:
        return float(self.options.get(name, default))


@dataclass(frozen=True)
class Plan:
    """What is to go wrong with one request.

    Args:
        refused: models that did not serve, though another of those named may.
    """

    refusal: Refusal | None = None
    quirks: Mapping[str, Rule] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()

    def get(self, name: str) -> Rule | None:
        return self.quirks.get(name)

    def __contains__(self, name: str) -> bool:
        return name in self.quirks


class Scenarios:
    """The rules that are in force."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(
        self,
        name: str,
        since: datetime,
        *,
        key_hash: str | None = None,
        model: str | None = None,
        path: str | None = None,
        times: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Puts a rule in force.

        Args:
            path: below `/api/v1`, such as "/images"; "/auth" is the consent page, and "*" any. By default the
                scenario's own.

        Raises:
            UnknownScenario
        """
        if name in REFUSALS:
            own = REFUSALS[name].paths
        elif name in QUIRKS:
            own = QUIRKS[name]
        else:
            raise UnknownScenario(name)
        paths = own if path is None else ("/images", "/images/generations") if path == "/images" else (path,)
        with self._lock:
            self._rules.append(Rule(name, paths, dict(options or {}), since, key_hash, model, times))

    def release(self, key_hash: str | None) -> None:
        """Lets go what `held` and `held_stream` hold back, of one key or of all, and holds nothing more of it."""
        with self._lock:
            for rule in self._rules:
                if rule.name in ("held", "held_stream") and key_hash in (None, rule.key_hash):
                    rule.released, rule.times = True, 0

    def clear(self) -> None:
        self.release(None)
        with self._lock:
            self._rules.clear()

    def plan(self, path: str, key_hash: str | None, models: Sequence[str | None]) -> Plan:
        """What the rules make of a request; counts it.

        Args:
            models: in the order in which they are asked: where one refuses for a reason of its own, the next is.
        """
        quirks: dict[str, Rule] = {}
        refused: dict[str, Refusal] = {}
        with self._lock:
            for model in models:
                rule = self._first(path, key_hash, model, quirks)
                if rule is None:
                    return Plan(quirks=quirks, refused=frozenset(refused))
                make = REFUSALS[rule.name].make
                if model is None or rule.model is None or rule.name not in OF_A_MODEL:
                    return Plan(refusal=make(rule.options), quirks=quirks)
                refused[model] = make(rule.options)
                # What is the matter with that model alone does not concern the next.
                quirks = {name: each for name, each in quirks.items() if each.model is None}
        return Plan(refusal=next(iter(refused.values()), None), quirks=quirks)

    def _first(self, path: str, key_hash: str | None, model: str | None, quirks: dict[str, Rule]) -> Rule | None:
        """The first rule that refuses; those before it that change the answer are added to the others."""
        for rule in self._rules:
            if rule.name in quirks or not rule.matches(path, key_hash, model):
                continue
            if rule.times is not None:
                rule.times -= 1
            if rule.name in REFUSALS:
                return rule
            quirks[rule.name] = rule
        return None
