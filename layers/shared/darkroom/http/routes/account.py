"""GET /v1/session · GET, POST /v1/tokens · DELETE /v1/tokens/{token_id} · GET /v1/keys ·
PUT, DELETE /v1/keys/{provider} · GET, PATCH /v1/settings · GET /v1/usage · GET /v1/usage/receipts · GET /healthz
"""

from datetime import datetime
from typing import Any

from darkroom.application import Application
from darkroom.http.app import Api, validated
from darkroom.http.routes.docs import ROUTES as DOCS
from darkroom.http.routes.docs import docs_routes
from darkroom.http.routes.health import ROUTE as HEALTH
from darkroom.http.routes.health import health_routes
from darkroom.http.routes.settings import settings_routes
from darkroom.http.routes.usage import usage_routes
from darkroom.http.schemas.account import NewKey
from darkroom.models.identity import Identity
from darkroom.models.money import MicroUsd, in_dollars
from darkroom.models.new_token import NewToken
from darkroom.models.token import ApiToken
from darkroom.services.accounts.keys import ShownKey

# For everybody: who is not signed in is told so.
SESSION = "GET /v1/session"


def routes(app: Application) -> Api:
    public = frozenset({HEALTH, SESSION}) | (DOCS if app.settings.public_docs else frozenset())
    api = Api(app.callers, public=public)
    app.load("health", "identities", "keys", "tokens")
    _session(api, app)
    _tokens(api, app)
    _keys(api, app)
    settings_routes(api, app)
    usage_routes(api, app)
    health_routes(api, app.health)
    docs_routes(api)
    return api


def _session(api: Api, app: Application) -> None:
    @api.get("/v1/session")
    def show_session() -> dict[str, Any]:
        caller = api.optional_caller
        if caller is None:
            return {"object": "session", "signed_in": False, "user": None, "sign_in": "/oauth"}
        return {
            "object": "session",
            "signed_in": True,
            "user": caller.user,
            "signed_in_with": caller.signed_in_with,
            "created_at": _moment(caller.session.created_at if caller.session else None),
            "expires_at": _moment(caller.expires_at),
            "restricted": caller.is_restricted,
            "token": {"id": caller.token.id, "name": caller.token.name} if caller.token else None,
            "connected": [_connected(shown) for shown in app.keys.show(caller.user)],
            "linked": [_linked(identity) for identity in app.identities.of_user(caller.user)],
        }


def _tokens(api: Api, app: Application) -> None:
    @api.get("/v1/tokens")
    def list_tokens() -> dict[str, Any]:
        return {"object": "list", "data": [_shown(token) for token in app.tokens.of_user(api.user)]}

    # A form would not pass Powertools' own validation, here and in other routes with a body.
    @api.post("/v1/tokens", enable_validation=False)
    def create_token() -> tuple[dict[str, Any], int]:
        api.require_unrestricted()
        new = validated(NewToken, api.request.fields(NewToken.model_fields))
        token, plaintext = app.tokens.create(user=api.user, **new.terms())
        return {**_shown(token), "token": plaintext}, 201

    @api.delete("/v1/tokens/<token_id>")
    def revoke_token(token_id: str) -> dict[str, Any]:
        api.require_unrestricted()
        app.tokens.revoke(api.user, token_id)
        return {"id": token_id, "object": "token", "deleted": True}


def _keys(api: Api, app: Application) -> None:
    @api.get("/v1/keys")
    def list_keys() -> dict[str, Any]:
        shown = [_shown_key(shown) for shown in app.keys.show(api.user)]
        own = {key["provider"] for key in shown}
        # Whoever has no key of their own may use the stack's, where its owner has given it one.
        shared = [{"object": "key", "provider": name, "owner": "stack"} for name in sorted(app.keys.operated - own)]
        return {"object": "list", "data": shown + shared}

    @api.put("/v1/keys/<provider>", enable_validation=False)
    def connect_key(provider: str) -> dict[str, Any]:
        api.require_unrestricted()
        new = validated(NewKey, api.request.fields(NewKey.model_fields))
        shown = app.keys.connect(api.user, provider, new.key.get_secret_value())
        if provider == "openrouter":
            app.identities.claim(api.user, shown.status)
        return _shown_key(shown)

    @api.delete("/v1/keys/<provider>")
    def disconnect_key(provider: str) -> dict[str, Any]:
        api.require_unrestricted()
        key = app.keys.disconnect(api.user, provider)
        return {
            "object": "key",
            "provider": provider,
            "deleted": True,
            "revoke_url": app.keys.manage_url(key),
            "note": "Darkroom has forgotten the key. Only you can revoke it, at its provider.",
        }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _connected(shown: ShownKey) -> dict[str, Any]:
    status = shown.status
    return {
        "provider": shown.key.provider,
        "hint": shown.key.hint,
        "label": shown.key.label,
        "left_usd": _dollars(status.limit_remaining) if status else None,
        "limit_usd": _dollars(status.limit) if status else None,
        "limit_reset": status.limit_reset if status else None,
        "expires_at": _moment(status.expires_at) if status else None,
        "is_checked": status is not None,
    }


def _linked(identity: Identity) -> dict[str, Any]:
    return {
        "provider": "openrouter",
        "id": identity.sha256,
        "hint": identity.hint,
        "linked_at": _moment(identity.linked_at),
    }


def _dollars(amount: MicroUsd | None) -> float | None:
    return None if amount is None else float(in_dollars(amount))


def _shown_key(shown: ShownKey) -> dict[str, Any]:
    key = shown.key
    return {
        "object": "key",
        "owner": "user",
        **key.model_dump(mode="json", exclude={"user", "sha256"}),
        "manage_url": shown.manage_url,
        "status": shown.status.model_dump(mode="json", exclude={"user_id"}) if shown.status else None,
    }


def _shown(token: ApiToken) -> dict[str, Any]:
    limits = {f"{name}_usd": _dollars(getattr(token, name)) for name in ("day_limit", "month_limit")}
    return {
        "object": "token",
        **token.model_dump(mode="json", exclude={"sha256", "day_limit", "month_limit"}),
        **limits,
    }
