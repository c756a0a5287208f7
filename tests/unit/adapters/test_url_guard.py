"""Which URLs and addresses the guard lets through."""

from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.adapters.url_guard import UrlGuard, is_public, system_resolver
from darkroom.errors import UrlRefused
from tests.servers import LOOPBACK
from tests.unit.adapters.urls import REFUSED, REFUSED_AS_TEXT


@pytest.mark.parametrize("url", [*REFUSED, *REFUSED_AS_TEXT])
def test_nobody_is_sent_there(url: str) -> None:
    for scheme in ("http:", "https:"):
        with pytest.raises(UrlRefused) as refusal:
            UrlGuard().check(url.replace("http:", scheme, 1) if url.startswith("http:") else url)
        assert refusal.value.detail
        assert refusal.value.fix
        assert refusal.value.charged is False


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
