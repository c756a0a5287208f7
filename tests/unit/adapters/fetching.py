"""Fetching from a server of one's own: reached as http://pictures.example:<port>, let through by its port alone."""

from collections.abc import Callable
from typing import Any

from darkroom.adapters.url_fetcher import HttpUrlFetcher
from darkroom.adapters.url_guard import UrlGuard
from tests.servers import LOOPBACK, Answer, Exchange, Server, response, serving
from tests.unit.adapters.urls import HOST, Names

MIB = 1024 * 1024


def reaching(server: Server, names: Callable[[str, int], list[str]] | None = None, **options: Any) -> HttpUrlFetcher:
    """A fetcher that may go to this server, where every name leads unless others are given."""
    guard = UrlGuard(names or Names([LOOPBACK]), also_allowed={(LOOPBACK, server.port)})
    return HttpUrlFetcher(guard, **{"seconds": 5.0, **options})


def fetch(answer: Answer, *, max_bytes: int = MIB, seconds: float = 5.0) -> bytes:
    with serving(answer) as server:
        return reaching(server, seconds=seconds).fetch(f"http://{HOST}:{server.port}/a.png", max_bytes=max_bytes)


def trickle_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    exchange.trickle(b"a")


def trickle_body(exchange: Exchange) -> None:
    exchange.send(response(headers={"Content-Length": "100000"}))
    exchange.trickle(b"x")


def trickle_chunks(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    exchange.trickle(b"1\r\nx\r\n", every=0.005)


def trickle_continues(exchange: Exchange) -> None:
    exchange.trickle(b"HTTP/1.1 100 Continue\r\n\r\n", every=0.001)


def flood_continues(exchange: Exchange) -> None:
    while exchange.going_on:
        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def say_nothing(exchange: Exchange) -> None:
    exchange.hold()
