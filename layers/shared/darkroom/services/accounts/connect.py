"""Signing in with OpenRouter, or connecting it to an account.

To its consent page with a challenge, and back with a code that becomes a key.

The way there and back is good once, for ten minutes, for one browser. Its nonce is in the callback's own address and in
`state`, because not every answer of OpenRouter's has brought `state` back; only digests of nonce and cookie are kept.
RFC 7636 (PKCE, S256 alone), RFC 9700 (one-time, exact callback, bound to the browser).
"""

import base64
import hashlib
import re
import secrets
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from darkroom.errors import (
    DarkroomError,
    InvalidParameter,
    KeyTermsNotKept,
    SignInDenied,
    SignInElsewhere,
    SignInExpired,
    SignInNotAllowed,
    SignInUnknown,
    SignInUsed,
)
from darkroom.models.caller import Caller
from darkroom.models.digest import digest
from darkroom.models.key import NO_TERMS, KeyStatus, KeyTerms
from darkroom.models.session import SignInAttempt
from darkroom.ports import Clock, IssuedKey, KeyIssuer, SessionStore
from darkroom.services.accounts.identities import Identities, Linking, user_of
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.sessions import Sessions

LIFETIME = timedelta(minutes=10)
HOME = "/oauth"

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class WayOut(Struct, frozen=True):
    """Where to send the browser, and the cookie by which to know it again."""

    url: str
    nonce: str
    browser: str


class Purpose(Struct, frozen=True):
    """What the person wants of the way to OpenRouter and back.

    Attributes:
        caller: who is known already; the key then goes to that account. None: they sign in.
        new_account, move: what the person said to AccountExists and LinkedElsewhere.
        terms: what the key is to be good for.
    """

    caller: Caller | None = None
    new_account: bool = False
    move: bool = False
    terms: KeyTerms = NO_TERMS


class SignedIn(Struct, frozen=True):
    """Attributes:
    unused_key: digest of a key that OpenRouter made on the way, and that is not kept: its owner may remove it there.
    """

    user: str
    session: str
    return_to: str
    unused_key: str | None = None


class SignInPolicy(Struct, frozen=True):
    """Who may sign in: `anyone`, `listed` (OpenRouter user ids), or `nobody`."""

    who: str
    listed: frozenset[str]

    def admits(self, openrouter_user: str) -> bool:
        return self.who == "anyone" or (self.who == "listed" and openrouter_user in self.listed)


class Connect(Struct, frozen=True):
    store: SessionStore
    sessions: Sessions
    keys: Keys
    identities: Identities
    issuer: KeyIssuer
    policy: SignInPolicy
    clock: Clock

    def start(
        self, *, callback: str | None, return_to: str | None, browser: str | None, purpose: Purpose | None = None
    ) -> WayOut:
        """Begins an attempt.

        Args:
            callback: this stack's own callback; None for the headless way, where OpenRouter shows the code to paste.
            return_to: path to come back to in the end.
            browser: what this browser's cookie says already, so that two tabs can be on their way at once.

        Raises:
            SignInNotAllowed: signing in is switched off. A caller who is known already may connect all the same.
            TokenRestricted: the caller's API token has limits, and may not decide who pays.
        """
        purpose = purpose or Purpose()
        caller = purpose.caller
        if caller is None and self.policy.who == "nobody":
            raise SignInNotAllowed("Signing in is switched off here.", fix="Ask whoever runs this stack.")
        if caller is not None:
            caller.require_unrestricted()
        nonce = secrets.token_urlsafe(32)
        verifier = _verifier()
        browser = browser if browser and _SECRET.fullmatch(browser) else secrets.token_urlsafe(32)
        self.store.begin(
            SignInAttempt(
                sha256=digest(nonce),
                browser_sha256=digest(browser),
                code_verifier=verifier,
                return_to=checked_path(return_to),
                expires_at=(self.clock() + LIFETIME).replace(microsecond=0),
                user=caller.user if caller else "",
                session_sha256=caller.session.sha256 if caller and caller.session else "",
                new_account=purpose.new_account,
                move=purpose.move,
                terms=purpose.terms,
            )
        )
        url = self.issuer.authorize_url(
            callback_url=f"{callback}?{urlencode({'attempt': nonce})}" if callback else None,
            code_challenge=_challenge(verifier),
            state=nonce if callback else None,
            terms=purpose.terms,
        )
        return WayOut(url, nonce, browser)

    def finish(
        self, *, nonce: str | None, browser: str | None, code: str | None, caller: Caller | None, callback: str
    ) -> SignedIn:
        """Takes the attempt, turns the code into a key, keeps the key and opens a session.

        Args:
            caller: who is signed in to this browser now.
            callback: this stack's own, as OpenRouter wants it named where a second key is asked for.

        Raises:
            SignInUnknown, SignInUsed, SignInElsewhere, SignInExpired: the attempt cannot be taken; nothing was sent.
            SignInDenied: no code came.
            SignInNotAllowed: this person may not sign in here.
            AccountExists, LinkedElsewhere: as Identities says.
            UpstreamError, CallerError: as the issuer says.
            In each case nothing is kept; where a key was made, the error's `manage_key` says where to remove it.
        """
        attempt = self._take(nonce, browser)
        if attempt.session_sha256 and not _is_same_session(attempt, caller):
            raise SignInElsewhere(
                f"This was begun while signed in as {attempt.user}, who is not signed in here any more.",
                fix="Sign in to that account again, then connect.",
            )
        if not code:
            raise SignInDenied(
                "OpenRouter sent no code: the connection was not allowed.", fix="Start again and choose to allow it."
            )
        issued = self.issuer.exchange(code=code, code_verifier=attempt.code_verifier)
        try:
            return self._keep(attempt, issued, callback)
        except DarkroomError as error:
            error.context = {**error.context, "manage_key": manage_url(digest(issued.key))}
            raise

    def _keep(self, attempt: SignInAttempt, issued: IssuedKey, callback: str) -> SignedIn:
        status = self.keys.inspect("openrouter", issued.key)
        known = issued.user_id or status.user_id
        person = known or digest(issued.key)
        if not attempt.user and not self.policy.admits(person):
            raise SignInNotAllowed(
                f"This stack does not let {person} in.",
                fix="Ask whoever runs it to add that id. A key was made for it: remove it at OpenRouter.",
            )
        status = status.model_copy(update={"user_id": known})
        linking = self._linking(attempt, known) if known else None
        # A person whom OpenRouter does not name is known by their key alone.
        user = linking.identity.user if linking else attempt.user or user_of(person)
        if not attempt.user and not attempt.terms and self.keys.outranks(user, "openrouter", status):
            if linking is not None:
                self.identities.link(linking)
            return SignedIn(user, self.sessions.open(user), attempt.return_to, digest(issued.key))
        key, status = self._on_terms(attempt.terms, issued.key, status, callback)
        if linking is not None:
            self.identities.link(linking)
        self.keys.keep(user, "openrouter", key, status)
        if linking is not None and linking.former is not None:
            self.keys.forget_of_owner(linking.former, "openrouter", linking.identity.sha256)
        unused = digest(issued.key) if key != issued.key else None
        return SignedIn(user, self.sessions.open(user), attempt.return_to, unused)

    def _linking(self, attempt: SignInAttempt, person: str) -> Linking:
        if attempt.user:
            return self.identities.for_connection(person, attempt.user, move=attempt.move)
        return self.identities.for_sign_in(person, new_account=attempt.new_account)

    def _on_terms(self, terms: KeyTerms, key: str, status: KeyStatus, callback: str) -> tuple[str, KeyStatus]:
        """The key if it keeps the terms, else another one of the same person's that does.

        Raises:
            KeyTermsNotKept: OpenRouter made one that does not.
        """
        if not terms or terms.are_kept_by(status):
            return key, status
        verifier = _verifier()
        code = self.issuer.limited_code(key, terms, callback_url=callback, code_challenge=_challenge(verifier))
        limited = self.issuer.exchange(code=code, code_verifier=verifier).key
        found = self.keys.inspect("openrouter", limited)
        if not terms.are_kept_by(found):
            raise KeyTermsNotKept(
                "OpenRouter made a key without the limit or expiry that was asked for, so it is not kept.",
                fix="Start again without them, and set the limit on OpenRouter's own page.",
            )
        return limited, found.model_copy(update={"user_id": status.user_id})

    def _take(self, nonce: str | None, browser: str | None) -> SignInAttempt:
        again = "Start again from the beginning."
        if not nonce or not _SECRET.fullmatch(nonce):
            raise SignInUnknown("This address belongs to no sign-in that was begun here.", fix=again)
        if not browser or not _SECRET.fullmatch(browser):
            raise SignInElsewhere("The sign-in was begun in another browser, or cookies are off.", fix=again)
        attempt = self.store.use(digest(nonce), digest(browser))
        if attempt is None:
            self._say_why_not(digest(nonce), again)
            raise SignInUsed("This sign-in has been used already.", fix=again)
        if attempt.expires_at <= self.clock():
            raise SignInExpired("The sign-in took longer than ten minutes.", fix=again)
        return attempt

    def _say_why_not(self, sha256: str, fix: str) -> None:
        attempt = self.store.attempt(sha256)
        if attempt is None:
            raise SignInUnknown("This address belongs to no sign-in that was begun here.", fix=fix)
        if not attempt.used:
            raise SignInElsewhere("The sign-in was begun in another browser, or cookies are off.", fix=fix)


def _is_same_session(attempt: SignInAttempt, caller: Caller | None) -> bool:
    return (
        caller is not None
        and caller.session is not None
        and caller.session.sha256 == attempt.session_sha256
        and caller.user == attempt.user
        and not caller.is_restricted
    )


def _verifier() -> str:
    return secrets.token_urlsafe(96)  # 128 characters, as many as RFC 7636 allows


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
