"""HTTP to a provider, in such a way that a failure can be told apart: never sent, or sent and nobody knows.

Each request has a connection of its own. A kept one may have died unnoticed while Lambda froze the container, and a
paid request lost on it would look like one that was perhaps carried out; a new one fails while it opens, which is
proof that nothing was sent. Connect and read have time-outs of their own; all are cut to what the deadline leaves,
anew with each read, so a body that trickles cannot outlive it. The body is counted while it arrives.

What sends (`_transport`) is loaded when something first is: most functions have a provider at hand and call none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from darkroom.providers import _sse

if TYPE_CHECKING:
    import ssl

    from darkroom.models.deadline import Deadline
    from darkroom.net.http1 import Headers
    from darkroom.providers._transport import Line, Response

_MIB = 1024 * 1024
EVENTS = "text/event-stream"
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[]")
_EVENTS = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")


class Timeouts(Struct, frozen=True):
    """Seconds: until a connection is open, and between two pieces of an answer."""

    connect: float = 5.0
    read: float = 300.0


class BrokenOff(Exception):
    """The exchange did not come to its end.

    Args:
        reason: what happened; neither address nor header.
        sent: whether anything of the request may have arrived.
        timed_out: whether patience ran out, rather than the connection.
    """

    def __init__(self, reason: str, *, sent: bool, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.sent = sent
        self.timed_out = timed_out


class Answer(Struct, frozen=True):
    """What came back. `broken` says that the body ends early, and why."""

    status: int
    headers: Headers
    body: bytes
    broken: BrokenOff | None = None

    @property
    def is_events(self) -> bool:
        """Whether it is a stream of events, as it looks; as it says where it looks like nothing."""
        if _JSON.match(self.body):
            return False
        return media_type(self.headers) == EVENTS or _EVENTS.match(self.body) is not None


def media_type(headers: Headers) -> str:
    return str(headers.get("content-type", "")).partition(";")[0].strip().lower()


OnHeaders = Callable[[int, Mapping[str, str]], None]


class HttpClient:
    """One request, one answer; what an answer means is for others to say.

    Args:
        timeouts: how long to be patient.
        max_answer_bytes: a larger answer is broken off.
        ssl_context: whom to trust; certifi's roots if not given.
    """

    def __init__(
        self,
        timeouts: Timeouts | None = None,
        *,
        max_answer_bytes: int = 96 * _MIB,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        self._max_answer_bytes = max_answer_bytes
        self._given_context = ssl_context

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        # Made when first needed: reading the root certificates takes longer than all else here.
        if self._given_context is not None:
            return self._given_context
        import ssl

        import certifi

        context = ssl.create_default_context(cafile=certifi.where())
        context.set_alpn_protocols(["http/1.1"])
        return context

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        deadline: Deadline,
        content: bytes | None = None,
        on_headers: OnHeaders | None = None,
        on_event: Callable[[str], None] | None = None,
    ) -> Answer:
        """Sends, and gathers the answer up to its end or up to where it broke off.

        Args:
            on_headers: called with status and headers before anything of the body is read.
            on_event: called with the data of each event of a 200 that is a stream of events, while it is read.

        Raises:
            BrokenOff: not even the headers came.
        """
        from darkroom.providers._transport import FAILURES, Line, opened

        line = Line(deadline, self._timeouts)
        try:
            response = opened(line, method, url, headers, content, lambda: self._ssl_context)
        except FAILURES as error:
            raise line.broken(error) from error
        try:
            if on_headers:
                on_headers(response.status, response.headers)
            body, ended = self._gather(response, line, on_event if response.status == 200 else None)
        finally:
            response.close()
        return Answer(response.status, response.headers, body, ended)

    def _gather(
        self, response: Response, line: Line, on_event: Callable[[str], None] | None
    ) -> tuple[bytes, BrokenOff | None]:
        from darkroom.providers._transport import FAILURES

        body = bytearray()

        def pieces() -> Iterator[bytes]:
            for piece in response.pieces():
                body.extend(piece)
                if len(body) > self._max_answer_bytes:
                    raise BrokenOff(f"more than {self._max_answer_bytes} bytes", sent=True)
                yield piece
                if is_events and bytes(body[-32:]).rstrip().endswith(b"data: [DONE]"):
                    break

        is_events = media_type(response.headers) == EVENTS
        try:
            if is_events and on_event is not None:
                for data in _sse.events(pieces()):
                    if data.strip() != _sse.DONE:
                        on_event(data)
            else:
                for _ in pieces():
                    pass
        except BrokenOff as error:
            return b"", error
        except FAILURES as error:
            return bytes(body), line.broken(error)
        return bytes(body), None
