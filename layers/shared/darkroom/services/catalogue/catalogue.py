"""What models there are and what they cost, as it is published: asked for seldom, and there even in an outage."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from pydantic import TypeAdapter

from darkroom.errors import DarkroomError, UnsupportedModel
from darkroom.models.catalogue import ChatEndpoint, ChatModel, ImageEndpoint, ImageModel
from darkroom.ports import CatalogueSource, CatalogueStore, Clock
from darkroom.services.catalogue.kept import PATIENCE_SECONDS, Dated, Kept, Shelf

# Prices so old are still better than none, while they cannot be asked for; what is only looked at may be older.
PRICED: Final = timedelta(days=1)
SHOWN: Final = timedelta(days=7)
_AT_ONCE: Final = 8
# So many models' sources that cannot be had in a row are an outage, which nobody has to look at for each of them.
_MOST_FAILURES: Final = 3

ImageModels = tuple[ImageModel, ...]
ChatModelList = tuple[ChatModel, ...]
Endpoints = tuple[ImageEndpoint, ...]
ChatEndpoints = tuple[ChatEndpoint, ...]
EndpointsByModel = Mapping[str, Endpoints]

_IMAGE_MODELS: Final = TypeAdapter(ImageModels)
_CHAT_MODELS: Final = TypeAdapter(ChatModelList)
_ENDPOINTS: Final = TypeAdapter(Endpoints)
_CHAT_ENDPOINTS: Final = TypeAdapter(ChatEndpoints)
_ALL_ENDPOINTS: Final[TypeAdapter[EndpointsByModel]] = TypeAdapter(dict[str, Endpoints])
_IDS: Final = TypeAdapter(tuple[str, ...])


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """Everything at once, as of the oldest of its parts.

    Args:
        private: ids of the models that have a source which keeps nothing; None if nobody says.
        endpoints: a model whose sources could not be had is not in it.
    """

    image_models: ImageModels
    chat_models: ChatModelList
    endpoints: EndpointsByModel
    private: Collection[str] | None
    as_of: datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Catalogue:
    """Thread-safe. Every method raises what the source raises, when it cannot be asked and nothing is known.

    Args:
        store: shared by all containers.
        ttl_seconds: how long an answer is taken for current. 0 asks each time.
        counted: told of every request to the source, by the list's name.
        patience: how many seconds whoever could use an older list waits for a newer one.
    """

    def __init__(
        self,
        source: CatalogueSource,
        store: CatalogueStore | None = None,
        *,
        ttl_seconds: float = 600.0,
        clock: Clock = _utc_now,
        counted: Callable[[str], None] = lambda _name: None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._source = source
        self._counted = counted
        self._shelf = shelf = Shelf(store, timedelta(seconds=ttl_seconds), clock, patience)
        self._lock = Lock()
        self._image_models = Kept(shelf, lambda _: self._ask_image_models(), _IMAGE_MODELS, "image-models")
        self._chat_models = Kept(shelf, lambda _: self._ask_chat_models(), _CHAT_MODELS, "chat-models")
        self._private = Kept(shelf, lambda _: self._ask_private(), _IDS, "private-models")
        self._all_endpoints = Kept(shelf, self._ask_all_endpoints, _ALL_ENDPOINTS, "image-endpoints")
        self._endpoints: dict[str, Kept[Endpoints]] = {}
        self._chat_endpoints: dict[str, Kept[ChatEndpoints]] = {}
        self._listing: tuple[tuple[Dated[object], ...], Listing] | None = None

    @property
    def clock(self) -> Clock:
        return self._shelf.clock

    @property
    def ttl(self) -> timedelta:
        return self._shelf.ttl

    def image_models(self) -> ImageModels:
        return self._image_models.get(PRICED).value

    def image_endpoints(self, model: str) -> Endpoints:
        """Who serves the model; may be empty.

        Args:
            model: the id of one of `image_models()`.

        Raises:
            UnsupportedModel: there is no such model.
        """
        everything = self._all_endpoints.known()
        if everything is not None and model in everything.value:
            return everything.value[model]
        with self._lock:
            kept = self._endpoints.get(model)
            if kept is None:
                kept = self._endpoints[model] = Kept(
                    self._shelf, lambda _: self._ask_endpoints(model), _ENDPOINTS, None
                )
        return kept.get(PRICED).value

    def chat_model_ids(self) -> frozenset[str]:
        """Every model there is, among them some that make pictures."""
        return frozenset(model.id for model in self.chat_models())

    def chat_models(self) -> ChatModelList:
        """Every model there is, with its prices by the token."""
        return self._chat_models.get(PRICED).value

    def chat_endpoints(self, model: str) -> ChatEndpoints:
        """Who serves the model; may be empty.

        Args:
            model: the id of one of `chat_models()`.
        """
        with self._lock:
            kept = self._chat_endpoints.get(model)
            if kept is None:
                kept = self._chat_endpoints[model] = Kept(
                    self._shelf, lambda _: self._ask_chat_endpoints(model), _CHAT_ENDPOINTS, f"chat-endpoints/{model}"
                )
        return kept.get(PRICED).value

    def private_models(self) -> Collection[str]:
        """Ids of the models that have a source which keeps nothing of what it is sent."""
        return frozenset(self._private.get(PRICED).value)

    def listing(self) -> Listing:
        """Everything; the same object while nothing of it has changed."""
        images = self._image_models.get(SHOWN)
        chats = self._chat_models.get(SHOWN)
        endpoints = self._all_endpoints.get(SHOWN)
        private = self._private_if_known()
        parts: tuple[Dated[object], ...] = (images, chats, endpoints, *((private,) if private else ()))
        with self._lock:
            before = self._listing
            if before is None or [*map(id, before[0])] != [*map(id, parts)]:
                as_of = min(images.asked_at, chats.asked_at, endpoints.asked_at)
                ids = frozenset(private.value) if private else None
                before = self._listing = (parts, Listing(images.value, chats.value, endpoints.value, ids, as_of))
            return before[1]

    def _private_if_known(self) -> Dated[tuple[str, ...]] | None:
        try:
            return self._private.get(SHOWN)
        except DarkroomError:
            return None  # of a listing, nothing depends on it but a tag

    def _ask_image_models(self) -> ImageModels:
        self._counted("image-models")
        return tuple(self._source.image_models())

    def _ask_chat_models(self) -> ChatModelList:
        self._counted("chat-models")
        return tuple(self._source.chat_models())

    def _ask_private(self) -> tuple[str, ...]:
        self._counted("private-models")
        return tuple(self._source.private_models())

    def _ask_endpoints(self, model: str) -> Endpoints:
        self._counted("image-endpoints")
        return tuple(self._source.image_endpoints(model))

    def _ask_chat_endpoints(self, model: str) -> ChatEndpoints:
        self._counted("chat-endpoints")
        try:
            return tuple(self._source.chat_endpoints(model))
        except UnsupportedModel:
            return ()  # the list of models is older than that it is gone

    def _ask_all_endpoints(self, before: EndpointsByModel | None) -> EndpointsByModel:
        """Of all models, a few at a time; where that fails, what was known of the model.

        Raises:
            DarkroomError: it failed for each of them.
        """
        failures: list[DarkroomError] = []

        def ask(model: str) -> Endpoints | None:
            if len(failures) >= _MOST_FAILURES:
                return None
            try:
                return self._ask_endpoints(model)
            except UnsupportedModel:
                return ()
            except DarkroomError as error:
                failures.append(error)
                return None

        ids = [model.id for model in self._image_models.get(SHOWN).value]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="endpoints") as pool:
            found = dict(zip(ids, pool.map(ask, ids), strict=True))
        if failures and all(each is None for each in found.values()):
            raise failures[0]
        filled = {model: (before or {}).get(model) if each is None else each for model, each in found.items()}
        return {model: each for model, each in filled.items() if each is not None}
