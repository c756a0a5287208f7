"""GET, POST /v1/tokens · DELETE /v1/tokens/{token_id} · GET /v1/keys · PUT, DELETE /v1/keys/{provider} ·
GET, PATCH /v1/settings · GET /v1/usage · GET /v1/usage/receipts
"""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from darkroom import bootstrap
from darkroom.api import Api, validated
from darkroom.models.money import MicroUsd, in_credits, in_dollars
from darkroom.models.receipt import Receipt
from darkroom.models.token import ApiToken
from darkroom.models.user_settings import WARN_AT_COST
from darkroom.services.connect import manage_url
from darkroom.services.keys import ShownKey, checked_provider

# Fields of a request, and how they are kept.
_PREFERENCES = {
    "warn_at_percent": "warn_at_percent",
    "ai_chat_model": "chat_model",
    "enable_image_generation": "enable_image_generation",
    "preferred_manipulation_method": "manipulation_method",
}
# Dollars.
Usd = Annotated[Decimal, Field(ge=0, le=100_000, allow_inf_nan=False)]


class NewToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    day_limit_usd: Usd | None = None
    month_limit_usd: Usd | None = None


class ChangedSettings(BaseModel):
    """What is named is changed; null returns a limit to the stack's default."""

    model_config = ConfigDict(extra="forbid")

    max_cost_per_request: Usd | None = None
    max_cost_per_conversation: Usd | None = None
    max_cost_per_day: Usd | None = None
    max_cost_per_month: Usd | None = None
    warn_at_percent: Annotated[int, Field(ge=1, le=100)] | None = None
    warn_at_cost: Usd | None = None
    ai_chat_model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    enable_image_generation: bool | None = None
    preferred_manipulation_method: Literal["local", "generative", "hybrid"] | None = None


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: SecretStr


def routes(services: bootstrap.AccountServices) -> Api:
    api = Api(services.callers)
    _tokens(api, services)
    _keys(api, services)
    _money(api, services)
    return api


def _tokens(api: Api, services: bootstrap.AccountServices) -> None:
    @api.get("/v1/tokens")
    def list_tokens() -> dict[str, Any]:
        return {"object": "list", "data": [_shown(token) for token in services.tokens.of_user(api.user)]}

    @api.post("/v1/tokens")
    def create_token() -> tuple[dict[str, Any], int]:
        api.require_unrestricted()
        new = validated(NewToken, api.request.fields)
        lifetime = timedelta(days=new.expires_in_days) if new.expires_in_days else None
        token, plaintext = services.tokens.create(
            user=api.user,
            name=new.name,
            lifetime=lifetime,
            day_limit=_micro(new.day_limit_usd),
            month_limit=_micro(new.month_limit_usd),
        )
        return {**_shown(token), "token": plaintext}, 201

    @api.delete("/v1/tokens/<token_id>")
    def revoke_token(token_id: str) -> dict[str, Any]:
        api.require_unrestricted()
        services.tokens.revoke(api.user, token_id)
        return {"id": token_id, "object": "token", "deleted": True}


def _keys(api: Api, services: bootstrap.AccountServices) -> None:
    @api.get("/v1/keys")
    def list_keys() -> dict[str, Any]:
        shown = [_shown_key(shown) for shown in services.keys.show(api.user)]
        own = {key["provider"] for key in shown}
        # Whoever has no key of their own may use the stack's, where its owner has given it one.
        shared = [{"object": "key", "provider": name, "owner": "stack"} for name in services.keys.operated - own]
        return {"object": "list", "data": shown + shared}

    @api.put("/v1/keys/<provider>")
    def connect_key(provider: str) -> dict[str, Any]:
        api.require_unrestricted()
        new = validated(NewKey, api.request.fields)
        shown = services.keys.connect(api.user, checked_provider(provider), new.key.get_secret_value())
        return _shown_key(shown)

    @api.delete("/v1/keys/<provider>")
    def disconnect_key(provider: str) -> dict[str, Any]:
        api.require_unrestricted()
        key = services.keys.disconnect(api.user, checked_provider(provider))
        return {
            "object": "key",
            "provider": provider,
            "deleted": True,
            "revoke_url": manage_url(key.sha256),
            "note": "Darkroom has forgotten the key. Only you can revoke it, at its provider.",
        }


def _money(api: Api, services: bootstrap.AccountServices) -> None:
    def standing() -> dict[str, Any]:
        return services.budgets.show(api.caller, own_key=services.keys.pays_alone(api.user, "openrouter"))

    def settings() -> dict[str, Any]:
        shown, chosen = standing(), services.budgets.settings(api.user)
        return {
            "object": "settings",
            **shown["limits"],
            "warn_at_percent": shown["warn_at_percent"],
            "warn_at_cost": float(in_dollars(WARN_AT_COST if chosen.warn_at_cost is None else chosen.warn_at_cost)),
            "ai_chat_model": chosen.chat_model or services.chat_model,
            "enable_image_generation": chosen.enable_image_generation is not False,
            "preferred_manipulation_method": chosen.manipulation_method or "hybrid",
        }

    @api.get("/v1/settings")
    def show_settings() -> dict[str, Any]:
        return settings()

    @api.patch("/v1/settings")
    def change_settings() -> dict[str, Any]:
        api.require_unrestricted()
        named = validated(ChangedSettings, api.request.fields)
        values = {name: getattr(named, name) for name in named.model_fields_set}
        limits = {name: value for name, value in values.items() if name.startswith("max_cost_")}
        services.budgets.change(
            api.user,
            {name.removeprefix("max_cost_"): _micro(value) for name, value in limits.items()},
            **{stored: values[name] for name, stored in _PREFERENCES.items() if name in values},
            **({"warn_at_cost": _micro(named.warn_at_cost)} if "warn_at_cost" in values else {}),
        )
        return settings()

    @api.get("/v1/usage")
    def show_usage() -> dict[str, Any]:
        return {"object": "usage", **standing()}

    @api.get("/v1/usage/receipts")
    def list_receipts(
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
        month: Annotated[str | None, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")] = None,
    ) -> dict[str, Any]:
        page = services.ledger.receipts(api.user, limit=limit, before=cursor, month=month)
        shown = [_shown_receipt(receipt, services.credit) for receipt in page.receipts]
        return {"object": "list", "data": shown, "next_cursor": page.next_id}


def _shown_receipt(receipt: Receipt, credit: MicroUsd) -> dict[str, Any]:
    """Micro-dollars beside the dollars: a sum of those is exact."""
    amounts = {"estimated", "reserved", "actual"}
    dollars = {f"{name}_usd": _dollars(getattr(receipt, name)) for name in sorted(amounts)}
    return {
        "object": "receipt",
        **receipt.model_dump(mode="json", exclude={"user", *amounts}),
        **dollars,
        "actual_micro_usd": receipt.actual,
        "actual_credits": None if receipt.actual is None else float(in_credits(receipt.actual, credit)),
    }


def _micro(dollars: Decimal | None) -> MicroUsd | None:
    """Rounded down: a limit is never higher than what was said."""
    return None if dollars is None else int(dollars * 1_000_000)


def _dollars(amount: MicroUsd | None) -> float | None:
    return None if amount is None else float(in_dollars(amount))


def _shown_key(shown: ShownKey) -> dict[str, Any]:
    key = shown.key
    return {
        "object": "key",
        "owner": "user",
        **key.model_dump(mode="json", exclude={"user", "sha256"}),
        "manage_url": manage_url(key.sha256),
        "status": shown.status.model_dump(mode="json", exclude={"user_id"}) if shown.status else None,
    }


def _shown(token: ApiToken) -> dict[str, Any]:
    limits = {f"{name}_usd": _dollars(getattr(token, name)) for name in ("day_limit", "month_limit")}
    return {
        "object": "token",
        **token.model_dump(mode="json", exclude={"sha256", "day_limit", "month_limit"}),
        **limits,
    }


lambda_handler = bootstrap.entry(lambda environ: routes(bootstrap.account(environ)).handle)
