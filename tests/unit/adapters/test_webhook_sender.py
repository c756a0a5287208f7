"""Webhooks over real sockets. A spy on every connect of the process proves what is not called."""

import gzip
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from darkroom.adapters.url_guard import UrlGuard
from darkroom.adapters.webhook_sender import MOST_READ, HttpWebhookSender
from darkroom.errors import UrlRefused
from darkroom.ports import WebhookSender
from tests.fakes.webhooks import receiving
from tests.servers import (
    LONGEST_SECONDS,
    LOOPBACK,
    Answer,
    Exchange,
    Server,
    answering,
    response,
    server_tls,
    serving,
    unused_port,
)
from tests.unit.adapters.fetching import (
    MIB,
    flood_continues,
    say_nothing,
    trickle_continues,
    trickle_headers,
)
from tests.unit.adapters.urls import HOST, PRIVATE_ADDRESSES, REFUSED, REFUSED_AS_TEXT, Names, Spy

TAKEN = response(status="204 No Content")
# A webhook is https, so each of the vectors is tried with a scheme that does not spoil it by itself.
VECTORS = [*REFUSED, *REFUSED_AS_TEXT]
VECTORS += ["https:" + url.removeprefix("http:") for url in VECTORS if url.startswith("http:")]


def sender_to(server: Server, **options: Any) -> HttpWebhookSender:
    guard = UrlGuard(Names([LOOPBACK]), also_allowed={(LOOPBACK, server.port)})
    return HttpWebhookSender(guard, **{"seconds": 5.0, **options})


def send(answer: Answer, **options: Any) -> tuple[int | None, str | None]:
    """Sends nothing: these servers do not read a body, and what they answer may be lost if they close upon one."""
    with serving(answer) as server:
        reply = sender_to(server, **options).send(f"http://{LOOPBACK}:{server.port}/hook", b"", {})
    return reply.status, reply.problem


# Where to


def test_nobody_is_called_there(spy: Spy) -> None:
    """All in one test: each vector has one of its own at the guard, which is asked here."""
    names = Names(["8.8.8.8"])
    sender: WebhookSender = HttpWebhookSender(UrlGuard(names))
    for url in VECTORS:
        reply = sender.send(url, b"{}", {})
        assert (reply.status, bool(reply.problem), reply.is_taken) == (None, True, False), url
        assert (spy.connects, spy.lookups, names.asked) == ([], [], []), url


def test_there_are_as_many_vectors_as_it_takes() -> None:
    assert len({url for url in VECTORS if url.startswith("https:")}) >= 60


def test_a_job_with_such_a_url_is_not_taken_on(spy: Spy) -> None:
    sender = HttpWebhookSender(UrlGuard(Names(["8.8.8.8"])))
    refused = []
    for url in VECTORS:
        with suppress(UrlRefused):
            sender.check(url)
            continue
        refused.append(url)
    assert refused == VECTORS
    with pytest.raises(UrlRefused) as refusal:
        sender.check(VECTORS[0])
    assert refusal.value.param == "webhook_url"
    assert refusal.value.fix
    assert (spy.connects, spy.lookups) == ([], [])


@pytest.mark.parametrize("others", [[], ["8.8.8.8"], ["2606:4700::1111", "8.8.8.8"]], ids=len)
def test_a_name_of_which_any_address_is_not_public_is_not_called(spy: Spy, others: list[str]) -> None:
    for found in [order for address in PRIVATE_ADDRESSES for order in ([*others, address], [address, *others])]:
        names = Names(found)
        sender = HttpWebhookSender(UrlGuard(names))
        sender.check(f"https://{HOST}/hook")
        reply = sender.send(f"https://{HOST}/hook", b"{}", {})
        assert (reply.status, names.asked) == (None, [(HOST, 443)]), found
        assert not any(address and address in str(reply.problem) for address in found), found
    assert spy.connects == []


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[Server, ssl.SSLContext]]:
    server_context, client_context = server_tls(tmp_path, HOST)
    with serving(answering(TAKEN), tls=server_context) as server:
        yield server, client_context


def test_the_connection_goes_to_the_address_that_was_checked(
    spy: Spy, tls_server: tuple[Server, ssl.SSLContext]
) -> None:
    server, context = tls_server
    for rebound in ("169.254.169.254", "10.0.0.1", "::1"):
        names = Names([LOOPBACK], [rebound])
        guard = UrlGuard(names, also_allowed={(LOOPBACK, server.port)})
        sender = HttpWebhookSender(guard, ssl_context=context)
        url = f"https://{HOST}:{server.port}/hook"
        assert sender.send(url, b"", {}).status == 204
        assert len(names.asked) == 1
        assert sender.send(url, b"{}", {}).status is None
    assert spy.connects == [(LOOPBACK, server.port)] * 3
    assert spy.lookups == []


def test_a_certificate_that_nobody_vouches_for_is_a_problem(tls_server: tuple[Server, ssl.SSLContext]) -> None:
    server, _ = tls_server
    reply = sender_to(server).send(f"https://{HOST}:{server.port}/hook", b"{}", {})
    assert reply.status is None
    assert "certificate" in str(reply.problem)
    assert server.heads == []


@pytest.mark.parametrize(
    "url",
    ["http://receiver.example/hook", "http://8.8.8.8/", "HTTP://receiver.example/", "http://receiver.example:443/"],
)
def test_only_https_is_called(spy: Spy, url: str) -> None:
    sender = HttpWebhookSender(UrlGuard(Names(["8.8.8.8"])))
    with pytest.raises(UrlRefused, match="https only") as refusal:
        sender.check(url)
    assert refusal.value.param == "webhook_url"
    assert sender.send(url, b"{}", {}).problem
    assert spy.connects == []


def test_http_is_let_through_to_one_port_of_one_address(spy: Spy) -> None:
    with serving(answering(TAKEN)) as server:
        sender = sender_to(server)
        sender.check(f"http://{LOOPBACK}:{server.port}/hook")
        assert sender.send(f"http://{LOOPBACK}:{server.port}/hook", b"", {}).status == 204
        for url in (f"http://{HOST}:{server.port}/", f"http://127.0.0.2:{server.port}/", f"http://{LOOPBACK}/"):
            with pytest.raises(UrlRefused):
                sender.check(url)
            assert sender.send(url, b"{}", {}).problem
        assert spy.connects == [(LOOPBACK, server.port)]


@pytest.mark.parametrize(
    "url", ["https://receiver.example/hook?key=1", "https://receiver.example:443/", "https://8.8.8.8/"]
)
def test_an_ordinary_url_is_taken_on(url: str) -> None:
    HttpWebhookSender().check(url)


# What is sent


def test_a_call_says_who_calls_and_what(spy: Spy) -> None:
    with receiving([201]) as receiver:
        guard = UrlGuard(also_allowed={(LOOPBACK, receiver.port)})
        reply = HttpWebhookSender(guard).send(receiver.url, b'{"a":1}', {"webhook-id": "msg_1"})
    assert (reply.status, reply.problem, reply.is_taken) == (201, None, True)
    [call] = receiver.calls
    assert (call.path, call.body) == ("/hook?key=CANARY", b'{"a":1}')
    assert call.headers == {
        "host": f"{LOOPBACK}:{receiver.port}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
        "content-length": "7",
        "content-type": "application/json",
        "user-agent": "Darkroom/0.1",
        "webhook-id": "msg_1",
    }


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(response(b"proxy"))) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://{LOOPBACK}:{proxy.port}")
        assert send(answering(TAKEN)) == (204, None)
        assert proxy.accepted == 0


def test_neither_passwords_nor_cookies_are_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {LOOPBACK} login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(answering(response(headers={"Set-Cookie": "a=b; Path=/"}))) as server:
        sender = sender_to(server)
        for _ in range(2):
            assert sender.send(f"http://{LOOPBACK}:{server.port}/", b"", {}).status == 200
        assert len(server.heads) == 2
        assert not any(word in head.lower() for head in server.heads for word in ("cookie", "authorization"))


def test_the_url_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), receiving() as receiver:
        guard = UrlGuard(also_allowed={(LOOPBACK, receiver.port)})
        assert HttpWebhookSender(guard).send(receiver.url, b"CANARY", {"webhook-id": "CANARY"}).is_taken
    assert "CANARY" not in caplog.text


# What comes back


@pytest.mark.parametrize("status", [200, 202, 301, 302, 304, 307, 308, 400, 401, 404, 410, 429, 500, 503])
def test_a_status_is_a_reply_and_no_redirect_is_followed(spy: Spy, status: int) -> None:
    headers = {"Location": "http://169.254.169.254/latest/meta-data/"}
    with serving(answering(response(status=f"{status} Whatever", headers=headers))) as server:
        reply = sender_to(server).send(f"http://{LOOPBACK}:{server.port}/", b"", {})
    assert (reply.status, reply.problem) == (status, None)
    assert (reply.is_taken, reply.is_gone) == (status < 300, status == 410)
    assert spy.connects[:-1] == [(LOOPBACK, server.port)]  # and one of the server's own, when it stops


def _endless(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while exchange.going_on:
        exchange.send(b"x" * MOST_READ)


UNUSUAL = {
    "long": answering(response(b"x" * MIB)),
    "endless": _endless,
    "a lying length": answering(response(headers={"Content-Length": str(50 * MIB)})),
    "compressed": answering(response(gzip.compress(b"\0" * MIB), headers={"Content-Encoding": "gzip"})),
    "broken off": answering(response(b"half", headers={"Content-Length": "8"})),
}


@pytest.mark.parametrize("answer", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_the_status_counts_whatever_the_reply_says(answer: Answer) -> None:
    assert send(answer) == (200, None)


@pytest.mark.parametrize("answer", [trickle_headers, trickle_continues, flood_continues, say_nothing])
def test_a_slow_receiver_is_cut_at_the_deadline(answer: Answer) -> None:
    started = time.monotonic()
    assert send(answer, seconds=0.25) == (None, "The server did not answer in time.")
    assert 0.2 < time.monotonic() - started < LONGEST_SECONDS


def _trickle(exchange: Exchange) -> None:
    exchange.send(response(headers={"Content-Length": "1000"}))
    exchange.trickle(b"x")


def test_a_slow_reply_is_cut_at_the_deadline_and_counts() -> None:
    started = time.monotonic()
    assert send(_trickle, seconds=0.25) == (200, None)
    assert 0.2 < time.monotonic() - started < LONGEST_SECONDS


def test_a_receiver_that_does_not_read_is_cut_at_the_deadline() -> None:
    def sip(exchange: Exchange) -> None:
        while exchange.going_on and exchange.connection.recv(4096):
            exchange.stopping.wait(0.01)

    with serving(sip) as server:
        started = time.monotonic()
        url = f"http://{LOOPBACK}:{server.port}/"
        reply = sender_to(server, seconds=0.25).send(url, b"x" * 64 * MIB, {})
        assert "in time" in str(reply.problem)
        assert time.monotonic() - started < LONGEST_SECONDS


@pytest.mark.parametrize(
    ("data", "words"), [(b"", "broke off"), (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP"), (b"HTTP/1.1 two\r\n\r\n", "HTTP")]
)
def test_what_is_not_http_is_a_problem(data: bytes, words: str) -> None:
    status, problem = send(answering(data))
    assert status is None
    assert words in str(problem)


def test_a_refused_connection_is_a_problem_without_the_address() -> None:
    reply = sender_to(Server(port := unused_port())).send(f"http://{LOOPBACK}:{port}/?key=CANARY", b"{}", {})
    assert reply.problem == "The server cannot be connected to."


def _lost(host: str, port: int) -> list[str]:
    raise OSError(f"no {host}")


@pytest.mark.parametrize("names", [_lost, Names([])])
def test_a_name_that_does_not_resolve_is_a_problem(spy: Spy, names: Callable[[str, int], list[str]]) -> None:
    reply = HttpWebhookSender(UrlGuard(names)).send(f"https://{HOST}/", b"{}", {})
    assert reply.problem == "The host's name does not resolve."
    assert spy.connects == []
