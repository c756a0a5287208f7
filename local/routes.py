"""Which of the API's routes a request belongs to, as API Gateway decides it."""

from collections.abc import Iterable
from dataclasses import dataclass

from local.template import DEFAULT, Route

ANY = "ANY"


@dataclass(frozen=True)
class Match:
    route: Route
    parameters: dict[str, str]


class Routes:
    def __init__(self, routes: Iterable[Route]) -> None:
        routes = list(routes)
        self.all = tuple(routes)
        self._default = next((Match(route, {}) for route in routes if route.method == DEFAULT), None)
        routes = [route for route in routes if route.method != DEFAULT]
        # The most specific route comes first: fixed segments before {one} before {the+rest}, a method before ANY.
        self._routes = sorted(routes, key=lambda route: ([*map(_rank, _segments(route.path))], route.method == ANY))

    def match(self, method: str, path: str) -> Match | None:
        """The route; else `$default`, or None. A known path with another method is as unknown as any other path."""
        for route in self._routes:
            if route.method in (method, ANY):
                parameters = _parameters(_segments(route.path), path.split("/"))
                if parameters is not None:
                    return Match(route, parameters)
        return self._default


def _segments(path: str) -> list[str]:
    return path.split("/")


def _rank(segment: str) -> int:
    if segment.endswith("+}"):
        return 2
    return 1 if segment.startswith("{") else 0


def _parameters(pattern: list[str], path: list[str]) -> dict[str, str] | None:
    greedy = pattern[-1].endswith("+}")
    if len(path) < len(pattern) or (len(path) > len(pattern) and not greedy):
        return None
    values = {}
    for position, segment in enumerate(pattern):
        if segment.endswith("+}"):
            values[segment[1:-2]] = "/".join(path[position:])
        elif segment.startswith("{") and path[position]:
            values[segment[1:-1]] = path[position]
        elif segment != path[position]:
            return None
    return values if all(values.values()) else None
