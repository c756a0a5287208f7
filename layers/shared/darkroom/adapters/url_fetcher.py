"""The one way to a URL that a user names: pictures to fetch, and later webhooks to call.

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
from contextlib import closing, contextmanager
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import monotonic
from typing import cast

import httpcore
import httpx

from darkroom.adapters.url_guard import UrlGuard
from darkroom.errors import PayloadTooLarge, UrlUnreachable

MAX_REDIRECTS = 5
DEADLINE_SECONDS = 10.0
_CONNECT_SECONDS = 3.0  # per address, so that one that does not answer leaves time for the next
_WRITE_BYTES = 4096  # small enough to be written whole once the socket takes any
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "Darkroom/0.1"}


class Deadline:
    """A moment by which everything has to be over."""

    def __init__(self, seconds: float) -> None:
        self._ends = monotonic() + seconds

    def left(self, at_most: float | None = None) -> float:
        """Seconds until then, or `at_most` if that is less; raises httpcore.TimeoutException when there are none."""
        seconds = self._ends - monotonic()
        if seconds <= 0:
            raise httpcore.TimeoutException("deadline")
        return seconds if at_most is None else min(seconds, at_most)


class _TimedStream(httpcore.NetworkStream):
    """Gives each read and write what is left of the deadline; httpcore's own timeouts begin anew with each."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            self._stream.write(buffer[start : start + _WRITE_BYTES], self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
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
                stream = self._backend.connect_tcp(
                    address, port, self._deadline.left(timeout), local_address, socket_options
                )
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


class GuardedTransport(httpx.BaseTransport):
    """Sends an httpx request if the guard lets it; raises UrlRefused, UrlUnreachable or PayloadTooLarge.

    Args:
        guard: what may be gone to.
        seconds: how long a request may take, from look-up to the body's last byte; httpx's timeouts do not count.
            A request may bring a Deadline of its own in its extension `deadline`.
        max_bytes: how large a body may be, unless the request's extension `max_bytes` says.
        ssl_context: whom to trust; certifi's roots if not given.
    """

    def __init__(
        self, guard: UrlGuard, *, seconds: float, max_bytes: int = 0, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._guard = guard
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._given_context = ssl_context

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        # Made when first needed: reading the root certificates takes longer than all else here.
        return self._given_context or httpx.create_ssl_context(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = self._guard.check(str(request.url))
        deadline: Deadline = request.extensions.get("deadline") or Deadline(self._seconds)
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        message = httpcore.Request(
            request.method,
            target,
            headers=request.headers.raw,
            content=cast("httpx.SyncByteStream", request.stream),
            extensions={"timeout": {"connect": _CONNECT_SECONDS}},
        )
        with _unreachable():
            addresses = self._guard.addresses(url, seconds=deadline.left())
            connection = httpcore.HTTPConnection(
                target.origin,
                ssl_context=self._ssl_context if url.scheme == "https" else None,
                network_backend=_PinnedBackend(addresses, deadline),
            )
            answer = connection.handle_request(message)
        body = _Body(answer, connection, request.extensions.get("max_bytes", self._max_bytes))
        return httpx.Response(answer.status, headers=answer.headers, stream=body, extensions=answer.extensions)


def guarded_client(
    guard: UrlGuard | None = None,
    *,
    seconds: float = DEADLINE_SECONDS,
    max_bytes: int = 1024 * 1024,
    ssl_context: ssl.SSLContext | None = None,
) -> httpx.Client:
    """A client for URLs of users: no proxy, netrc, cookies, redirects, compression or kept connections.

    Give it what UrlGuard.check gave: handed a text, httpx reads it in its own way, and may stumble over it with errors
    of its own, before the guard sees it. The arguments are GuardedTransport's; the default guard allows what is public.
    """
    transport = GuardedTransport(guard or UrlGuard(), seconds=seconds, max_bytes=max_bytes, ssl_context=ssl_context)
    return httpx.Client(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        headers=_HEADERS,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


class HttpUrlFetcher:
    """Implements ports.UrlFetcher; the arguments are GuardedTransport's.

    It uses the transport itself: a Client would read every Location on its own account before the guard sees it.
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
        self._transport = GuardedTransport(self._guard, seconds=seconds, ssl_context=ssl_context)

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        extensions = {"deadline": Deadline(self._seconds), "max_bytes": max_bytes}
        target = self._guard.check(url)
        for _ in range(MAX_REDIRECTS + 1):
            request = httpx.Request("GET", target, headers=_HEADERS, extensions=extensions)
            with closing(self._transport.handle_request(request)) as response:
                if not response.has_redirect_location:
                    return _body_of(response)
                target = self._guard.check_redirect(target, response.headers["location"])
        raise UrlUnreachable(f"The URL redirects more than {MAX_REDIRECTS} times.")


def _body_of(response: httpx.Response) -> bytes:
    if response.status_code != 200:
        raise UrlUnreachable(f"The server answered {response.status_code} instead of 200.")
    return b"".join(response.iter_raw())
