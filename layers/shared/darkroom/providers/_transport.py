"""The way of a request to a provider: a connection for each, watched for whether anything went out.

The network backend is httpcore's public seam (https://www.encode.io/httpcore/network-backends/).
"""

import logging
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, cast

import httpcore
import httpx

from darkroom.models.deadline import Deadline
from darkroom.providers._http import BrokenOff, Timeouts

_WRITE_BYTES = 65536
_log = logging.getLogger("httpx")
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Darkroom/0.1"}
# How an exchange ends before its answer does.
FAILURES: Final = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.RemoteProtocolError)


class Line:
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
    def __init__(self, stream: httpcore.NetworkStream, line: Line) -> None:
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
    def __init__(self, line: Line) -> None:
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


def opened(
    line: Line,
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | None,
    ssl_context: Callable[[], ssl.SSLContext],
) -> httpx.Response:
    """Asks as `httpx.Client` does, without its redirects, cookies and hooks, which take as long again."""
    to = httpx.URL(url)
    target = httpcore.URL(scheme=to.raw_scheme, host=to.raw_host, port=to.port, target=to.raw_path)
    connection = httpcore.HTTPConnection(
        target.origin,
        ssl_context=ssl_context() if to.scheme == "https" else None,
        network_backend=_Backend(line),
    )
    sent = {"Host": to.netloc.decode("ascii"), **_HEADERS, **headers}
    if content is not None or method in ("POST", "PUT", "PATCH"):
        sent["Content-Length"] = str(len(content or b""))
    fields = [(name.encode("ascii"), value.encode("ascii")) for name, value in sent.items()]
    try:
        answer = connection.handle_request(httpcore.Request(method, target, headers=fields, content=content))
    except BaseException:
        connection.close()
        raise
    # The line that `httpx.Client` has in the log, where calls of providers are to be in it.
    _log.info('HTTP Request: %s %s "%d"', method, to, answer.status)
    return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer, connection))


def broken(error: Exception, line: Line) -> BrokenOff:
    timed_out = isinstance(error, httpcore.TimeoutException)
    connecting = isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout)
    reason = f"{type(error).__name__}{' while connecting' if connecting and not line.sent else ''}"
    return BrokenOff(reason, sent=line.sent, timed_out=timed_out)
