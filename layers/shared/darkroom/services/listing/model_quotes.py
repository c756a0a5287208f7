"""What a model would take for a request, and for an ordinary one: by the very rules by which requests are priced."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from darkroom.errors import DarkroomError
from darkroom.models.catalogue import ChatEndpoint, ChatModel, ImageEndpoint, ImageModel
from darkroom.models.image_request import ImageRequest
from darkroom.models.model_row import Task
from darkroom.models.money import MicroUsd
from darkroom.models.quote import InputShape
from darkroom.services.catalogue.capabilities import INPUTS, Candidate
from darkroom.services.catalogue.catalogue import Catalogue, Listing
from darkroom.services.pricing import chat_pricing, token_counts
from darkroom.services.pricing.chat_pricing import ChatShape
from darkroom.services.pricing.quotes import Quotes

# An ordinary picture: a sentence, a megapixel, and what else the model does of its own accord. An ordinary edit: the
# same from one picture of a megapixel.
PROMPT: Final = "A red fox asleep in fresh snow, in the first light of the morning, with its tail around it."
PICTURE: Final = InputShape(width=1024, height=1024)
_TIER: Final = "1K"
# An ordinary turn of a conversation: the planner's prompt with one sentence, and the small copy of a photograph.
TURN_PROMPT_TOKENS: Final = 2650
TURN_PICTURE: Final = InputShape(width=768, height=576)
_FOR_EVER: Final = 1e9


class _Published(Struct, frozen=True):
    """A listing as something that can be asked."""

    listing: Listing

    def image_models(self) -> Sequence[ImageModel]:
        return self.listing.image_models

    def image_endpoints(self, model: str) -> Sequence[ImageEndpoint]:
        return self.listing.endpoints.get(model, ())

    def chat_models(self) -> Sequence[ChatModel]:
        return self.listing.chat_models

    def chat_endpoints(self, _model: str) -> Sequence[ChatEndpoint]:
        return ()  # a listing is of nobody's own prices

    def private_models(self) -> Sequence[str]:
        return tuple(self.listing.private or ())


def frozen(listing: Listing) -> Catalogue:
    """A catalogue that asks nobody, and never changes."""
    return Catalogue(
        _Published(listing), None, ttl_seconds=_FOR_EVER, clock=lambda: listing.as_of, counted=lambda _list: None
    )


class ModelQuotes:
    """Prices by one listing."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._quotes = Quotes(frozen(listing), generation_model="", edit_model="")

    def ordinary(self, model: ImageModel) -> Mapping[Task, MicroUsd | None]:
        """Of those of `generate` and `edit` that it can do, what one costs; None if nobody says."""
        candidate = Candidate(model, tuple(self._listing.endpoints.get(model.id, ())))
        wants = {"resolution": _TIER} if _TIER in candidate.values("resolution") else {}
        tasks: tuple[Task, ...] = ("generate", "edit")
        # Of a model that does not say so, nobody can know whether it takes any.
        able = [task for task in tasks if task == "generate" or candidate.lists(INPUTS)]
        return {task: found.price for task in able if (found := self.wanted(model.id, task, wants))}

    def wanted(self, model: str, task: Task, wants: Mapping[str, Any]) -> "Wanted | None":
        """What a request of this kind costs; None if the model cannot do it.

        Args:
            wants: fields of a request, and `references`, the number of pictures to work from.
        """
        references = int(wants.get("references") or 0) or (1 if task == "edit" else 0)
        fields = {name: value for name, value in wants.items() if name != "references"}
        try:
            request = ImageRequest.model_validate({"prompt": PROMPT, "model": model, **fields})
            quote = self._quotes.quote(request, inputs=[PICTURE] * references)
        except DarkroomError:
            return None
        if quote.cutout_format is not None:
            return None  # it is asked what the model itself can make
        # A model that was named is never replaced without a word; of a listing it is there, so it is this one.
        return Wanted(quote.estimate)


class Wanted(Struct, frozen=True):
    """That it can be done; and for how much, None if nobody says."""

    price: MicroUsd | None


def least_turn(model: ChatModel) -> tuple[MicroUsd | None, MicroUsd | None]:
    """What limits of a request look at in an ordinary turn with the shortest answer, and what is set aside for it."""
    size = 4 * TURN_PROMPT_TOKENS
    pixels = (TURN_PICTURE.pixels,) if "image" in model.input_modalities else ()
    shape = ChatShape(size, chat_pricing.ANSWERS[-1], pixels, own_bytes=size, counted_tokens=TURN_PROMPT_TOKENS)
    return chat_pricing.estimate([model], shape), chat_pricing.reserve([model], shape)


def ordinary_turn(model: ChatModel) -> MicroUsd | None:
    if not model.is_free and not model.prices.prompt and not model.prices.completion:
        return None  # "0" alone says nothing: what it is paid by is not tokens
    sees = "image" in model.input_modalities
    return chat_pricing.expected(
        model,
        prompt_tokens=TURN_PROMPT_TOKENS + (token_counts.likely_reference(model.id, TURN_PICTURE) if sees else 0),
        answer_tokens=token_counts.PLAN,
        pictures=int(sees),
    )
