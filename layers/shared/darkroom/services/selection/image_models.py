"""Which models make the pictures: those that a caller names, or the caller's own default, or the stack's."""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from darkroom.errors import DarkroomError, InvalidParameter, UnsupportedModel
from darkroom.models.catalogue import ImageModel
from darkroom.models.image_request import ImageRequest
from darkroom.models.user_settings import UserSettings
from darkroom.ports import Provider
from darkroom.services.catalogue import aliases
from darkroom.services.catalogue.aliases import Followed, Resolved
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.selection.providers import Choice

Live = Mapping[str, ImageModel]


class Chosen(Struct, frozen=True):
    """Args:
    named: as the caller, their settings or the stack's named the model.
    models: the first, and those that may stand in for it.
    warnings: why they are others than were named.
    """

    named: str
    models: tuple[ImageModel, ...]
    warnings: tuple[str, ...] = ()


class ImageModels:
    """Args:
    generation_model, edit_model: the stack's: ids or names, separated by commas, of which the first is taken that is
        live.
    """

    def __init__(self, catalogue: Catalogue, *, generation_model: str, edit_model: str) -> None:
        self._catalogue = catalogue
        self._defaults = {False: _names(generation_model), True: _names(edit_model)}

    def choose(
        self,
        request: ImageRequest,
        *,
        is_edit: bool,
        choice: Choice | None = None,
        among: Collection[str] | None = None,
    ) -> Chosen:
        """The models for a request.

        Args:
            choice: who serves it; OpenRouter, which has every model, when absent.
            among: ids from which a default is taken; all when absent. Whoever names a model gets that one.

        Raises:
            UnsupportedModel: with `suggestions`.
            InvalidParameter: a fallback model is another provider's.
        """
        live = {model.id: model for model in self._catalogue.image_models()}
        direct = choice.provider if choice and choice.is_direct else None
        served = live if direct is None else {each: live[each] for each in live if direct.serves(each)}
        warnings: list[str] = []
        if request.model is not None and (stand_ins := self._instead_of_gone(request, served, live)):
            return Chosen(request.model, tuple(live[each] for each in stand_ins.models), stand_ins.warnings)
        if request.model is not None:
            named, first = request.model, self._resolved(request.model, served, live, direct, param="model")
        else:
            able = served if among is None else {each: served[each] for each in served if each in among}
            settings = choice.settings if choice else UserSettings()
            named, first, warnings = self._default(settings, able or served, direct, is_edit=is_edit)
        found = [first]
        found += [
            self._resolved(each, served, live, direct, param="fallback_models") for each in request.fallback_models
        ]
        models = tuple(live[each] for each in dict.fromkeys(resolved.id for resolved in found))
        said = [f"{each.reason} {each.id} is used instead." for each in found if each.reason]
        return Chosen(named, models, (*warnings, *said))

    def _instead_of_gone(self, request: ImageRequest, served: Live, live: Live) -> Followed | None:
        """The fallback models, if the model is in none of the lists; None if it is in one, or none of them is there."""
        named = request.model or ""
        if not request.fallback_models or aliases.is_known(named, live):
            return None
        makes_text = aliases.is_known(named, self._chat_models(live))
        return None if makes_text else aliases.follow((named, *request.fallback_models), served)

    def _default(
        self, settings: UserSettings, able: Live, direct: Provider | None, *, is_edit: bool
    ) -> tuple[str, Resolved, list[str]]:
        """The caller's own if it is there, else the first of the stack's that is."""
        setting = "image_edit_model" if is_edit else "image_generation_model"
        own: str | None = getattr(settings, setting)
        if own and (resolved := aliases.resolve(own, able)):
            return own, resolved, []
        named, first = self._stacks(able, direct, is_edit=is_edit)
        warnings = [f"Your `{setting}`, {own}, cannot be had now; {first.id} is used instead."] if own else []
        return named, first, warnings

    def _stacks(self, able: Live, direct: Provider | None, *, is_edit: bool) -> tuple[str, Resolved]:
        names = self._defaults[is_edit]
        for each in names:
            if resolved := aliases.resolve(each, able):
                return each, resolved
        # The stack's are OpenRouter's; whoever has another provider alone is not to be left without.
        suited = [each for each in able if not is_edit or able[each].max_references]
        if direct is not None and suited:
            stand_in = aliases.suggest("", suited)[0]
            return stand_in, Resolved(stand_in)
        raise self._unsupported(names[0] if names else "", able, param="model")

    def _resolved(self, name: str, served: Live, live: Live, direct: Provider | None, *, param: str) -> Resolved:
        resolved = aliases.resolve(name, served)
        if resolved is not None:
            return resolved
        elsewhere = aliases.resolve(name, live) if direct is not None else None
        if direct is None or elsewhere is None:
            raise self._unsupported(name, served, param=param)
        raise not_served(direct, elsewhere.id, aliases.suggest(name, served), param=param)

    def _unsupported(self, name: str, live: Live, *, param: str) -> DarkroomError:
        return aliases.refusal(name, live=live, chat=self._chat_models(live), param=param)

    def _chat_models(self, live: Live) -> frozenset[str]:
        """Ids of those that make text alone; none where they cannot be had, for they only serve to say more."""
        try:
            return self._catalogue.chat_model_ids() - set(live)
        except DarkroomError:
            return frozenset()


def not_served(direct: Provider, model: str, suggestions: Sequence[str], *, param: str) -> DarkroomError:
    """The error for a model that is there, but not at the provider that was chosen."""
    detail = f"{direct.title} does not serve {model}."
    example = f"Use for example {suggestions[0]}, or " if suggestions else "Use "
    fix = f"{example}`provider`: `openrouter`."
    if param == "fallback_models":
        return InvalidParameter(detail, fix=fix, param=param, context={"suggestions": list(suggestions)})
    return UnsupportedModel(detail, fix=fix, param=param, context={"suggestions": list(suggestions)})


def _names(listed: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in listed.split(",") if each.strip())
