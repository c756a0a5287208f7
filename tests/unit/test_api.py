import json
from typing import Any

import pytest

from darkroom.api import Api
from darkroom.errors import ServiceUnavailable
from darkroom.services.tokens import Tokens
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.fakes.memory import MemoryTokenStore


@pytest.fixture
def tokens(clock: SteppingClock) -> Tokens:
    return Tokens(MemoryTokenStore(), clock)


@pytest.fixture
def api(tokens: Tokens) -> Api:
    api = Api(tokens)

    @api.get("/who")
    def who() -> dict[str, str]:
        return {"user": api.user}

    @api.get("/busy")
    def busy() -> dict[str, str]:
        raise ServiceUnavailable("AWS is busy.", retry_after=2)

    @api.get("/bug")
    def bug() -> dict[str, str]:
        raise RuntimeError("the secret is sk-or-v1-canary")

    return api


def _call(api: Api, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], Any]:
    answer = api.handle(http_event("GET", path, headers=headers), Context())  # type: ignore[arg-type]
    return answer["statusCode"], answer["headers"], json.loads(answer["body"])


@pytest.mark.parametrize(
    "header", [("Authorization", "Bearer {}"), ("authorization", "bearer {}"), ("X-Api-Key", "{}")]
)
def test_a_token_is_taken_from_either_header(api: Api, tokens: Tokens, header: tuple[str, str]) -> None:
    name, form = header
    _, plaintext = tokens.create(user="alice")
    assert _call(api, "/who", {name: form.format(plaintext)})[::2] == (200, {"user": "alice"})


@pytest.mark.parametrize("path", ["/who", "/bug", "/none"])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "UNAUTHENTICATED"),
        ({"Authorization": "Basic YTpi"}, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer "}, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer dk_x"}, "INVALID_TOKEN"),
        ({"X-Api-Key": "dk_x"}, "INVALID_TOKEN"),
    ],
)
def test_nothing_is_reached_without_a_token(api: Api, path: str, headers: dict[str, str], code: str) -> None:
    status, sent, problem = _call(api, path, headers)
    assert (status, problem["code"], sent["www-authenticate"]) == (401, code, "Bearer")


def test_one_caller_is_not_taken_for_the_one_before(api: Api, tokens: Tokens) -> None:
    for user in ("alice", "bob", "alice"):
        assert _call(api, "/who", {"X-Api-Key": tokens.create(user=user)[1]})[2] == {"user": user}
        assert _call(api, "/who")[0] == 401


def test_a_bug_is_answered_without_what_it_said(api: Api, tokens: Tokens) -> None:
    status, headers, problem = _call(api, "/bug", {"X-Api-Key": tokens.create(user="alice")[1]})
    assert (status, problem["code"], headers["content-type"]) == (500, "INTERNAL_ERROR", "application/problem+json")
    assert "canary" not in json.dumps(problem)


def test_a_fault_that_passes_says_when_to_try_again(api: Api, tokens: Tokens) -> None:
    status, headers, problem = _call(api, "/busy", {"X-Api-Key": tokens.create(user="alice")[1]})
    assert (status, headers["retry-after"], problem["retryable"]) == (503, "2", True)


def test_an_unknown_path_is_a_problem_too(api: Api, tokens: Tokens) -> None:
    status, headers, problem = _call(api, "/none", {"X-Api-Key": tokens.create(user="alice")[1]})
    assert (status, problem["code"], headers["x-request-id"]) == (404, "NOT_FOUND", "req-1")
    assert problem["instance"] == "urn:darkroom:request:req-1"


def test_no_answer_may_be_cached_or_sniffed(api: Api) -> None:
    _, headers, _ = _call(api, "/who")
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" in headers
