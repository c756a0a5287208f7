"""From what is published to rows that can be compared: one for each model that can be used here."""

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from darkroom.models.catalogue import ChatModel, ImageEndpoint, ImageModel, ParameterRange, TokenPrices
from darkroom.models.model_row import ModelRow, Note, Price, Task
from darkroom.models.money import MicroUsd
from darkroom.services.catalogue.capabilities import INPUTS
from darkroom.services.catalogue.catalogue import Listing
from darkroom.services.listing.model_quotes import ModelQuotes, ordinary_turn
from darkroom.services.selection.chat_models import is_router

# Of a model for text: what a price is for, by its name there, and its unit.
_TOKEN_UNITS: Final = {
    "prompt": ("input_text", "token"),
    "completion": ("output_text", "token"),
    "internal_reasoning": ("reasoning", "token"),
    "request": ("request", "request"),
    "image": ("input_image", "image"),
    "image_output": ("output_image", "token"),
}
_OPTION_TAGS: Final = {"tools": "tools", "structured_outputs": "structured-outputs"}


def rows(listing: Listing, recommended: Mapping[str, tuple[Task, ...]]) -> tuple[ModelRow, ...]:
    """Those that paint, then those that talk, in the order in which they are published."""
    chats = {model.id: model for model in listing.chat_models}
    images = {model.id: model for model in listing.image_models}
    quotes = ModelQuotes(listing)
    talking = [
        model.id for model in listing.chat_models if "text" in model.output_modalities and model.id not in images
    ]
    return tuple(
        _row(images.get(each), chats.get(each), listing, quotes, recommended_for=recommended.get(each, ()))
        for each in (*images, *talking)
    )


def _row(
    image: ImageModel | None,
    chat: ChatModel | None,
    listing: Listing,
    quotes: ModelQuotes,
    *,
    recommended_for: tuple[Task, ...],
) -> ModelRow:
    first = image or chat
    assert first is not None  # noqa: S101 - it is from one list or the other
    endpoints = listing.endpoints.get(first.id, ())
    talks = chat is not None and "text" in chat.output_modalities
    estimates: dict[Task, MicroUsd | None] = {**quotes.ordinary(image)} if image else {}
    if chat is not None and talks:
        estimates["chat"] = ordinary_turn(chat)
    note = note_of(first.id)
    found = {
        *(_image_tags(image) if image else ()),
        *(_chat_tags(chat) if chat else ()),
        *(note.tags if note else ()),
        *(("zero-data-retention",) if listing.private and first.id in listing.private else ()),
    }
    return ModelRow(
        id=first.id,
        name=first.name,
        description=first.description,
        created=first.created,
        tags=tuple(sorted(found)),
        input_modalities=first.input_modalities,
        output_modalities=first.output_modalities,
        context_length=chat.context_length if chat and talks else None,
        max_completion_tokens=chat.max_completion_tokens if chat and talks else None,
        parameters=image.parameters if image else {},
        options=chat.parameters if chat and talks else (),
        prices=(*_image_prices(endpoints), *(_token_prices(chat.prices) if chat and talks else ())),
        estimates=estimates,
        note=note,
        recommended_for=recommended_for,
        expires_at=chat.expires_at if chat else None,
        as_of=listing.as_of_model(first.id),
    )


def _image_tags(model: ImageModel) -> Iterator[str]:
    parameters = model.parameters
    yield "image"
    if model.max_references:
        yield "edit"
    if "transparent" in _values(parameters, "background"):
        yield "transparent"
    if _values(parameters, "output_format") == ("svg",):
        yield "vector"
    if "seed" in parameters:
        yield "seed"
    if (least := parameters.get(INPUTS)) and least.min:
        yield "edit-only"


def _chat_tags(model: ChatModel) -> Iterator[str]:
    if model.is_free:
        yield "free"
    if model.weights:
        yield "open-weights"
    if model.expires_at:
        yield "deprecated"
    if "text" not in model.output_modalities:
        return
    yield "chat"
    if "image" in model.input_modalities:
        yield "vision"
    if model.reasons:
        yield "reasoning"
    if is_router(model):
        yield "router"
    yield from (tag for option, tag in _OPTION_TAGS.items() if option in model.parameters)


def _values(parameters: Mapping[str, ParameterRange], name: str) -> tuple[str, ...]:
    return parameters[name].values if name in parameters else ()


def _image_prices(endpoints: Collection[ImageEndpoint]) -> list[Price]:
    return [
        Price(line.billable, line.unit, line.usd, line.variant, endpoint.slug)
        for endpoint in endpoints
        for line in endpoint.prices
    ]


def _token_prices(prices: TokenPrices) -> list[Price]:
    known = ((name, getattr(prices, name)) for name in _TOKEN_UNITS)
    return [Price(*_TOKEN_UNITS[name], usd) for name, usd in known if usd is not None]


@cache
def notes() -> dict[str, Note]:
    """By the beginnings of ids, from `model_notes.json`."""
    written = json.loads(Path(__file__).with_name("model_notes.json").read_text(encoding="utf-8"))
    return {start: Note(**{**note, "tags": tuple(note.get("tags", ()))}) for start, note in written.items()}


def note_of(model: str) -> Note | None:
    """What a model is good for, by how its id begins; the longest that fits."""
    found = max((start for start in notes() if model.startswith(start)), key=len, default=None)
    return notes()[found] if found else None
