"""The way of a request to a provider: a connection for each, watched for whether anything went out."""

import logging
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from darkroom.models.deadline import Deadline
from darkroom.net.http1 import PIECE, Head, Malformed, Reader, request
from darkroom.providers._http import BrokenOff, Timeouts

_log = logging.getLogger("darkroom_calls")
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Darkroom/0.1"}
_PORTS: Final = {"http": 80, "https": 443}
# What may stand in a target as it is; the rest is percent-encoded.
_SAFE: Final = "!$%&'()*+,/:;=?@[]~"
# Nobody is asked for these, and some send them.
_COMPRESSED: Final = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class _Place(NamedTuple):
    scheme: str
    host: str
    port: int
    netloc: str
    target: str


class Line:
    """One request's way through the network: how long it may take, and whether anything went out."""

    def __init__(self, deadline: Deadline, timeouts: Timeouts) -> None:
        self.sent = False
        self._deadline = deadline
        self._timeouts = timeouts

    def connect_seconds(self) -> float:
        return self._left(self._timeouts.connect)

    def read_seconds(self) -> float:
        return self._left(self._timeouts.read)

    def _left(self, at_most: float) -> float:
        left = self._deadline.left()
        if left <= 0:
            raise TimeoutError
        return min(at_most, left)

    def broken(self, error: Exception) -> BrokenOff:
        """Of what ended an exchange before its end."""
        if isinstance(error, BrokenOff):
            return error
        is_late = isinstance(error, TimeoutError)
        if isinstance(error, OSError) and not self.sent:
            return BrokenOff("too slow to connect" if is_late else "no connection", sent=False, timed_out=is_late)
        reason = "no answer in time" if is_late else "a broken connection" if isinstance(error, OSError) else "no HTTP"
        return BrokenOff(reason, sent=self.sent, timed_out=is_late)


# How an exchange ends before its answer does.
FAILURES: Final = (OSError, Malformed, zlib.error)


class Response:
    """An answer whose head is there. Raises FAILURES while it is read."""

    def __init__(self, connection: socket.socket, reader: Reader, head: Head) -> None:
        self.status, self.headers = head.status, head.headers
        self._connection, self._reader, self._head = connection, reader, head

    def pieces(self) -> Iterator[bytes]:
        """Yields the body as it comes, and unpacked if it is packed."""
        pieces = self._reader.pieces(self._head)
        window = _COMPRESSED.get(self.headers.get("content-encoding", "").strip().lower())
        return pieces if window is None else _unpacked(pieces, window)

    def close(self) -> None:
        self._connection.close()


def opened(
    line: Line,
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | None,
    ssl_context: Callable[[], ssl.SSLContext],
) -> Response:
    """Sends a request, and reads the head of its answer. No redirect is followed. Raises FAILURES."""
    to = _place(url)
    sent = {"Host": to.netloc, **_HEADERS, **headers}
    if content is not None or method in ("POST", "PUT", "PATCH"):
        sent["Content-Length"] = str(len(content or b""))
    asked = request(
        [f"{method} {to.target} HTTP/1.1", *[f"{name}: {value}" for name, value in sent.items()]], content or b""
    )
    connection = _connected(line, to, ssl_context)
    _log.debug("Connected to %s, port %d", to.host, to.port)
    try:
        _write(line, connection, asked)
        _log.debug("Sent %d bytes", len(asked))

        def receive() -> bytes:
            connection.settimeout(line.read_seconds())
            return connection.recv(PIECE)

        reader = Reader(receive)
        head = reader.head()
    except BaseException:
        connection.close()
        raise
    # Neither a body nor a header, where calls of providers are to be in the log.
    _log.info('HTTP Request: %s %s "%d"', method, url, head.status)
    return Response(connection, reader, head)


def _connected(line: Line, to: _Place, ssl_context: Callable[[], ssl.SSLContext]) -> socket.socket:
    connection = socket.create_connection((to.host, to.port), line.connect_seconds())
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if to.scheme == "https":
            connection.settimeout(line.connect_seconds())
            connection = ssl_context().wrap_socket(connection, server_hostname=to.host)
    except BaseException:
        connection.close()
        raise
    return connection


def _write(line: Line, connection: socket.socket, asked: bytes) -> None:
    for start in range(0, len(asked), PIECE):
        connection.settimeout(line.read_seconds())
        line.sent = True
        try:
            connection.sendall(asked[start : start + PIECE])
        except TimeoutError:
            raise
        except OSError:
            # It may have answered before it had all of it, and hung up.
            return


def _unpacked(pieces: Iterator[bytes], window: int) -> Iterator[bytes]:
    """Raises zlib.error, EndedEarly."""
    inflater = zlib.decompressobj(window)
    for piece in pieces:
        while piece:
            yield inflater.decompress(piece, PIECE)
            piece = inflater.unconsumed_tail
    yield inflater.flush()


@lru_cache(maxsize=64)
def _place(url: str) -> _Place:
    """Raises ValueError."""
    parts = urlsplit(url)
    target = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    host = parts.hostname or ""
    return _Place(parts.scheme, host, parts.port or _PORTS[parts.scheme], parts.netloc.rpartition("@")[2], target)
