"""One-time links that sign a browser in: random, short-lived, kept as SHA-256, used up by a POST alone.

Scanners of mail and chat programs open links before people do, so opening one shows a page with a button and uses
nothing up.
"""

import re
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from darkroom.errors import InvalidParameter, SignInLinkInvalid
from darkroom.models.digest import digest
from darkroom.models.session import SignInLink
from darkroom.models.token import USER_PATTERN
from darkroom.ports import Clock, LinkStore

LIFETIME = timedelta(minutes=15)
# On the machine that the stack runs on, where the file with the link has an API token beside it.
LOCAL_LIFETIME = timedelta(days=1)
PATH = "/oauth/link"

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class Links:
    def __init__(self, store: LinkStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create(self, user: str, *, origin: str, lifetime: timedelta = LIFETIME) -> str:
        """The address of a new link to the studio, which is told this once.

        Args:
            origin: of the site, `https://…`.

        Raises:
            InvalidParameter: the user's name has characters it may not have.
        """
        if not re.fullmatch(USER_PATTERN, user):
            raise InvalidParameter(
                f"The user name {user!r} is not accepted.",
                fix="Use 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit.",
                param="user",
            )
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        ends = (now + lifetime).replace(microsecond=0)
        self._store.add(SignInLink(sha256=digest(secret), user=user, created_at=now, expires_at=ends))
        return f"{origin}{PATH}?{urlencode({'key': secret, 'return_to': '/'})}"

    def look(self, secret: str | None) -> SignInLink:
        """The link, without using it up. Raises SignInLinkInvalid: it would not sign anybody in."""
        link = self._store.find(digest(secret)) if secret and _SECRET.fullmatch(secret) else None
        if link is None or link.used or link.expires_at <= self._clock():
            raise _invalid()
        return link

    def use(self, secret: str | None) -> SignInLink:
        """Takes the link.

        Raises:
            SignInLinkInvalid: it is unknown, was used, or is over; the error does not say which.
        """
        link = self._store.use(digest(secret), self._clock()) if secret and _SECRET.fullmatch(secret) else None
        if link is None:
            raise _invalid()
        return link


def _invalid() -> SignInLinkInvalid:
    return SignInLinkInvalid(
        "This link is not valid: it was used already, has expired, or was not copied whole.",
        fix="`make invite USER=…` prints another one, where the stack is run from.",
    )
