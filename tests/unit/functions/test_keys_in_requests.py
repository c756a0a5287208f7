"""A provider's key that was pasted into the wrong place of a request is neither in an error's answer nor in the log."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darkroom.http.app import Api
from darkroom.http.routes.account import routes as account_routes
from darkroom.http.routes.conversations import routes as chat_routes
from darkroom.http.routes.edits import routes as edit_routes
from darkroom.http.routes.generations import routes as generate_routes
from darkroom.http.routes.jobs import routes as jobs_routes
from darkroom.observability import logger
from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.unit.functions.browsing import World

GENERATE, EDIT, CHAT = "POST /v1/images/generations", "POST /v1/images/edits", "POST /v1/chat/completions"
BODIES: dict[str, dict[str, Any]] = {
    GENERATE: {"prompt": "A fox", "max_cost_usd": 0},
    EDIT: {"prompt": "A fox", "image_b64": "AAAA"},
    CHAT: {"messages": [{"role": "user", "content": "Hi"}], "max_cost_usd": 0},
    "POST /v1/conversations": {"image_b64": "AAAA"},
    "POST /v1/conversations/{id}/messages": {"content": "warmer"},
    "POST /v1/conversations/{id}/branch": {"version": "v9"},
    "PUT /v1/recipes/{id}": {"steps": [{"operation": {"op": "none"}}]},
    "POST /v1/recipes/apply": {"recipe": "none", "images": []},
    "POST /v1/uploads": {"media_type": "none"},
    "PATCH /v1/settings": {"warn_at_percent": 500},
    "POST /v1/tokens": {"expires_in_days": -1},
    "PUT /v1/keys/openrouter": {"key": ""},
    "PUT /v1/keys/{id}": {"key": "x"},
    "POST /v1/estimates": {"model": "none"},
}
GETS = (
    *("GET /v1/jobs", "GET /v1/jobs/{id}", "DELETE /v1/jobs/{id}", "POST /v1/jobs/{id}/cancel"),
    *("GET /v1/conversations", "GET /v1/conversations/{id}", "GET /v1/conversations/{id}/versions/{id}"),
    *("GET /v1/conversations/{id}/compare", "GET /v1/conversations/{id}/recipe", "GET /v1/recipes/{id}"),
    *("GET /v1/usage", "GET /v1/usage/receipts", "DELETE /v1/tokens/{id}", "DELETE /v1/keys/{id}"),
    *("GET /v1/models", "GET /v1/models/compare", "GET /v1/models/{id}", "GET /healthz", "GET /none/{id}"),
)
FIELDS = (
    *("prompt", "model", "n", "size", "quality", "background", "output_format", "response_format", "stream", "seed"),
    *(
        "image",
        "image_url",
        "image_b64",
        "upload_id",
        "file_id",
        "job_id",
        "mask",
        "steps",
        "recipe",
        "images",
        "title",
    ),
    *("messages", "content", "name", "expires_in_days", "provider", "key", "version", "items", "webhook_url", "format"),
    *(
        "max_cost_usd",
        "fallback_models",
        "max_cost_per_day",
        "favourites",
        "media_type",
        "tools",
        "plugins",
        "metadata",
    ),
    *("aspect_ratio", "resolution", "temperature", "models", "warn_at_percent", "retention_days", "references", "user"),
)
QUERY = ("cursor", "limit", "month", "by", "against", "format", "a", "b", "version", "ids", "sort", "tag", "recommend")
HEADERS = ("idempotency-key", "prefer", "cancel-after", "content-type", "accept", "x-request-id", "cookie", "origin")
SECRETS = st.text("0123456789abcdef", min_size=32, max_size=64)
AROUND = st.sampled_from(
    [("", ""), ("api_key=", ""), ("my", ""), ("Bearer ", ""), ("", ".png"), ("a b", " c"), ("'", "'")]
)
PLACES = st.sampled_from(
    ["name", "value", "list", "nested", "form name", "form value", "file", "query", "header", "path"]
)


class Everything:
    """Every function that answers Alice, over stores in memory."""

    def __init__(self, studio: Studio, world: World) -> None:
        self.token = studio.token("alice")
        chat, jobs = chat_routes(studio.app), jobs_routes(studio.app)
        account = account_routes(studio.app)
        self._apis: dict[str, Api] = {
            "images/generations": generate_routes(studio.app),
            "images/edits": edit_routes(studio.app),
            **dict.fromkeys(("chat", "conversations", "recipes"), chat),
            **dict.fromkeys(("jobs", "uploads"), jobs),
        }
        self._rest, self._models = account, world

    def __call__(self, route: str, **given: Any) -> dict[str, Any]:
        method, path = route.replace("{id}", given.pop("id", "none")).split(" ", 1)
        headers = {"prefer": "respond-async", **given.pop("headers", {})}
        event = http_event(method, path, token=self.token, headers=headers, **given)
        if path.startswith("/none"):
            event["routeKey"] = "$default"
        answer: dict[str, Any] = self._handler(path)(event, Context())
        return answer

    def _handler(self, path: str) -> Callable[..., Any]:
        for name, api in self._apis.items():
            if path.startswith(f"/v1/{name}"):
                return api.handle
        return self._models.handle if path.startswith(("/v1/models", "/v1/estimates")) else self._rest.handle


@pytest.fixture
def everything(studio: Studio, studio_simulator: Simulator, clock: SteppingClock) -> Everything:
    return Everything(studio, World(studio_simulator, studio.app.callers, clock))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logger.handlers[0].formatter)
    root = logging.getLogger()
    logger.addHandler(handler)
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)
    logger.handlers.remove(handler)


def _form(name: str, value: str, *, file_name: str | None = None) -> dict[str, Any]:
    where = f'form-data; name="{name}"' + (f'; filename="{file_name}"' if file_name else "")
    body = f"--B\r\nContent-Disposition: {where}\r\n\r\n{value}\r\n--B--\r\n"
    return {"body": body.encode(), "content_type": "multipart/form-data; boundary=B"}


def _request(route: str, place: str, key: str, field: str, query: str, header: str) -> dict[str, Any]:
    body: dict[str, Any] = BODIES.get(route, {})
    sent: dict[str, Any] = {"body": body} if body else {}
    if place == "query":
        return {"query": {query: key, key: "1"}, **sent}
    if place == "header":
        return {"headers": {header: key, f"x-{key}": "1"}, **sent}
    if place == "path":
        return {"id": key, **sent}
    if place == "form name":
        return _form(key, "1")
    if place == "form value":
        return _form(field, key)
    if place == "file":
        return _form(field, "not a picture", file_name=key)
    changes: dict[str, dict[str, Any]] = {
        "name": {key: 1},
        "value": {field: key},
        "list": {field: [key]},
        "nested": {field: [{key: {"op": key, "type": key}}]},
    }
    return {"body": {**body, **changes[place]}}


@pytest.mark.parametrize("route", [*BODIES, *GETS])
@given(
    secret=SECRETS,
    around=AROUND,
    place=PLACES,
    field=st.sampled_from(FIELDS),
    query=st.sampled_from(QUERY),
    header=st.sampled_from(HEADERS),
)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_key_is_never_echoed(
    everything: Everything,
    log: io.StringIO,
    route: str,
    secret: str,
    around: tuple[str, str],
    place: str,
    field: str,
    query: str,
    header: str,
) -> None:
    key = f"{around[0]}sk-or-v1-{secret}{around[1]}"
    answer = everything(route, **_request(route, place, key, field, query, header))
    if answer["statusCode"] >= 400:
        told = json.dumps([answer["body"], answer["headers"]])
        assert secret[:16] not in told
        assert secret[-16:] not in told
    assert secret[:16] not in log.getvalue()
    assert secret[-16:] not in log.getvalue()
