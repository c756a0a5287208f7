"""HTTP to a provider, in such a way that a failure can be told apart: never sent, or sent and nobody knows.

Each request has a connection of its own. A kept one may have died unnoticed while Lambda froze the container, and a
paid request lost on it would look like one that was perhaps carried out; a new one fails while it opens, which is
proof that nothing was sent. Connect and read have time-outs of their own; all are cut to what the deadline leaves,
anew with each read, so a body that trickles cannot outlive it (httpcore's time-outs begin anew with each). The body
is counted while it arrives.

The network backend is httpcore's public seam (https://www.encode.io/httpcore/network-backends/).
"""

import logging
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import httpcore
import httpx

from darkroom.models.deadline import Deadline
from darkroom.providers import _sse

_WRITE_BYTES = 65536
_log = logging.getLogger("httpx")
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Darkroom/0.1"}
_MIB = 1024 * 1024
EVENTS = "text/event-stream"
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[]")
_EVENTS = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")


@dataclass(frozen=True, slots=True)
class Timeouts:
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `broken` says that the body ends early, and why."""

    status: int
    headers: httpx.Headers
    body: bytes
    broken: BrokenOff | None = None

    @property
    def is_events(self) -> bool:
        """Whether it is a stream of events, as it looks; as it says where it looks like nothing."""
        if _JSON.match(self.body):
            return False
        return media_type(self.headers) == EVENTS or _EVENTS.match(self.body) is not None


def media_type(headers: httpx.Headers) -> str:
    return str(headers.get("content-type", "")).partition(";")[0].strip().lower()


class _Line:
    """One request's way through the network: how long it may take, and whether anything went out."""

    def __init__(self, deadline: Deadline, timeouts: Timeouts) -> None:
        self.sent = False
        self._deadline = deadline
        self._timeouts = timeouts

    def connect_seconds(self) -> float:
        return self._left(self._timeouts.connect, httpcore.ConnectTimeout)

    def read_seconds(self) -> float:
        return self._left(self._timeouts.read, httpcore.ReadTimeout)

    def _left(self, at_most: float, none: type[httpcore.TimeoutException]) -> float:
        left = self._deadline.left()
        if left <= 0:
            raise none("the deadline is over")
        return min(at_most, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, line: _Line) -> None:
        self._stream = stream
        self._line = line

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the line knows better
        return self._stream.read(max_bytes, self._line.read_seconds())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        for start in range(0, len(buffer), _WRITE_BYTES):
            seconds = self._line.read_seconds()
            self._line.sent = True
            self._stream.write(buffer[start : start + _WRITE_BYTES], seconds)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._line.connect_seconds()), self._line)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, line: _Line) -> None:
        self._line = line
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self._line.connect_seconds()
        return _Stream(self._backend.connect_tcp(host, port, seconds, local_address, socket_options), self._line)


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response, connection: httpcore.HTTPConnection) -> None:
        self._stream = cast("Iterable[bytes]", answer.stream)
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._connection.close()


OnHeaders = Callable[[int, httpx.Headers], None]


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
        return self._given_context or httpx.create_ssl_context(trust_env=False)

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
        line = _Line(deadline, self._timeouts)
        try:
            response = self._open(line, method, httpx.URL(url), headers, content)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            raise _broken(error, line) from error
        try:
            if on_headers:
                on_headers(response.status_code, response.headers)
            body, broken = self._gather(response, line, on_event if response.status_code == 200 else None)
        finally:
            response.close()
        return Answer(response.status_code, response.headers, body, broken)

    def _open(
        self, line: _Line, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None
    ) -> httpx.Response:
        """Asks as `httpx.Client` does, without its redirects, cookies and hooks, which take as long again."""
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        connection = httpcore.HTTPConnection(
            target.origin,
            ssl_context=self._ssl_context if url.scheme == "https" else None,
            network_backend=_Backend(line),
        )
        sent = {"Host": url.netloc.decode("ascii"), **_HEADERS, **headers}
        if content is not None or method in ("POST", "PUT", "PATCH"):
            sent["Content-Length"] = str(len(content or b""))
        fields = [(name.encode("ascii"), value.encode("ascii")) for name, value in sent.items()]
        try:
            answer = connection.handle_request(httpcore.Request(method, target, headers=fields, content=content))
        except BaseException:
            connection.close()
            raise
        # The line that `httpx.Client` has in the log, where calls of providers are to be in it.
        _log.info('HTTP Request: %s %s "%d"', method, url, answer.status)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer, connection))

    def _gather(
        self, response: httpx.Response, line: _Line, on_event: Callable[[str], None] | None
    ) -> tuple[bytes, BrokenOff | None]:
        body = bytearray()

        def pieces() -> Iterator[bytes]:
            for piece in response.iter_bytes():
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
        except (
            httpcore.TimeoutException,
            httpcore.NetworkError,
            httpcore.RemoteProtocolError,
            httpx.DecodingError,
        ) as error:
            return bytes(body), _broken(error, line)
        return bytes(body), None


def _broken(error: Exception, line: _Line) -> BrokenOff:
    timed_out = isinstance(error, httpcore.TimeoutException)
    connecting = isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout)
    reason = f"{type(error).__name__}{' while connecting' if connecting and not line.sent else ''}"
    return BrokenOff(reason, sent=line.sent, timed_out=timed_out)
