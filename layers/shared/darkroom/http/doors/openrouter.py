"""OpenRouter's API, as its SDKs call it: pictures (`POST /images`, and by chat), models, key, credits, generations.

https://openrouter.ai/docs/api-reference/overview. The key that such a client has is a token of ours: its limits and its
usage are the token's. Each call that is paid for is an order like any other, `generate.submit` or `edit.submit`.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import NotFound
from darkroom.http.app import Api, answered, validated
from darkroom.http.schemas.openrouter import (
    LIST_IMAGE_MODELS,
    PAINT,
    SHOW_CREDITS,
    SHOW_GENERATION,
    SHOW_IMAGE_ENDPOINTS,
    SHOW_KEY,
    Credits,
    Generation,
    GenerationQuery,
    KeyAnswer,
)

# Of receipts, a page each: a generation is asked about minutes after it was made.
_PAGES: Final = 5
_MODELS: Final = "/v1/images/models/"


def routes(app: Application) -> Api:
    """The routes by themselves."""
    api = Api(app.callers, app.rates)
    openrouter_routes(api, app)
    return api


def openrouter_routes(api: Api, app: Application) -> None:
    """Puts the routes that only OpenRouter has on the API."""

    @api.serve(PAINT)
    def paint() -> Response[Any]:
        from darkroom.http.doors.openrouter_pictures import painted

        return painted(api, app)

    @api.serve(LIST_IMAGE_MODELS)
    def list_image_models() -> Response[Any]:
        from darkroom.http.doors.openrouter_models import image_models

        return answered(image_models(app.catalogue.listing()))

    @api.serve(SHOW_IMAGE_ENDPOINTS)
    def show_image_endpoints() -> Response[Any]:
        from darkroom.http.doors.openrouter_models import image_endpoints

        name = unquote(str(api.app.current_event.path).partition(_MODELS)[2]).removesuffix("/endpoints")
        return answered(image_endpoints(app.models.show(api.user, name)[0].row.id, app.catalogue.listing()))

    @api.serve(SHOW_KEY)
    def show_key() -> Response[Any]:
        return answered(KeyAnswer(data=_key(api, app)))

    @api.serve(SHOW_CREDITS)
    def show_credits() -> Response[Any]:
        budgets = _budgets(api, app)
        month = next((each for each in budgets if each["name"] == "month"), None)
        shown = {"total_credits": month["limit_usd"], "total_usage": month["spent_usd"]} if month else {}
        return answered(Credits(data=shown or {"total_credits": 0.0, "total_usage": 0.0}))

    @api.serve(SHOW_GENERATION)
    def show_generation() -> Response[Any]:
        wanted = validated(GenerationQuery, api.query_of(GenerationQuery.model_fields)).id
        return answered(Generation(data=_generation(wanted, _receipt(api.user, app, wanted))))


def listed(api: Api, app: Application) -> Response[Any]:
    """`GET /models` as OpenRouter has it."""
    from darkroom.http.doors.openrouter_models import published

    return answered(published(app.catalogue.listing(), api.query))


def shown(api: Api, app: Application, name: str) -> Response[Any] | None:
    """What OpenRouter has below `/models/`: `count`, `user` and `{id}/endpoints`; None for everything else."""
    from darkroom.http.doors import openrouter_models as models

    if name == "count":
        return answered(models.count(app.catalogue.listing(), api.query))
    if name == "user":
        return answered(models.published(app.catalogue.listing(), api.query))
    if name.endswith("/endpoints"):
        model = app.models.show(api.user, name.removesuffix("/endpoints"))[0].row.id
        return answered(models.endpoints(model, app.catalogue))
    return None


def _budgets(api: Api, app: Application) -> list[Mapping[str, Any]]:
    shown: Mapping[str, Any] = app.budgets.show(api.caller, own_key=app.keys.pays_alone(api.user))
    found: list[Mapping[str, Any]] = shown["budgets"]
    return found


def _key(api: Api, app: Application) -> dict[str, Any]:
    token = api.caller.token
    spent = _spent(api, app, token.id if token else None)
    tightest = min(_budgets(api, app), key=lambda each: float(each["remaining_usd"]), default=None)
    resets = {"day": "daily", "token_day": "daily"}
    own = dict.fromkeys((f"byok_usage{part}" for part in ("", "_daily", "_weekly", "_monthly")), 0)
    return {
        "label": (token.name or f"dk_…{token.hint}") if token else "session",
        "limit": tightest["limit_usd"] if tightest else None,
        "limit_remaining": tightest["remaining_usd"] if tightest else None,
        "limit_reset": resets.get(tightest["name"], "monthly") if tightest else None,
        **spent,
        **own,
        "expires_at": api.caller.expires_at.isoformat() if api.caller.expires_at else None,
        "include_byok_in_limit": False,
        "is_free_tier": False,
        "is_management_key": not api.caller.is_restricted,
        "is_provisioning_key": False,
        "creator_user_id": api.user,
        "organization_id": None,
        "workspace_id": api.user,
        "allowed_data_regions": ["global"],
        "budgets": [],
        "effective_budget": None,
        "free_model_daily_requests": {"used": 0, "limit": 0, "remaining": 0},
        "rate_limit": {"requests": -1, "interval": "10s", "note": "This field is deprecated and safe to ignore."},
    }


def _spent(api: Api, app: Application, token: str | None) -> dict[str, float]:
    """Dollars that the token has spent since the day, the week (Monday) and the month began, in UTC."""
    from datetime import UTC, timedelta

    from darkroom.models.money import in_dollars
    from darkroom.services.usage.statement import month_of

    today = app.ports.clock().astimezone(UTC).date()
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    days: dict[str, int] = {}
    for month in dict.fromkeys((month_of(app.ports.clock()), f"{monday:%Y-%m}")):
        made = app.usage.statement(api.user, month=month, by=("day", "token"))
        for (day, used), totals in made.groups.items():
            if day is not None and (token is None or used == token):
                days[day] = days.get(day, 0) + totals.cost
    since = {"_daily": today, "_weekly": monday, "_monthly": first}
    sums = {part: sum(cost for day, cost in days.items() if day >= str(begin)) for part, begin in since.items()}
    in_all = {"": max(sums.values()), **sums}
    return {f"usage{part}": float(in_dollars(amount)) for part, amount in in_all.items()}


def _receipt(user: str, app: Application, wanted: str) -> Any:
    """The receipt of a job, or of the generation that it took; among the latest.

    Raises:
        NotFound: there is none.
    """
    before: str | None = None
    for _ in range(_PAGES):
        page = app.ports.ledger.receipts(user, limit=100, before=before, month=None)
        for receipt in page.receipts:
            ids = (receipt.job_id, receipt.generation_id, *(call.generation_id for call in receipt.calls))
            if wanted in ids:
                return receipt
        before = page.next_id
        if before is None:
            break
    raise NotFound(
        "There is no such generation among your latest.",
        fix="Give the id of an answer, once it is settled; GET /v1/usage/receipts lists all.",
        param="id",
    )


_UNKNOWN: Final = (
    *("upstream_id", "cache_discount", "upstream_inference_cost", "app_id", "moderation_latency", "finish_reason"),
    *("service_tier", "tokens_prompt", "tokens_completion", "native_tokens_prompt", "native_tokens_completion"),
    *("native_tokens_completion_images", "native_tokens_reasoning", "native_tokens_cached", "num_media_prompt"),
    *("num_input_audio_prompt", "num_search_results", "num_fetches", "web_search_engine", "native_finish_reason"),
    *("external_user", "preset_id", "router", "provider_responses", "user_agent", "http_referer", "workspace_id"),
)
_TYPES: Final = {"completion": "completions", "generation": "image", "edit": "image"}


def _generation(wanted: str, receipt: Any) -> dict[str, Any]:
    from darkroom.models.money import in_dollars

    cost = float(in_dollars(receipt.actual or 0))
    took = None if receipt.seconds is None else round(receipt.seconds * 1000)
    return {
        **dict.fromkeys(_UNKNOWN),
        "id": wanted,
        "total_cost": cost,
        "usage": cost,
        "created_at": receipt.created_at.isoformat(),
        "model": receipt.model_used or receipt.model_requested or "",
        "streamed": None,
        "cancelled": receipt.status == "canceled",
        "provider_name": receipt.provider,
        "latency": took,
        "generation_time": took,
        "num_media_completion": receipt.images,
        "origin": "",
        "is_byok": False,
        "api_type": _TYPES.get(receipt.op),
        "data_region": "global",
    }
