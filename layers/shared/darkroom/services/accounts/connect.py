"""Signing in with OpenRouter: to its consent page with a challenge, and back with a code that becomes a key.

The way there and back is good once, for ten minutes, for one browser. Its nonce is in the callback's own address and in
`state`, because not every answer of OpenRouter's has brought `state` back; only digests of nonce and cookie are kept.
RFC 7636 (PKCE, S256 alone), RFC 9700 (one-time, exact callback, bound to the browser).
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from darkroom.errors import (
    InvalidParameter,
    SignInDenied,
    SignInElsewhere,
    SignInExpired,
    SignInNotAllowed,
    SignInUnknown,
    SignInUsed,
)
from darkroom.models.digest import digest
from darkroom.models.session import SignInAttempt
from darkroom.ports import Clock, KeyIssuer, SessionStore
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.sessions import Sessions

LIFETIME = timedelta(minutes=10)
HOME = "/oauth"

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class WayOut:
    """Where to send the browser, and the cookie by which to know it again."""

    url: str
    nonce: str
    browser: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    user: str
    session: str
    return_to: str


@dataclass(frozen=True, slots=True)
class SignInPolicy:
    """Who may sign in: `anyone`, `listed` (OpenRouter user ids), or `nobody`."""

    who: str
    listed: frozenset[str] = frozenset()

    def admits(self, openrouter_user: str) -> bool:
        return self.who == "anyone" or (self.who == "listed" and openrouter_user in self.listed)


class Connect:
    def __init__(
        self,
        *,
        store: SessionStore,
        sessions: Sessions,
        keys: Keys,
        issuer: KeyIssuer,
        policy: SignInPolicy,
        clock: Clock,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._keys = keys
        self._issuer = issuer
        self._policy = policy
        self._clock = clock

    def start(self, *, callback: str | None, return_to: str | None, browser: str | None) -> WayOut:
        """Begins an attempt.

        Args:
            callback: this stack's own callback; None for the headless way, where OpenRouter shows the code to paste.
            return_to: path to come back to in the end.
            browser: what this browser's cookie says already, so that two tabs can be on their way at once.
        """
        if self._policy.who == "nobody":
            raise SignInNotAllowed("Signing in is switched off here.", fix="Ask whoever runs this stack.")
        nonce = secrets.token_urlsafe(32)
        verifier = secrets.token_urlsafe(96)  # 128 characters, as many as RFC 7636 allows
        browser = browser if browser and _SECRET.fullmatch(browser) else secrets.token_urlsafe(32)
        self._store.begin(
            SignInAttempt(
                sha256=digest(nonce),
                browser_sha256=digest(browser),
                code_verifier=verifier,
                return_to=checked_path(return_to),
                expires_at=(self._clock() + LIFETIME).replace(microsecond=0),
            )
        )
        url = self._issuer.authorize_url(
            callback_url=f"{callback}?{urlencode({'attempt': nonce})}" if callback else None,
            code_challenge=_challenge(verifier),
            state=nonce if callback else None,
        )
        return WayOut(url, nonce, browser)

    def finish(self, *, nonce: str | None, browser: str | None, code: str | None) -> SignedIn:
        """Takes the attempt, turns the code into a key, keeps the key and opens a session.

        Raises:
            SignInUnknown, SignInUsed, SignInElsewhere, SignInExpired: the attempt cannot be taken; nothing was sent.
            SignInDenied: no code came.
            SignInNotAllowed: this person may not sign in here; the key is not kept.
            UpstreamError, CallerError: as the issuer says; nothing is kept.
        """
        attempt = self._take(nonce, browser)
        if not code:
            raise SignInDenied(
                "OpenRouter sent no code: the connection was not allowed.", fix="Start again and choose to allow it."
            )
        issued = self._issuer.exchange(code=code, code_verifier=attempt.code_verifier)
        account = issued.user_id or digest(issued.key)
        if not self._policy.admits(account):
            raise SignInNotAllowed(
                f"This stack does not let {account} in.",
                fix="Ask whoever runs it to add that id. A key was made for it: remove it at OpenRouter.",
                context={"manage_key": manage_url(digest(issued.key))},
            )
        user = user_of(account)
        self._keys.connect(user, "openrouter", issued.key)
        return SignedIn(user, self._sessions.open(user), attempt.return_to)

    def _take(self, nonce: str | None, browser: str | None) -> SignInAttempt:
        again = "Start again from the beginning."
        if not nonce or not _SECRET.fullmatch(nonce):
            raise SignInUnknown("This address belongs to no sign-in that was begun here.", fix=again)
        if not browser or not _SECRET.fullmatch(browser):
            raise SignInElsewhere("The sign-in was begun in another browser, or cookies are off.", fix=again)
        attempt = self._store.use(digest(nonce), digest(browser))
        if attempt is None:
            self._say_why_not(digest(nonce), again)
            raise SignInUsed("This sign-in has been used already.", fix=again)
        if attempt.expires_at <= self._clock():
            raise SignInExpired("The sign-in took longer than ten minutes.", fix=again)
        return attempt

    def _say_why_not(self, sha256: str, fix: str) -> None:
        attempt = self._store.attempt(sha256)
        if attempt is None:
            raise SignInUnknown("This address belongs to no sign-in that was begun here.", fix=fix)
        if not attempt.used:
            raise SignInElsewhere("The sign-in was begun in another browser, or cookies are off.", fix=fix)


def user_of(openrouter_user: str) -> str:
    """The name under which a person's things are kept: the same at every sign-in, and not their OpenRouter id."""
    return f"or-{hashlib.sha256(openrouter_user.encode()).hexdigest()[:32]}"


def manage_url(key_sha256: str) -> str:
    """OpenRouter's own page for a key, where alone it can be revoked."""
    return f"https://openrouter.ai/keys/{key_sha256}"


def checked_path(path: str | None) -> str:
    """A path on this origin, as a browser will understand it.

    Raises:
        InvalidParameter: anything that could lead to another origin.
    """
    if not path:
        return HOME
    parts = urlsplit(path)
    plain = path.isascii() and path.isprintable() and "\\" not in path and len(path) <= 512
    if not plain or not path.startswith("/") or path.startswith("//") or parts.scheme or parts.netloc:
        raise InvalidParameter(
            "`return_to` is not a path on this site.",
            fix="Give a path that begins with one slash, such as /oauth.",
            param="return_to",
        )
    return path


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
