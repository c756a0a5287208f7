import json
from datetime import timedelta
from typing import Any

import pytest

from darkroom.application import Application
from darkroom.errors import AccountExists, InvalidApiKey, NetworkError
from darkroom.http.routes.account import routes
from darkroom.models.key import StoredKey
from darkroom.services.accounts.identities import Identities
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.tokens import Tokens
from tests.application import Studio
from tests.events import Context, http_event
from tests.fakes.issuer import ScriptedOpenRouter
from tests.fakes.memory import MemoryKeyVault
from tests.openapi import handled
from tests.paid_jobs import DOLLAR, day, paid_job, succeeded


class Caller:
    def __init__(self, services: Application) -> None:
        self._api = routes(services)

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        answer = handled(self._api.handle, http_event(*args, **kwargs), Context())
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def call(accounts: Studio) -> Caller:
    return Caller(accounts.app)


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
        ({"body": "nam=x", "content_type": "application/x-www-form-urlencoded"}, 400, "INVALID_PARAMETER"),
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


class TestMoney:
    """Limits, usage and receipts of a user with a job that has cost 14,000 micro-dollars."""

    @pytest.fixture
    def call(self, studio: Studio) -> Caller:
        now = studio.clock()
        ref = day(5 * DOLLAR, now)
        job = studio.ledger.admit(paid_job("alice", now, ref, reserved=15_400)).admitted
        assert job is not None
        running = studio.jobs.start(job, now=now, lease_expires_at=now)
        assert running is not None
        assert studio.ledger.close(succeeded(running, now, generation_id="gen-1"), actual=14_000)
        return Caller(studio.app)

    @pytest.fixture
    def token(self, studio: Studio) -> str:
        return studio.token("alice")

    def test_the_stacks_limits_until_there_are_own_ones(self, call: Caller, token: str) -> None:
        shown = call("GET", "/v1/settings", token=token)[1]
        assert (
            shown
            | {
                "object": "settings",
                "max_cost_per_request": 0.25,
                "max_cost_per_conversation": 1,
                "max_cost_per_day": 5,
                "max_cost_per_month": 50,
                "warn_at_percent": 80,
            }
            == shown
        )

    def test_what_is_named_is_changed_and_null_goes_back(self, call: Caller, token: str) -> None:
        body = {"max_cost_per_request": 0.5, "max_cost_per_day": "0.0000019", "warn_at_percent": 50}
        status, changed = call("PATCH", "/v1/settings", token=token, body=body)
        # A limit is rounded down to the micro-dollar, never up.
        assert (status, changed["max_cost_per_request"], changed["max_cost_per_day"]) == (200, 0.5, 1e-06)
        _, back = call("PATCH", "/v1/settings", token=token, body={"max_cost_per_request": None})
        assert (back["max_cost_per_request"], back["max_cost_per_day"], back["warn_at_percent"]) == (0.25, 1e-06, 50)
        # What no picture can be made for is said when it is set.
        assert "`max_cost_per_day` is $0.000001" in back.pop("warnings")[0]
        assert call("GET", "/v1/settings", token=token)[1] == back

    def test_nothing_named_changes_nothing(self, call: Caller, token: str) -> None:
        before = call("GET", "/v1/settings", token=token)
        assert call("PATCH", "/v1/settings", token=token, body={}) == before

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"max_cost_per_day": -0.01}, "max_cost_per_day"),
            ({"max_cost_per_day": "Infinity"}, "max_cost_per_day"),
            ({"max_cost_per_day": 100_001}, "max_cost_per_day"),
            ({"max_cost_per_day": True}, "max_cost_per_day"),
            ({"warn_at_percent": 101}, "warn_at_percent"),
            ({"version": 7}, "version"),
            ({"user": "bob"}, "user"),
        ],
    )
    def test_what_cannot_be_set(self, call: Caller, token: str, body: dict[str, Any], param: str) -> None:
        status, problem = call("PATCH", "/v1/settings", token=token, body=body)
        assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", param)

    def test_who_pays_with_the_stacks_key_stays_below_its_limits(self, studio: Studio) -> None:
        shared = Studio(studio.simulator, studio.clock, operator="sk-or-v1-operator")
        call, token = Caller(shared.app), shared.token("bob")
        body = {"max_cost_per_day": 500, "max_cost_per_month": 1}
        _, changed = call("PATCH", "/v1/settings", token=token, body=body)
        assert (changed["max_cost_per_day"], changed["max_cost_per_month"]) == (5, 1)
        assert [key["owner"] for key in call("GET", "/v1/keys", token=token)[1]["data"]] == ["stack"]

    @pytest.mark.parametrize(("own", "shown"), [("openrouter", 500), ("openai", 5)])
    def test_what_is_shown_is_what_holds_for_whoever_may_spend_the_stacks_money(
        self, studio: Studio, own: str, shown: float
    ) -> None:
        shared = Studio(studio.simulator, studio.clock, operator="sk-or-v1-operator")
        call, token = Caller(shared.app), shared.token("bob")
        key = StoredKey(user="bob", provider=own, hint="", sha256="0" * 64, connected_at=studio.clock())
        shared.vault.store(key, "sk-" + "0" * 40)
        _, changed = call("PATCH", "/v1/settings", token=token, body={"max_cost_per_day": 500})
        _, usage = call("GET", "/v1/usage", token=token)
        assert (changed["max_cost_per_day"], usage["limits"]["max_cost_per_day"]) == (shown, shown)
        assert usage["budgets"][0]["limit_usd"] == shown

    def test_usage_says_what_is_left(self, call: Caller, token: str, studio: Studio) -> None:
        _, usage = call("GET", "/v1/usage", token=token)
        today = usage["budgets"][0]
        assert (usage["object"], today["name"], today["spent_usd"], today["remaining_usd"]) == (
            "usage", "day", 0.014, 4.986,
        )  # fmt: skip
        assert today["resets_at"] == "2026-03-02T00:00:00+00:00"
        limited = studio.token("alice", day_limit=5)
        names = [row["name"] for row in call("GET", "/v1/usage", token=limited)[1]["budgets"]]
        assert names == ["day", "month", "token_day"]

    def test_a_receipt_has_dollars_and_what_adds_up(self, call: Caller, token: str, studio: Studio) -> None:
        _, page = call("GET", "/v1/usage/receipts", token=token)
        (receipt,) = page["data"]
        assert (receipt["object"], receipt["generation_id"], receipt["charged"]) == ("receipt", "gen-1", True)
        assert (receipt["actual_micro_usd"], receipt["actual_usd"], receipt["actual_credits"]) == (14_000, 0.014, 35)
        assert (receipt["reserved_usd"], receipt["estimated_usd"]) == (0.0154, 0.0154)
        assert "user" not in receipt
        assert call("GET", "/v1/usage/receipts", token=studio.token("bob"))[1]["data"] == []

    @pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"month": "2026-13"}, {"cursor": "x" * 65}])
    def test_a_page_that_cannot_be(self, call: Caller, token: str, query: dict[str, str]) -> None:
        status, problem = call("GET", "/v1/usage/receipts", token=token, query=query)
        assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", next(iter(query)))

    def test_receipts_come_by_the_month_they_were_made_in(self, call: Caller, token: str) -> None:
        def of(month: str) -> int:
            return len(call("GET", "/v1/usage/receipts", token=token, query={"month": month})[1]["data"])

        assert (of("2026-03"), of("2026-02")) == (1, 0)

    def test_a_token_can_have_limits_of_its_own(self, call: Caller, token: str) -> None:
        body = {"day_limit_usd": 0.5, "month_limit_usd": "7.000001"}
        status, made = call("POST", "/v1/tokens", token=token, body=body)
        assert (status, made["day_limit_usd"], made["month_limit_usd"]) == (201, 0.5, 7.000001)
        assert "day_limit" not in made

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PATCH", "/v1/settings", {"max_cost_per_day": 1000}),
            ("POST", "/v1/tokens", {}),
            ("DELETE", "/v1/tokens/tok_1", None),
            ("PUT", "/v1/keys/openrouter", {"key": KEY}),
            ("DELETE", "/v1/keys/openrouter", None),
        ],
    )
    def test_one_that_has_cannot_change_what_anybody_may(
        self, call: Caller, studio: Studio, method: str, path: str, body: dict[str, Any] | None
    ) -> None:
        # Zero is a limit, too.
        status, problem = call(method, path, token=studio.token("alice", month_limit=0), body=body)
        assert (status, problem["code"], problem["charged"]) == (403, "TOKEN_RESTRICTED", False)
        assert studio.settings.settings == {}
        assert studio.vault.describe("alice")


class TestSession:
    def test_one_who_is_not_signed_in_is_told_so(self, call: Caller) -> None:
        assert call("GET", "/v1/session") == (
            200,
            {
                "object": "session",
                "signed_in": False,
                "user": None,
                "sign_in": "/oauth",
                "guest": False,
                "guests": False,
            },
        )

    def test_a_token_that_is_none_is_refused(self, call: Caller) -> None:
        assert call("GET", "/v1/session", token="dk_wrong")[0] == 401

    def test_a_token_says_whose_it_is_and_what_pays(self, call: Caller, token: str, keys: Keys) -> None:
        keys.connect("alice", "openrouter", "sk-or-v1-" + "c0ffee" * 10)
        status, session = call("GET", "/v1/session", token=token)
        assert (status, session["user"], session["signed_in_with"], session["restricted"]) == (
            200, "alice", "token", False,
        )  # fmt: skip
        (connected,) = session["connected"]
        assert (connected["provider"], connected["left_usd"], connected["limit_usd"]) == ("openrouter", 4.25, 5.0)
        assert "c0ffee" * 10 not in json.dumps(session)

    def test_a_limited_token_is_restricted_and_says_until_when(self, call: Caller, tokens: Tokens) -> None:
        limited, plaintext = tokens.create(user="alice", day_limit=1, lifetime=timedelta(days=2))
        session = call("GET", "/v1/session", token=plaintext)[1]
        assert (session["restricted"], session["token"]["id"]) == (True, limited.id)
        assert session["expires_at"] == limited.expires_at.isoformat() if limited.expires_at else None

    def test_a_pasted_key_is_a_claim_and_links_no_one(
        self, call: Caller, token: str, openrouter: ScriptedOpenRouter, identities: Identities
    ) -> None:
        openrouter.status = openrouter.status.model_copy(update={"user_id": "user_alice"})
        assert call("PUT", "/v1/keys/openrouter", token=token, body={"key": "sk-or-v1-" + "c0ffee" * 10})[0] == 200
        assert call("GET", "/v1/session", token=token)[1]["linked"] == []
        with pytest.raises(AccountExists):
            identities.for_sign_in("user_alice")
        identities.link(identities.for_connection("user_alice", "alice"))
        (linked,) = call("GET", "/v1/session", token=token)[1]["linked"]
        assert (linked["provider"], linked["hint"]) == ("openrouter", "lice")
