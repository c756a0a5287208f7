"""What models there are and what they cost, as it is published: asked for seldom, and there even in an outage."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from msgspec import Struct
from pydantic import TypeAdapter

from darkroom.errors import DarkroomError, UnsupportedModel
from darkroom.models.catalogue import ChatEndpoint, ChatModel, ImageModel
from darkroom.models.value import LATER
from darkroom.ports import CatalogueSource, CatalogueStore, Clock
from darkroom.services.catalogue.image_sources import Endpoints, ImageSources
from darkroom.services.catalogue.kept import PATIENCE_SECONDS, Dated, Kept, Shelf

# Prices so old are still better than none, while they cannot be asked for; what is only looked at may be older.
PRICED: Final = timedelta(days=1)
SHOWN: Final = timedelta(days=7)

ImageModels = tuple[ImageModel, ...]
ChatModelList = tuple[ChatModel, ...]
ChatEndpoints = tuple[ChatEndpoint, ...]
EndpointsByModel = Mapping[str, Endpoints]

_IMAGE_MODELS: Final = TypeAdapter(ImageModels, config=LATER)
_CHAT_MODELS: Final = TypeAdapter(ChatModelList, config=LATER)
_CHAT_ENDPOINTS: Final = TypeAdapter(ChatEndpoints, config=LATER)
_IDS: Final = TypeAdapter(tuple[str, ...], config=LATER)


class Listing(Struct, frozen=True, eq=False):
    """Everything at once, as of the oldest of its parts.

    Args:
        private: ids of the models that have a source which keeps nothing; None if nobody says.
        endpoints: a model whose sources could not be had is not in it.
        dates: by model, when the oldest was asked for of what is said of it.
    """

    image_models: ImageModels
    chat_models: ChatModelList
    endpoints: EndpointsByModel
    private: Collection[str] | None
    as_of: datetime
    dates: Mapping[str, datetime]

    def as_of_model(self, model: str) -> datetime:
        return self.dates.get(model, self.as_of)


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
        store: CatalogueStore | None,
        *,
        ttl_seconds: float,
        clock: Clock,
        counted: Callable[[str], object],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._source = source
        self._counted = counted
        self._shelf = shelf = Shelf(store, timedelta(seconds=ttl_seconds), clock, patience)
        self._lock = Lock()
        self._image_models = Kept(shelf, lambda _: self._ask_image_models(), _IMAGE_MODELS, "image-models")
        self._chat_models = Kept(shelf, lambda _: self._ask_chat_models(), _CHAT_MODELS, "chat-models")
        self._private = Kept(shelf, lambda _: self._ask_private(), _IDS, "private-models")
        self._image_sources = ImageSources(shelf, self._ask_endpoints, self._image_model_ids, SHOWN)
        self._chat_endpoints: dict[str, Kept[ChatEndpoints]] = {}
        # By what it is made of, which is kept so that no other can get the same id.
        self._listing: tuple[tuple[int, ...], tuple[object, ...], Listing] | None = None

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
        return self._image_sources.of(model, PRICED)

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
        sources = self._image_sources.all(SHOWN)
        private = self._private_if_known()
        now = self.clock()
        shown = {model: found for model, found in sources.value.items() if now - found.asked_at < SHOWN}
        parts: tuple[object, ...] = (images, chats, sources, private)
        key = (*map(id, parts), len(shown))
        with self._lock:
            if self._listing is None or self._listing[0] != key:
                self._listing = (key, parts, _listing(images, chats, sources.asked_at, shown, private))
            return self._listing[2]

    def _image_model_ids(self) -> Sequence[str]:
        return [model.id for model in self._image_models.get(SHOWN).value]

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


def _listing(
    images: Dated[ImageModels],
    chats: Dated[ChatModelList],
    sources_asked_at: datetime,
    sources: Mapping[str, Dated[Endpoints]],
    private: Dated[tuple[str, ...]] | None,
) -> Listing:
    """Args:
    sources_asked_at: when those of all image models were asked for the last time, be it in vain.
    """
    tags = (private.asked_at,) if private else ()
    talking = min((chats.asked_at, *tags))
    dates = {model.id: talking for model in chats.value}
    for model in images.value:
        found = sources.get(model.id)
        asked_at = sources_asked_at if found is None else found.asked_at
        dates[model.id] = min(images.asked_at, asked_at, *tags, dates.get(model.id, images.asked_at))
    as_of = min(images.asked_at, chats.asked_at, sources_asked_at, *tags, *dates.values())
    return Listing(
        image_models=images.value,
        chat_models=chats.value,
        endpoints={model: found.value for model, found in sources.items()},
        private=frozenset(private.value) if private else None,
        as_of=as_of,
        dates=dates,
    )
