"""One request, as the rest of the simulator sees it, and the world that it is answered in."""

import json
import re
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

from local.simulator import errors
from local.simulator.catalogue import Catalogue, load
from local.simulator.delivery import Answer
from local.simulator.pictures import MAX_DETAIL
from local.simulator.scenarios import Plan, Scenarios
from local.simulator.state import Key, State, hash_of

_DATA_URL = re.compile(r"data:([\w.+/-]+);base64,(.*)", re.DOTALL)
_LOG_LENGTH = 2000
_UNREADABLE = object()
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Log:
    """The requests that arrived, without the secrets in them."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_LOG_LENGTH)
        self._lock = threading.Lock()

    def add(self, entry: dict[str, Any]) -> None:
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


@dataclass
class World:
    """Everything that handlers share."""

    state: State = field(default_factory=State)
    catalogue: Catalogue = field(default_factory=load)
    scenarios: Scenarios = field(default_factory=Scenarios)
    log: Log = field(default_factory=Log)
    detail: int = MAX_DETAIL


@dataclass
class Exchange:
    """A request and what is known about it."""

    world: World
    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    parameters: Mapping[str, str] = field(default_factory=dict)
    plan: Plan = field(default_factory=Plan)
    generation_id: str = ""

    def __post_init__(self) -> None:
        try:
            self._json = json.loads(self.body)
        except ValueError:
            self._json = _UNREADABLE

    @property
    def state(self) -> State:
        return self.world.state

    @property
    def bearer(self) -> str | None:
        scheme, _, secret = self.headers.get("authorization", "").partition(" ")
        return secret.strip() if scheme.lower() == "bearer" and secret else None

    @property
    def key(self) -> Key | None:
        return self.state.key(self.bearer) if self.bearer else None

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.query_string, keep_blank_values=True).items()}

    @property
    def form(self) -> dict[str, str]:
        return {
            name: values[-1]
            for name, values in parse_qs(self.body.decode(errors="replace"), keep_blank_values=True).items()
        }

    @property
    def data(self) -> dict[str, Any] | None:
        """The body, when it is a JSON object."""
        return self._json if isinstance(self._json, dict) else None

    @property
    def model(self) -> str | None:
        model = (self.data or {}).get("model")
        return model if isinstance(model, str) else None

    @property
    def models(self) -> tuple[str | None, ...]:
        """Those that are asked in turn: of several that a chat names, those that there are."""
        named = (self.data or {}).get("models")
        others = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
        if not others or not self.path.endswith("/chat/completions"):
            return (self.model,)
        every = dict.fromkeys(each for each in (self.model, *others) if each in self.world.catalogue.models)
        return tuple(every) or (self.model,)

    def authorised(self) -> Key:
        """The key that the request came with.

        Raises:
            Refusal: 401.
        """
        if self.bearer is None:
            raise errors.no_key()
        key = self.key
        if key is None:
            raise errors.unknown_key()
        return key

    def to_log(self) -> dict[str, Any]:
        headers = dict(self.headers)
        if self.bearer is not None:
            headers["authorization"] = f"Bearer sha256:{hash_of(self.bearer)}"
        # Only a JSON or form body can be shown; whatever else there is, is described.
        body = self._json if self._json is not _UNREADABLE else _described(self.body)
        return {
            "at": self.state.clock().isoformat(),
            "method": self.method,
            "path": self.path,
            "query": self.query_string,
            "headers": headers,
            "body": _shortened(body),
            "key_hash": hash_of(self.bearer) if self.bearer else None,
            "generation_id": self.generation_id or None,
        }


Handler = Callable[[Exchange], Answer]


def new_generation_id(clock_seconds: int, kind: str = "") -> str:
    """`gen-…` of a chat, or `gen-img-…` with `kind="img-"`."""
    return f"gen-{kind}{clock_seconds}-{''.join(secrets.choice(_ALPHABET) for _ in range(20))}"


def _shortened(value: Any) -> Any:
    """The same, with each data URL replaced by its type, length and hash."""
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    match = _DATA_URL.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    return f"data:{match[1]};length={len(match[2])};sha256={sha256(match[2].encode()).hexdigest()}"


def _described(body: bytes) -> Any:
    if not body:
        return None
    return {"length": len(body), "sha256": sha256(body).hexdigest()}
