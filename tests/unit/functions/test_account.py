import json
from typing import Any

import pytest

from darkroom.bootstrap import AccountServices
from darkroom.services.tokens import Tokens
from functions.account.app import routes
from tests.events import Context, http_event


class Caller:
    def __init__(self, tokens: Tokens) -> None:
        self._api = routes(AccountServices(tokens))

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        answer = self._api.handle(http_event(*args, **kwargs), Context())  # type: ignore[arg-type]
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def call(tokens: Tokens) -> Caller:
    return Caller(tokens)


def test_a_token_is_told_once_and_works(call: Caller, token: str) -> None:
    status, made = call("POST", "/v1/tokens", token=token, body={"name": "ci", "expires_in_days": 7})
    assert status == 201
    assert made["user"] == "alice"
    status, listed = call("GET", "/v1/tokens", token=made["token"])
    assert status == 200
    assert {row["id"] for row in listed["data"]} > {made["id"]}
    told = json.dumps(listed)
    assert "sha256" not in told
    assert made["token"] not in told


def test_a_revoked_token_no_longer_works(call: Caller, token: str) -> None:
    _, made = call("POST", "/v1/tokens", token=token, body={})
    assert call("DELETE", f"/v1/tokens/{made['id']}", token=token) == (
        200,
        {"id": made["id"], "object": "token", "deleted": True},
    )
    status, problem = call("GET", "/v1/tokens", token=made["token"])
    assert (status, problem["code"]) == (401, "INVALID_TOKEN")


def test_anothers_tokens_are_neither_seen_nor_revoked(call: Caller, token: str, tokens: Tokens) -> None:
    bobs, _ = tokens.create(user="bob")
    assert all(row["user"] == "alice" for row in call("GET", "/v1/tokens", token=token)[1]["data"])
    assert call("DELETE", f"/v1/tokens/{bobs.id}", token=token)[0] == 404


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"name": "x" * 101}, "name"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": "soon"}, "expires_in_days"),
        ({"user": "bob"}, "user"),
    ],
)
def test_a_field_that_is_not_accepted_is_named(call: Caller, token: str, body: dict[str, Any], param: str) -> None:
    status, problem = call("POST", "/v1/tokens", token=token, body=body)
    assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", param)
    assert problem["charged"] is False
