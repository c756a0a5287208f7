"""Who calls, API tokens and providers' keys: what comes in and goes out."""

from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from darkroom.errors import Conflict, InvalidParameter, InvalidToken, NotFound, Unauthenticated
from darkroom.http.operation import JSON, KEY_ERRORS, Answer, Operation, absent, fields, json_of
from darkroom.http.schemas.common import Moment, Removed, Usd
from darkroom.models.new_token import NewToken


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: SecretStr


class TokenName(Answer):
    id: str
    name: str


class ConnectedKey(Answer):
    """A connected key, and what it may still spend."""

    provider: str
    hint: str = Field(description="The key's last four characters.")
    label: str
    left_usd: Usd | None
    limit_usd: Usd | None
    limit_reset: str | None
    expires_at: Moment | None
    is_checked: bool = Field(description="Whether its provider said so just now.")


class LinkedAccount(Answer):
    """An OpenRouter account that signs in here."""

    provider: Literal["openrouter"] = "openrouter"
    id: str
    hint: str
    linked_at: Moment | None


class SignedOut(Answer):
    object: Literal["session"] = "session"
    signed_in: Literal[False] = False
    user: None = None
    sign_in: str = "/oauth"


class SignedIn(Answer):
    object: Literal["session"] = "session"
    signed_in: Literal[True] = True
    user: str
    signed_in_with: str | None
    created_at: Moment | None
    expires_at: Moment | None
    restricted: bool
    token: TokenName | None
    connected: tuple[ConnectedKey, ...]
    linked: tuple[LinkedAccount, ...]


class Token(Answer):
    """An API token, without itself."""

    object: Literal["token"] = "token"
    id: str
    user: str
    name: str
    hint: str = Field(description="Its last four characters.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    day_limit_usd: Usd | None
    month_limit_usd: Usd | None


class CreatedToken(Token):
    """With the token itself, which is told this once."""

    token: str


class TokenList(Answer):
    object: Literal["list"] = "list"
    data: tuple[Token, ...]


class RemovedToken(Removed):
    object: Literal["token"] = "token"


class KeyState(Answer):
    """What a provider says of a key. Amounts are micro-dollars; null where it sets or tells none."""

    label: str
    limit: int | None
    limit_remaining: int | None
    limit_reset: str | None
    usage: int | None
    used: Decimal | None = Field(description="Dollars used in all, as the provider says.")
    usage_daily: int | None
    usage_monthly: int | None
    is_free_tier: bool
    is_management_key: bool
    free_requests_remaining: int | None
    expires_at: datetime | None
    is_shared: bool


class Key(Answer):
    """A provider's key of the user's own, without itself; or one that the stack has (`owner`: `stack`)."""

    object: Literal["key"] = "key"
    owner: Literal["user"] = "user"
    provider: str
    hint: str = Field(description="Its last four characters.")
    label: str
    connected_at: datetime
    owner_sha256: str = Field(description="Digest of the provider's id of the person whose key it is, if known.")
    manage_url: str | None
    status: KeyState | None


class StackKey(Answer):
    """A key that the stack's owner pays with, for users who have none."""

    object: Literal["key"] = "key"
    provider: str
    owner: Literal["stack"] = "stack"


class KeyList(Answer):
    object: Literal["list"] = "list"
    data: tuple[Key | StackKey, ...]


class RemovedKey(Answer):
    object: Literal["key"] = "key"
    provider: str
    deleted: Literal[True] = True
    revoke_url: str | None = Field(description="Where alone it can be revoked.")
    note: str


class Finding(Answer):
    """How one part is."""

    name: str
    status: Literal["ok", "failed", "absent"]
    detail: str
    milliseconds: float


class Health(Answer):
    object: Literal["health"] = "health"
    status: Literal["ok", "failed"]
    version: str | None = absent()
    failed: tuple[str, ...] | None = absent("With `deep`: the parts that are not well.")
    checked_at: Moment | None = absent()
    age_seconds: float | None = absent()
    checks: tuple[Finding, ...] | None = absent()


class HealthQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    deep: bool = Field(False, description="How each part is, for users.")


HEALTH: Final = Operation(
    "GET /healthz",
    "that it answers, and its version, for everybody; how each of its parts is, for its users: 503 and `failed` names "
    "those that are not well. Kept for up to ten seconds (`checked_at`, `age_seconds`)",
    {200: {JSON: Health}, 503: {JSON: Health}},
    query=HealthQuery,
    access="public",
    errors=(Unauthenticated, InvalidToken),
)
OPERATIONS: Final = (
    HEALTH,
    Operation(
        "GET /v1/session",
        "who calls, for everybody: `signed_in`, `user`, `signed_in_with` (`openrouter`, `link`, `token`), "
        "`expires_at`, `restricted`, what is `connected` and what its keys may still spend, which OpenRouter accounts "
        "are `linked`; see [accounts](#accounts)",
        json_of(SignedOut | SignedIn),
        access="optional",
    ),
    Operation("GET /v1/tokens", "lists your tokens: name, last four characters, last use", json_of(TokenList)),
    Operation(
        "POST /v1/tokens",
        "makes one: `name`, `expires_in_days`, `day_limit_usd`, `month_limit_usd`; the answer tells `token` this once",
        {201: {JSON: CreatedToken}},
        body=fields(NewToken),
        unrestricted=True,
    ),
    Operation(
        "DELETE /v1/tokens/{token_id}",
        "revokes one; it is refused from the next call on, or within five seconds where another process has just "
        "accepted it",
        json_of(RemovedToken),
        unrestricted=True,
    ),
    Operation(
        "GET /v1/keys",
        "your providers' keys: last four characters, label, since when, what is left to spend; never the key",
        json_of(KeyList),
    ),
    Operation(
        "PUT /v1/keys/{provider}",
        'keeps a pasted key, `{"key": "sk-…"}`, once the [provider](providers.md) says that it is good',
        json_of(Key),
        body=fields(NewKey),
        unrestricted=True,
        errors=(*KEY_ERRORS, Conflict),
    ),
    Operation(
        "DELETE /v1/keys/{provider}",
        "forgets it; `revoke_url` is where alone it can be revoked",
        json_of(RemovedKey),
        unrestricted=True,
        errors=(NotFound, InvalidParameter),
    ),
)
