"""The one way to a URL that a user names: pictures to fetch, webhooks to call.

`url_guard` checks the URL and resolves it, once a hop; the connection then goes to the addresses that were checked and
nowhere else, so a name that changes its answer (DNS rebinding) gains nothing. Host header, SNI and certificate check
keep the name. One deadline covers look-up, connection, TLS, headers, body and redirects, however slowly they trickle.
The body is counted while it arrives, and a compressed one is refused, so it cannot grow after it was counted.

Each request has a connection of its own: a kept one would outlive the check of its address, and could serve two names
that share one. The network backend is httpcore's public seam (https://www.encode.io/httpcore/network-backends/);
httpx's own transport does not pass one on, so the transport is ours. Of the libraries for this, `httpx-secure` guards
AsyncClient only and finds a host's address by connecting to it before the check, and `microsoft-antissrf` guards
requests only; neither bounds size or time. Source of the demands: OWASP SSRF Prevention Cheat Sheet.
"""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import cast

import httpcore
import httpx

from darkroom.adapters.url_guard import UrlGuard
from darkroom.errors import PayloadTooLarge, UrlUnreachable
from darkroom.models.deadline import Deadline

DEADLINE_SECONDS = 10.0
HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "Darkroom/0.1"}
_CONNECT_SECONDS = 3.0  # per address, so that one that does not answer leaves time for the next
_WRITE_BYTES = 4096  # small enough to be written whole once the socket takes any


def _left(deadline: Deadline, at_most: float | None = None) -> float:
    """Seconds until then, or `at_most` if that is less; raises httpcore.TimeoutException when there are none."""
    seconds = deadline.left()
    if seconds <= 0:
        raise httpcore.TimeoutException("deadline")
    return seconds if at_most is None else min(seconds, at_most)


class _TimedStream(httpcore.NetworkStream):
    """Gives each read and write what is left of the deadline; httpcore's own timeouts begin anew with each."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            self._stream.write(buffer[start : start + _WRITE_BYTES], _left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline, timeout))
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were checked, whatever host it is asked for."""

    def __init__(self, addresses: list[str], deadline: Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the addresses stand for it
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            try:
                seconds = _left(self._deadline, timeout)
                stream = self._backend.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure


@contextmanager
def _unreachable() -> Iterator[None]:
    """Turns what httpcore raises into UrlUnreachable, without its text: that may name addresses."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise UrlUnreachable("The server did not answer in time.") from error
    except httpcore.ConnectError as error:
        if isinstance(error.__cause__, ssl.SSLError):
            raise UrlUnreachable("The server has no secure connection with a valid certificate.") from error
        raise UrlUnreachable("The server cannot be connected to.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise UrlUnreachable("The server broke off, or answered something that is not HTTP.") from error


class _Body(httpx.SyncByteStream):
    """Hands a body on while it arrives, up to `max_bytes` and as it was sent."""

    def __init__(self, answer: httpcore.Response, connection: httpcore.HTTPConnection, max_bytes: int) -> None:
        self._headers = httpx.Headers(answer.headers)
        self._stream = cast("Iterable[bytes]", answer.stream)
        self._connection = connection
        self._max_bytes = max_bytes

    def __iter__(self) -> Iterator[bytes]:
        if self._headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
            raise UrlUnreachable("The server sent a compressed body, although it was asked not to.")
        self._check_size(int(self._headers.get("content-length", "0")))
        size = 0
        with _unreachable():
            for chunk in self._stream:
                size += len(chunk)
                self._check_size(size)
                yield chunk

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise PayloadTooLarge(f"The file behind the URL is larger than {self._max_bytes} bytes.")

    def close(self) -> None:
        self._connection.close()


class GuardedTransport:
    """Sends an httpx request if the guard lets it, without proxy, netrc, cookies, redirects or kept connections.

    Not an httpx.BaseTransport on purpose: a Client around it would read URLs and Locations in its own way, and may
    stumble over them with errors of its own, before the guard sees them; and it logs URLs.

    Args:
        guard: what may be gone to.
        ssl_context: whom to trust; certifi's roots if not given.
    """

    def __init__(self, guard: UrlGuard, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._given_context = ssl_context

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        # Made when first needed: reading the root certificates takes longer than all else here.
        return self._given_context or httpx.create_ssl_context(trust_env=False)

    def send(self, request: httpx.Request, *, deadline: Deadline, max_bytes: int) -> httpx.Response:
        """The answer, whose body is still to be read and which is to be closed.

        Args:
            deadline: for all from look-up to the body's last byte.
            max_bytes: how large a body may be.

        Raises:
            UrlRefused: nobody may be sent there.
            UrlUnreachable: no answer in time, or none that is HTTP; also while the body is read.
            PayloadTooLarge: while the body is read.
        """
        url = self._guard.check(str(request.url))
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        message = httpcore.Request(
            request.method,
            target,
            headers=request.headers.raw,
            content=cast("httpx.SyncByteStream", request.stream),
            extensions={"timeout": {"connect": _CONNECT_SECONDS}},
        )
        with _unreachable():
            addresses = self._guard.addresses(url, seconds=_left(deadline))
            connection = httpcore.HTTPConnection(
                target.origin,
                ssl_context=self._ssl_context if url.scheme == "https" else None,
                network_backend=_PinnedBackend(addresses, deadline),
            )
            answer = connection.handle_request(message)
        body = _Body(answer, connection, max_bytes)
        return httpx.Response(answer.status, headers=answer.headers, stream=body, extensions=answer.extensions)
