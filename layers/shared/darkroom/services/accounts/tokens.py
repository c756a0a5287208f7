"""API tokens: making, listing, revoking them, and telling who calls."""

import re
import secrets
from datetime import datetime, timedelta

from ulid import ULID

from darkroom.errors import Conflict, InvalidParameter, InvalidToken, NotFound, Unauthenticated
from darkroom.models.digest import digest
from darkroom.models.money import MicroUsd
from darkroom.models.token import USER_PATTERN, ApiToken
from darkroom.ports import Clock, TokenStore

PREFIX = "dk_"
MOST_TOKENS = 50
MOST_ID = 64
# A call is free to read the token; writing its last use at every call would cost a write each.
USE_RESOLUTION = timedelta(minutes=1)
# For so long a process believes what it has read of a valid token: a token that is revoked in another process is
# refused everywhere this much later at the most. What is unknown or revoked is never remembered.
REMEMBERED = timedelta(seconds=5)
_MAX_REMEMBERED = 1000

_SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


class Tokens:
    def __init__(self, store: TokenStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # By digest: when the token was read, and how it was then.
        self._read: dict[str, tuple[datetime, ApiToken]] = {}

    def create(
        self,
        *,
        user: str,
        name: str = "",
        lifetime: timedelta | None = None,
        day_limit: MicroUsd | None = None,
        month_limit: MicroUsd | None = None,
    ) -> tuple[ApiToken, str]:
        """A new token and its plaintext, which is told this once and kept nowhere.

        Args:
            day_limit, month_limit: what may be spent with it in a UTC day and month; None for no limit of its own.

        Raises:
            InvalidParameter: the user's name has characters it may not have.
            Conflict: the user has as many tokens as one may have.
        """
        if not re.fullmatch(USER_PATTERN, user):
            raise InvalidParameter(
                f"The user name {user!r} is not accepted.",
                fix="Use 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit.",
                param="user",
            )
        if len(self._store.of_user(user)) >= MOST_TOKENS:
            raise Conflict(f"There are {MOST_TOKENS} tokens already.", fix="Revoke one that is no longer used.")
        now = self._clock()
        plaintext = PREFIX + secrets.token_urlsafe(32)
        token = ApiToken(
            id=f"tok_{ULID.from_datetime(now)}",
            user=user,
            name=name,
            sha256=digest(plaintext),
            hint=plaintext[-4:],
            created_at=now,
            expires_at=(now + lifetime).replace(microsecond=0) if lifetime else None,
            day_limit=day_limit,
            month_limit=month_limit,
        )
        self._store.add(token)
        return token, plaintext

    def authenticate(self, plaintext: str | None) -> ApiToken:
        """Who calls.

        Raises:
            Unauthenticated: nothing was sent.
            InvalidToken: what was sent is unknown, revoked or expired; the error does not say which.
        """
        fix = (
            "Send a valid token as `Authorization: Bearer …` or `X-Api-Key: …`. Sign in at /oauth in a browser to make "
            "one, or run `make token` where the stack is run from."
        )
        if not plaintext:
            raise Unauthenticated("This route needs an API token.", fix=fix)
        token = self.by_digest(digest(plaintext)) if _SHAPE.fullmatch(plaintext) else None
        now = self._clock()
        if token is None:
            raise InvalidToken("The API token is unknown, revoked or expired.", fix=fix)
        if token.last_used_at is None or now - token.last_used_at >= USE_RESOLUTION:
            self._store.record_use(token, now)
            if token.sha256 in self._read:
                read_at, _ = self._read[token.sha256]
                self._read[token.sha256] = (read_at, token.model_copy(update={"last_used_at": now}))
        return token

    def by_digest(self, sha256: str) -> ApiToken | None:
        """The token, if it is still valid, as it was `REMEMBERED` ago at the most; for what was opened with it."""
        now = self._clock()
        read_at, token = self._read.get(sha256, (now, None))
        if token is None or not timedelta() <= now - read_at < REMEMBERED:
            token = self._store.find(sha256)
            self._remember(sha256, token, now)
        return token if token and (token.expires_at is None or token.expires_at > now) else None

    def of_user(self, user: str) -> list[ApiToken]:
        return list(self._store.of_user(user))

    def revoke(self, user: str, token_id: str) -> None:
        """Raises NotFound when the user has no such token."""
        if len(token_id) > MOST_ID or not self._store.revoke(user, token_id):
            raise NotFound(f"There is no token {token_id[:MOST_ID]!r}.", fix="GET /v1/tokens lists yours.")
        # At once where it is revoked.
        self._read = {sha256: read for sha256, read in self._read.items() if read[1].id != token_id}

    def _remember(self, sha256: str, token: ApiToken | None, now: datetime) -> None:
        self._read.pop(sha256, None)
        if token is None:
            return
        if len(self._read) >= _MAX_REMEMBERED:
            self._read.clear()
        self._read[sha256] = (now, token)
