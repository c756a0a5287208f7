"""The routes that only read: models, prices, the key, credits and what a call became."""

from typing import Any

from local.simulator import errors
from local.simulator.catalogue import Catalogue, Model
from local.simulator.delivery import Answer, Reply
from local.simulator.errors import zod
from local.simulator.exchange import Exchange
from local.simulator.money import ZERO
from local.simulator.purchase import WORKSPACE

_MODALITIES = ("text", "image", "embeddings", "audio", "video", "rerank", "decisions", "speech", "transcription", "all")
_CACHED = {"cache-control": "public, max-age=120, stale-while-revalidate=3600, stale-if-error=3600"}
_PRIVATE = {"cache-control": "private, no-store"}
_MOST = 1000


def models(exchange: Exchange) -> Answer:
    chosen = _filtered(exchange.world.catalogue, exchange.query)
    return Reply.of_json(_page(exchange.query, chosen), headers=_CACHED)


def user_models(exchange: Exchange) -> Answer:
    exchange.authorised()
    chosen = _filtered(exchange.world.catalogue, exchange.query)
    return Reply.of_json(_page(exchange.query, chosen), headers=_PRIVATE)


def count(exchange: Exchange) -> Answer:
    return Reply.of_json({"data": {"count": len(_filtered(exchange.world.catalogue, exchange.query))}})


def endpoints(exchange: Exchange) -> Answer:
    model = _model(exchange)
    described = model.to_wire()
    kept = ("id", "name", "created", "description", "architecture")
    return Reply.of_json({"data": {**{name: described[name] for name in kept}, "endpoints": model.endpoints()}})


def model(exchange: Exchange) -> Answer:
    return Reply.of_json({"data": _model(exchange).to_wire()}, headers=_CACHED)


def image_models(exchange: Exchange) -> Answer:
    entries = [model.image_entry() for model in exchange.world.catalogue.painters()]
    return Reply.of_json({"data": entries}, headers=_CACHED)


def image_endpoints(exchange: Exchange) -> Answer:
    """Without the envelope that every other list has."""
    model = _model(exchange)
    if model.image is None:
        raise errors.not_found()
    return Reply.of_json({"id": model.id, "endpoints": model.image_endpoints()}, headers=_CACHED)


def key(exchange: Exchange) -> Answer:
    found = exchange.authorised()
    rule = exchange.plan.get("key_lag")
    until = rule.since if rule else None
    usage = exchange.state.usage(found.hash, until=until)
    spent = {
        "usage": usage.total,
        "usage_daily": usage.daily,
        "usage_weekly": usage.weekly,
        "usage_monthly": usage.monthly,
    }
    data = {
        "label": found.label,
        "is_management_key": False,
        "is_provisioning_key": False,
        "limit": found.limit,
        "limit_reset": found.limit_reset,
        "limit_remaining": exchange.state.remaining(found, until=until),
        "include_byok_in_limit": False,
        **spent,
        **{f"byok_{name}": ZERO for name in spent},
        "is_free_tier": False,
        "expires_at": found.expires_at.isoformat() if found.expires_at else None,
        "creator_user_id": found.user_id,
        "organization_id": None,
        "workspace_id": WORKSPACE,
        "allowed_data_regions": ["global"],
        "budgets": [],
        "effective_budget": None,
        "free_model_daily_requests": {"used": 0, "limit": 1000, "remaining": 1000},
        "rate_limit": {
            "requests": -1,
            "interval": "10s",
            "note": "This field is deprecated and safe to ignore.",
        },
    }
    return Reply.of_json({"data": data}, headers=_PRIVATE)


def credits(exchange: Exchange) -> Answer:  # noqa: A001
    exchange.authorised()
    rule = exchange.plan.get("key_lag")
    used = exchange.state.usage(until=rule.since if rule else None).total
    return Reply.of_json({"data": {"total_credits": exchange.state.credits, "total_usage": used}}, headers=_PRIVATE)


def generation(exchange: Exchange) -> Answer:
    found = exchange.authorised()
    wanted = exchange.query.get("id")
    if not wanted:
        raise zod("Invalid input: expected string, received undefined", "id", code="invalid_type")
    record = None if "generation_missing" in exchange.plan else exchange.state.generations.get(wanted)
    # Somebody else's is as unknown as one that never was.
    owner = exchange.state.keys.get(record["key_hash"]) if record else None
    if record is None or owner is None or owner.user_id != found.user_id:
        raise errors.unknown_generation(wanted)
    shown = {name: value for name, value in record.items() if name != "key_hash"}
    return Reply.of_json({"data": shown}, headers=_PRIVATE)


def _model(exchange: Exchange) -> Model:
    name = f"{exchange.parameters['author']}/{exchange.parameters['slug']}"
    found = exchange.world.catalogue.models.get(name)
    if found is None:
        raise errors.Refusal(404, "Model not found", anonymous=True)
    return found


def _filtered(catalogue: Catalogue, query: dict[str, str]) -> list[Model]:
    """The models that were asked for. By default those that only paint are left out."""
    wanted = query.get("output_modalities", "text").split(",")
    for each in wanted:
        if each not in _MODALITIES:
            valid = ", ".join(_MODALITIES)
            raise zod(f'Invalid output_modalities value: "{each}". Valid values are: {valid}', "output_modalities")
    chosen = [model for model in catalogue.models.values() if "all" in wanted or set(wanted) & set(model.output)]
    if inputs := query.get("input_modalities"):
        chosen = [model for model in chosen if set(inputs.split(",")) <= set(model.input)]
    if parameters := query.get("supported_parameters"):
        chosen = [model for model in chosen if set(parameters.split(",")) <= set(model.supported_parameters())]
    if query.get("zdr") == "true":
        chosen = [model for model in chosen if model.private]
    if text := query.get("q", "").lower():
        chosen = [model for model in chosen if text in model.id.lower() or text in model.name.lower()]
    return chosen


def _page(query: dict[str, str], chosen: list[Model]) -> dict[str, Any]:
    offset, limit = _number(query, "offset", 0), _number(query, "limit", _MOST)
    page = chosen[offset : offset + min(limit, _MOST)]
    following = (
        f"/api/v1/models?offset={offset + len(page)}&limit={limit}" if offset + len(page) < len(chosen) else None
    )
    return {"data": [each.to_wire() for each in page], "total_count": len(chosen), "links": {"next": following}}


def _number(query: dict[str, str], name: str, default: int) -> int:
    value = query.get(name, str(default))
    if not value.isdecimal():
        raise zod("Invalid input: expected number, received NaN", name, code="invalid_type")
    return int(value)
