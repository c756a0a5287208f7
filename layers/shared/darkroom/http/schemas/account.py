"""Who calls, API tokens and providers' keys: what comes in and goes out."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from darkroom.http.operation import JSON, Answer, Operation, absent, fields, json_of
from darkroom.http.schemas.common import Moment, Removed, Usd
from darkroom.models.caller import Caller
from darkroom.models.key import KeyStatus
from darkroom.models.money import usd
from darkroom.models.session import Identity
from darkroom.models.token import ApiToken, NewToken
from darkroom.services.accounts.keys import ShownKey


class NewKey(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

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
    guest: bool = Field(False, description="Whether this browser may upload and cut out, and nothing else.")
    guests: bool = Field(False, description="Whether `POST /oauth/guest` makes it so.")


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
    model_config = ConfigDict(defer_build=True, extra="forbid")

    deep: bool = Field(False, description="How each part is, for users.")


def signed_in(caller: Caller, keys: Iterable[ShownKey], identities: Iterable[Identity]) -> SignedIn:
    return SignedIn(
        user=caller.user,
        signed_in_with=caller.signed_in_with,
        created_at=caller.session.created_at if caller.session else None,
        expires_at=caller.expires_at,
        restricted=caller.is_restricted,
        token=TokenName(id=caller.token.id, name=caller.token.name) if caller.token else None,
        connected=tuple(map(_connected, keys)),
        linked=tuple(LinkedAccount(id=each.sha256, hint=each.hint, linked_at=each.linked_at) for each in identities),
    )


def token_line(token: ApiToken) -> Token:
    same = ("id", "user", "name", "hint", "created_at", "expires_at", "last_used_at")
    limits = {f"{name}_usd": usd(getattr(token, name)) for name in ("day_limit", "month_limit")}
    return Token(**{name: getattr(token, name) for name in same}, **limits)


def key_line(shown: ShownKey) -> Key:
    same = ("provider", "hint", "label", "connected_at", "owner_sha256")
    return Key(
        **{name: getattr(shown.key, name) for name in same},
        manage_url=shown.manage_url,
        status=key_state(shown.status) if shown.status else None,
    )


def key_state(status: KeyStatus) -> KeyState:
    return KeyState(**{name: getattr(status, name) for name in KeyState.model_fields})


def _connected(shown: ShownKey) -> ConnectedKey:
    status = shown.status
    return ConnectedKey(
        provider=shown.key.provider,
        hint=shown.key.hint,
        label=shown.key.label,
        left_usd=usd(status.limit_remaining) if status else None,
        limit_usd=usd(status.limit) if status else None,
        limit_reset=status.limit_reset if status else None,
        expires_at=status.expires_at if status else None,
        is_checked=status is not None,
    )


HEALTH: Final = Operation("GET /healthz", {200: {JSON: Health}, 503: {JSON: Health}}, query=HealthQuery)
ENTER_AS_GUEST: Final = Operation("POST /oauth/guest", json_of(SignedOut))
SHOW_SESSION: Final = Operation("GET /v1/session", json_of(SignedOut | SignedIn))
LIST_TOKENS: Final = Operation("GET /v1/tokens", json_of(TokenList))
CREATE_TOKEN: Final = Operation("POST /v1/tokens", {201: {JSON: CreatedToken}}, body=fields(NewToken))
REVOKE_TOKEN: Final = Operation("DELETE /v1/tokens/{token_id}", json_of(RemovedToken))
LIST_KEYS: Final = Operation("GET /v1/keys", json_of(KeyList))
CONNECT_KEY: Final = Operation("PUT /v1/keys/{provider}", json_of(Key), body=fields(NewKey))
DISCONNECT_KEY: Final = Operation("DELETE /v1/keys/{provider}", json_of(RemovedKey))
