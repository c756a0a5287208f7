"""Complete: plain chat, which is passed on to its model as it came, once it is known what it may cost."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from darkroom.errors import CallerError, CostLimit, InvalidParameter, MoneyRefused, PriceUnknown, UnsupportedModel
from darkroom.errors.names import shown_name
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.catalogue import ChatModel
from darkroom.models.completion_body import CompletionBody
from darkroom.models.job import PaidWork, StoredBody
from darkroom.ports import ImageStore
from darkroom.services.generate import CheckWebhook
from darkroom.services.inputs.chat_pictures import rewritten, with_own
from darkroom.services.inputs.sources import Sources
from darkroom.services.paid.admission import Admission, Prepared, Submission
from darkroom.services.pricing import chat_pricing
from darkroom.services.pricing.chat_pricing import ChatShape
from darkroom.services.pricing.completion_survey import CheckUrl, Survey, as_json, survey
from darkroom.services.selection import privacy
from darkroom.services.selection.chat_models import PICTURES_ROUTE, ChatModels, Chosen, is_router, paints
from darkroom.services.selection.providers import Choice

OPERATION: Final = "completion"
DEFAULT_TOKENS: Final = 4096
_SHOWN_TEXT = 500
# Bytes of a body that is kept in its job's row, which is written several times: more are cheaper as an object.
MOST_INLINE: Final = 4_000
# How the answer travels makes no other request of it.
_TRAVEL = {"stream", "stream_options"}


class Complete(Struct, frozen=True):
    """Args:
    images: keeps the bodies, too.
    check_url: raises UrlRefused for a place where the provider may not be sent.
    check_webhook: raises UrlRefused for a URL that will never be called.
    sources: the stack's own pictures that are linked, which no provider can fetch from a laptop.
    """

    admission: Admission
    models: ChatModels
    images: ImageStore
    check_url: CheckUrl
    check_webhook: CheckWebhook
    sources: Sources

    def submit(self, caller: Caller, body: CompletionBody, terms: Terms) -> Submission:
        """The job that gets the completion, as text in `Job.result["completion_text"]`, or where
        `Job.result["completion"]` says.

        Raises:
            InvalidParameter, PayloadTooLarge, UrlRefused, UnsupportedModel: it cannot be asked of any model here.
            CallerError: whatever else Admission.submit raises.
        """
        identity = body.model_dump(mode="json", exclude=_TRAVEL)
        messages = with_own(body.messages, lambda url: self.sources.own(caller.user, url, "messages"))
        body = body.model_copy(update={"messages": messages})
        found = survey(body.passed(), self._check_url)
        try:
            return self.admission.submit(
                caller,
                OPERATION,
                terms,
                identity,
                lambda choice: self._prepare(caller.user, body, found, choice, stream=terms.on_event is not None),
                skill="chat",
                provider=body.provider_name,
            )
        except (CostLimit, PriceUnknown) as error:
            raise _explained(error, found) from error

    def _keep(self, key: str | None, data: bytes) -> None:
        if key is not None:
            self.images.write_output(key, data, media_type="application/json", metadata={})

    def _check_url(self, url: str) -> None:
        try:
            self.check_url(url)
        except CallerError as error:
            error.param = "messages"
            raise

    def _prepare(self, user: str, body: CompletionBody, found: Survey, choice: Choice, *, stream: bool) -> Prepared:
        if body.webhook_url:
            self.check_webhook(body.webhook_url)
        is_private = privacy.wanted(body.keeps_nothing, choice)
        chosen = self.models.choose(
            body.named,
            body.others,
            sees=bool(found.pictures),
            choice=choice,
            routing=body.provider is not None,
            zdr=is_private,
        )
        if body.named is None and not body.others and body.most_tokens is not None:
            # Nobody asked for those that are to stand in: they limit nothing.
            chosen = chosen.answering_at(body.most_tokens)
        most = _most_tokens(body, chosen)
        shape = ChatShape(found.text_bytes, most, found.pictures)
        passed, about_pictures = rewritten(_passed(body, chosen, zdr=is_private, routed=not choice.is_direct))
        data = as_json(passed)
        key = None if len(data) <= MOST_INLINE else f"inputs/{user}/{hashlib.sha256(data).hexdigest()}.json"
        stored = StoredBody(
            key=key,
            text=data.decode() if key is None else None,
            model=chosen.first.id,
            fallback_models=chosen.fallbacks,
            max_completion_tokens=most,
            zdr=is_private,
            stream=stream,
        )
        is_priced = not found.unpriced
        return Prepared(
            work=PaidWork(completion=stored, other_providers=chosen.other_providers, rates=dict(chosen.rates)),
            model_requested=chosen.named,
            estimate=chat_pricing.estimate(chosen.models, shape) if is_priced else None,
            reserve=chat_pricing.reserve(chosen.models, shape) if is_priced else None,
            most=None if body.max_cost_usd is None else int(body.max_cost_usd * 1_000_000),
            warnings=(*chosen.warnings, *about_pictures),
            shown=_shown(body, most),
            webhook_url=body.webhook_url,
            keep=lambda: self._keep(key, data),
        )


def _passed(body: CompletionBody, chosen: Chosen, *, zdr: bool, routed: bool) -> dict[str, Any]:
    """For the provider: as it came, but that no dearer source may serve, or one that keeps it; and that nobody paints.

    Args:
        routed: whether the provider chooses among sources.

    Raises:
        InvalidParameter, UnsupportedModel: pictures are asked for, by name or by the choice of the model.
    """
    passed = body.passed()
    modalities = {each.lower() for each in body.modalities or ()}
    if "image" in modalities:
        raise InvalidParameter(
            "A completion holds no pictures here.",
            fix=f"{PICTURES_ROUTE} makes pictures; leave `image` out of `modalities`.",
            param="modalities",
        )
    if not modalities:
        painter = next((model for model in chosen.models if paints(model)), None)
        if painter is not None:
            raise _painter(painter)
        if any(map(is_router, chosen.models)):
            passed["modalities"] = ["text"]
    preferences = dict(body.provider or {})
    limits = chat_pricing.max_price(chosen.models)
    if limits:
        preferences["max_price"] = _lower(preferences.get("max_price"), limits)
    if zdr:
        preferences["zdr"] = True
    if preferences and routed:
        passed["provider"] = preferences
    return passed


def _painter(model: ChatModel) -> UnsupportedModel:
    return UnsupportedModel(
        f"{model.id} makes pictures, and a completion holds none here.",
        fix=f'{PICTURES_ROUTE} makes pictures; with `"modalities": ["text"]` it answers in words alone.',
        param="model",
    )


def _lower(given: Any, limits: Mapping[str, str]) -> dict[str, Any]:
    """The caller's limits, each no higher than ours."""
    own = dict(given) if isinstance(given, Mapping) else {}
    return {**own, **{name: own[name] if _is_below(own.get(name), most) else most for name, most in limits.items()}}


def _is_below(value: Any, most: str) -> bool:
    try:
        return 0 <= float(value) <= float(most)
    except (TypeError, ValueError, OverflowError):
        return False


def _most_tokens(body: CompletionBody, chosen: Chosen) -> int:
    """How long the answer may be; each of the models has to be able to."""
    limits = {model.id: model.max_completion_tokens for model in chosen.models if model.max_completion_tokens}
    model = min(limits, key=lambda each: limits[each], default=None)
    most = limits[model] if model else None
    if body.most_tokens is None:
        return DEFAULT_TOKENS if most is None else min(DEFAULT_TOKENS, most)
    if most is not None and body.most_tokens > most:
        raise InvalidParameter(
            f"{model} answers with at most {most} tokens.",
            fix=f"Set `max_completion_tokens` to {most} or less.",
            param="max_completion_tokens" if body.max_completion_tokens else "max_tokens",
            context={"model": model, "max": most},
        )
    return body.most_tokens


def _explained(error: MoneyRefused, found: Survey) -> MoneyRefused:
    """The same refusal, with the ways out that a chat has."""
    if isinstance(error, PriceUnknown):
        if not found.unpriced:
            return error
        unpriced = [shown_name(each) for each in found.unpriced]
        return PriceUnknown(
            f"Nobody says what this would cost, because of {', '.join(f'`{each}`' for each in unpriced)}.",
            fix="Leave that out, or send `max_cost_usd`, the most that it may cost.",
            param=error.param,
            context={"unpriced": unpriced},
        )
    return CostLimit(
        error.detail,
        fix="Lower `max_completion_tokens`, choose a cheaper model, send less, or raise `max_cost_per_request`"
        " (PATCH /v1/settings).",
        param=error.param,
        context=error.context,
    )


def _shown(body: CompletionBody, most: int) -> dict[str, Any]:
    """The request as its job shows it: how it ends, and not the whole of it."""
    fields: dict[str, Any] = {"message_count": len(body.messages), "max_completion_tokens": most}
    if body.model:
        fields["model"] = body.model
    if body.provider_name:
        fields["provider"] = body.provider_name
    if prompt := _last_words(body):
        fields["prompt"] = prompt
    if body.webhook_url:
        fields["webhook_url"] = body.webhook_url.partition("?")[0]
    return fields


def _last_words(body: CompletionBody) -> str:
    """What the user said last, or the beginning of it."""
    said = [message.get("content") for message in body.messages if message.get("role") == "user"]
    last = said[-1] if said else ""
    parts = last if isinstance(last, list) else [{"text": last}]
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return " ".join(text for text in texts if isinstance(text, str))[:_SHOWN_TEXT]
