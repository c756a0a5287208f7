"""Every route of the API (`routes.json`): for requests that meet none, which was probably meant, by which methods."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from darkroom.errors import DarkroomError, MethodNotAllowed, NoSuchRoute

DEFAULT: Final = "$default"
_WRITTEN: Final = json.loads(Path(__file__).with_name("routes.json").read_text(encoding="utf-8"))
TABLE: Final[Mapping[str, Mapping[str, Any]]] = _WRITTEN["routes"]
"""What is said of each route: `summary`, `access`, `errors` beside those of any such route, `unrestricted`, `live`."""
ERROR_GROUPS: Final[Mapping[str, Sequence[str]]] = _WRITTEN["errors"]
ROUTES: Final = tuple(TABLE)
LIVE_ROUTES: Final = tuple(route for route, said in TABLE.items() if said.get("live"))
"""Those that the live door has, too."""
_NEAREST: Final = 3
_LIKENESS: Final = 0.6
_MOST_QUOTED: Final = 100
# Of Azure's paths those that name no deployment.
_AZURES: Final = ("/openai/responses", "/openai/models")
_WHERE: Final = "GET /openapi.json and docs/api.md list all routes."


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\+?\})", path)
    found = [(".+" if part.endswith("+}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts]
    return re.compile("".join(found))


def _methods() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for route in ROUTES:
        method, path = route.split(" ")
        found.setdefault(path, []).append(method)
    return {path: tuple(sorted(methods)) for path, methods in found.items()}


def own_path(path: str) -> str:
    """A path as the routes have it: without the prefixes that clients of OpenRouter and of Azure put before it.

    With one slash at its beginning: a function's URL ends with one, too.
    """
    if path.startswith("//"):
        path = f"/{path.lstrip('/')}"
    for prefix in ("/api/v1/", "/openai/v1/"):
        if path.startswith(prefix):
            return f"/v1/{path.removeprefix(prefix)}"
    return f"/v1{path.removeprefix('/openai')}" if path.startswith(_AZURES) else path


class Matcher:
    """Finds the route of a request among some; literal parts win over parameters, as API Gateway chooses."""

    def __init__(self, routes: Iterable[str]) -> None:
        found = [(route, *route.split(" ")) for route in sorted(routes, key=lambda route: route.count("{"))]
        self._routes = [(route, method, _pattern(path)) for route, method, path in found]

    def match(self, method: str, path: str) -> str | None:
        """Its key."""
        return next((key for key, takes, form in self._routes if takes == method and form.fullmatch(path)), None)


_METHODS: Final = _methods()
# Literal parts win over parameters, as API Gateway chooses.
_PATTERNS: Final = sorted(((path, _pattern(path)) for path in _METHODS), key=lambda each: each[0].count("{"))


def unmatched(event: dict[str, Any]) -> DarkroomError:
    """The error for a request that API Gateway found no route for; asks nothing of AWS.

    Returns:
        MethodNotAllowed with the methods that there are, or NoSuchRoute with the nearest routes.
    """
    http = event["requestContext"]["http"]
    method, path = str(http["method"]).upper(), str(event.get("rawPath") or http["path"])
    known = _of(path)
    if known is None or known.startswith("/openai/"):
        return no_such_route(method, path)
    methods = _METHODS[known]
    return MethodNotAllowed(
        f"{known} does not take {method[:20]}.",
        fix=f"Use {' or '.join(methods)}. {_WHERE}",
        context={"allowed": list(methods), "nearest": [f"{each} {known}" for each in methods]},
    )


def no_such_route(method: str, path: str) -> NoSuchRoute:
    """With what there is in its place, if it is known what was meant."""
    from darkroom.http.not_offered import not_offered

    shown = path[:_MOST_QUOTED] + "…" * (len(path) > _MOST_QUOTED)
    if told := not_offered(own_path(path)):
        return NoSuchRoute(f"There is no route {method[:20]} {shown}: {told[0]}", fix=told[1], context={"nearest": []})
    nearest = _nearest(method, path)
    meant = f"Did you mean {' or '.join(nearest)}? " if nearest else ""
    return NoSuchRoute(
        f"There is no route {method[:20]} {shown}.", fix=f"{meant}{_WHERE}", context={"nearest": list(nearest)}
    )


def _of(path: str) -> str | None:
    return next((each for each, pattern in _PATTERNS if pattern.fullmatch(path)), None)


def _nearest(method: str, path: str) -> tuple[str, ...]:
    """Routes as `POST /v1/images/edits`: the one that was written a little otherwise, or those that look like it."""
    written = _corrected(path)
    found = [known] if (known := _of(written)) else _alike(written)
    routes = [f"{each} {place}" for place in found for each in _METHODS[place]]
    own = [route for route in routes if route.startswith(f"{method} ")]
    return tuple((own or routes)[:_NEAREST])


def _corrected(path: str) -> str:
    """Without a slash too many, a prefix of another service, or capitals; with the version that all routes have."""
    plain = "/" + "/".join(part for part in path[:500].lower().split("/") if part)
    plain = re.sub(r"\A/(?:api|openai)(?=/)", "", plain)
    plain = re.sub(r"\A(?:/v1)+(?=/v1/)", "", plain)
    return plain if plain.startswith(("/v1/", "/oauth", "/healthz", "/docs", "/openapi.json")) else f"/v1{plain}"


def _alike(path: str) -> list[str]:
    close = difflib.get_close_matches(path, _METHODS, n=_NEAREST, cutoff=_LIKENESS)
    # Another service may have the same last word in another place.
    ends = [each for each in _METHODS if each.rpartition("/")[2] == path.rpartition("/")[2] and each not in close]
    return [*ends, *close][:_NEAREST]
