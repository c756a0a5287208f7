"""Real AWS clients whose calls go wrong where a test says so, by botocore's own events; nothing of ours is replaced."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from darkroom.adapters import clients
from local.aws import ENVIRONMENT, REGION

KINDS: Final = ("error", "throttle", "denied", "refused", "hung", "lost", "lost once")
_ATTEMPTS: Final = 3
_SERVICES: Final = ("dynamodb", "kms", "s3", "sqs")


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Faults:
    """Which call of a session's clients goes wrong, and how. `calls` are those made since `watch`, from the first on
    that is named `begins`; what comes before it passes.

    error: 500 on every attempt. throttle: refused as too many. denied: refused for good. refused: no connection.
    hung: a connection, and no answer within the time that there is. lost: carried out, without an answer on any
    attempt. lost once: without one on the first attempt.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._begins_with = ""
        self._is_hit: Callable[[int, str], bool] = lambda _nth, _name: False
        self._kind = ""
        self._current = threading.local()
        self._wire = URLLib3Session()

    def watch(self, begins: str) -> None:
        """Counts from the next call of that name on, and lets everything pass."""
        self.calls.clear()
        self._begins_with = begins
        self._is_hit = lambda _nth, _name: False

    def at(self, begins: str, name: str, nth: int, kind: str) -> None:
        """From there on, the nth call of that name goes wrong, counted from 0."""
        self.watch(begins)
        self._is_hit, self._kind = lambda seen, found: found == name and seen == nth, kind

    def for_good(self, begins: str, service: str, kind: str, *, spared: bool = True) -> None:
        """From there on, every call whose name begins like that goes wrong; `spared`: but for the one at the start."""
        self.watch(begins)
        self._kind = kind
        self._is_hit = lambda seen, found: (
            seen >= 0 and found.startswith(service) and not (spared and found == begins and seen == 0)
        )

    def register(self, events: Any) -> None:
        events.register_first("before-call", self._begins)
        events.register_first("before-send", self._sends)
        for service in _SERVICES:
            # Each client registers its own under the service's name, and the more special name goes first.
            events.register_first(f"needs-retry.{service}", self._again)

    def _begins(self, event_name: str, **_: Any) -> None:
        name = event_name.removeprefix("before-call.")
        self._current.number, self._current.attempts = -1, 0
        if self.calls or name == self._begins_with:
            self._current.number = self.calls.count(name)
            self.calls.append(name)

    def _sends(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        name = event_name.removeprefix("before-send.")
        self._current.attempts += 1
        if not self._is_hit(self._current.number, name):
            return None
        if self._kind == "refused":
            raise EndpointConnectionError(endpoint_url=request.url)
        if self._kind == "hung":
            raise ReadTimeoutError(endpoint_url=request.url)
        if self._kind.startswith("lost"):
            if self._kind == "lost once" and self._current.attempts > 1:
                return None
            self._wire.send(request)
            raise ConnectionClosedError(endpoint_url=request.url)
        return _refusal(request.url, self._kind, is_s3=name.startswith("s3."))

    def _again(self, attempts: int, response: Any, caught_exception: Any, **_: Any) -> float | None:
        """As often as always, without the waits between."""
        failed = caught_exception is not None or (response is not None and response[0].status_code >= 500)
        throttled = response is not None and response[1].get("Error", {}).get("Code") == "ThrottlingException"
        return 0 if attempts < _ATTEMPTS and (failed or throttled) else None


def _refusal(url: str, kind: str, *, is_s3: bool) -> AWSResponse:
    status, code = {
        "error": (500, "InternalError" if is_s3 else "InternalServerError"),
        "throttle": (503, "SlowDown") if is_s3 else (400, "ThrottlingException"),
        "denied": (403, "AccessDenied") if is_s3 else (400, "AccessDeniedException"),
    }[kind]
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>" if is_s3 else f'{{"__type": "x#{code}"}}'
    headers = HTTPHeaders()
    headers["x-amzn-errortype"] = code
    return AWSResponse(url, status, headers, _Raw(body.encode()))


def _tell(events: Any, listen: Callable[[str, dict[str, Any]], None]) -> None:
    """Has `listen` told of calls. A link or a form that is signed has parameters, too, and is no call."""
    given = threading.local()

    def on_params(params: dict[str, Any], **_: Any) -> None:
        given.params = params

    def on_call(event_name: str, **_: Any) -> None:
        listen(event_name.removeprefix("before-call."), given.params)

    events.register("provide-client-params", on_params)
    events.register("before-call", on_call)


@contextmanager
def faulty(endpoint: str) -> Iterator[Faults]:
    """While the block runs, new clients without an endpoint of their own ask the emulator, and heed the faults."""
    faults = Faults()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint}.items():
            environment.setenv(name, value)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            environment.delenv(name, raising=False)
        with _new_session(faults.register):
            yield faults


@contextmanager
def sound() -> Iterator[None]:
    """Within `faulty`: clients that are made while the block runs heed no faults."""
    with _new_session():
        yield


# What is told of every call of the clients of new sessions: the call's name and its parameters.
_LISTENERS: list[Callable[[str, dict[str, Any]], None]] = []
# What the events of the sessions of the blocks that are open are given to, the innermost block's last.
_REGISTERED: list[Callable[[Any], None]] = []


@contextmanager
def listening(listen: Callable[[str, dict[str, Any]], None]) -> Iterator[None]:
    """While the block runs, clients that are made tell of their calls, with their parameters."""
    _LISTENERS.append(listen)
    try:
        yield
    finally:
        _LISTENERS.remove(listen)


@contextmanager
def _new_session(register: Callable[[Any], None] = lambda _events: None) -> Iterator[None]:
    """While the block runs, the process's session, and so each client that is made, is another one."""
    _REGISTERED.append(register)
    _begin_anew()
    try:
        yield
    finally:
        _REGISTERED.pop()
        _begin_anew()


def _begin_anew() -> None:
    clients.session.cache_clear()
    if not _REGISTERED:
        return
    events = clients.session().get_component("event_emitter")
    clients.session().set_config_variable("region", REGION)
    _REGISTERED[-1](events)
    for listen in _LISTENERS:
        _tell(events, listen)
