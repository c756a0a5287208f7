"""GET, POST /v1/tokens · DELETE /v1/tokens/{token_id} · GET /v1/keys · PUT, DELETE /v1/keys/{provider}"""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from darkroom import bootstrap
from darkroom.api import Api, validated
from darkroom.models.token import ApiToken
from darkroom.services.connect import manage_url
from darkroom.services.keys import ShownKey, checked_provider


class NewToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: SecretStr


def routes(services: bootstrap.AccountServices) -> Api:
    api = Api(services.callers)

    @api.get("/v1/tokens")
    def list_tokens() -> dict[str, Any]:
        return {"object": "list", "data": [_shown(token) for token in services.tokens.of_user(api.user)]}

    @api.post("/v1/tokens")
    def create_token() -> tuple[dict[str, Any], int]:
        new = validated(NewToken, api.request.fields)
        lifetime = timedelta(days=new.expires_in_days) if new.expires_in_days else None
        token, plaintext = services.tokens.create(user=api.user, name=new.name, lifetime=lifetime)
        return {**_shown(token), "token": plaintext}, 201

    @api.delete("/v1/tokens/<token_id>")
    def revoke_token(token_id: str) -> dict[str, Any]:
        services.tokens.revoke(api.user, token_id)
        return {"id": token_id, "object": "token", "deleted": True}

    @api.get("/v1/keys")
    def list_keys() -> dict[str, Any]:
        shown = [_shown_key(shown) for shown in services.keys.show(api.user)]
        own = {key["provider"] for key in shown}
        # Whoever has no key of their own may use the stack's, where its owner has given it one.
        shared = [{"object": "key", "provider": name, "owner": "stack"} for name in services.keys.operated - own]
        return {"object": "list", "data": shown + shared}

    @api.put("/v1/keys/<provider>")
    def connect_key(provider: str) -> dict[str, Any]:
        new = validated(NewKey, api.request.fields)
        shown = services.keys.connect(api.user, checked_provider(provider), new.key.get_secret_value())
        return _shown_key(shown)

    @api.delete("/v1/keys/<provider>")
    def disconnect_key(provider: str) -> dict[str, Any]:
        key = services.keys.disconnect(api.user, checked_provider(provider))
        return {
            "object": "key",
            "provider": provider,
            "deleted": True,
            "revoke_url": manage_url(key.sha256),
            "note": "Darkroom has forgotten the key. Only you can revoke it, at its provider.",
        }

    return api


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
    return {"object": "token", **token.model_dump(mode="json", exclude={"sha256"})}


lambda_handler = bootstrap.entry(lambda environ: routes(bootstrap.account(environ)).handle)
