import json
from collections.abc import Iterator

import pytest

from darkroom import errors
from darkroom.errors import DarkroomError, InvalidParameter


def _all(kind: type[DarkroomError]) -> Iterator[type[DarkroomError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _all(child)


@pytest.mark.parametrize("kind", list(_all(DarkroomError)))
def test_every_error_serves_both_readers(kind: type[DarkroomError]) -> None:
    body = kind("It broke.", fix="Mend it.", param="size", retry_after=3, context={"accepted": ["a"]}).problem()
    assert {"type", "title", "status", "detail", "code", "retryable", "retry_after", "charged"} <= body.keys()
    assert body["charged"] is False
    assert body["accepted"] == ["a"]
    assert body["error"] == {
        "message": "It broke. Mend it.",
        "type": "server_error" if kind.status >= 500 else {429: "requests"}.get(kind.status, "invalid_request_error"),
        "param": "size",
        "code": kind.code,
    }
    assert 400 <= kind.status < 600


@pytest.mark.parametrize(
    ("kind", "openai_type"),
    [
        # As OpenAI answers a wrong key: {"type": "invalid_request_error", "code": "invalid_api_key"}.
        (errors.InvalidToken, "invalid_request_error"),
        (errors.InvalidParameter, "invalid_request_error"),
        (errors.NoSuchRoute, "invalid_request_error"),
        (errors.InsufficientCredits, "invalid_request_error"),
        # As it answers too many requests a minute: {"type": "requests", "code": "rate_limit_exceeded"}.
        (errors.TooManyRequests, "requests"),
        (errors.RateLimited, "requests"),
        (errors.ServiceUnavailable, "server_error"),
        (DarkroomError, "server_error"),
    ],
)
def test_the_type_is_what_openai_says_for_the_status(kind: type[DarkroomError], openai_type: str) -> None:
    assert kind("It broke.").problem()["error"]["type"] == openai_type


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    drawn = errors.__doc__ or ""
    for kind in _all(DarkroomError):
        assert f" {kind.__name__} " in drawn.replace("\n", " "), kind


def test_codes_are_unique_among_the_errors_that_are_raised() -> None:
    leaves = [kind for kind in _all(DarkroomError) if not kind.__subclasses__()]
    assert len({kind.code for kind in leaves}) == len(leaves)


@pytest.mark.parametrize("before", ["", "my", "key=", "a b"])
def test_a_key_is_taken_out_of_all_that_an_error_says(before: str) -> None:
    key = f"{before}sk-or-v1-{'0123456789abcdef' * 4}"
    link = "https://bucket.example/outputs/0.png?X-Amz-Credential=AKIA0123456789ABCDEF%2F20260301"
    job = {"id": "job_1", "input": {"prompt": f"A fox {key}"}, "warnings": (key,), "urls": {"get": link}, "n": 4}
    error = InvalidParameter(f"`{key}` is none.", fix=f"Not {key}.", param=key, context={"job": job})
    problem = error.problem()
    assert "0123456789abcdef01" not in json.dumps(problem)
    assert (problem["job"]["urls"]["get"], problem["job"]["n"], problem["job"]["id"]) == (link, 4, "job_1")
