import json
from typing import Any

import pytest

from darkroom.bootstrap import AccountServices
from darkroom.errors import InvalidApiKey, NetworkError
from darkroom.services.callers import Callers
from darkroom.services.keys import Keys
from darkroom.services.tokens import Tokens
from functions.account.app import routes
from tests.events import Context, http_event
from tests.fakes.issuer import ScriptedOpenRouter
from tests.fakes.memory import MemoryKeyVault


class Caller:
    def __init__(self, services: AccountServices) -> None:
        self._api = routes(services)

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        answer = self._api.handle(http_event(*args, **kwargs), Context())  # type: ignore[arg-type]
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def call(callers: Callers, tokens: Tokens, keys: Keys) -> Caller:
    return Caller(AccountServices(callers, tokens, keys))


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
        ({"name": "a\x00\x1b[31m"}, "name"),
    ],
)
def test_a_field_that_is_not_accepted_is_named(call: Caller, token: str, body: dict[str, Any], param: str) -> None:
    status, problem = call("POST", "/v1/tokens", token=token, body=body)
    assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", param)
    assert problem["charged"] is False


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"body": "[" * 100_000, "content_type": "application/json"}, 400, "INVALID_PARAMETER"),
        (
            {"body": '{"expires_in_days":' + "9" * 5000 + "}", "content_type": "application/json"},
            400,
            "INVALID_PARAMETER",
        ),
        ({"body": '{"name":', "content_type": "application/json"}, 400, "INVALID_PARAMETER"),
        ({"body": "zz", "content_type": "multipart/form-data"}, 400, "INVALID_PARAMETER"),
        ({"body": "a", "content_type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"body": "name=x", "content_type": "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_so(
    call: Caller, token: str, sent: dict[str, Any], status: int, code: str
) -> None:
    answered, problem = call("POST", "/v1/tokens", token=token, **sent)
    assert (answered, problem["code"], problem["charged"]) == (status, code, False)


def test_an_id_longer_than_any_is_not_found(call: Caller, token: str) -> None:
    assert call("DELETE", f"/v1/tokens/{'a' * 2000}", token=token)[1]["code"] == "NOT_FOUND"


KEY = "sk-or-v1-CANARY-0123456789abcdef"


class TestKeys:
    def test_a_pasted_key_is_looked_at_kept_and_never_told(
        self, call: Caller, token: str, vault: MemoryKeyVault
    ) -> None:
        status, put = call("PUT", "/v1/keys/openrouter", token=token, body={"key": f" {KEY}\n"})
        assert status == 200, put
        assert (put["provider"], put["hint"], put["owner"]) == ("openrouter", "cdef", "user")
        assert put["status"]["limit_remaining"] == 4_250_000
        assert vault.reveal("alice", "openrouter") == KEY
        status, listed = call("GET", "/v1/keys", token=token)
        assert [key["hint"] for key in listed["data"]] == ["cdef"]
        assert "CANARY" not in json.dumps([put, listed])

    def test_a_key_that_its_provider_refuses_is_not_kept(
        self, call: Caller, token: str, vault: MemoryKeyVault, openrouter: ScriptedOpenRouter
    ) -> None:
        openrouter.key_refusal = InvalidApiKey("OpenRouter does not take this key.")
        status, problem = call("PUT", "/v1/keys/openrouter", token=token, body={"key": KEY})
        assert (status, problem["code"], problem["charged"]) == (401, "INVALID_API_KEY", False)
        assert "CANARY" not in json.dumps(problem)
        assert vault.kept == {}

    @pytest.mark.parametrize("key", ["", "short", "sk-or-v1 with blanks in it, quite long", "é" * 30, "x" * 600])
    def test_what_cannot_be_a_key_is_refused_unseen(
        self, call: Caller, token: str, key: str, vault: MemoryKeyVault
    ) -> None:
        status, problem = call("PUT", "/v1/keys/openrouter", token=token, body={"key": key})
        assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", "key")
        assert vault.kept == {}

    @pytest.mark.parametrize("body", [{}, {"key": 5}, {"key": KEY, "user": "bob"}])
    def test_a_refused_body_is_not_repeated(self, call: Caller, token: str, body: dict[str, Any]) -> None:
        status, problem = call("PUT", "/v1/keys/openrouter", token=token, body=body)
        assert (status, problem["code"]) == (400, "INVALID_PARAMETER")
        assert "CANARY" not in json.dumps(problem)

    def test_a_key_is_shown_though_its_provider_cannot_be_asked(
        self, call: Caller, token: str, openrouter: ScriptedOpenRouter
    ) -> None:
        call("PUT", "/v1/keys/openrouter", token=token, body={"key": KEY})
        openrouter.key_refusal = NetworkError("Down.")
        _, listed = call("GET", "/v1/keys", token=token)
        assert [(key["hint"], key["status"]) for key in listed["data"]] == [("cdef", None)]

    def test_disconnecting_forgets_the_key_and_says_that_this_is_not_revoking(
        self, call: Caller, token: str, vault: MemoryKeyVault
    ) -> None:
        call("PUT", "/v1/keys/openrouter", token=token, body={"key": KEY})
        status, gone = call("DELETE", "/v1/keys/openrouter", token=token)
        assert (status, gone["deleted"]) == (200, True)
        assert gone["revoke_url"].startswith("https://openrouter.ai/keys/")
        assert "revoke" in gone["note"]
        assert vault.kept == {}
        assert call("DELETE", "/v1/keys/openrouter", token=token)[0] == 404

    def test_anothers_key_is_neither_seen_nor_removed(self, call: Caller, token: str, tokens: Tokens) -> None:
        call("PUT", "/v1/keys/openrouter", token=token, body={"key": KEY})
        bob = tokens.create(user="bob")[1]
        assert call("GET", "/v1/keys", token=bob)[1]["data"] == []
        assert call("DELETE", "/v1/keys/openrouter", token=bob)[0] == 404

    def test_an_unknown_provider_is_not_found(self, call: Caller, token: str) -> None:
        status, problem = call("PUT", "/v1/keys/midjourney", token=token, body={"key": KEY})
        assert (status, problem["code"]) == (404, "NOT_FOUND")
