"""How a request reaches the routes and its answer goes: through API Gateway, or over the live door."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext
from msgspec import Struct

from darkroom.errors import PayloadTooLarge
from darkroom.models.deadline import Deadline
from darkroom.models.door import HTTP_API, Door
from darkroom.services.pricing.answer_sizes import payload_bytes


class Following(Struct, frozen=True):
    """An answer that goes on with what becomes of something.

    Args:
        key: of what is followed; the followers of one thing share each look at it.
        look: (what was seen before, None at first) -> what is seen. Called in any thread.
        tell: (what is seen) -> what goes out of it, and whether that is the end. Called in the server's loop.
        ends: no more goes out after it.
    """

    key: Hashable
    look: Callable[[Any], Any]
    tell: Callable[[Any], tuple[str, bool]]
    ends: Deadline


class Outlet(Protocol):
    """The way for an answer that goes out while it is made, as events. Its parts may be called in any thread."""

    def expect(self) -> bool:
        """From now on the answer is a stream of events, or a problem. False if it has been begun as something else."""

    def put(self, headers: Mapping[str, str]) -> None:
        """The answer has these headers, if it is begun before the route has answered."""

    def open(self, headers: Mapping[str, str]) -> None:
        """As put; and what was sent may go out now, and everything else as soon as it is sent."""

    def send(self, data: bytes) -> None:
        """Once something is sent, what the route answers is the end of the stream, or the error that ends it."""

    def follow(self, following: Following) -> None:
        """What the route answers is the beginning; no thread is held for what comes after it."""


class Transport(Struct, frozen=True):
    """Args:
    has_hung_up: whether the caller is known to be gone.
    outlet: None where an answer goes out in one piece.
    """

    door: Door
    has_hung_up: Callable[[], bool] = lambda: False
    outlet: Outlet | None = None


OVER_HTTP_API = Transport(HTTP_API)


class Resolver(APIGatewayHttpResolver):
    """Powertools keeps the event in a class that all resolvers of a process share; here each has one for itself."""

    _event: Any = None

    @property
    def current_event(self) -> Any:  # type: ignore[override]  # an attribute there
        return self._event

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        self._event = self._to_proxy_event(dict(event))
        return super().resolve(event, context)


def seconds_for(event: Mapping[str, Any], context: LambdaContext, now: float, door: Door = HTTP_API) -> float:
    """How long there is to answer an event.

    The door waits for so long from when the request came, and a cold start or a queue may have taken some of that. Of
    a request that came in the future, or that its caller has given up, the clock is wrong: then what
    Lambda grants counts.

    Args:
        now: seconds since the epoch.
    """
    granted = float(context.get_remaining_time_in_millis()) / 1000
    came = event.get("requestContext", {}).get("timeEpoch")
    if not isinstance(came, int | float):
        return granted
    passed = now - came / 1000
    return min(granted, door.max_seconds - max(0.0, passed)) if passed < door.max_seconds else granted


def require_sendable(answer: Response[Any], door: Door = HTTP_API) -> None:
    """Raises PayloadTooLarge if the door could not carry the answer."""
    body = answer.body or ""
    size = 4 * len(body) / 3 if isinstance(body, bytes) else len(body)
    if size > door.max_payload / 8 and isinstance(body, str):
        # No character takes more than eight times its room.
        size = payload_bytes(body)
    if size > door.max_payload:
        raise PayloadTooLarge(
            f"The answer has about {size / 1e6:.1f} MB; an answer can have {door.max_payload // 1_000_000}.",
            fix="The job has links to what it made.",
        )
