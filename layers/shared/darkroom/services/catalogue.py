"""What the provider offers, kept in memory for a while, so that asking does not become a request each time."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from darkroom.errors import CallerError, DarkroomError
from darkroom.models.catalogue import ChatModel, ImageEndpoint, ImageModel
from darkroom.ports import Provider

# A list so old is still better than none, while the provider cannot be asked.
STALE_SECONDS = 86_400.0
# While it cannot be asked, not everybody has to find that out by waiting for it.
PAUSE_SECONDS = 30.0

_T = TypeVar("_T")


class Catalogue:
    """Thread-safe; threads that want the same list at once ask for it once.

    Every method raises what the provider raises, when it cannot be asked and nothing is known from the last day.

    Args:
        ttl_seconds: how long an answer is taken for current.
        clock: seconds that only grow.
    """

    def __init__(
        self, provider: Provider, *, ttl_seconds: float = 600.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._provider = provider
        self._ttl = ttl_seconds
        self._clock = clock
        self._lock = Lock()
        self._models = self._kept(lambda: tuple(provider.image_models()))
        self._chat_models = self._kept(lambda: tuple(provider.chat_models()))
        self._endpoints: dict[str, _Kept[tuple[ImageEndpoint, ...]]] = {}

    def image_models(self) -> tuple[ImageModel, ...]:
        return self._models.get()

    def image_endpoints(self, model: str) -> tuple[ImageEndpoint, ...]:
        """Who serves the model; may be empty.

        Args:
            model: the id of one of `image_models()`.

        Raises:
            UnsupportedModel: there is no such model.
        """
        with self._lock:
            kept = self._endpoints.setdefault(model, self._kept(lambda: tuple(self._provider.image_endpoints(model))))
        return kept.get()

    def chat_model_ids(self) -> frozenset[str]:
        """Every model there is, among them some that make pictures."""
        return frozenset(model.id for model in self.chat_models())

    def chat_models(self) -> tuple[ChatModel, ...]:
        """Every model there is, with its prices by the token."""
        return self._chat_models.get()

    def _kept(self, ask: "Callable[[], _T]") -> "_Kept[_T]":
        return _Kept(ask, ttl_seconds=self._ttl, clock=self._clock)


class _Kept(Generic[_T]):
    """One answer, and until when it is good enough."""

    def __init__(self, ask: Callable[[], _T], *, ttl_seconds: float, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._ttl = ttl_seconds
        self._clock = clock
        self._lock = Lock()
        self._answer: tuple[_T, float] | None = None
        self._ask_again_at = float("-inf")

    def get(self) -> _T:
        with self._lock:
            now = self._clock()
            if self._answer is not None and now < self._ask_again_at:
                return self._answer[0]
            try:
                value = self._ask()
            except CallerError:
                # An answer, too: what was asked for is not there any more.
                self._answer = None
                raise
            except DarkroomError:
                if self._answer is None or now - self._answer[1] >= STALE_SECONDS:
                    raise
                self._ask_again_at = now + PAUSE_SECONDS
                return self._answer[0]
            self._answer = (value, now)
            self._ask_again_at = now + self._ttl
            return value
