"""The guard in front of users' URLs, over real sockets. A spy on every connect of the process proves what is not sent.

Each server is reached as http://pictures.example:<port>, through a resolver and a guard that lets its port through.
"""

import gzip
import logging
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.adapters.url_fetcher import DEADLINE_SECONDS, MAX_REDIRECTS, HttpUrlFetcher, guarded_client
from darkroom.adapters.url_guard import UrlGuard, is_public, system_resolver
from darkroom.errors import DarkroomError, PayloadTooLarge, UrlRefused, UrlUnreachable
from darkroom.ports import UrlFetcher
from tests.servers import LOOPBACK, Answer, Exchange, Server, answering, response, server_tls, serving, unused_port

HOST = "pictures.example"
MIB = 1024 * 1024


class Spy:
    """What the process connected to and which names it looked up while this was watching."""

    def __init__(self) -> None:
        self.connects: list[Any] = []
        self.lookups: list[Any] = []
        self.watching = False

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and event == "socket.connect":
            self.connects.append(arguments[1])
        elif self.watching and event == "socket.getaddrinfo" and not _is_literal(arguments[0]):
            self.lookups.append(arguments[0])


def _is_literal(host: Any) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="session")
def ears() -> list[Spy]:
    """An audit hook cannot be removed, so there is one for all tests."""
    listening: list[Spy] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith("socket."):
            for spy in tuple(listening):
                spy.hear(event, arguments)

    sys.addaudithook(hook)
    return listening


@pytest.fixture
def spy(ears: list[Spy]) -> Iterator[Spy]:
    spy = Spy()
    ears.append(spy)
    spy.watching = True
    yield spy
    ears.remove(spy)


class Names:
    """A resolver that gives its answers one after the other, and the last one from then on."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def reaching(server: Server, names: Callable[[str, int], list[str]] | None = None, **options: Any) -> HttpUrlFetcher:
    """A fetcher that may go to this server, where every name leads unless others are given."""
    guard = UrlGuard(names or Names([LOOPBACK]), also_allowed={(LOOPBACK, server.port)})
    return HttpUrlFetcher(guard, **{"seconds": 5.0, **options})


def fetch(answer: Answer, *, max_bytes: int = MIB, seconds: float = 5.0) -> bytes:
    with serving(answer) as server:
        return reaching(server, seconds=seconds).fetch(f"http://{HOST}:{server.port}/a.png", max_bytes=max_bytes)


# URLs

# Absolute with any parser, so also a redirect's target.
REFUSED = [
    # loopback and unspecified
    "http://127.0.0.1/",
    "http://127.0.0.1:80/",
    "https://127.0.0.1:443/",
    "http://127.8.9.10/",
    "http://127.255.255.255/",
    "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]/",
    "http://[::]/",
    # private, shared, link-local, metadata
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://192.168.255.255/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://100.127.255.255/",
    "http://169.254.0.1/",
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "http://169.254.170.2/v2/credentials",
    "http://169.254.170.23/v1/credentials",
    "http://169.254.100.1/2018-06-01/runtime/invocation/next",
    "http://168.63.129.16/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fd00:ec2::23]/v1/credentials",
    "http://[fc00::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    # reserved, documentation, benchmarks, multicast, broadcast
    "http://192.0.0.8/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[100::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[ff02::1]/",
    "http://[ff0e::1]/",
    # IPv4 inside IPv6
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[0:0:0:0:0:ffff:10.0.0.1]/",
    "http://[::ffff:0:169.254.169.254]/",
    "http://[::169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:5601:5601]/",
    "http://[2001::1]/",
    # other spellings of addresses
    "http://2852039166/",
    "http://2130706433/",
    "http://0251.0376.0251.0376/",
    "http://0177.0.0.1/",
    "http://0177.1/",
    "http://017700000001/",
    "http://0xa9fea9fe/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://127.0.0.0x1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://0x/",
    "http://127.0.0.1./",
    "http://169.254.169.254../",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://8.8.8.08/",
    "http://[127.0.0.1]/",
    "http://[::1/",
    "http://[::1%25eth0]/",
    "http://[fe80::1%25lo]/",
    "http://[fe80::1%lo]/",
    # names that are local by nature, or no names
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://localhost.localdomain/",
    "http://a.localhost/",
    "http://pictures.local/",
    "http://metadata.google.internal/",
    "http://ip-10-0-0-1.ec2.internal/",
    "http://router.home.arpa/",
    "http://metadata/",
    "http://example.com./",
    "http://example..com/",
    "http://.example.com/",
    "http://-a.example.com/",
    f"http://{'a' * 64}.example.com/",
    f"http://{'a.' * 130}com/",
    "http:///a.png",
    "http://?a",
    "http://:80/",
    # what parsers read differently
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://@example.com/",
    "http://example.com@169.254.169.254/",
    "http://example.com:80@169.254.169.254/",
    "http://169.254.169.254@example.com/",
    "http://example.com#@169.254.169.254/",
    "http://example.com?@169.254.169.254/",
    "http://example.com\\@169.254.169.254/",
    "http://169.254.169.254\\.example.com/",
    "http://example.com;169.254.169.254/",
    "http://example.com,169.254.169.254/",
    "http://example.com%2f@169.254.169.254/",
    "http://127.0.0.1%00.example.com/",
    "http://%31%32%37.0.0.1/",
    "http://example.com/a b",
    "http://example.com /",
    "http://exam\tple.com/",
    "http://exam\x7fple.com/",
    # other alphabets
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.0.0.1/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://ſocal.example.com/",
    "http://\u212aelvin.example.com/",
    "http://bücher.example.com/",
    "http://xn--a.example.com/",
    "http://xn--.example.com/",
    "http://exam\u200bple.com/",
    "http://exam\u00adple.com/",
    "http://example.com\u2028/",
    "http://example.com\u3000/",
    # schemes and ports
    "ftp://example.com/a.png",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "file://localhost/proc/self/environ",
    "dict://127.0.0.1:11211/stat",
    "ldap://127.0.0.1/",
    "jar:http://example.com!/",
    "ws://example.com/",
    "s3://bucket/key",
    "javascript:alert(1)",
    "data:image/png;base64,iVBORw0KGgo=",
    "data:image/png;base64," + "A" * 10_000,
    "https://example.com/" + "a" * 9000,
    "http://example.com:22/",
    "http://example.com:8080/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:99999/",
    "http://example.com:080808/",
    "http://example.com:-1/",
    "http://example.com:8o/",
    "http://example.com:/",
]
# These a server cannot send in a header, or they are relative, so harmless there.
REFUSED_AS_TEXT = [
    "",
    " ",
    "a.png",
    "example.com/a.png",
    "/etc/passwd",
    "//169.254.169.254/",
    "http:",
    "http:/127.0.0.1/",
    "http:127.0.0.1",
    "http:\\\\127.0.0.1\\",
    "://127.0.0.1/",
    " http://example.com/",
    "http://example.com/\n",
    "http://example.com\r\nHost: localhost/",
    "http://example.com\x00.example.org/",
    "\x01http://example.com/",
]


@pytest.mark.parametrize("url", [*REFUSED, *REFUSED_AS_TEXT])
def test_refuses_without_a_lookup_or_a_connection(spy: Spy, url: str) -> None:
    names = Names(["8.8.8.8"])
    with pytest.raises(UrlRefused) as refusal:
        HttpUrlFetcher(UrlGuard(names)).fetch(url, max_bytes=MIB)
    assert (spy.connects, spy.lookups, names.asked) == ([], [], [])
    assert refusal.value.detail
    assert refusal.value.fix
    assert refusal.value.charged is False


@pytest.mark.parametrize("url", [url for url in REFUSED if "\\" not in url])
def test_the_client_sends_nothing_there_either(spy: Spy, url: str) -> None:
    # A client reads a text in its own way, and may stumble over it; what it makes of it passes the same gate.
    with (
        guarded_client(UrlGuard(Names([LOOPBACK]))) as client,
        pytest.raises((UrlRefused, httpx.InvalidURL, ValueError)),
    ):
        client.post(url, content=b"{}")
    assert (spy.connects, spy.lookups) == ([], [])


PRIVATE_ADDRESSES = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.20.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.9",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fd00:ec2::254",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "ff02::1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "2001:0:4136:e378:8000:63bf:5601:5601",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
@pytest.mark.parametrize("others", [[], ["8.8.8.8"], ["2606:4700::1111", "8.8.8.8"]], ids=len)
def test_refuses_a_name_of_which_any_address_is_not_public(spy: Spy, address: str, others: list[str]) -> None:
    for answer in ([*others, address], [address, *others]):
        names = Names(answer)
        with pytest.raises(UrlRefused) as refusal:
            HttpUrlFetcher(UrlGuard(names)).fetch(f"https://{HOST}/a.png", max_bytes=MIB)
        assert names.asked == [(HOST, 443)]
        assert not address or address not in f"{refusal.value.detail} {refusal.value.fix} {refusal.value.context}"
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


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com/a.png",
        "HTTPS://EXAMPLE.COM:443/a.png?x=1&y=%20#top",
        "https://example.com:80/",
        "https://sub_domain.example-a.co.uk/@user/a@b.png",
        "https://xn--bcher-kva.example.com/",
        "https://example.com/bücher/图.png?größe=1",
        "https://example.com?x=1",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://127.0.0.1.nip.example/",
        "https://0x7f.example.com/",
        "https://bucket.s3.eu-west-1.amazonaws.com/key?" + "X-Amz-Security-Token=" + "a" * 2500,
    ],
)
def test_lets_an_ordinary_url_through(url: str) -> None:
    assert UrlGuard().check(url).host


_odd_text = st.text(st.sampled_from("aA0:/?#[]@%.-_xn\\ \t\x00\u3002\uff0e\xad１é") | st.characters(), max_size=30)


@given(st.builds("{}{}".format, st.sampled_from(["", "http://", "https://", "http://a.example", "//"]), _odd_text))
def test_any_text_is_an_http_url_of_an_allowed_port_or_refused(text: str) -> None:
    try:
        url = UrlGuard().check(text)
    except UrlRefused:
        return
    assert url.scheme in {"http", "https"}
    assert url.port in {None, 80, 443}
    assert not url.userinfo
    assert UrlGuard().check(str(url)) == url


@given(st.builds("{}{}".format, st.sampled_from(["", "/", "//", "http:", ":", "?", "#", "/..//"]), _odd_text))
def test_any_redirect_leads_to_an_https_url_or_is_refused(location: str) -> None:
    try:
        url = UrlGuard().check_redirect(httpx.URL("https://pictures.example/a/b.png"), location)
    except UrlRefused:
        return
    assert url.scheme == "https"


# Addresses

NETWORKS_NOBODY_MAY_REACH = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/8",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]


@pytest.mark.parametrize("network", NETWORKS_NOBODY_MAY_REACH)
def test_no_address_of_a_special_network_is_public(network: str) -> None:
    special = ip_network(network)

    @settings(max_examples=25)
    @given(st.ip_addresses(network=network))
    def holds(address: Any) -> None:
        assert not is_public(str(address))

    holds()
    assert not is_public(str(special[0]))
    assert not is_public(str(special[-1]))


@given(st.ip_addresses(v=4))
def test_no_address_within_ipv6_is_public_for_its_ipv4_half(address: Any) -> None:
    high, low = int(address) >> 16, int(address) & 0xFFFF
    for form in (f"::ffff:{address}", f"::{address}", f"64:ff9b::{address}", f"2002:{high:x}:{low:x}::1"):
        assert not is_public(form)


NEIGHBOURS_OF_SPECIAL_NETWORKS = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2400:cb00::1",
    "2606:4700::1111",
    "2a00:1450::1",
]


@pytest.mark.parametrize("address", NEIGHBOURS_OF_SPECIAL_NETWORKS)
def test_neighbours_of_special_networks_are_public(address: str) -> None:
    assert is_public(address)


def test_the_system_resolver_gives_each_address_once() -> None:
    assert system_resolver(LOOPBACK, 80) == [LOOPBACK]


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
        guard = UrlGuard(Names([LOOPBACK]), also_allowed={(LOOPBACK, server.port)})
        with guarded_client(guard) as client:
            assert client.get(f"http://{HOST}:{server.port}/").content == b"picture"
        assert proxy.accepted == 0


def test_passwords_of_the_environment_are_not_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(answering(response(b"picture"))) as server:
        guard = UrlGuard(Names([LOOPBACK]), also_allowed={(LOOPBACK, server.port)})
        HttpUrlFetcher(guard).fetch(f"http://{HOST}:{server.port}/", max_bytes=9)
        with guarded_client(guard) as client:
            client.get(f"http://{HOST}:{server.port}/")
        assert not any("authorization" in head.lower() for head in server.heads)


def test_cookies_are_not_kept() -> None:
    def answer(exchange: Exchange) -> None:
        cookie = {"Set-Cookie": "a=b; Path=/"}
        moved = response(status="302 Found", headers={"Location": "/end", **cookie})
        exchange.send(moved if exchange.path == "/start" else response(b"picture", headers=cookie))

    with serving(answer) as server:
        guard = UrlGuard(Names([LOOPBACK]), also_allowed={(LOOPBACK, server.port)})
        url = f"http://{HOST}:{server.port}/start"
        HttpUrlFetcher(guard).fetch(url, max_bytes=9)
        with guarded_client(guard) as client:
            client.get(url)
            client.get(url)
            assert not client.cookies
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


@pytest.mark.parametrize("location", REFUSED)
def test_the_last_of_five_redirects_is_checked_as_the_first_url(
    spy: Spy, hops: tuple[Hops, Server], location: str
) -> None:
    answer, server = hops
    answer.end = location
    with pytest.raises(UrlRefused):
        reaching(server).fetch(f"http://{HOST}:{server.port}/0", max_bytes=MIB)
    assert spy.connects == [(LOOPBACK, server.port)] * MAX_REDIRECTS


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
        exchange.stopping.wait(5)

    started = time.monotonic()
    with pytest.raises(PayloadTooLarge, match=f"larger than {MIB} bytes"):
        fetch(answer, max_bytes=MIB)
    assert time.monotonic() - started < 2


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


def test_a_body_that_says_it_is_not_compressed_is_taken() -> None:
    assert fetch(answering(response(b"picture", headers={"Content-Encoding": "Identity"}))) == b"picture"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (response(gzip.compress(b"\0" * MIB), headers={"Content-Encoding": "gzip"}), UrlUnreachable),
        (response(b"x" * 1001), PayloadTooLarge),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, PayloadTooLarge),
    ],
    ids=["compressed", "declared", "undeclared"],
)
def test_the_client_limits_bodies_too(data: bytes, error: type[Exception]) -> None:
    with serving(answering(data)) as server:
        guard = UrlGuard(Names([LOOPBACK]), also_allowed={(LOOPBACK, server.port)})
        with guarded_client(guard, max_bytes=1000) as client, pytest.raises(error):
            client.post(f"http://{HOST}:{server.port}/", content=b"{}")
        assert "accept-encoding: identity" in server.heads[0].lower()


def test_a_redirects_own_body_is_not_looked_at() -> None:
    def answer(exchange: Exchange) -> None:
        headers = {"Location": "/end", "Content-Encoding": "gzip", "Content-Length": str(99 * MIB)}
        moved = response(status="302 Found", headers=headers)
        exchange.send(response(b"picture") if exchange.path == "/end" else moved)

    assert fetch(answer) == b"picture"


# Status


@pytest.mark.parametrize("status", [201, 202, 204, 206, 300, 304, 400, 401, 403, 404, 410, 418, 429, 500, 503])
def test_only_200_brings_a_body(status: int) -> None:
    with pytest.raises(UrlUnreachable, match=f"answered {status} instead of 200"):
        fetch(answering(response(b"" if status in (204, 304) else b"picture", status=f"{status} Whatever")))


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


def test_a_refused_connection_is_unreachable() -> None:
    port = unused_port()
    guard = UrlGuard(Names([LOOPBACK]), also_allowed={(LOOPBACK, port)})
    with pytest.raises(UrlUnreachable, match="cannot be connected to") as failure:
        HttpUrlFetcher(guard).fetch(f"http://{HOST}:{port}/", max_bytes=9)
    assert LOOPBACK not in str(failure.value)


# Time


def _trickle_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    exchange.trickle(b"a")


def _trickle_body(exchange: Exchange) -> None:
    exchange.send(response(headers={"Content-Length": "100000"}))
    exchange.trickle(b"x")


def _trickle_chunks(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    exchange.trickle(b"1\r\nx\r\n", every=0.005)


def _trickle_continues(exchange: Exchange) -> None:
    exchange.trickle(b"HTTP/1.1 100 Continue\r\n\r\n", every=0.001)


def _flood_continues(exchange: Exchange) -> None:
    while exchange.going_on:
        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def _say_nothing(exchange: Exchange) -> None:
    exchange.stopping.wait(5)


@pytest.mark.parametrize(
    "answer", [_trickle_headers, _trickle_body, _trickle_chunks, _trickle_continues, _flood_continues, _say_nothing]
)
def test_a_slow_server_is_cut_at_the_deadline(answer: Answer) -> None:
    started = time.monotonic()
    with pytest.raises(UrlUnreachable, match="in time"):
        fetch(answer, seconds=0.25)
    assert 0.2 < time.monotonic() - started < 3


@pytest.mark.parametrize("answer", [_trickle_headers, _trickle_body])
def test_a_slow_server_is_cut_at_the_deadline_over_tls(tmp_path: Path, answer: Answer) -> None:
    server_context, client_context = server_tls(tmp_path, HOST)
    with serving(answer, tls=server_context) as server:
        started = time.monotonic()
        with pytest.raises(UrlUnreachable, match="in time"):
            reaching(server, seconds=0.25, ssl_context=client_context).fetch(
                f"https://{HOST}:{server.port}/", max_bytes=MIB
            )
        assert time.monotonic() - started < 3


def test_redirects_share_one_deadline() -> None:
    def answer(exchange: Exchange) -> None:
        time.sleep(0.12)
        exchange.send(response(status="302 Found", headers={"Location": "/next"}))

    started = time.monotonic()
    with pytest.raises(UrlUnreachable, match="in time"):
        fetch(answer, seconds=0.3)
    assert time.monotonic() - started < 3


def test_a_tls_handshake_that_never_ends_is_cut_at_the_deadline() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(b"\x16\x03\x03\x40\x00")
        exchange.trickle(b"\x00")

    with serving(answer, read_head=False) as server:
        started = time.monotonic()
        with pytest.raises(UrlUnreachable, match="in time"):
            reaching(server, seconds=0.25).fetch(f"https://{HOST}:{server.port}/", max_bytes=9)
        assert time.monotonic() - started < 3


def test_a_slow_lookup_is_cut_at_the_deadline(spy: Spy) -> None:
    over = Event()

    def names(host: str, port: int) -> list[str]:
        over.wait(5)
        return ["8.8.8.8"]

    started = time.monotonic()
    try:
        with pytest.raises(UrlUnreachable, match="in time"):
            HttpUrlFetcher(UrlGuard(names), seconds=0.25).fetch(f"http://{HOST}/", max_bytes=9)
        assert time.monotonic() - started < 3
    finally:
        over.set()
    assert spy.connects == []


def test_a_server_that_does_not_read_is_cut_at_the_deadline() -> None:
    def sip(exchange: Exchange) -> None:
        while exchange.going_on and exchange.connection.recv(4096):
            exchange.stopping.wait(0.01)

    with serving(sip) as server:
        guard = UrlGuard(Names([LOOPBACK]), also_allowed={(LOOPBACK, server.port)})
        started = time.monotonic()
        with guarded_client(guard, seconds=0.25) as client, pytest.raises(UrlUnreachable, match="in time"):
            client.post(f"http://{HOST}:{server.port}/", content=b"x" * 64 * MIB)
        assert time.monotonic() - started < 3


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


# The client


def test_the_client_posts_through_the_same_guard(spy: Spy) -> None:
    with serving(answering(response(b"ok"))) as server:
        guard = UrlGuard(Names([LOOPBACK], ["10.0.0.1"]), also_allowed={(LOOPBACK, server.port)})
        with guarded_client(guard) as client:
            answer = client.post(f"http://{HOST}:{server.port}/hook", json={"a": 1}, headers={"X-Signature": "s"})
            assert (answer.status_code, answer.content) == (200, b"ok")
            with pytest.raises(UrlRefused):
                client.post(f"http://{HOST}:{server.port}/hook", json={})
        assert server.heads[0].startswith("POST /hook HTTP/1.1")
        assert "User-Agent: Darkroom/0.1" in server.heads[0]
        assert spy.connects == [(LOOPBACK, server.port)]


def test_the_client_follows_no_redirect_and_checks_it_if_told_to(spy: Spy) -> None:
    moved = response(status="302 Found", headers={"Location": "http://169.254.169.254/"})
    with serving(answering(moved)) as server:
        guard = UrlGuard(Names([LOOPBACK]), also_allowed={(LOOPBACK, server.port)})
        with guarded_client(guard) as client:
            assert client.get(f"http://{HOST}:{server.port}/").status_code == 302
            with pytest.raises(UrlRefused):
                client.get(f"http://{HOST}:{server.port}/", follow_redirects=True)
        assert spy.connects == [(LOOPBACK, server.port)] * 2


def test_the_url_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with serving(answering(response(b"picture"))) as server, caplog.at_level(logging.INFO):
        reaching(server).fetch(f"http://{HOST}:{server.port}/?X-Amz-Signature=secret", max_bytes=9)
    assert "secret" not in caplog.text


def test_errors_are_the_callers_to_mend() -> None:
    assert {error.status for error in (UrlRefused, UrlUnreachable, PayloadTooLarge)} == {400, 413}
    assert issubclass(UrlRefused, DarkroomError)
