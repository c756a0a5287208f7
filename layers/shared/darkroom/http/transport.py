"""How a request reaches the routes and its answer goes: through API Gateway, or over the live door."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext
from msgspec import Struct

from darkroom.models.deadline import Deadline
from darkroom.models.door import HTTP_API, Door


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
