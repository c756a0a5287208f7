"""Which model a chat is for: the one that a caller names, or the caller's own default, or the stack's."""

import difflib
from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from darkroom.errors import UnsupportedModel
from darkroom.models.catalogue import ChatModel, TokenPrices
from darkroom.models.rates import Rates, RatesByModel
from darkroom.ports import Provider
from darkroom.services.catalogue import aliases
from darkroom.services.catalogue.aliases import Resolved, normalise
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.selection import vendors
from darkroom.services.selection.image_models import not_served
from darkroom.services.selection.providers import Choice

MOST_SUGGESTIONS = 5
_MOST_NEAR = 3
PICTURES_ROUTE = "POST /v1/images/generations"
_ROUTER = "openrouter/"


class Chosen(Struct, frozen=True):
    """Args:
    named: as the caller, their settings or the stack's named the model.
    models: the first, and those that may stand in for it; with the prices of whoever serves them.
    warnings: why they are others than were named.
    other_providers: that may serve in the chosen one's place.
    rates: by provider, of those that tell no cost, and model.
    """

    named: str
    models: tuple[ChatModel, ...]
    warnings: tuple[str, ...] = ()
    other_providers: tuple[str, ...] = ()
    rates: Mapping[str, RatesByModel] = field(default_factory=dict)

    @property
    def first(self) -> ChatModel:
        return self.models[0]

    @property
    def fallbacks(self) -> tuple[str, ...]:
        return tuple(model.id for model in self.models[1:])

    def answering_at(self, tokens: int) -> "Chosen":
        """Without those that may stand in and do not answer at such a length."""
        first, *others = self.models
        able = [each for each in others if not each.max_completion_tokens or each.max_completion_tokens >= tokens]
        return replace(self, models=(first, *able))


class ChatModels:
    """Args:
    default: what is taken when no model is named: ids or names, separated by commas, of which the first that is live;
        at OpenRouter the others that are may stand in for it.
    """

    def __init__(self, catalogue: Catalogue, *, default: str) -> None:
        self._catalogue = catalogue
        self._default = tuple(name.strip() for name in default.split(",") if name.strip())

    def choose(
        self,
        name: str | None = None,
        fallbacks: Sequence[str] = (),
        *,
        sees: bool = False,
        choice: Choice | None = None,
        routing: bool = False,
        zdr: bool = False,
    ) -> Chosen:
        """The models for a chat.

        Args:
            sees: whether they have to look at pictures.
            choice: who serves it; OpenRouter, which has every model, when absent.
            routing: whether there are preferences among sources.
            zdr: whether nothing is to be kept.

        Raises:
            UnsupportedModel: with `suggestions`.
            InvalidParameter: a fallback model is another provider's, or only OpenRouter can be asked for the rest.
            ProviderError, ServiceUnavailable: the provider cannot be asked what it offers.
        """
        vendors.check(choice, routing=routing, zdr=zdr)
        everything = {model.id: model for model in self._catalogue.chat_models()}
        live = {each: model for each, model in everything.items() if _talks(model) and (not sees or _sees(model))}
        direct = choice.provider if choice and choice.is_direct else None
        served = live if direct is None else {each: model for each, model in live.items() if direct.serves(each)}
        own = choice.settings.chat_model if choice and name is None else None
        asked: str | None = name
        gone: tuple[str, ...] = ()
        is_gone = name is not None and not aliases.is_known(name, everything)
        if name is not None and is_gone and (stand_ins := aliases.follow((name, *fallbacks), served)):
            # It gives way to those that the caller named to stand in for it.
            asked, fallbacks, gone = stand_ins.models[0], stand_ins.models[1:], stand_ins.warnings
        named, first = self._first(asked, own, served, everything, direct)
        found = [first]
        found += [self._resolved(each, served, everything, direct, param="fallback_models") for each in fallbacks]
        if name is None and not fallbacks and named != own and direct is None:
            found += self._stand_ins(first, served, () if choice is None or routing or zdr else choice.others)
        models = tuple(self._priced(served[each], direct) for each in dict.fromkeys(resolved.id for resolved in found))
        warnings = [f"{each.reason} {each.id} is used instead." for each in found if each.reason]
        if own is not None and named != own:
            warnings.insert(0, f"Your `ai_chat_model`, {own}, cannot be had now; {first.id} is used instead.")
        # Whoever is told to keep nothing, or which sources to choose, is not replaced; nor is one by whose own prices
        # is reserved, for nobody else takes these.
        is_own = direct is not None and not all(vendors.makes(direct, each.id) for each in models)
        others = () if choice is None or routing or zdr or is_own else choice.others
        return _with_providers(Chosen(named if name is None else name, models, (*gone, *warnings)), choice, others)

    def makes_pictures(self, name: str) -> bool:
        """Whether a model is meant that makes pictures, be it while it talks."""
        talking = {model.id: model for model in self._catalogue.chat_models()}
        found = aliases.resolve(name, talking)
        if found is not None and not paints(talking[found.id]):
            return False
        return aliases.resolve(name, {model.id for model in self._catalogue.image_models()}) is not None

    def _stand_ins(
        self, first: Resolved, served: Mapping[str, ChatModel], others: Sequence[Provider]
    ) -> list[Resolved]:
        """The stack's other models that are there, in turn; where the first has a price, those with one.

        Where another provider may take the first one's place, none that it cannot take.
        """
        able = [each for each in others if _may_take(each, served[first.id])]
        found = [resolved for each in self._default if (resolved := aliases.resolve(each, served))]
        return [each for each in found if _suits(served[each.id], served[first.id], able)]

    def _priced(self, model: ChatModel, direct: Provider | None) -> ChatModel:
        """With the prices of whoever serves it: of another maker's model, the dearest of the provider's own sources."""
        if direct is None or vendors.makes(direct, model.id):
            return model
        own = vendors.own_sources(direct, self._catalogue.chat_endpoints(model.id))
        limits = [each.max_completion_tokens for each in own if each.max_completion_tokens]
        most = min(limits, default=model.max_completion_tokens)
        prices = vendors.dearest([each.prices for each in own])
        return model.model_copy(update={"prices": prices, "max_completion_tokens": most})

    def _first(
        self,
        name: str | None,
        own: str | None,
        served: Mapping[str, ChatModel],
        everything: Mapping[str, ChatModel],
        direct: Provider | None,
    ) -> tuple[str, Resolved]:
        if name is not None:
            return name, self._resolved(name, served, everything, direct, param="model")
        if own and (blind := aliases.resolve(own, everything)) and _is_blind(everything[blind.id], served):
            # One that has gone is replaced; one that is there, and was chosen, is not, and least by a dearer one.
            raise self._refusal(own, served, everything, param="ai_chat_model")
        for each in (*((own,) if own else ()), *self._default):
            if found := aliases.resolve(each, served):
                return each, found
        if direct is not None and served:
            # The stack's are OpenRouter's; whoever has another provider alone is not to be left without.
            stand_in = self._suggest("", served)[0]
            return stand_in, Resolved(stand_in)
        raise self._refusal(self._default[0] if self._default else "", served, everything, param="model")

    def _resolved(
        self,
        name: str,
        served: Mapping[str, ChatModel],
        everything: Mapping[str, ChatModel],
        direct: Provider | None,
        *,
        param: str,
    ) -> Resolved:
        found = aliases.resolve(name, served)
        if found is not None:
            return found
        elsewhere = aliases.resolve(name, everything)
        if direct is not None and elsewhere is not None and not direct.serves(elsewhere.id):
            raise not_served(direct, elsewhere.id, self._suggest(name, served), param=param)
        raise self._refusal(name, served, everything, param=param)

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


def paid_by(models: Sequence[ChatModel], rates: Mapping[str, Rates] | None) -> tuple[ChatModel, ...]:
    """The models, each at the prices that a call of it is paid by; as they are where its provider tells the cost."""
    if rates is None:
        return tuple(models)
    return tuple(
        model.model_copy(update={"prices": rates.get(model.id, Rates()).tokens or TokenPrices()}) for model in models
    )


def _with_providers(chosen: Chosen, choice: Choice | None, others: Sequence[Provider]) -> Chosen:
    """With those that may stand in for the chosen provider, and what each that tells no cost is paid by.

    They are the models' makers, and take the very prices that are reserved by.
    """
    if choice is None:
        return chosen
    able = [provider.name for provider in others if all(_may_take(provider, each) for each in chosen.models)]
    rates = {model.id: Rates(tokens=model.prices) for model in chosen.models}
    own = [choice.name] if choice.is_direct else []
    return replace(chosen, other_providers=tuple(able), rates=dict.fromkeys((*own, *able), rates))


def _suits(model: ChatModel, first: ChatModel, able: Sequence[Provider]) -> bool:
    """Whether it may stand in for the first, and the providers that are able to can take it, too."""
    if paints(model) or is_router(model) or (_is_priced(first) and not _is_priced(model)):
        return False
    return all(_may_take(provider, model) for provider in able)


def _may_take(provider: Provider, model: ChatModel) -> bool:
    return bool(provider.serves(model.id)) and vendors.makes(provider, model.id) and _is_priced(model)


def _is_priced(model: ChatModel) -> bool:
    return model.prices.prompt is not None and model.prices.completion is not None


def _is_blind(model: ChatModel, served: Mapping[str, ChatModel]) -> bool:
    """Whether it is not among those that serve because it cannot look at pictures."""
    return model.id not in served and _talks(model) and not _sees(model)


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
