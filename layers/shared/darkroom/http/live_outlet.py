"""How an answer of the live door goes out that is begun before it is there: as blanks and JSON, or as events."""

import asyncio
import base64
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final

from darkroom.http import server_events
from darkroom.http.transport import Following

Work = asyncio.Future[dict[str, Any]]
_JSON: Final = {"content-type": "application/json"}


class LiveOutlet:
    """One answer's. Implements transport.Outlet; everything else is called in the loop alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._deciding = threading.Lock()
        self._is_expected = False
        self._is_blank = False
        self._is_closed = False
        self.following: Following | None = None
        self._headers: dict[str, str] = {}
        self._is_open = False
        self._sent: deque[bytes] = deque()
        self._news = asyncio.Event()

    def expect(self) -> bool:
        with self._deciding:
            self._is_expected = not self._is_blank
            return self._is_expected

    def put(self, headers: Mapping[str, str]) -> None:
        self._in_loop(lambda: self._headers.update(headers))

    def open(self, headers: Mapping[str, str]) -> None:
        self.put(headers)
        self._in_loop(self._opened)

    def send(self, data: bytes) -> None:
        self._in_loop(lambda: self._taken(data))

    def follow(self, following: Following) -> None:
        self.following = following

    @property
    def has_events(self) -> bool:
        """Whether some are waiting to go out."""
        return self._is_open and bool(self._sent)

    async def until_news(self, work: Work, seconds: float | None) -> bool:
        """Whether within that time the work has ended or there was an event."""
        if not self.has_events and not work.done():
            news = asyncio.ensure_future(self._news.wait())
            await asyncio.wait((work, news), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
        return self.has_events or work.done()

    def begin(self) -> Mapping[str, str]:
        """Decides what the answer is begun as; its headers."""
        with self._deciding:
            self._is_blank = not self._is_expected
        return {**(_JSON if self._is_blank else server_events.HEADERS), **self._headers}

    async def pieces(self, work: Work, every: float) -> AsyncIterator[bytes]:
        """Yields all pieces up to the end, and a sign of life whenever none came for the given seconds."""
        sign = b" " if self._is_blank else server_events.HEARTBEAT.encode()
        if not self.has_events:
            yield sign
        while not work.done() or self._sent:
            if self._sent:
                yield self._next()
            elif not await self.until_news(work, every):
                yield sign
        yield body_of(work.result()) if self._is_blank else _end(work.result())

    def close(self) -> None:
        """The client is gone: what is sent from now on goes nowhere."""
        self._is_closed = True
        self._sent.clear()

    def _next(self) -> bytes:
        data = b"".join(self._sent)
        self._sent.clear()
        self._news.clear()
        return data

    def _opened(self) -> None:
        self._is_open = True
        if self._sent:
            self._news.set()

    def _taken(self, data: bytes) -> None:
        if not self._is_closed:
            self._sent.append(data)
            if self._is_open:
                self._news.set()

    def _in_loop(self, do: Any) -> None:
        # The loop of a server that is being stopped is closed.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(do)


def body_of(answer: Mapping[str, Any]) -> bytes:
    text = answer.get("body") or ""
    return base64.b64decode(text) if answer.get("isBase64Encoded") else str(text).encode()


def _end(answer: Mapping[str, Any]) -> bytes:
    """What a route answers, as the end of a stream of events."""
    body = body_of(answer)
    headers = {name.lower(): str(value) for name, value in answer["headers"].items()}
    if headers.get("content-type", "").startswith(server_events.EVENTS):
        return body
    try:
        problem = json.loads(body)
    except ValueError:
        problem = {}
    return server_events.failure(problem).encode()
