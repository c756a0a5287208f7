"""Who serves each model that makes pictures, and what they take: each model's as of when it was asked for.

They are asked for one model at a time. Of a model whose sources cannot be had, what was known before stands in the list
of all, under its old date: it may be shown for a while, and it is no price of today.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from threading import Lock
from typing import Final

from pydantic import TypeAdapter

from darkroom.errors import DarkroomError, UnsupportedModel
from darkroom.models.catalogue import ImageEndpoint
from darkroom.models.value import LATER
from darkroom.services.catalogue.kept import Dated, Kept, Shelf

_AT_ONCE: Final = 8
# So many models' sources that cannot be had, and none that can, are an outage, which is not looked at for each of them.
_MOST_FAILURES: Final = 6

Endpoints = tuple[ImageEndpoint, ...]
DatedEndpoints = Mapping[str, Dated[Endpoints]]

_ENDPOINTS: Final = TypeAdapter(Endpoints, config=LATER)
_ALL: Final[TypeAdapter[DatedEndpoints]] = TypeAdapter(dict[str, Dated[Endpoints]], config=LATER)
# Under `image-endpoints` versions that knew one date for all of them kept, and may look for, another form.
_NAME: Final = "image-sources"


class ImageSources:
    """Thread-safe.

    Args:
        ask: for one model; raises DarkroomError.
        models: the ids of all.
        keep: for how long what cannot be had stays in the list of all.
    """

    def __init__(
        self, shelf: Shelf, ask: Callable[[str], Endpoints], models: Callable[[], Sequence[str]], keep: timedelta
    ) -> None:
        self._shelf = shelf
        self._ask = ask
        self._models = models
        self._keep = keep
        self._lock = Lock()
        self._all = Kept(shelf, self._ask_all, _ALL, _NAME)
        self._single: dict[str, Kept[Endpoints]] = {}

    def of(self, model: str, oldest: timedelta) -> Endpoints:
        """One model's, not older than that: by the list of all if that is fresh, else asked for.

        Raises:
            UnsupportedModel: there is no such model.
            DarkroomError: they cannot be asked for, and nothing is known that is recent enough.
        """
        known = self._all.known()
        listed = known.value.get(model) if known is not None else None
        if listed is not None and self._shelf.is_fresh(listed):
            return listed.value
        with self._lock:
            kept = self._single.get(model)
            if kept is None:
                kept = self._single[model] = Kept(self._shelf, lambda _: self._ask(model), _ENDPOINTS, None)
        if listed is not None:
            kept.learn(listed)
        return kept.get(oldest).value

    def all(self, oldest: timedelta) -> Dated[DatedEndpoints]:
        """Of every model of which they could be had; as of when they were last asked for, and each under its own date.

        Raises:
            DarkroomError: they cannot be asked for, and nothing is known that is recent enough.
        """
        return self._all.get(oldest)

    def _ask_all(self, before: DatedEndpoints | None) -> DatedEndpoints:
        """A few at a time. Raises DarkroomError if it failed for each of them."""
        at, ids, asking = self._shelf.clock(), self._models(), _Round(self._ask)
        asking.ask(ids)
        # Whoever was passed over before anybody had answered.
        asking.ask([model for model in ids if model not in asking.found and model not in asking.failed])
        if asking.failed and not asking.found:
            raise next(iter(asking.failed.values()))
        dated = {model: found for model, found in (before or {}).items() if at - found.asked_at < self._keep}
        dated |= {model: Dated(found, at) for model, found in asking.found.items()}
        return {model: dated[model] for model in ids if model in dated}


class _Round:
    """Asking for many models' sources, unless it is plain that nobody answers."""

    def __init__(self, ask: Callable[[str], Endpoints]) -> None:
        self._ask = ask
        self.found: dict[str, Endpoints] = {}
        self.failed: dict[str, DarkroomError] = {}

    def ask(self, models: Sequence[str]) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="endpoints") as pool:
            asked = [pool.submit(copy_context().run, self._ask_one, model) for model in models]
        for each in asked:
            each.result()

    def _ask_one(self, model: str) -> None:
        if not self.found and len(self.failed) >= _MOST_FAILURES:
            return
        try:
            self.found[model] = self._ask(model)
        except UnsupportedModel:
            self.found[model] = ()
        except DarkroomError as error:
            self.failed[model] = error
