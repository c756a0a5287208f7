"""OpenRouter's lists, and its books.

    GET /images/models                      {"data":[{"id","name","architecture":{…},"supports_streaming":false,
                                             "supported_parameters":{"n":{"type":"range","min":1,"max":1},…},…}]}
    GET /images/models/{a}/{s}/endpoints    {"id","endpoints":[{"provider_name","pricing":[{"billable":"output_image",
                                             "unit":"megapixel","cost_usd":0.014}],…}]}
    GET /models?output_modalities=all       {"data":[{"id","pricing":{"prompt":"0.00003",…},"expiration_date",
                                             "hugging_face_id","reasoning":{…},…}]}    prices are strings
    GET /models/{a}/{s}/endpoints           {"data":{"id","endpoints":[{"provider_name","tag":"groq","pricing":{…},
                                             "max_completion_tokens",…}]}}
    GET /models?output_modalities=all&zdr=true    the same for models with a source that keeps nothing
    GET /generation?id=…                    {"data":{"id","model","total_cost":0.014,…}}
    GET /key                                {"data":{"label":"sk-or-v1-abc...123","limit":1,"limit_remaining":0.43,…}}

An entry without an id is left out; whatever else is missing is unknown.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from darkroom.models.catalogue import (
    ChatEndpoint,
    ChatModel,
    ImageEndpoint,
    ImageModel,
    ParameterRange,
    PriceLine,
    TokenPrices,
)
from darkroom.models.generation import GenerationRecord
from darkroom.models.key import KeyStatus
from darkroom.models.money import MicroUsd, dollars, micro_usd
from darkroom.providers import _wire


def image_models(value: Mapping[str, Any]) -> tuple[ImageModel, ...]:
    return tuple(_image_model(entry) for entry in _entries(value.get("data")))


def chat_models(value: Mapping[str, Any]) -> tuple[ChatModel, ...]:
    return tuple(_chat_model(entry) for entry in _entries(value.get("data")))


def ids(value: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(entry["id"] for entry in _entries(value.get("data")))


def image_endpoints(value: Mapping[str, Any]) -> tuple[ImageEndpoint, ...]:
    return tuple(_image_endpoint(_wire.mapping(entry)) for entry in _wire.sequence(value.get("endpoints")))


def chat_endpoints(value: Mapping[str, Any]) -> tuple[ChatEndpoint, ...]:
    data = _wire.mapping(value.get("data"))
    outputs = _wire.texts(_wire.mapping(data.get("architecture")).get("output_modalities"))
    paints_only = bool(outputs) and "text" not in outputs
    found = (_wire.mapping(entry) for entry in _wire.sequence(data.get("endpoints")))
    return tuple(_chat_endpoint(entry, paints_only=paints_only) for entry in found)


def generation(value: Mapping[str, Any], generation_id: str) -> GenerationRecord:
    data = _wire.mapping(value.get("data"))
    cancelled = data.get("cancelled")
    return GenerationRecord(
        id=_wire.text(data.get("id")) or generation_id,
        model=_wire.text(data.get("model")),
        source=_wire.text(data.get("provider_name")),
        cost=micro_usd(data.get("total_cost")),
        created_at=_wire.moment(data.get("created_at")),
        cancelled=cancelled if isinstance(cancelled, bool) else None,
        finish_reason=_wire.text(data.get("finish_reason")),
    )


def key_status(value: Mapping[str, Any]) -> KeyStatus:
    data = _wire.mapping(value.get("data"))
    free = _wire.mapping(data.get("free_model_daily_requests"))
    return KeyStatus(
        label=_wire.text(data.get("label")) or "",
        limit=micro_usd(data.get("limit")),
        limit_remaining=_remaining(data.get("limit_remaining")),
        limit_reset=_wire.text(data.get("limit_reset")),
        usage=micro_usd(data.get("usage")),
        used=dollars(data.get("usage")),
        usage_daily=micro_usd(data.get("usage_daily")),
        usage_monthly=micro_usd(data.get("usage_monthly")),
        is_free_tier=data.get("is_free_tier") is True,
        is_management_key=data.get("is_management_key") is True,
        free_requests_remaining=_wire.integer(free.get("remaining")),
        expires_at=_wire.moment(data.get("expires_at")),
        user_id=_wire.text(data.get("creator_user_id")),
        is_shared=data.get("organization_id") is not None,
    )


def _remaining(value: Any) -> MicroUsd | None:
    """What is left, rounded down; an overdrawn key has nothing left, which is not the same as no limit."""
    if isinstance(value, int | Decimal) and value < 0:
        return 0
    amount = dollars(value)
    return None if amount is None else int(amount * 1_000_000)


def _entries(value: Any) -> list[Mapping[str, Any]]:
    found = (_wire.mapping(entry) for entry in _wire.sequence(value))
    return [entry for entry in found if _wire.text(entry.get("id"))]


def _image_model(entry: Mapping[str, Any]) -> ImageModel:
    architecture = _wire.mapping(entry.get("architecture"))
    return ImageModel(
        id=entry["id"],
        name=_wire.text(entry.get("name")) or entry["id"],
        description=_wire.text(entry.get("description")) or "",
        created=_wire.moment(entry.get("created")),
        input_modalities=_wire.texts(architecture.get("input_modalities")),
        output_modalities=_wire.texts(architecture.get("output_modalities")),
        parameters=_parameters(entry.get("supported_parameters")),
        supports_streaming=entry.get("supports_streaming") is True,
    )


def _image_endpoint(entry: Mapping[str, Any]) -> ImageEndpoint:
    name = _wire.text(entry.get("provider_name")) or ""
    return ImageEndpoint(
        source=name,
        slug=_wire.text(entry.get("provider_slug")) or name.lower(),
        parameters=_parameters(entry.get("supported_parameters")),
        passthrough=_wire.texts(entry.get("allowed_passthrough_parameters")),
        supports_streaming=entry.get("supports_streaming") is True,
        prices=tuple(_price_line(_wire.mapping(line)) for line in _wire.sequence(entry.get("pricing"))),
    )


def _price_line(line: Mapping[str, Any]) -> PriceLine:
    return PriceLine(
        billable=_wire.text(line.get("billable")) or "",
        unit=_wire.text(line.get("unit")) or "",
        usd=dollars(line.get("cost_usd")),
        variant=_wire.text(line.get("variant")),
    )


def _parameters(value: Any) -> dict[str, ParameterRange]:
    found = {name: _wire.mapping(descriptor) for name, descriptor in _wire.mapping(value).items()}
    return {
        name: ParameterRange(
            type=_wire.text(descriptor.get("type")) or "",
            values=tuple(str(each) for each in _wire.sequence(descriptor.get("values"))),
            min=_wire.number(descriptor.get("min")),
            max=_wire.number(descriptor.get("max")),
        )
        for name, descriptor in found.items()
    }


def _chat_model(entry: Mapping[str, Any]) -> ChatModel:
    architecture = _wire.mapping(entry.get("architecture"))
    outputs = _wire.texts(architecture.get("output_modalities"))
    parameters = _wire.texts(entry.get("supported_parameters"))
    return ChatModel(
        id=entry["id"],
        name=_wire.text(entry.get("name")) or entry["id"],
        description=_wire.text(entry.get("description")) or "",
        created=_wire.moment(entry.get("created")),
        context_length=_wire.integer(entry.get("context_length")),
        max_completion_tokens=_wire.integer(_wire.mapping(entry.get("top_provider")).get("max_completion_tokens")),
        input_modalities=_wire.texts(architecture.get("input_modalities")),
        output_modalities=outputs,
        parameters=parameters,
        prices=_token_prices(_wire.mapping(entry.get("pricing")), paints_only="text" not in outputs),
        expires_at=_wire.moment(entry.get("expiration_date")),
        weights=_wire.text(entry.get("hugging_face_id")),
        reasons="reasoning" in parameters or bool(_wire.mapping(entry.get("reasoning"))),
    )


def _chat_endpoint(entry: Mapping[str, Any], *, paints_only: bool) -> ChatEndpoint:
    name = _wire.text(entry.get("provider_name")) or ""
    return ChatEndpoint(
        source=name,
        slug=_wire.text(entry.get("tag")) or name.lower(),
        prices=_token_prices(_wire.mapping(entry.get("pricing")), paints_only=paints_only),
        max_completion_tokens=_wire.integer(entry.get("max_completion_tokens")),
    )


def _token_prices(pricing: Mapping[str, Any], *, paints_only: bool) -> TokenPrices:
    """The prices, where "-1" stands for whatever a router finds, and "0" for a model that only paints says nothing."""
    found = {name: dollars(pricing.get(name)) for name in TokenPrices.model_fields}
    return TokenPrices(**{name: None if paints_only and not price else price for name, price in found.items()})
