"""Whether what a user wants to set can be had: models by the catalogue, names by who bears them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from msgspec import Struct

from darkroom.errors import CallerError, DarkroomError, InvalidParameter, LicenceNotAcknowledged, UnsupportedModel
from darkroom.models import segmentation
from darkroom.models.model_row import Task
from darkroom.models.money import said as money
from darkroom.models.provider import AUTO
from darkroom.models.user_settings import RETENTION_DAYS, Limits
from darkroom.ports import Provider
from darkroom.services.catalogue import aliases
from darkroom.services.catalogue.catalogue import Catalogue, Listing
from darkroom.services.selection.chat_models import ChatModels
from darkroom.services.selection.providers import FIRST

_TASKS: Final[Mapping[str, Task]] = {
    "image_generation_model": "generate",
    "image_edit_model": "edit",
    "ai_chat_model": "chat",
}
_WHAT: Final = {"generate": "a picture", "edit": "an edit", "chat": "a message"}
CheckUrl = Callable[[str], None]
Named = tuple[str, str]
"""Names of models, with commas between them, and whose choice they are."""


class SettingChecks(Struct, frozen=True):
    """Args:
    providers: by name; a lookup may be what loads one.
    check_webhook: raises UrlRefused for a URL that will never be called.
    segmenter: the stack's own segmentation model, whose weights are surely there.
    acknowledged: segmentation models whose licence the stack's owner has acknowledged.
    """

    catalogue: Catalogue
    chats: ChatModels
    providers: Mapping[str, Provider]
    check_webhook: CheckUrl
    segmenter: str
    acknowledged: Collection[str]

    def check(self, changes: Mapping[str, Any], *, favourites: Collection[str]) -> tuple[dict[str, Any], list[str]]:
        """What is to be stored, and what to know about it.

        Args:
            changes: by the names of the API; None, which is always good, is not among them.
            favourites: those that are stored: one of them that has died since does no harm.

        Raises:
            UnsupportedModel: with `suggestions`.
            LicenceNotAcknowledged: the segmentation model wants a licence.
            InvalidParameter, UrlRefused: naming the setting.
        """
        accepted, warnings = dict(changes), list[str]()
        for name in ("image_generation_model", "image_edit_model"):
            if name in changes:
                warnings += self._image_model(name, changes[name])
        if "ai_chat_model" in changes:
            warnings += self._chat_model(changes["ai_chat_model"])
        if "favorite_models" in changes:
            accepted["favorite_models"], said = self.favourites(changes["favorite_models"], favourites)
            warnings += said
        if "ai_provider" in changes:
            self._provider(changes["ai_provider"])
        if "background_model" in changes:
            accepted["background_model"] = segmentation.named(changes["background_model"])
            warnings += self._background_model(accepted["background_model"])
        if changes.get("retention_days", RETENTION_DAYS[0]) not in RETENTION_DAYS:
            days = ", ".join(map(str, RETENTION_DAYS))
            raise InvalidParameter(
                "Pictures cannot be kept for so many days.", fix=f"Use one of: {days}.", param="retention_days"
            )
        if "webhook_url" in changes:
            with _about("webhook_url"):
                self.check_webhook(changes["webhook_url"])
        return accepted, warnings

    def effective(
        self, models: Mapping[str, Named], defaults: Mapping[str, Named], *, provider: str
    ) -> dict[str, dict[str, str] | None]:
        """For each task the `model` that serves it while a request names none, and the `source` that chose it; None
        where nobody can say, or none can.

        Args:
            models, defaults: by setting what applies, and what the stack has.
            provider: who serves them.
        """
        try:
            images = {model.id: bool(model.max_references) for model in self.catalogue.image_models()}
            chats = self.catalogue.chat_model_ids()
        except DarkroomError:
            return dict.fromkeys(_TASKS.values())
        served = None if provider in (AUTO, FIRST) else self.providers[provider]
        able: dict[str, Collection[str]] = {
            "image_generation_model": images,
            "image_edit_model": [each for each, edits in images.items() if edits],
            "ai_chat_model": chats,
        }
        found: dict[str, dict[str, str] | None] = {}
        for setting, live in able.items():
            own = live if served is None else [each for each in live if served.serves(each)]
            chosen = (
                (each, origin) for names, origin in (models[setting], defaults[setting]) for each in names.split(",")
            )
            resolved = ((aliases.resolve(name.strip(), own), origin) for name, origin in chosen if name.strip())
            served_by = ({"model": each.id, "source": origin} for each, origin in resolved if each)
            found[_TASKS[setting]] = next(served_by, None)
        return found

    def unaffordable(self, models: Mapping[str, str], limits: Limits) -> list[str]:
        """A sentence for each model that cannot be used at all under the limits.

        Args:
            models: by the setting whose they are: a name, or several with commas between them.
            limits: as they apply to the user.
        """
        try:
            listing = self.catalogue.listing()
        except DarkroomError:
            return []
        said = [self._unaffordable(setting, name, limits, listing) for setting, name in models.items()]
        return [each for each in said if each]

    def _unaffordable(self, setting: str, names: str, limits: Limits, listing: Listing) -> str | None:
        # A sign-in, which is the same function's, prices nothing.
        from darkroom.services.listing.model_quotes import ModelQuotes, least_turn

        task = _TASKS[setting]
        chats = {each.id: each for each in listing.chat_models}
        live = chats if task == "chat" else {each.id: each for each in listing.image_models}
        found = next((each.id for name in names.split(",") if (each := aliases.resolve(name.strip(), live))), None)
        if found is None:
            return None
        if task == "chat":
            cost, wall = least_turn(chats[found])
            least = {"per_request": cost, **dict.fromkeys(("per_conversation", "per_day", "per_month"), wall)}
        else:
            wanted = ModelQuotes(listing).wanted(found, task, {})
            least = dict.fromkeys(Limits.model_fields, wanted.price if wanted else None)
        for limit, amount in least.items():
            most = getattr(limits, limit)
            if amount is not None and most is not None and amount > most:
                return (
                    f"{found} cannot be used under your limits: {_WHAT[task]} may cost {money(amount)}, and "
                    f"`max_cost_{limit}` is {money(most)}. Raise it, or choose another `{setting}`."
                )
        return None

    def _image_model(self, setting: str, name: str) -> list[str]:
        try:
            live = {model.id: model for model in self.catalogue.image_models()}
        except DarkroomError as error:
            return [_unseen(name, error)]
        suited = [each for each in live if setting != "image_edit_model" or live[each].max_references]
        found = aliases.resolve(name, live)
        if found is None:
            raise aliases.refusal(name, live=suited, chat=self._chat_ids() - set(live), param=setting)
        if found.id not in suited:
            raise UnsupportedModel(
                f"{found.id} makes new pictures only, and does not edit.",
                fix="Choose a model that works from pictures.",
                param=setting,
                context={"suggestions": aliases.suggest(name, suited)},
            )
        return [f"{found.reason} {found.id} is used instead."] if found.reason else []

    def _chat_ids(self) -> frozenset[str]:
        try:
            return self.catalogue.chat_model_ids()
        except DarkroomError:
            return frozenset()  # they only serve to say more

    def _chat_model(self, name: str) -> list[str]:
        with _about("ai_chat_model"):
            try:
                chosen = self.chats.choose(name)
            except CallerError:
                raise
            except DarkroomError as error:
                return [_unseen(name, error)]
        blind = "image" not in chosen.first.input_modalities
        return [
            *chosen.warnings,
            *([f"{chosen.first.id} cannot look at pictures, so it cannot edit any."] if blind else []),
        ]

    def _background_model(self, name: str) -> list[str]:
        if name == segmentation.AUTO:
            return []
        with _about("background_model"):
            model = segmentation.lookup(name)
        if model.needs_acknowledgement and name not in self.acknowledged:
            free = [each.name for each in segmentation.MODELS.values() if not each.needs_acknowledgement]
            raise LicenceNotAcknowledged(
                f"The licence of {name} has not been acknowledged: {model.licence}. {model.licence_note}",
                fix="The operator of this stack can acknowledge it (AcknowledgedLicences). "
                f"Without that: {', '.join((*free, *self.acknowledged))}.",
                param="background_model",
            )
        if name == self.segmenter:
            return []
        # They are in the image of the function that cuts out, which nobody else can look into.
        return [
            f"It could not be seen whether the weights of {name} are installed here. If they are not, each cut-out "
            f"that names no model is refused until `background_model` is changed; null returns to {self.segmenter}."
        ]

    def favourites(self, names: Sequence[str], known: Collection[str]) -> tuple[tuple[str, ...], list[str]]:
        """As ids, so that they are found again in lists. Raises UnsupportedModel."""
        try:
            live = {model.id for model in self.catalogue.image_models()} | self.catalogue.chat_model_ids()
        except DarkroomError as error:
            return tuple(dict.fromkeys(names)), [_unseen(", ".join(names), error)] if names else []
        found: list[str] = []
        for name in names:
            resolved = aliases.resolve(name, live)
            if resolved is None and name not in known:
                raise aliases.refusal(name, live=live, param="favorite_models")
            found.append(resolved.id if resolved else name)
        return tuple(dict.fromkeys(found)), []

    def _provider(self, name: str) -> None:
        able = [each for each in sorted(self.providers) if self.providers[each].skills - {"cutout"}]
        if name not in (AUTO, *able):
            raise InvalidParameter(
                "There is no such provider.",
                fix=f"Use one of: {', '.join((AUTO, *able))}.",
                param="ai_provider",
                context={"accepted": [AUTO, *able]},
            )


@contextmanager
def _about(setting: str) -> Iterator[None]:
    """A caller's mistake is that setting's."""
    try:
        yield
    except CallerError as error:
        error.param = setting
        raise


def _unseen(name: str, error: DarkroomError) -> str:
    return f"It could not be seen whether there is {name[:200]}: {error.detail} It was stored as it is."
