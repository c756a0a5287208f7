"""What requests would cost, one or many: the calculator. Nothing is sent anywhere, kept or spent."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct
from pydantic import BaseModel, ValidationError

from darkroom.errors import DarkroomError, InvalidParameter, InvalidPrompt
from darkroom.errors.names import shown_name
from darkroom.images.measure import measure
from darkroom.models.completion_body import CompletionBody
from darkroom.models.estimate_item import MOST_ITEMS, Kind, Removal, Repeated, Turn, TurnSize, without
from darkroom.models.form_values import is_prompt_fault, unfolded
from darkroom.models.image_input import edit_fields, from_base64, is_data_url
from darkroom.models.image_request import EditRequest, ImageRequest
from darkroom.models.money import MicroUsd
from darkroom.models.provider import AUTO, Skill
from darkroom.models.quote import InputShape
from darkroom.models.source import ImageSource
from darkroom.models.user_settings import UserSettings
from darkroom.ports import Provider, SettingsStore
from darkroom.services.listing.model_quotes import PICTURE, PROMPT, least_turn, ordinary_turn
from darkroom.services.pricing import chat_pricing, token_counts
from darkroom.services.pricing.chat_pricing import ChatShape
from darkroom.services.pricing.completion_survey import survey
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.selection import privacy
from darkroom.services.selection.chat_models import ChatModels
from darkroom.services.selection.providers import Choice, named

_OWN: Final = ("for", "times", "references")
_PICTURES: Final = ("images", "image", "image_url", "image_b64", "upload_id", "job_id", "mask")
_CHAT: Final = ("messages", "prompt_tokens")
CLOUD: Final = "removebg"
# As a chat without a limit of its own has.
_DEFAULT_TOKENS: Final = 4096

Model = TypeVar("Model", bound=BaseModel)


class Estimated(Struct, frozen=True):
    """Args:
    each: what one costs; None if nobody says.
    reserve: what would be set aside for one; None if nobody says, or if a turn's size alone was told.
    calls: how many calls of the provider one takes.
    """

    task: Kind
    model_requested: str
    model: str
    times: int
    each: MicroUsd | None
    reserve: MicroUsd | None = None
    calls: int = 1
    warnings: tuple[str, ...] = ()

    @property
    def total(self) -> MicroUsd | None:
        return None if self.each is None else self.each * self.times


class Sum(Struct, frozen=True):
    """Args:
    total: None if one of them is unknown.
    known: of the others.
    """

    items: tuple[Estimated, ...]
    credit: MicroUsd

    @property
    def known(self) -> MicroUsd:
        return sum(each.total for each in self.items if each.total is not None)

    @property
    def total(self) -> MicroUsd | None:
        return None if any(each.total is None for each in self.items) else self.known


class Estimates(Struct, frozen=True):
    """Args:
    known: the providers that can be named.
    credit: the stack's.
    cutter: the segmentation model that cuts out where none is named.
    removal: what a background removal by remove.bg costs.
    """

    quotes: Quotes
    chats: ChatModels
    settings: SettingsStore
    known: Mapping[str, Provider]
    credit: MicroUsd
    cutter: str
    removal: MicroUsd

    def estimate(self, user: str, fields: Mapping[str, Any]) -> Sum:
        """Of one request, or of all in `items`.

        Raises:
            InvalidParameter, UnsupportedModel, …: as the request itself would be refused; `param` says which.
        """
        if "items" in fields and (beside := without(dict(fields), "items")):
            raise _beside(list(beside))
        chosen = self.settings.load(user)
        if "items" not in fields:
            return Sum((self._one(dict(fields), chosen),), chosen.credit or self.credit)
        found = [self._numbered(number, item, chosen) for number, item in enumerate(_items(fields))]
        return Sum(tuple(found), chosen.credit or self.credit)

    def _numbered(self, number: int, item: Any, chosen: UserSettings) -> Estimated:
        try:
            return self._one(_object(item), chosen)
        except DarkroomError as error:
            error.param = ".".join(("items", str(number), *([error.param] if error.param else [])))
            raise

    def _one(self, item: dict[str, Any], chosen: UserSettings) -> Estimated:
        how = _parsed(Repeated, item)
        task, rest = how.task or _task(item, how), without(item, *_OWN)
        if task == "remove":
            return self._removal(rest, how, chosen)
        if task == "turn":
            return self._turn(rest, how, chosen)
        if task == "chat":
            return self._told(rest, how, chosen) if "prompt_tokens" in rest else self._chat(rest, how, chosen)
        return self._picture(task, rest, how, chosen)

    def _picture(self, task: Kind, rest: dict[str, Any], how: Repeated, chosen: UserSettings) -> Estimated:
        fields = {"prompt": PROMPT, **rest}
        edit: EditRequest | None = None
        if task == "edit" and how.references is None and any(map(_is_picture, rest)):
            request: ImageRequest = (edit := _parsed(EditRequest, edit_fields(fields)))
        else:
            request = _parsed(ImageRequest, fields)
        choice = self._choice(request.provider_name, "edit" if task == "edit" else "generate", chosen)
        if choice is None and request.model is None:
            default = chosen.image_edit_model if task == "edit" else chosen.image_generation_model
            request = request.model_copy(update={"model": default})
        inputs: list[InputShape] = [PICTURE] * (how.references or 1) if task == "edit" else []
        warnings: tuple[str, ...] = ()
        if edit is not None:
            inputs, warnings = _shapes(edit.images)
        is_masked = edit is not None and edit.mask is not None
        quote = self.quotes.quote(request, inputs=inputs, masked=is_masked, choice=choice)
        return Estimated(
            task=task,
            model_requested=quote.model_requested,
            model=quote.request.model,
            times=how.times,
            each=quote.estimate,
            reserve=quote.reserve,
            calls=len(quote.calls) or 1,
            warnings=(*quote.warnings, *warnings),
        )

    def _choice(self, name: str | None, skill: Skill, chosen: UserSettings) -> Choice | None:
        """The provider that is named; whether there is a key for it is of no interest here."""
        if name is None or name == AUTO:
            return None
        return Choice(named(name, self.known, skill), settings=chosen)

    def _chat(self, rest: dict[str, Any], how: Repeated, chosen: UserSettings) -> Estimated:
        body = _parsed(CompletionBody, rest)
        found = survey(body.passed(), lambda _url: None)
        choice = self._choice(body.provider_name, "chat", chosen)
        models = self.chats.choose(
            body.named or (None if choice else chosen.chat_model),
            body.others,
            sees=bool(found.pictures),
            choice=choice,
            routing=body.provider is not None,
            zdr=privacy.wanted(body.keeps_nothing, choice),
        )
        limits = [each.max_completion_tokens for each in models.models if each.max_completion_tokens]
        shape = ChatShape(
            found.text_bytes, body.most_tokens or min(_DEFAULT_TOKENS, *limits, _DEFAULT_TOKENS), found.pictures
        )
        unpriced = tuple(f"`{shown_name(name)}` is not priced by tokens." for name in found.unpriced)
        return Estimated(
            task="chat",
            model_requested=models.named,
            model=models.first.id,
            times=how.times,
            each=None if unpriced else chat_pricing.estimate(models.models, shape),
            reserve=None if unpriced else chat_pricing.reserve(models.models, shape),
            warnings=(*models.warnings, *unpriced),
        )

    def _told(self, rest: dict[str, Any], how: Repeated, chosen: UserSettings) -> Estimated:
        size = _parsed(TurnSize, rest)
        choice = self._choice(size.provider_name, "chat", chosen)
        models = self.chats.choose(
            size.model or (None if choice else chosen.chat_model),
            size.fallback_models,
            sees=size.pictures > 0,
            choice=choice,
            routing=size.provider is not None,
        )
        costs = [
            chat_pricing.expected(
                model,
                prompt_tokens=size.prompt_tokens + size.pictures * token_counts.likely_reference(model.id, PICTURE),
                answer_tokens=size.completion_tokens,
                pictures=size.pictures,
            )
            for model in models.models
        ]
        known = [cost for cost in costs if cost is not None]
        return Estimated(
            task="chat",
            model_requested=models.named,
            model=models.first.id,
            times=how.times,
            each=max(known) if len(known) == len(costs) else None,
            warnings=models.warnings,
        )

    def _turn(self, rest: dict[str, Any], how: Repeated, chosen: UserSettings) -> Estimated:
        """An ordinary one, about a photograph; with a painting, an ordinary edit, too."""
        turn = _parsed(Turn, rest)
        planners = self.chats.choose(turn.model or chosen.chat_model, sees=True)
        costs, walls = [ordinary_turn(planners.first)], [least_turn(planners.first)[1]]
        warnings = planners.warnings
        if turn.paint:
            try:
                painted = self._picture("edit", {"model": turn.image_model}, Repeated(), chosen)
            except DarkroomError as error:
                error.param = "image_model" if error.param == "model" else error.param
                raise
            costs, walls = [*costs, painted.each], [*walls, painted.reserve]
            warnings = (*warnings, *painted.warnings)
        return Estimated(
            task="turn",
            model_requested=planners.named,
            model=planners.first.id,
            times=how.times,
            each=_sum(costs),
            reserve=_sum(walls),
            calls=len(costs),
            warnings=warnings,
        )

    def _removal(self, rest: dict[str, Any], how: Repeated, chosen: UserSettings) -> Estimated:
        """Pictures and options change nothing about what it costs."""
        from darkroom.models import segmentation
        from darkroom.models.cutout_request import CutoutRequest

        beside = {*CutoutRequest.model_fields} - {"model", "provider"}
        known = {name for name in rest if name in beside or _is_picture(name)}
        wanted = _parsed(Removal, without(rest, *known))
        name = wanted.provider or (CLOUD if chosen.cloud_removal == "always" else None)
        if name is not None and name not in (AUTO, CLOUD):
            named(name, self.known, "cutout")
        is_paid = name == CLOUD
        asked = wanted.model or chosen.background_model or self.cutter
        model = CLOUD if is_paid else asked if asked == segmentation.AUTO else segmentation.lookup(asked).name
        price = self.removal if is_paid else 0
        return Estimated(
            task="remove",
            model_requested=wanted.model or model,
            model=model,
            times=how.times,
            each=price,
            reserve=price,
            calls=int(is_paid),
        )


def _sum(amounts: Sequence[MicroUsd | None]) -> MicroUsd | None:
    known = [each for each in amounts if each is not None]
    return sum(known) if len(known) == len(amounts) else None


def is_estimated(name: str) -> bool:
    """Whether an estimate is told something by a field of that name."""
    models = (Repeated, TurnSize, Turn, EditRequest, CompletionBody)
    return name in ("items", "for") or _is_picture(name) or any(name in model.model_fields for model in models)


def _task(item: Mapping[str, Any], how: Repeated) -> Kind:
    if any(name in item for name in _CHAT):
        return "chat"
    return "edit" if how.references or any(map(_is_picture, item)) else "generate"


def _is_picture(name: str) -> bool:
    return name.partition("[")[0] in _PICTURES


def _beside(names: Sequence[str]) -> InvalidParameter:
    said = ", ".join(f"`{shown_name(name)}`" for name in names)
    return InvalidParameter(
        f"Beside `items` stands what belongs to no request: {said}.",
        fix="Put it into each of the items that it is meant for.",
        param=shown_name(names[0]),
        context={"faults": [{"param": name, "message": "Belongs into an item."} for name in names]},
    )


def _items(fields: Mapping[str, Any]) -> Sequence[Any]:
    items = unfolded(fields["items"])
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
        raise InvalidParameter(
            f"`items` is a list of 1 to {MOST_ITEMS} requests.",
            fix='Send {"items": [{"model": "…", "n": 2, "times": 30}]}; `times` repeats one.',
            param="items",
        )
    return items


def _object(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise InvalidParameter("An item is an object: a request's body.", fix='Send {"model": "…", "n": 2}.')
    return item


def _parsed(model: type[Model], fields: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        kind = InvalidPrompt if is_prompt_fault(first) else InvalidParameter
        raise kind(
            f"{first['msg'].removeprefix('Value error, ')}.",
            fix="Correct the named field; docs/api.md says what each one takes.",
            param=".".join(str(part) for part in first["loc"]) or None,
        ) from error


def _shapes(images: Sequence[ImageSource]) -> tuple[list[InputShape], tuple[str, ...]]:
    """The sizes of the pictures that are in the request; of others it is assumed, for nothing is fetched."""
    measured = [_shape(image) for image in images]
    assumed = any(each is None for each in measured)
    note = "Pictures that are not in the request are taken for a megapixel each."
    return [each or PICTURE for each in measured], (note,) if assumed else ()


def _shape(image: ImageSource) -> InputShape | None:
    data = image.data
    if data is None and image.b64 is not None:
        data = from_base64(image.b64, image.name)
    if data is None and image.url is not None and is_data_url(image.url):
        data = from_base64(image.url, image.name)
    width, height = measure(data) if data is not None else (0, 0)
    return InputShape(width=width, height=height) if width and height else None
