"""Size and time on the way to a URL, over real sockets: what a server may do to whoever fetches from it."""

import gzip
import time
from pathlib import Path
from threading import Event

import pytest

from darkroom.adapters.url_fetcher import HttpUrlFetcher
from darkroom.adapters.url_guard import UrlGuard
from darkroom.adapters.url_transport import DEADLINE_SECONDS
from darkroom.errors import PayloadTooLarge, UrlUnreachable
from tests.servers import LONGEST_SECONDS, Answer, Exchange, answering, response, server_tls, serving
from tests.unit.adapters.fetching import (
    MIB,
    fetch,
    flood_continues,
    reaching,
    say_nothing,
    trickle_body,
    trickle_chunks,
    trickle_continues,
    trickle_headers,
)
from tests.unit.adapters.urls import HOST, Names, Spy

# Size


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Length": "10"}, {"Content-Length": "010"}],
)
def test_exactly_as_much_as_allowed_is_brought(headers: dict[str, str]) -> None:
    assert fetch(answering(response(b"0123456789", headers=headers)), max_bytes=10) == b"0123456789"


def test_a_length_beyond_the_limit_is_refused_before_the_body() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(response(headers={"Content-Length": str(50 * MIB)}))
        exchange.hold()

    with pytest.raises(PayloadTooLarge, match=f"larger than {MIB} bytes"):
        fetch(answer, max_bytes=MIB)


@pytest.mark.parametrize("framing", ["chunked", "until closed"])
def test_a_body_without_a_length_is_counted_while_it_arrives(framing: str) -> None:
    sent = 0

    def answer(exchange: Exchange) -> None:
        nonlocal sent
        chunked = framing == "chunked"
        exchange.send(b"HTTP/1.1 200 OK\r\n" + (b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n"))
        piece = b"x" * 65536
        while exchange.going_on:
            exchange.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            sent += len(piece)

    with pytest.raises(PayloadTooLarge):
        fetch(answer, max_bytes=MIB)
    assert sent < 30 * MIB  # what the sockets' buffers held, and not the rest of an endless body


def test_no_more_than_the_declared_length_is_taken() -> None:
    assert (
        fetch(answering(response(b"picture" + b"x" * MIB, headers={"Content-Length": "7"})), max_bytes=100)
        == b"picture"
    )


@pytest.mark.parametrize("length", ["8", "-1", "7, 8", "seven", "9" * 5000, "0x7", ""])
def test_a_length_that_is_not_true_is_a_broken_answer(length: str) -> None:
    with pytest.raises((UrlUnreachable, PayloadTooLarge)):
        fetch(answering(response(b"picture", headers={"Content-Length": length})))


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "gzip, gzip"])
def test_a_compressed_body_is_refused_and_never_unpacked(encoding: str) -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 20 * MIB))
    with pytest.raises(UrlUnreachable, match="compressed"):
        fetch(answering(response(bomb, headers={"Content-Encoding": encoding})))


def test_a_body_thatsays_it_is_not_compressed_is_taken() -> None:
    assert fetch(answering(response(b"picture", headers={"Content-Encoding": "Identity"}))) == b"picture"


NOT_HTTP = {
    "nothing": b"",
    "blank": b"\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "no status": b"HTTP/1.1 two hundred\r\n\r\n",
    "endless header": b"HTTP/1.1 200 OK\r\n" + b"A" * 200_000,
}


@pytest.mark.parametrize("data", NOT_HTTP.values(), ids=NOT_HTTP.keys())
def test_what_is_not_http_is_a_broken_answer(data: bytes) -> None:
    with pytest.raises(UrlUnreachable):
        fetch(answering(data))


# Time


@pytest.mark.parametrize(
    "answer", [trickle_headers, trickle_body, trickle_chunks, trickle_continues, flood_continues, say_nothing]
)
def test_a_slow_server_is_cut_at_the_deadline(answer: Answer) -> None:
    started = time.monotonic()
    with pytest.raises(UrlUnreachable, match="in time"):
        fetch(answer, seconds=0.25)
    assert 0.2 < time.monotonic() - started < LONGEST_SECONDS


@pytest.mark.parametrize("answer", [trickle_headers, trickle_body])
def test_a_slow_server_is_cut_at_the_deadline_over_tls(tmp_path: Path, answer: Answer) -> None:
    server_context, client_context = server_tls(tmp_path, HOST)
    with serving(answer, tls=server_context) as server:
        started = time.monotonic()
        with pytest.raises(UrlUnreachable, match="in time"):
            reaching(server, seconds=0.25, ssl_context=client_context).fetch(
                f"https://{HOST}:{server.port}/", max_bytes=MIB
            )
        assert time.monotonic() - started < LONGEST_SECONDS


def test_redirects_share_one_deadline() -> None:
    def answer(exchange: Exchange) -> None:
        time.sleep(0.12)
        exchange.send(response(status="302 Found", headers={"Location": "/next"}))

    started = time.monotonic()
    with pytest.raises(UrlUnreachable, match="in time"):
        fetch(answer, seconds=0.3)
    assert time.monotonic() - started < LONGEST_SECONDS


def test_a_tls_handshake_that_never_ends_is_cut_at_the_deadline() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(b"\x16\x03\x03\x40\x00")
        exchange.trickle(b"\x00")

    with serving(answer, read_head=False) as server:
        started = time.monotonic()
        with pytest.raises(UrlUnreachable, match="in time"):
            reaching(server, seconds=0.25).fetch(f"https://{HOST}:{server.port}/", max_bytes=9)
        assert time.monotonic() - started < LONGEST_SECONDS


def test_a_slow_lookup_is_cut_at_the_deadline(spy: Spy) -> None:
    over = Event()

    def names(host: str, port: int) -> list[str]:
        over.wait(LONGEST_SECONDS)
        return ["8.8.8.8"]

    started = time.monotonic()
    try:
        with pytest.raises(UrlUnreachable, match="in time"):
            HttpUrlFetcher(UrlGuard(names), seconds=0.25).fetch(f"http://{HOST}/", max_bytes=9)
        assert time.monotonic() - started < LONGEST_SECONDS
    finally:
        over.set()
    assert spy.connects == []


def test_the_time_allowed_is_ten_seconds() -> None:
    assert DEADLINE_SECONDS == 10


# Names


@pytest.mark.parametrize("error", [OSError("no such host"), TimeoutError(), UnicodeError("label too long")])
def test_a_name_that_does_not_resolve_is_unreachable(spy: Spy, error: Exception) -> None:
    def names(host: str, port: int) -> list[str]:
        raise error

    with pytest.raises(UrlUnreachable, match="resolve"):
        HttpUrlFetcher(UrlGuard(names)).fetch(f"http://{HOST}/", max_bytes=9)
    assert spy.connects == []


def test_a_name_without_addresses_is_unreachable(spy: Spy) -> None:
    with pytest.raises(UrlUnreachable, match="resolve"):
        HttpUrlFetcher(UrlGuard(Names([]))).fetch(f"http://{HOST}/", max_bytes=9)
    assert spy.connects == []
