"""GET, POST /v1/tokens · DELETE /v1/tokens/{token_id}"""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from darkroom import bootstrap
from darkroom.api import Api
from darkroom.models.token import ApiToken


class NewToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=100)] = ""
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None


def routes(services: bootstrap.AccountServices) -> Api:
    api = Api(services.tokens)

    @api.get("/v1/tokens")
    def list_tokens() -> dict[str, Any]:
        return {"object": "list", "data": [_shown(token) for token in services.tokens.of_user(api.user)]}

    @api.post("/v1/tokens")
    def create_token(new: NewToken) -> tuple[dict[str, Any], int]:
        lifetime = timedelta(days=new.expires_in_days) if new.expires_in_days else None
        token, plaintext = services.tokens.create(user=api.user, name=new.name, lifetime=lifetime)
        return {**_shown(token), "token": plaintext}, 201

    @api.delete("/v1/tokens/<token_id>")
    def revoke_token(token_id: str) -> dict[str, Any]:
        services.tokens.revoke(api.user, token_id)
        return {"id": token_id, "object": "token", "deleted": True}

    return api


def _shown(token: ApiToken) -> dict[str, Any]:
    return {"object": "token", **token.model_dump(mode="json", exclude={"sha256"})}


lambda_handler = bootstrap.entry(lambda environ: routes(bootstrap.account(environ)).handle)
