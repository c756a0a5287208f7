"""Fetches pictures from URLs that users name; see `url_transport` for the way there."""

import ssl
from contextlib import closing

import httpx

from darkroom.adapters.url_guard import UrlGuard
from darkroom.adapters.url_transport import DEADLINE_SECONDS, HEADERS, GuardedTransport
from darkroom.errors import UrlRefused, UrlUnreachable
from darkroom.models.deadline import Deadline

MAX_REDIRECTS = 5


class HttpUrlFetcher:
    """Implements ports.UrlFetcher.

    Args:
        guard: what may be fetched; by default, what is public.
        seconds: how long all of it may take, with redirects and body.
        ssl_context: whom to trust; certifi's roots if not given.
        https_only: whether http is refused, at every hop, except at what the guard lets through by name.
    """

    def __init__(
        self,
        guard: UrlGuard | None = None,
        *,
        seconds: float = DEADLINE_SECONDS,
        ssl_context: ssl.SSLContext | None = None,
        https_only: bool = False,
    ) -> None:
        self._guard = guard or UrlGuard()
        self._seconds = seconds
        self._https_only = https_only
        self._transport = GuardedTransport(self._guard, ssl_context=ssl_context)

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        deadline = Deadline(self._seconds)
        target = self._checked(self._guard.check(url))
        for _ in range(MAX_REDIRECTS + 1):
            request = httpx.Request("GET", target, headers=HEADERS)
            with closing(self._transport.send(request, deadline=deadline, max_bytes=max_bytes)) as response:
                if not response.has_redirect_location:
                    return _body_of(response)
                target = self._checked(self._guard.check_redirect(target, response.headers["location"]))
        raise UrlUnreachable(f"The URL redirects more than {MAX_REDIRECTS} times.")

    def _checked(self, url: httpx.URL) -> httpx.URL:
        if self._https_only and url.scheme != "https" and not self._guard.names_allowed(url):
            raise UrlRefused("Only https URLs are fetched here.", fix="Use an https URL.")
        return url


def _body_of(response: httpx.Response) -> bytes:
    if response.status_code != 200:
        raise UrlUnreachable(f"The server answered {response.status_code} instead of 200.")
    return b"".join(response.iter_raw())
