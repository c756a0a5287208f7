"""Calls webhooks. Their users choose the place, so each call goes the guarded way of `url_transport`."""

import ssl
from collections.abc import Mapping
from contextlib import closing, suppress

import httpx

from darkroom.adapters.url_guard import UrlGuard
from darkroom.adapters.url_transport import DEADLINE_SECONDS, HEADERS, GuardedTransport
from darkroom.errors import PayloadTooLarge, UrlRefused, UrlUnreachable
from darkroom.models.deadline import Deadline
from darkroom.models.webhook import WebhookReply

MOST_READ = 64 * 1024
_FIX = "Give a public https URL that answers with a 2xx."
_PARAM = "webhook_url"


class HttpWebhookSender:
    """Implements ports.WebhookSender.

    Args:
        guard: what may be called; by default, what is public. What it lets through beside that may be http.
        seconds: how long a call may take, from look-up to the reply's end.
        ssl_context: whom to trust; certifi's roots if not given.
    """

    def __init__(
        self,
        guard: UrlGuard | None = None,
        *,
        seconds: float = DEADLINE_SECONDS,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard or UrlGuard()
        self._seconds = seconds
        self._transport = GuardedTransport(self._guard, ssl_context=ssl_context)

    def check(self, url: str) -> None:
        self._checked(url)

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> WebhookReply:
        sent = {**HEADERS, "Content-Type": "application/json", **headers}
        try:
            request = httpx.Request("POST", self._checked(url), content=body, headers=sent)
            reply = self._transport.send(request, deadline=Deadline(self._seconds), max_bytes=MOST_READ)
        except (UrlRefused, UrlUnreachable) as error:
            return WebhookReply(problem=error.detail)
        with closing(reply):
            _read_away(reply)
        return WebhookReply(status=reply.status_code)

    def _checked(self, url: str) -> httpx.URL:
        try:
            checked = self._guard.check(url)
        except UrlRefused as error:
            raise UrlRefused(error.detail, fix=_FIX, param=_PARAM) from error
        if checked.scheme != "https" and not self._guard.names_allowed(checked):
            raise UrlRefused("A webhook is called by https only.", fix=_FIX, param=_PARAM)
        return checked


def _read_away(reply: httpx.Response) -> None:
    """Lets an ordinary server finish its reply. What it says is of no use, nor is how it ends: the status counts."""
    with suppress(UrlUnreachable, PayloadTooLarge):
        for _ in reply.iter_raw():
            pass
