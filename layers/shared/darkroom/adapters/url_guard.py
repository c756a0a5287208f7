"""Which URLs a user may send Darkroom to, and at which addresses: the checks that are made of every hop.

The text: http or https, port 80 or 443, no credentials, and a host spelt plainly: a dotted ASCII name, or an address in
its usual form. What two parsers could read differently is refused before anything is looked up. The addresses: every
one that the name resolves to must be public; one that is not spoils the lot.

Sources: OWASP SSRF Prevention Cheat Sheet; IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890) and IPv6
Global Unicast Address Assignments; RFC 4291 (mapped), 6052 and 8215 (NAT64), 3056 (6to4), 4380 (Teredo); RFC 6761,
6762, 8375 and ICANN's reservation of .internal (names that are never public); WHATWG URL, "ends in a number checker".
Python's `is_global` follows the registries as of each release and differs between 3.11, 3.12 and 3.13, hence the list
of our own beside it, `blocked_networks.json`.
"""

import json
import re
import socket
from collections.abc import Callable, Collection
from concurrent.futures import Future
from ipaddress import IPv6Network, ip_address, ip_network
from pathlib import Path
from threading import Thread
from typing import NoReturn

import httpx

from darkroom.errors import UrlRefused, UrlUnreachable

Resolver = Callable[[str, int], list[str]]
Endpoint = tuple[str, int]  # an address and a port

MAX_URL_LENGTH = 8192  # presigned URLs with session tokens reach 2,500
_PORTS = frozenset({80, 443})
_FIX = "Send a public http or https URL, or the file itself."

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE | re.ASCII)
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?(?=[/?#]|$)", re.IGNORECASE | re.ASCII)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PRIVATE_SUFFIXES = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa")

# Outside lie loopback, mapped and compatible IPv4, NAT64, fc00::/7 with EC2's fd00:ec2::254, link-local, multicast.
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_BLOCKED = tuple(map(ip_network, json.loads(Path(__file__).with_name("blocked_networks.json").read_text("utf-8"))))


def is_public(address: str) -> bool:
    """Whether anybody on the internet may be sent to this address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if "%" in address or not ip.is_global or ip.is_multicast:
        return False
    is_assigned = ip.version == 4 or ip in _GLOBAL_UNICAST_V6
    return is_assigned and not any(ip in network for network in _BLOCKED)


def system_resolver(host: str, port: int) -> list[str]:
    """All A and AAAA records, in the order in which the system would try them."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class UrlGuard:
    """Says which URLs may be gone to.

    Args:
        resolver: gives the addresses of a host name.
        also_allowed: exact addresses and ports to let through beside the public ones.
    """

    def __init__(self, resolver: Resolver = system_resolver, also_allowed: Collection[Endpoint] = ()) -> None:
        self._resolver = resolver
        self._also_allowed = frozenset(also_allowed)
        self._ports = _PORTS | {port for _, port in self._also_allowed}

    def check(self, text: str) -> httpx.URL:
        """The URL in the text, as far as that can be told without a look-up.

        Raises:
            UrlRefused: nobody may be sent there.
        """
        _check_characters(text)
        scheme, separator, rest = text.partition("://")
        if not separator or scheme.lower() not in {"http", "https"}:
            _refuse("Only http and https URLs are fetched.")
        if "@" in rest.partition("/")[0]:
            _refuse("The URL may not hold credentials, or an @ before its path.")
        if not _AUTHORITY.match(rest):
            _refuse("The host is not written as a plain ASCII name or address.")
        try:
            url = httpx.URL(text)
            _ = url.host  # decodes an xn-- label, which need not hold anything that is one
        except (httpx.InvalidURL, ValueError) as error:
            raise UrlRefused("The URL cannot be read.", fix=_FIX) from error
        if port_of(url) not in self._ports:
            _refuse("Only ports 80 and 443 are fetched from.")
        _check_host(_host_of(url))
        if _is_address(_host_of(url)):
            self._require_public(_host_of(url), port_of(url))
        return url

    def names_allowed(self, url: httpx.URL) -> bool:
        """Whether the URL names, by its address, an endpoint that is let through beside the public ones."""
        return (_host_of(url), port_of(url)) in self._also_allowed

    def check_redirect(self, source: httpx.URL, location: str) -> httpx.URL:
        """The URL that an answer from `source` sends to; raises UrlRefused as `check` does."""
        _check_characters(location)
        # Only a path is joined: what names a scheme or a host is checked as it was written.
        if location.startswith("//"):
            location = f"{source.scheme}:{location}"
        elif not _SCHEME.match(location):
            try:
                location = str(source.join(location))
            except (httpx.InvalidURL, ValueError) as error:
                raise UrlRefused("The URL redirects to something that is no URL.", fix=_FIX) from error
        target = self.check(location)
        if source.scheme == "https" and target.scheme == "http":
            _refuse("The URL redirects from https to http.")
        return target

    def addresses(self, url: httpx.URL, *, seconds: float) -> list[str]:
        """Where the URL's host is, looked up once.

        Raises:
            UrlRefused: one of the addresses is not public.
            UrlUnreachable: there are none, or not in time.
        """
        host, port = _host_of(url), port_of(url)
        found = [host] if _is_address(host) else self._look_up(host, port, seconds)
        for address in found:
            self._require_public(address, port)
        return found

    def _require_public(self, address: str, port: int) -> None:
        public = port in _PORTS and is_public(address)
        if not public and (address, port) not in self._also_allowed:
            _refuse("The host is, or resolves to, an address that is not public.")

    def _look_up(self, host: str, port: int, seconds: float) -> list[str]:
        # In a thread: a look-up takes no timeout, and whoever runs the name's server decides how long it takes.
        answer: Future[list[str]] = Future()

        def work() -> None:
            try:
                answer.set_result(self._resolver(host, port))
            except Exception as error:  # noqa: BLE001 - result() raises it
                answer.set_exception(error)

        Thread(target=work, name="resolver", daemon=True).start()
        try:
            found = answer.result(seconds)
        except TimeoutError as error:
            raise UrlUnreachable("The host's name was not resolved in time.") from error
        except (OSError, UnicodeError) as error:
            raise UrlUnreachable("The host's name does not resolve.") from error
        if not found:
            raise UrlUnreachable("The host's name does not resolve.")
        return found


def port_of(url: httpx.URL) -> int:
    return url.port if url.port is not None else {"http": 80, "https": 443}[url.scheme]


def _host_of(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii").lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _check_characters(text: str) -> None:
    if len(text) > MAX_URL_LENGTH:
        _refuse(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if "\\" in text or " " in text or not text.isprintable():
        _refuse("The URL may not hold backslashes, white space or control characters.")


def _check_host(host: str) -> None:
    if _is_address(host):
        return
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        _refuse("The host is an address in an unusual spelling.")
    if len(host) > 253 or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        _refuse("The host is not a full domain name.")
    if host.endswith(_PRIVATE_SUFFIXES):
        _refuse("The host's name belongs to private networks.")


def _refuse(detail: str) -> NoReturn:
    raise UrlRefused(detail, fix=_FIX)
