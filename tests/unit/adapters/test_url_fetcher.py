"""Fetching behind the guard, over real sockets. A spy on every connect of the process proves what is not sent.

Each server is reached as http://pictures.example:<port>, through a resolver and a guard that lets its port through.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom.adapters.url_fetcher import MAX_REDIRECTS, HttpUrlFetcher
from darkroom.adapters.url_guard import UrlGuard
from darkroom.errors import DarkroomError, PayloadTooLarge, UrlRefused, UrlUnreachable
from darkroom.ports import UrlFetcher
from tests.servers import LOOPBACK, Exchange, Server, answering, response, server_tls, serving, unused_port
from tests.unit.adapters.fetching import MIB, fetch, reaching
from tests.unit.adapters.urls import HOST, PRIVATE_ADDRESSES, REFUSED, REFUSED_AS_TEXT, Names, Spy


def refuses(fetcher: HttpUrlFetcher, url: str) -> bool:
    try:
        fetcher.fetch(url, max_bytes=MIB)
    except UrlRefused:
        return True
    return False


def test_refuses_without_a_lookup_or_a_connection(spy: Spy) -> None:
    """All in one test: each URL has one of its own at the guard, which is asked here."""
    names = Names(["8.8.8.8"])
    fetcher = HttpUrlFetcher(UrlGuard(names))
    for url in [*REFUSED, *REFUSED_AS_TEXT]:
        assert refuses(fetcher, url), url
        assert (spy.connects, spy.lookups, names.asked) == ([], [], []), url


@pytest.mark.parametrize("others", [[], ["8.8.8.8"], ["2606:4700::1111", "8.8.8.8"]], ids=len)
def test_refuses_a_name_of_which_any_address_is_not_public(spy: Spy, others: list[str]) -> None:
    for answer in [order for address in PRIVATE_ADDRESSES for order in ([*others, address], [address, *others])]:
        names = Names(answer)
        with pytest.raises(UrlRefused) as refusal:
            HttpUrlFetcher(UrlGuard(names)).fetch(f"https://{HOST}/a.png", max_bytes=MIB)
        assert names.asked == [(HOST, 443)], answer
        said = f"{refusal.value.detail} {refusal.value.fix} {refusal.value.context}"
        assert not any(address and address in said for address in answer), answer
    assert spy.connects == []


def test_nothing_local_is_let_through_unless_it_is_named() -> None:
    with serving(answering(response(b"secret"))) as server:
        for url in (f"http://{LOOPBACK}:{server.port}/", f"http://{HOST}:{server.port}/"):
            with pytest.raises(UrlRefused):
                HttpUrlFetcher(UrlGuard(Names([LOOPBACK]))).fetch(url, max_bytes=MIB)
        assert server.accepted == 0


def test_what_is_let_through_is_one_port_of_one_address(spy: Spy) -> None:
    guard = UrlGuard(Names(["8.8.8.8"]), also_allowed={(LOOPBACK, 8181)})
    for url in (f"http://{LOOPBACK}/", f"http://{HOST}:8181/", "http://127.0.0.2:8181/", "http://[::1]:8181/"):
        with pytest.raises(UrlRefused):
            HttpUrlFetcher(guard).fetch(url, max_bytes=MIB)
    assert spy.connects == []


@pytest.mark.parametrize("url", [f"http://{HOST}/a.png", "http://8.8.8.8/a.png"])
def test_http_is_refused_where_https_alone_is_fetched(spy: Spy, url: str) -> None:
    names = Names(["8.8.8.8"])
    with pytest.raises(UrlRefused, match="Only https"):
        HttpUrlFetcher(UrlGuard(names), https_only=True).fetch(url, max_bytes=MIB)
    assert (spy.connects, names.asked) == ([], [])


def test_what_is_let_through_by_name_needs_no_https() -> None:
    with serving(answering(response(b"picture"))) as server:
        fetcher = reaching(server, https_only=True)
        assert fetcher.fetch(f"http://{LOOPBACK}:{server.port}/a.png", max_bytes=MIB) == b"picture"


# Going there


def test_brings_the_body_and_says_who_asks_for_what(spy: Spy) -> None:
    with serving(answering(response(b"picture"))) as server:
        names = Names([LOOPBACK])
        fetcher: UrlFetcher = reaching(server, names)
        assert fetcher.fetch(f"http://{HOST}:{server.port}/p%20q/a.png?x=1#part", max_bytes=7) == b"picture"
        assert names.asked == [(HOST, server.port)]
        assert spy.connects[:1] == [(LOOPBACK, server.port)]
        assert spy.lookups == []
        first, *fields = server.heads[0].split("\r\n")
        assert first == "GET /p%20q/a.png?x=1 HTTP/1.1"
        assert sorted(fields) == [
            "Accept-Encoding: identity",
            "Accept: */*",
            "Connection: close",
            f"Host: {HOST}:{server.port}",
            "User-Agent: Darkroom/0.1",
        ]


@pytest.mark.parametrize("host", [LOOPBACK, "xn--bcher-kva.example", "a_b.example"])
def test_the_host_header_is_the_urls(host: str) -> None:
    with serving(answering(response(b"picture"))) as server:
        assert reaching(server).fetch(f"http://{host}:{server.port}/", max_bytes=9) == b"picture"
        assert f"Host: {host}:{server.port}" in server.heads[0]


def test_the_connection_goes_to_the_address_that_was_checked(spy: Spy) -> None:
    with serving(answering(response(b"picture"))) as server:
        names = Names([LOOPBACK], ["169.254.169.254"])
        fetcher = reaching(server, names)
        url = f"http://{HOST}:{server.port}/a.png"
        assert fetcher.fetch(url, max_bytes=9) == b"picture"
        assert len(names.asked) == 1
        with pytest.raises(UrlRefused):
            fetcher.fetch(url, max_bytes=9)
        assert spy.connects == [(LOOPBACK, server.port)]
        assert spy.lookups == []


def test_a_name_that_changes_between_redirects_is_checked_again(spy: Spy) -> None:
    with serving(answering(response(status="302 Found", headers={"Location": "/again"}))) as server:
        names = Names([LOOPBACK], ["10.0.0.1"])
        with pytest.raises(UrlRefused):
            reaching(server, names).fetch(f"http://{HOST}:{server.port}/", max_bytes=9)
        assert len(names.asked) == 2
        assert spy.connects == [(LOOPBACK, server.port)]


def test_the_next_address_is_tried_if_one_cannot_be_connected_to() -> None:
    with serving(answering(response(b"picture"))) as server:
        guard = UrlGuard(Names(["::1", LOOPBACK]), also_allowed={("::1", server.port), (LOOPBACK, server.port)})
        url = f"http://{HOST}:{server.port}/"
        assert HttpUrlFetcher(guard).fetch(url, max_bytes=9) == b"picture"


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(response(b"proxy"))) as proxy, serving(answering(response(b"picture"))) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://{LOOPBACK}:{proxy.port}")
        assert reaching(server).fetch(f"http://{HOST}:{server.port}/", max_bytes=9) == b"picture"
        assert proxy.accepted == 0


def test_passwords_of_the_environment_are_not_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(answering(response(b"picture"))) as server:
        reaching(server).fetch(f"http://{HOST}:{server.port}/", max_bytes=9)
        assert not any("authorization" in head.lower() for head in server.heads)


def test_cookies_are_not_kept() -> None:
    def answer(exchange: Exchange) -> None:
        cookie = {"Set-Cookie": "a=b; Path=/"}
        moved = response(status="302 Found", headers={"Location": "/end", **cookie})
        exchange.send(moved if exchange.path == "/start" else response(b"picture", headers=cookie))

    with serving(answer) as server:
        fetcher = reaching(server)
        for _ in range(2):
            fetcher.fetch(f"http://{HOST}:{server.port}/start", max_bytes=9)
        assert len(server.heads) == 4
        assert not any("cookie" in head.lower() for head in server.heads)


# Redirects


class Hops:
    """A server of which /0 leads to /1 and so on, and the last to another place."""

    def __init__(self, redirects: int, end: str | None, status: str = "302 Found") -> None:
        self.redirects = redirects
        self.end = end
        self.status = status

    def __call__(self, exchange: Exchange) -> None:
        step = int(exchange.path.strip("/"))
        if step == self.redirects and self.end is None:
            exchange.send(response(b"picture"))
            return
        last = step == self.redirects - 1 and self.end is not None
        location = self.end if last else f"/{step + 1}"
        exchange.send(response(status=self.status, headers={"Location": location or ""}))


@pytest.fixture(scope="module")
def hops() -> Iterator[tuple[Hops, Server]]:
    answer = Hops(MAX_REDIRECTS, "")
    with serving(answer) as server:
        yield answer, server


# Every seventh, which leaves some of each kind: which URLs are refused is shown at the guard.
def test_the_last_of_five_redirects_is_checked_as_the_first_url(spy: Spy, hops: tuple[Hops, Server]) -> None:
    answer, server = hops
    for location in REFUSED[::7]:
        answer.end = location
        spy.connects.clear()
        assert refuses(reaching(server), f"http://{HOST}:{server.port}/0"), location
        assert spy.connects == [(LOOPBACK, server.port)] * MAX_REDIRECTS, location


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_a_redirect_to_a_name_of_a_private_address_is_refused(
    spy: Spy, hops: tuple[Hops, Server], address: str
) -> None:
    answer, server = hops
    answer.end = "http://internal.example/"

    def names(host: str, port: int) -> list[str]:
        return [LOOPBACK] if host == HOST else [address]

    with pytest.raises(UrlRefused):
        reaching(server, names).fetch(f"http://{HOST}:{server.port}/0", max_bytes=MIB)
    assert spy.connects == [(LOOPBACK, server.port)] * MAX_REDIRECTS


ODD_LOCATIONS = {
    "backslashes": "\\\\169.254.169.254\\",
    "backslash in a path": "/a\\b",
    "host alone": "//169.254.169.254/",
    "credentials": "//a@b/",
    "unicode host": "//bücher.example/",
    "broken host": "http://[::1",
    "too long": "a" * 9000,
    "too long once encoded": "图" * 8000,
}


@pytest.mark.parametrize("location", ODD_LOCATIONS.values(), ids=ODD_LOCATIONS.keys())
def test_a_redirect_in_an_odd_spelling_is_refused(spy: Spy, location: str) -> None:
    with serving(Hops(1, location)) as server:
        names = Names([LOOPBACK])
        with pytest.raises(UrlRefused):
            reaching(server, names).fetch(f"http://{HOST}:{server.port}/0", max_bytes=MIB)
        assert len(names.asked) == 1
        assert spy.connects == [(LOOPBACK, server.port)]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_five_redirects_are_followed(status: str) -> None:
    with serving(Hops(MAX_REDIRECTS, None, status)) as server:
        assert reaching(server).fetch(f"http://{HOST}:{server.port}/0", max_bytes=9) == b"picture"
        assert len(server.heads) == MAX_REDIRECTS + 1


def test_a_sixth_redirect_is_not_followed() -> None:
    with serving(Hops(1000, None)) as server:
        with pytest.raises(UrlUnreachable, match="more than 5 times"):
            reaching(server).fetch(f"http://{HOST}:{server.port}/0", max_bytes=9)
        assert len(server.heads) == MAX_REDIRECTS + 1


def test_a_redirect_from_https_to_http_is_refused(tmp_path: Path) -> None:
    server_context, client_context = server_tls(tmp_path, HOST)
    with serving(answering(response(b"plain"))) as plain:
        moved = response(status="302 Found", headers={"Location": f"http://{HOST}:{plain.port}/"})
        with serving(answering(moved), tls=server_context) as server:
            guard = UrlGuard(Names([LOOPBACK]), also_allowed={(LOOPBACK, server.port), (LOOPBACK, plain.port)})
            with pytest.raises(UrlRefused, match="from https to http"):
                HttpUrlFetcher(guard, ssl_context=client_context).fetch(f"https://{HOST}:{server.port}/", max_bytes=9)
        assert plain.accepted == 0


def test_a_redirect_without_a_target_is_no_answer() -> None:
    with pytest.raises(UrlUnreachable, match="302"):
        fetch(answering(response(status="302 Found")))


# TLS


def test_tls_is_for_the_name_and_not_for_the_address(tmp_path: Path) -> None:
    server_context, client_context = server_tls(tmp_path, HOST)
    asked: list[str | None] = []
    server_context.sni_callback = lambda _socket, name, _context: asked.append(name)
    with serving(answering(response(b"picture")), tls=server_context) as server:
        fetcher = reaching(server, ssl_context=client_context)
        assert fetcher.fetch(f"https://{HOST}:{server.port}/", max_bytes=9) == b"picture"
        assert asked == [HOST]
        assert f"Host: {HOST}:{server.port}" in server.heads[0]


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_that_is_not_valid_for_the_name_is_refused(tmp_path: Path, trusted: bool) -> None:
    server_context, client_context = server_tls(tmp_path, LOOPBACK, "other.example" if trusted else HOST)
    with serving(answering(response(b"picture")), tls=server_context) as server:
        fetcher = reaching(server, ssl_context=client_context if trusted else None)
        with pytest.raises(UrlUnreachable, match="certificate"):
            fetcher.fetch(f"https://{HOST}:{server.port}/", max_bytes=9)
        assert server.heads == []


def test_a_server_that_speaks_no_tls_is_unreachable() -> None:
    plain = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with serving(plain, read_head=False) as server, pytest.raises(UrlUnreachable, match="certificate"):
        reaching(server).fetch(f"https://{HOST}:{server.port}/", max_bytes=9)


# Status


def test_a_redirects_own_body_is_not_looked_at() -> None:
    def answer(exchange: Exchange) -> None:
        headers = {"Location": "/end", "Content-Encoding": "gzip", "Content-Length": str(99 * MIB)}
        moved = response(status="302 Found", headers=headers)
        exchange.send(response(b"picture") if exchange.path == "/end" else moved)

    assert fetch(answer) == b"picture"


@pytest.mark.parametrize("status", [201, 202, 204, 206, 300, 304, 400, 401, 403, 404, 410, 418, 429, 500, 503])
def test_only_200_brings_a_body(status: int) -> None:
    with pytest.raises(UrlUnreachable, match=f"answered {status} instead of 200"):
        fetch(answering(response(b"" if status in (204, 304) else b"picture", status=f"{status} Whatever")))


def test_a_refused_connection_is_unreachable() -> None:
    port = unused_port()
    guard = UrlGuard(Names([LOOPBACK]), also_allowed={(LOOPBACK, port)})
    with pytest.raises(UrlUnreachable, match="cannot be connected to") as failure:
        HttpUrlFetcher(guard).fetch(f"http://{HOST}:{port}/", max_bytes=9)
    assert LOOPBACK not in str(failure.value)


def test_the_url_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with serving(answering(response(b"picture"))) as server, caplog.at_level(logging.INFO):
        reaching(server).fetch(f"http://{HOST}:{server.port}/?X-Amz-Signature=secret", max_bytes=9)
    assert "secret" not in caplog.text


def test_errors_are_the_callers_to_mend() -> None:
    assert {error.status for error in (UrlRefused, UrlUnreachable, PayloadTooLarge)} == {400, 413}
    assert issubclass(UrlRefused, DarkroomError)
