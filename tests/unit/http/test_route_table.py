"""Requests that meet no route are told which one was probably meant."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.http.app import Api
from darkroom.http.route_table import DEFAULT, ROUTES, unmatched
from darkroom.services.accounts.callers import Callers
from tests.events import Context, http_event
from tests.template.test_template import TEMPLATE


def _event(method: str, path: str) -> dict[str, Any]:
    event = http_event(method, path)
    event["routeKey"] = event["requestContext"]["routeKey"] = DEFAULT
    return event


def _ask(method: str, path: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Through an API that has nobody to ask who calls."""
    api = Api(Callers(None, None, public_url=""), None)  # type: ignore[arg-type]  # it would raise if anything were asked of it
    answer = api.handle(_event(method, path), Context())  # type: ignore[arg-type]
    return answer["statusCode"], answer["headers"], json.loads(answer["body"])


def test_the_table_is_the_templates() -> None:
    assert set(ROUTES) == {route.key for route in TEMPLATE.routes} - {DEFAULT}


def test_the_rest_of_the_requests_have_a_route_on_a_function_that_takes_no_pictures() -> None:
    (route,) = [route for route in TEMPLATE.routes if route.key == DEFAULT]
    assert route.function == "AccountFunction"


@pytest.mark.parametrize(
    ("method", "path", "nearest"),
    [
        ("POST", "/v1/images/generations/", "POST /v1/images/generations"),
        ("POST", "/v1//images/generations", "POST /v1/images/generations"),
        ("POST", "//v1/images/generations", "POST /v1/images/generations"),
        ("POST", "/images/generations", "POST /v1/images/generations"),
        ("POST", "/api/v1/images/generations", "POST /v1/images/generations"),
        ("POST", "/v1/v1/chat/completions", "POST /v1/chat/completions"),
        ("POST", "/V1/Images/Generations", "POST /v1/images/generations"),
        ("POST", "/v1/image/generation", "POST /v1/images/generations"),
        ("POST", "/v1/images/edit", "POST /v1/images/edits"),
        ("GET", "/api/v1/models", "GET /v1/models"),
        ("GET", "/v1/jobs/", "GET /v1/jobs"),
        ("POST", "/v1/conversations/conv_1/message", "POST /v1/conversations/{conversation_id}/messages"),
        ("POST", "/v1/upload", "POST /v1/uploads"),
    ],
)
def test_the_route_that_was_meant_is_named_first(method: str, path: str, nearest: str) -> None:
    status, headers, problem = _ask(method, path)
    assert (status, problem["code"], problem["nearest"][0]) == (404, "NO_SUCH_ROUTE", nearest)
    assert (headers["content-type"], headers["x-should-retry"]) == ("application/problem+json", "false")
    assert nearest in problem["fix"]
    assert problem["error"] == {
        "message": f"{problem['detail']} {problem['fix']}",
        "type": "invalid_request_error",
        "param": None,
        "code": "NO_SUCH_ROUTE",
    }
    assert problem["charged"] is False


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "/v1/embeddings", "Ask a provider"),
        ("POST", "/v1/audio/speech", "Ask a provider"),
        ("POST", "/api/v1/audio/transcriptions", "Ask a provider"),
        ("GET", "/v1/files/file_1", "POST /v1/uploads"),
        ("POST", "/v1/completions", "POST /v1/chat/completions"),
        ("POST", "/v1/images/variations", "POST /v1/images/edits"),
        ("GET", "/v1/responses/resp_1", "POST /v1/responses"),
        ("POST", "/v1/responses/resp_1/cancel", "POST /v1/responses"),
        ("POST", "/openai/deployments/ada/embeddings", "Ask a provider"),
        ("GET", "/openai/v1/assistants", "POST /v1/responses"),
    ],
)
def test_what_openai_has_and_darkroom_has_not_is_said_with_what_there_is_in_its_place(
    method: str, path: str, told: str
) -> None:
    status, headers, problem = _ask(method, path)
    assert (status, problem["code"], problem["error"]["code"]) == (404, "NO_SUCH_ROUTE", "NO_SUCH_ROUTE")
    assert told in problem["fix"]
    assert headers["x-should-retry"] == "false"
    assert problem["charged"] is False


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/images/generations", "POST"),
        ("HEAD", "/v1/jobs", "GET"),
        ("POST", "/v1/jobs/job_1", "DELETE, GET, PATCH"),
        ("POST", "/v1/settings", "GET, PATCH"),
        ("POST", "/v1/models/google/gemini-2.5-flash-image", "DELETE, GET, PUT"),
        ("PATCH", "/v1/recipes/warm", "DELETE, GET, PUT"),
    ],
)
def test_another_method_is_405_with_those_that_there_are(method: str, path: str, allowed: str) -> None:
    status, headers, problem = _ask(method, path)
    assert (status, problem["code"], headers["allow"]) == (405, "METHOD_NOT_ALLOWED", allowed)
    assert problem["allowed"] == allowed.split(", ")


@given(st.text(max_size=600).map(lambda path: f"/{path}"), st.sampled_from(["GET", "POST", "BREW", "\u0130"]))
def test_whatever_is_asked_is_answered_and_only_routes_are_named(path: str, method: str) -> None:
    error = unmatched(_event(method, path))
    assert error.status in (404, 405)
    assert set(error.context["nearest"]) <= set(ROUTES)
    assert len(error.detail) < 300


def test_what_is_not_served_is_not_recommended() -> None:
    _, _, problem = _ask("GET", "/nowhere")
    assert "GET /openapi.json" in problem["fix"]
