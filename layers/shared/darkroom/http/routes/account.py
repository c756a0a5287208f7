"""GET /v1/session · GET, POST /v1/tokens · DELETE /v1/tokens/{token_id} · GET /v1/keys ·
PUT, DELETE /v1/keys/{provider} · GET, PATCH /v1/settings · GET /v1/usage · GET /v1/usage/receipts · GET /healthz
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, answered, validated
from darkroom.http.routes.docs import ROUTES as DOCS
from darkroom.http.routes.docs import docs_routes
from darkroom.http.routes.health import ROUTE as HEALTH
from darkroom.http.routes.health import health_routes
from darkroom.http.schemas.account import (
    CONNECT_KEY,
    CREATE_TOKEN,
    DISCONNECT_KEY,
    LIST_KEYS,
    LIST_TOKENS,
    REVOKE_TOKEN,
    SHOW_SESSION,
    CreatedToken,
    KeyList,
    NewKey,
    RemovedKey,
    RemovedToken,
    SignedOut,
    StackKey,
    TokenList,
    key_line,
    signed_in,
    token_line,
)
from darkroom.models.token import NewToken

# For everybody: who is not signed in is told so.
SESSION = SHOW_SESSION.route
FORGOTTEN = "Darkroom has forgotten the key. Only you can revoke it, at its provider."


def routes(app: Application) -> Api:
    public = frozenset({HEALTH, SESSION}) | (DOCS if app.settings.public_docs else frozenset())
    api = Api(app.callers, app.rates, public=public)
    app.load("health", "identities", "keys", "tokens")
    _session(api, app)
    _tokens(api, app)
    _keys(api, app)
    api.serve_later(lambda: _settings(api, app), "/v1/settings", "/v1/models/")
    api.serve_later(lambda: _usage(api, app), "/v1/usage", "/v1/usage/")
    health_routes(api, app.health)
    docs_routes(api)
    return api


def _settings(api: Api, app: Application) -> None:
    from darkroom.http.routes.settings import settings_routes

    settings_routes(api, app)


def _usage(api: Api, app: Application) -> None:
    from darkroom.http.routes.usage import usage_routes

    usage_routes(api, app)


def _session(api: Api, app: Application) -> None:
    @api.serve(SHOW_SESSION)
    def show_session() -> Response[Any]:
        caller = api.optional_caller
        if caller is None:
            return answered(SignedOut(guest=api.is_guest, guests=app.settings.guests))
        return answered(signed_in(caller, app.keys.show(caller.user), app.identities.of_user(caller.user)))


def _tokens(api: Api, app: Application) -> None:
    @api.serve(LIST_TOKENS)
    def list_tokens() -> Response[Any]:
        return answered(TokenList(data=tuple(map(token_line, app.tokens.of_user(api.user)))))

    @api.serve(CREATE_TOKEN)
    def create_token() -> Response[Any]:
        api.require_unrestricted()
        new = validated(NewToken, api.request.fields(NewToken.model_fields))
        token, plaintext = app.tokens.create(user=api.user, **new.terms())
        return answered(CreatedToken(**dict(token_line(token)), token=plaintext), 201)

    @api.serve(REVOKE_TOKEN)
    def revoke_token(token_id: str) -> Response[Any]:
        api.require_unrestricted()
        app.tokens.revoke(api.user, token_id)
        return answered(RemovedToken(id=token_id))


def _keys(api: Api, app: Application) -> None:
    @api.serve(LIST_KEYS)
    def list_keys() -> Response[Any]:
        own = tuple(map(key_line, app.keys.show(api.user)))
        # Whoever has no key of their own may use the stack's, where its owner has given it one.
        shared = sorted(app.keys.operated - {key.provider for key in own})
        return answered(KeyList(data=(*own, *(StackKey(provider=name) for name in shared))))

    @api.serve(CONNECT_KEY)
    def connect_key(provider: str) -> Response[Any]:
        api.require_unrestricted()
        new = validated(NewKey, api.request.fields(NewKey.model_fields))
        shown = app.keys.connect(api.user, provider, new.key.get_secret_value())
        if provider == "openrouter":
            app.identities.claim(api.user, shown.status)
        return answered(key_line(shown))

    @api.serve(DISCONNECT_KEY)
    def disconnect_key(provider: str) -> Response[Any]:
        api.require_unrestricted()
        key = app.keys.disconnect(api.user, provider)
        return answered(RemovedKey(provider=provider, revoke_url=app.keys.manage_url(key), note=FORGOTTEN))
