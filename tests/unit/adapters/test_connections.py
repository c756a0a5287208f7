"""Kept connections: what an answer may look like, when one is used again, and what is raised where none comes."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import get_cert_path

from darkroom.adapters.connections import Connections
from tests.servers import LOOPBACK, Exchange, answering, response, server_tls, serving, unused_port

_TRUSTED = str(get_cert_path(True))


@contextmanager
def _to(port: int, *, read_seconds: float = 5.0, **more: Any) -> Iterator[Connections]:
    place = urlsplit(f"{more.pop('scheme', 'http')}://{more.pop('host', LOOPBACK)}:{port}")
    given = {"connect_seconds": 5.0, "max_kept": 2, "certificates": _TRUSTED, **more}
    made = Connections(place, read_seconds=read_seconds, **given)
    try:
        yield made
    finally:
        made.close()


def _asked(answer: Callable[[Exchange], None], **more: Any) -> Any:
    with serving(answer) as server, _to(server.port, **more) as connections:
        return connections.ask("POST", "/a", {"Host": "h"}, b"body")


_CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_BODIES = {
    "of a length": response(b"hello"),
    "in chunks": f"{_CHUNKED}4;x=y\r\nhell\r\n1\r\no\r\n0\r\nTrailer: t\r\n\r\n".encode(),
    "until the end": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "after a hint": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + response(b"hello"),
    "of an old server": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("name", _BODIES)
def test_a_body_is_read_to_its_end(name: str) -> None:
    reply = _asked(answering(_BODIES[name]))
    assert (reply.status, reply.body) == (200, b"hello")


def test_a_body_that_comes_in_pieces_is_put_together() -> None:
    def slowly(exchange: Exchange) -> None:
        for byte in response(b"hello", "404 Not Found"):
            exchange.send(bytes([byte]))

    reply = _asked(slowly)
    assert (reply.status, reply.body) == (404, b"hello")


def test_headers_are_found_in_any_case_and_joined() -> None:
    reply = _asked(answering(b"HTTP/1.1 204 No Content\r\nX-Amz-A:1\r\nx-amz-a: 2 \r\n\r\n"))
    assert (reply.headers["X-AMZ-a"], "x-AMZ-a" in reply.headers, reply.body) == ("1, 2", True, b"")
    assert reply.headers.get("none", "d") == "d"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_header_with_a_line_end_is_not_sent(end: str) -> None:
    with serving(answering(response(b"hello"))) as server, _to(server.port) as connections:
        with pytest.raises(HTTPClientError, match="line end"):
            connections.ask("PUT", "/a", {"Host": "h", "x-amz-meta-name": f"a{end}x-amz-acl: public-read"}, b"")
        assert (server.accepted, server.heads) == (0, [])


def test_a_request_is_written_once_with_its_length() -> None:
    with serving(answering(response())) as server, _to(server.port) as connections:
        connections.ask("PUT", "/b/k?x", {"Host": "h", "X-A": "é"}, b"12345")
    assert server.heads[0].split("\r\n") == ["PUT /b/k?x HTTP/1.1", "Host: h", "X-A: é", "Content-Length: 5"]


def _several(count: int, **headers: str) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        for _ in range(count):
            exchange.send(response(b"x", headers=headers))
            exchange.connection.recv(65536)

    return answer


def test_a_connection_is_used_again() -> None:
    with serving(_several(3)) as server, _to(server.port) as connections:
        assert [connections.ask("GET", "/", {}, b"").body for _ in range(3)] == [b"x"] * 3
        assert server.accepted == 1


def test_a_connection_that_the_server_ends_is_not() -> None:
    with serving(_several(1, Connection="close")) as server, _to(server.port) as connections:
        for _ in range(2):
            connections.ask("GET", "/", {}, b"")
        assert server.accepted == 2


def test_what_was_closed_meanwhile_is_seen_before_it_is_used() -> None:
    """As when Lambda has halted the process: the request goes over a new one, and nothing fails."""
    with serving(answering(response(b"x"))) as server, _to(server.port) as connections:
        connections.ask("GET", "/", {}, b"")
        kept = connections._kept[0]
        kept._poll.poll(5000)
        assert connections.ask("GET", "/", {}, b"").body == b"x"
        assert server.accepted == 2


def test_no_more_are_kept_than_are_wanted() -> None:
    with serving(_several(1)) as server, _to(server.port, max_kept=0) as connections:
        connections.ask("GET", "/", {}, b"")
        assert not connections._kept


def test_connections_end_with_what_had_them() -> None:
    with serving(_several(1)) as server:
        place = urlsplit(f"http://{LOOPBACK}:{server.port}")
        made = Connections(place, connect_seconds=5, read_seconds=5, max_kept=2, certificates=_TRUSTED)
        made.ask("GET", "/", {}, b"")
        kept = made._kept
        (connection,) = kept
        del made
    assert (len(kept), connection._socket.fileno()) == (0, -1)


_BROKEN = {
    "silent": (Exchange.hold, ReadTimeoutError),
    "closed": (lambda exchange: exchange.connection.shutdown(socket.SHUT_RDWR), ConnectionClosedError),
    "cut": (answering(response(b"hello", headers={"Content-Length": "9"})), ConnectionClosedError),
    "cut in its head": (answering(b"HTTP/1.1 200 OK\r\nContent"), ConnectionClosedError),
    "no HTTP": (answering(b"SSH-2.0\r\n\r\n"), HTTPClientError),
    "no status": (answering(b"HTTP/1.1 abc\r\n\r\n"), HTTPClientError),
    "no length": (answering(response(headers={"Content-Length": "-3"})), HTTPClientError),
    "no chunk": (answering(f"{_CHUNKED}zz\r\n".encode()), HTTPClientError),
    "a head without end": (answering(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 200_000), HTTPClientError),
}


@pytest.mark.parametrize("name", _BROKEN)
def test_an_answer_that_does_not_come_is_told_as_botocore_does(name: str) -> None:
    answer, raised = _BROKEN[name]
    with pytest.raises(raised):
        _asked(answer, read_seconds=0.2)


def test_where_nothing_listens_no_connection_is_opened() -> None:
    with _to(unused_port()) as connections, pytest.raises(EndpointConnectionError):
        connections.ask("GET", "/", {}, b"")


def test_a_name_that_is_none_is_no_endpoint() -> None:
    with _to(1, host="nothing.invalid") as connections, pytest.raises(EndpointConnectionError):
        connections.ask("GET", "/", {}, b"")


def test_a_handshake_that_does_not_end_is_no_connection() -> None:
    with serving(Exchange.hold, read_head=False) as server:
        with _to(server.port, scheme="https", connect_seconds=0.2) as connections, pytest.raises(ConnectTimeoutError):
            connections.ask("GET", "/", {}, b"")
        server.stopping.set()


def test_tls_is_spoken_with_whom_the_certificates_name(tmp_path: Path) -> None:
    tls, _ = server_tls(tmp_path, "localhost")
    trusted = next(str(each) for each in tmp_path.iterdir() if b"CERTIFICATE" in each.read_bytes())
    with serving(_several(2), tls=tls) as server:
        with _to(server.port, scheme="https", host="localhost", certificates=trusted) as connections:
            assert [connections.ask("GET", "/", {}, b"").body for _ in range(2)] == [b"x", b"x"]
            assert server.accepted == 1
        with _to(server.port, scheme="https", host="localhost") as connections, pytest.raises(SSLError):
            connections.ask("GET", "/", {}, b"")


def test_threads_have_connections_to_themselves() -> None:
    found: list[bytes] = []

    def echo(exchange: Exchange) -> None:
        exchange.send(response(exchange.path.encode(), headers={"Connection": "close"}))

    with serving(echo) as server, _to(server.port) as connections:
        threads = [
            Thread(target=lambda n=n: found.append(connections.ask("GET", f"/{n}", {}, b"").body)) for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [f"/{n}".encode() for n in range(8)]
