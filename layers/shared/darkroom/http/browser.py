"""The edge for browsers: cookies, this site's own origin, and whether a write comes from it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.shared.cookies import Cookie, SameSite
from msgspec import Struct

from darkroom.errors import ForeignOrigin

SESSION = "darkroom-session"
BROWSER = "darkroom-browser"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Visit(Struct, frozen=True):
    """What an event tells of the browser behind it.

    Attributes:
        origin: this site's own, `https://…`; plain http on a laptop alone.
    """

    origin: str
    method: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]

    @classmethod
    def of(cls, event: Mapping[str, Any], public_url: str = "") -> "Visit":
        """`public_url` stands in where the stack is reached under another name than API Gateway knows."""
        context = event["requestContext"]
        return cls(
            origin=public_url or f"https://{context['domainName']}",
            method=context["http"]["method"],
            headers=event.get("headers") or {},
            cookies=_parsed(event.get("cookies") or ()),
        )

    @property
    def is_secure(self) -> bool:
        return self.origin.startswith("https:")

    @property
    def is_canonical(self) -> bool:
        """Whether the browser is at the origin that its cookies are for; on a laptop, `localhost` may not be."""
        return self.headers.get("host", "") in ("", urlsplit(self.origin).netloc)

    def cookie(self, name: str) -> str | None:
        return self.cookies.get(self._full_name(name))

    def set_cookie(self, name: str, value: str, lifetime: timedelta) -> Cookie:
        """A cookie that scripts cannot read, that no other site's forms send, and that nothing but this host sets."""
        return Cookie(
            self._full_name(name),
            value,
            path="/",
            secure=self.is_secure,
            http_only=True,
            max_age=int(lifetime.total_seconds()),
            same_site=SameSite.LAX_MODE,
        )

    def drop_cookie(self, name: str) -> Cookie:
        return self.set_cookie(name, "", timedelta(0))

    def require_own_origin(self) -> None:
        """Refuses a write that a cookie would sign but another site's page sent.

        Browsers send `Origin` with every such request, and newer ones `Sec-Fetch-Site`; what has neither is no browser,
        and has no business with a cookie. Forms of a page that tells no referrer have the origin `null`, even on their
        own site: there, what the browser says of the site decides.
        """
        if self.method in _SAFE_METHODS:
            return
        origin, site = self.headers.get("origin"), self.headers.get("sec-fetch-site")
        if site in (None, "same-origin") and origin == self.origin:
            return
        if site == "same-origin" and origin in (None, "null"):
            return
        raise ForeignOrigin(
            "A request signed by a cookie must come from this site's own pages.",
            fix="Use an API token for calls from elsewhere.",
        )

    def _full_name(self, name: str) -> str:
        # The prefix makes browsers refuse the cookie unless it is Secure, for this host alone, and for all paths.
        return f"__Host-{name}" if self.is_secure else name


def _parsed(cookies: Iterable[str]) -> dict[str, str]:
    """Of several with one name the first counts, which is the one for the most specific path."""
    found: dict[str, str] = {}
    for cookie in cookies:
        name, _, value = cookie.partition("=")
        found.setdefault(name.strip(), value.strip())
    return found
