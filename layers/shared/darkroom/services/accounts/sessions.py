"""Sessions of browsers: an opaque cookie, of which only the digest is kept."""

import secrets
from datetime import timedelta

from darkroom.models.digest import digest
from darkroom.models.session import GUEST, Session, SignedInWith
from darkroom.models.token import ApiToken
from darkroom.ports import Clock, SessionStore

LIFETIME = timedelta(days=30)
GUEST_LIFETIME = timedelta(days=1)


class Sessions:
    def __init__(self, store: SessionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def open(self, user: str, signed_in_with: SignedInWith = "openrouter") -> str:
        """Begins a session; returns what the cookie has to say."""
        return self._open(user, signed_in_with)

    def open_with_token(self, token: ApiToken) -> str:
        """Begins a session that may do what the token may, and ends with it."""
        return self._open(token.user, "token", token)

    def open_guest(self) -> str:
        """Begins a session of somebody who has no account, as a user whom no other session is."""
        return self._open(f"{GUEST}{secrets.token_hex(16)}", "guest")

    def find(self, secret: str | None) -> Session | None:
        """The session that a cookie stands for, unless it is over."""
        session = self._store.find(digest(secret)) if secret else None
        return session if session and session.expires_at > self._clock() else None

    def close(self, secret: str | None) -> None:
        if secret:
            self._store.close(digest(secret))

    def _open(self, user: str, signed_in_with: SignedInWith, token: ApiToken | None = None) -> str:
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        ends = (now + (GUEST_LIFETIME if signed_in_with == "guest" else LIFETIME)).replace(microsecond=0)
        if token and token.expires_at:
            ends = min(ends, token.expires_at)
        self._store.open(
            Session(
                sha256=digest(secret),
                user=user,
                created_at=now,
                expires_at=ends,
                signed_in_with=signed_in_with,
                token_sha256=token.sha256 if token else "",
            )
        )
        return secret
