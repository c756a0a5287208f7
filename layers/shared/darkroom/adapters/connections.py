"""Kept HTTP/1.1 connections to one endpoint of AWS, for requests that are signed and answers that fit into memory.

urllib3 makes a dozen objects for a request, and the standard library reads an answer's headers as those of an e-mail:
together that is more processor time than writing, signing and reading a call of DynamoDB. Here a request is one write.
"""

import select
import socket
import ssl
import weakref
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult

from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from msgspec import Struct

from darkroom.net.http1 import PIECE, EndedEarly, Headers, Reader, request

_PORTS: Final = {"http": 80, "https": 443}


class Reply(Struct, frozen=True):
    status: int
    headers: Headers
    body: bytes


class _Connection:
    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._reader = Reader(lambda: connected.recv(PIECE))
        self._poll = select.poll()
        self._poll.register(connected, select.POLLIN)

    @property
    def is_fresh(self) -> bool:
        """Whether the other end has it still: what can be read now is its end, or what nothing was asked for."""
        return not self._poll.poll(0)

    def close(self) -> None:
        self._socket.close()

    def ask(self, asked: bytes) -> tuple[Reply, bool]:
        """The answer, and whether the connection may be kept."""
        self._socket.sendall(asked)
        head = self._reader.head()
        body = b"".join(self._reader.pieces(head))
        return Reply(head.status, head.headers, body), head.keeps and not self._reader.left


class Connections:
    """Used by several threads at once, each of which has a connection to itself for as long as a request takes.

    Args:
        place: scheme, host and port of the endpoint.
        connect_seconds, read_seconds: until a connection is open, and between two pieces of an answer.
        max_kept: connections that wait for the next request.
        certificates: a file or a folder of those that are trusted.
    """

    def __init__(
        self, place: SplitResult, *, connect_seconds: float, read_seconds: float, max_kept: int, certificates: str
    ) -> None:
        self._url = place.geturl()
        self._host = place.hostname or ""
        self._port = place.port or _PORTS[place.scheme]
        self._connect_seconds, self._read_seconds = connect_seconds, read_seconds
        self._kept: deque[_Connection] = deque(maxlen=max_kept)
        # With the client that had them, connections end.
        weakref.finalize(self, _close, self._kept)
        self._tls = _trusting(certificates) if place.scheme == "https" else None

    @staticmethod
    def of(place: SplitResult, config: Any, certificates: str) -> "Connections":
        """As botocore's configuration of a client says."""
        return Connections(
            place,
            connect_seconds=config.connect_timeout,
            read_seconds=config.read_timeout,
            max_kept=config.max_pool_connections,
            certificates=certificates,
        )

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Sends a request, and gives the answer whatever its status.

        Args:
            target: path and query, encoded.
            headers: with Host; Content-Length is added.

        Raises:
            HTTPClientError, ConnectionError of botocore's: as its own HTTP session does.
        """
        lines = [f"{method} {target} HTTP/1.1", *[f"{name}: {value}" for name, value in headers.items()]]
        try:
            asked = request([*lines, f"Content-Length: {len(body)}"], body)
        except ValueError as error:
            raise HTTPClientError(error=error) from error
        connection = self._connection()
        try:
            reply, may_be_kept = connection.ask(asked)
        except BaseException as error:
            connection.close()
            raise self._told(error) from error
        if may_be_kept and len(self._kept) < (self._kept.maxlen or 0):
            self._kept.append(connection)
        else:
            connection.close()
        return reply

    def close(self) -> None:
        _close(self._kept)

    def _connection(self) -> _Connection:
        while True:
            try:
                kept = self._kept.pop()
            except IndexError:
                return self._opened()
            if kept.is_fresh:
                return kept
            kept.close()

    def _opened(self) -> _Connection:
        try:
            connected = socket.create_connection((self._host, self._port), self._connect_seconds)
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self._url, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connected = self._tls.wrap_socket(connected, server_hostname=self._host)
            connected.settimeout(self._read_seconds)
        except TimeoutError as error:
            connected.close()
            raise ConnectTimeoutError(endpoint_url=self._url, error=error) from error
        except ssl.SSLError as error:
            connected.close()
            raise SSLError(endpoint_url=self._url, error=error) from error
        except OSError as error:
            connected.close()
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        return _Connection(connected)

    def _told(self, error: BaseException) -> BaseException:
        if isinstance(error, TimeoutError):
            return ReadTimeoutError(endpoint_url=self._url, error=error)
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            return SSLError(endpoint_url=self._url, error=error)
        if isinstance(error, OSError | EndedEarly):
            return ConnectionClosedError(endpoint_url=self._url, error=error, request=None)
        return HTTPClientError(error=error) if isinstance(error, Exception) else error


def _close(kept: deque[_Connection]) -> None:
    while kept:
        kept.pop().close()


def _trusting(certificates: str) -> ssl.SSLContext:
    is_folder = Path(certificates).is_dir()
    context = ssl.create_default_context(
        cafile=None if is_folder else certificates, capath=certificates if is_folder else None
    )
    context.set_alpn_protocols(["http/1.1"])
    return context
