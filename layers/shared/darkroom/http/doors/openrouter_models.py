"""Models as OpenRouter lists them, from what is known of each: an unpublished value is null, or left out."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from darkroom.errors import InvalidParameter
from darkroom.http.schemas.openrouter_models import (
    ImageModelEndpoints,
    ImageModelLine,
    ImageModels,
    ModelCount,
    ModelEndpoints,
    PublishedModel,
    PublishedModels,
)
from darkroom.models.catalogue import ChatModel, ImageEndpoint, ImageModel, ParameterRange, TokenPrices
from darkroom.services.catalogue.catalogue import Catalogue, Listing

_DEFAULT_OUTPUT: Final = "text"
_ALL: Final = "all"


def published(listing: Listing, query: Mapping[str, str]) -> PublishedModels:
    """Those whose output is asked for; of text, when nothing is said. Raises InvalidParameter."""
    chosen = _chosen(listing, query)
    offset = _whole(query, "offset", 0)
    limit = _whole(query, "limit", len(chosen))
    part = chosen[offset : offset + limit]
    rest = f"/api/v1/models?offset={offset + len(part)}&limit={limit}" if offset + len(part) < len(chosen) else None
    return PublishedModels(data=tuple(map(_model, part)), total_count=len(chosen), links={"next": rest})


def count(listing: Listing, query: Mapping[str, str]) -> ModelCount:
    return ModelCount(data={"count": len(_chosen(listing, query))})


def endpoints(model: str, catalogue: Catalogue) -> ModelEndpoints:
    """Who serves a model that talks, at which prices."""
    found = next((each for each in catalogue.chat_models() if each.id == model), None)
    shown = _model(found).model_dump() if found else {"id": model, "name": model, "created": 0, "description": ""}
    kept = ("id", "name", "created", "description", "architecture")
    lines = [
        {
            "name": f"{each.source} | {model}",
            "model_id": model,
            "model_name": shown["name"],
            "provider_name": each.source,
            "tag": each.slug,
            "quantization": None,
            "status": 0,
            "context_length": found.context_length if found else None,
            "max_completion_tokens": each.max_completion_tokens,
            "max_prompt_tokens": None,
            "pricing": _prices(each.prices),
            "supported_parameters": list(found.parameters) if found else [],
            **dict.fromkeys(("uptime_last_5m", "uptime_last_30m", "uptime_last_1d")),
            **dict.fromkeys(("latency_last_30m", "throughput_last_30m")),
            "supports_implicit_caching": False,
        }
        for each in (catalogue.chat_endpoints(model) if found else ())
    ]
    return ModelEndpoints(data={**{name: shown[name] for name in kept if name in shown}, "endpoints": lines})


def image_models(listing: Listing) -> ImageModels:
    return ImageModels(data=tuple(map(_image_model, listing.image_models)))


def image_endpoints(model: str, listing: Listing) -> ImageModelEndpoints:
    found = listing.endpoints.get(model, ())
    return ImageModelEndpoints(id=model, endpoints=tuple(map(_image_endpoint, found)))


def _chosen(listing: Listing, query: Mapping[str, str]) -> list[ChatModel]:
    given = query.get("output_modalities") or _DEFAULT_OUTPUT
    wanted = {each.strip().lower() for each in given.split(",")}
    return [model for model in listing.chat_models if _ALL in wanted or wanted & set(model.output_modalities)]


def _whole(query: Mapping[str, str], name: str, otherwise: int) -> int:
    given = query.get(name, "")
    if not given:
        return otherwise
    if not given.isdecimal() or len(given) > 6:
        raise InvalidParameter(f"`{name}` is no whole number.", fix="Count from 0.", param=name)
    return int(given)


def _model(model: ChatModel) -> PublishedModel:
    own = {"context_length": model.context_length, "max_completion_tokens": model.max_completion_tokens}
    return PublishedModel(
        id=model.id,
        canonical_slug=model.id.removesuffix(":free"),
        name=model.name,
        created=int(model.created.timestamp()) if model.created else 0,
        description=model.description,
        context_length=model.context_length,
        architecture={
            "modality": f"{'+'.join(model.input_modalities)}->{'+'.join(model.output_modalities)}",
            "input_modalities": list(model.input_modalities),
            "output_modalities": list(model.output_modalities),
            "tokenizer": "Other",
            "instruct_type": None,
        },
        pricing=_prices(model.prices),
        top_provider={**own, "is_moderated": False},
        per_request_limits=None,
        supported_parameters=model.parameters,
        default_parameters={},
        supported_voices=None,
        links={"details": f"/api/v1/models/{model.id}/endpoints"},
    )


def _prices(prices: TokenPrices) -> dict[str, str]:
    """Dollars as text; "-1" is OpenRouter's word for a price that varies; it is not known here."""
    known = {name: value for name, value in prices.model_dump().items() if value is not None}
    return {"prompt": "-1", "completion": "-1", **{name: _text(value) for name, value in known.items()}}


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _image_model(model: ImageModel) -> ImageModelLine:
    return ImageModelLine(
        id=model.id,
        name=model.name,
        description=model.description,
        created=int(model.created.timestamp()) if model.created else 0,
        architecture={
            "input_modalities": list(model.input_modalities),
            "output_modalities": list(model.output_modalities),
        },
        supported_parameters={name: _range(each) for name, each in model.parameters.items()},
        supports_streaming=model.supports_streaming,
        endpoints=f"/api/v1/images/models/{model.id}/endpoints",
    )


def _range(found: ParameterRange) -> dict[str, Any]:
    bounds = {"min": found.min, "max": found.max}
    numbers = {name: _number(value) for name, value in bounds.items() if value is not None}
    return {"type": found.type, **({"values": list(found.values)} if found.values else {}), **numbers}


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _image_endpoint(endpoint: ImageEndpoint) -> dict[str, Any]:
    return {
        "provider_name": endpoint.source,
        "provider_slug": endpoint.slug,
        "provider_tag": endpoint.slug,
        "supported_parameters": {name: _range(each) for name, each in endpoint.parameters.items()},
        "allowed_passthrough_parameters": list(endpoint.passthrough),
        "supports_streaming": endpoint.supports_streaming,
        "pricing": [
            {
                "billable": line.billable,
                "unit": line.unit,
                "cost_usd": float(line.usd),
                **({"variant": line.variant} if line.variant else {}),
            }
            for line in endpoint.prices
            if line.usd is not None
        ],
    }
