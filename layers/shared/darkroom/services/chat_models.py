"""Which model a chat is for: by the name that a caller gives it, or the stack's own choice."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from darkroom.errors import UnsupportedModel
from darkroom.models.catalogue import ChatModel
from darkroom.services import aliases
from darkroom.services.aliases import Resolved, normalise
from darkroom.services.catalogue import Catalogue

MOST_SUGGESTIONS = 5
_MOST_NEAR = 3
PICTURES_ROUTE = "POST /v1/images/generations"
_ROUTER = "openrouter/"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Args:
    named: as the caller, or the stack's settings, named the model.
    models: the first, and those that may stand in for it.
    warnings: why they are others than were named.
    """

    named: str
    models: tuple[ChatModel, ...]
    warnings: tuple[str, ...] = ()

    @property
    def first(self) -> ChatModel:
        return self.models[0]

    @property
    def fallbacks(self) -> tuple[str, ...]:
        return tuple(model.id for model in self.models[1:])


class ChatModels:
    """Args:
    default: what is taken when no model is named: ids or names, separated by commas, of which the first that is live.
    """

    def __init__(self, catalogue: Catalogue, *, default: str) -> None:
        self._catalogue = catalogue
        self._default = tuple(name.strip() for name in default.split(",") if name.strip())

    def choose(self, name: str | None = None, fallbacks: Sequence[str] = (), *, sees: bool = False) -> Chosen:
        """The models for a chat.

        Args:
            sees: whether they have to look at pictures.

        Raises:
            UnsupportedModel: with `suggestions`.
            ProviderError, ServiceUnavailable: the provider cannot be asked what it offers.
        """
        everything = {model.id: model for model in self._catalogue.chat_models()}
        live = {each: model for each, model in everything.items() if _talks(model) and (not sees or _sees(model))}
        named, first = self._first(name, live, everything)
        found = [first, *(self._resolved(each, live, everything, param="fallback_models") for each in fallbacks)]
        models = tuple(live[each] for each in dict.fromkeys(resolved.id for resolved in found))
        warnings = tuple(f"{each.reason} {each.id} is used instead." for each in found if each.reason)
        return Chosen(named, models, warnings)

    def _first(
        self, name: str | None, live: Mapping[str, ChatModel], everything: Mapping[str, ChatModel]
    ) -> tuple[str, Resolved]:
        if name is not None:
            return name, self._resolved(name, live, everything, param="model")
        for each in self._default:
            if found := aliases.resolve(each, live):
                return each, found
        raise self._refusal(self._default[0] if self._default else "", live, everything, param="model")

    def _resolved(
        self, name: str, live: Mapping[str, ChatModel], everything: Mapping[str, ChatModel], *, param: str
    ) -> Resolved:
        found = aliases.resolve(name, live)
        if found is None:
            raise self._refusal(name, live, everything, param=param)
        return found

    def _refusal(
        self, name: str, live: Mapping[str, ChatModel], everything: Mapping[str, ChatModel], *, param: str
    ) -> UnsupportedModel:
        suggestions = self._suggest(name, live)
        known = aliases.resolve(name, everything)
        detail, fix = f"There is no chat model {name.strip()[:100]!r}.", ""
        if known and not _talks(everything[known.id]):
            detail, fix = f"{known.id} does not answer in words.", f"{PICTURES_ROUTE} makes pictures. "
        elif known:
            detail = f"{known.id} cannot look at pictures."
        example = f"Use for example {suggestions[0]}." if suggestions else "Choose another model."
        return UnsupportedModel(detail, fix=f"{fix}{example}", param=param, context={"suggestions": suggestions})

    def _suggest(self, name: str, live: Mapping[str, ChatModel]) -> list[str]:
        """Those with the nearest names first, then the stack's own, then the cheapest."""
        by_name = {each.rpartition("/")[2]: each for each in live} | {each: each for each in live}
        near = [by_name[each] for each in difflib.get_close_matches(normalise(name), by_name, n=_MOST_NEAR)]
        own = [found.id for each in self._default if (found := aliases.resolve(each, live))]
        priced = {each: model.prices.completion for each, model in live.items() if model.prices.completion}
        cheap = sorted(priced, key=lambda each: (priced[each], each))
        return list(dict.fromkeys((*near, *own, *cheap, *live)))[:MOST_SUGGESTIONS]


def paints(model: ChatModel) -> bool:
    """Whether it makes pictures while it talks, unless it is told not to."""
    return "image" in model.output_modalities and not is_router(model)


def is_router(model: ChatModel) -> bool:
    """Whether it chooses another model for each request."""
    return model.id.startswith(_ROUTER)


def _talks(model: ChatModel) -> bool:
    return "text" in model.output_modalities


def _sees(model: ChatModel) -> bool:
    return "image" in model.input_modalities
