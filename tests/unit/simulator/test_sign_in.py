"""The consent page, and what its code is good for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from local.simulator import Simulator
from local.simulator.oauth import challenge_for
from tests.conftest import SteppingClock

CALLBACK = "http://localhost:8000/oauth/callback"
VERIFIER = "a-verifier-" + "v" * 60


def address(simulator: Simulator, **fields: str) -> str:
    given = {
        "callback_url": CALLBACK,
        "code_challenge": challenge_for(VERIFIER),
        "code_challenge_method": "S256",
        "state": "a state",
        **fields,
    }
    return f"{simulator.auth}?{urlencode({name: value for name, value in given.items() if value})}"


def query(location: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(location).query)


def code_from(simulator: Simulator, **fields: str) -> str:
    return query(simulator.consent(address(simulator, **fields)))["code"][0]


def exchange(simulator: Simulator, **fields: Any) -> httpx.Response:
    body = {"code_verifier": VERIFIER, "code_challenge_method": "S256", **fields}
    return httpx.post(
        f"{simulator.api}/auth/keys", json={n: v for n, v in body.items() if v is not None}, trust_env=False
    )


class Form(HTMLParser):
    """The fields of a page, and its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input":
            self.fields[given["name"] or ""] = given.get("value") or ""
        if tag == "button":
            self.buttons.append(given["value"] or "")
        self.scripts += tag == "script"


class TestPage:
    def test_what_it_shows_and_sends(self, simulator: Simulator) -> None:
        page = httpx.get(address(simulator, key_label="My <b>key</b>"), trust_env=False)
        form = Form(page.text)
        assert "localhost:8000" in page.text
        assert "My &lt;b&gt;key&lt;/b&gt;" in page.text
        assert (form.buttons, form.scripts) == (["approve", "deny"], 0)
        sent = httpx.post(simulator.auth, data={**form.fields, "decision": "approve"}, trust_env=False)
        assert sent.status_code == 303
        assert query(sent.headers["location"])["state"] == ["a state"]
        for name, value in {"cache-control": "no-store", "referrer-policy": "no-referrer"}.items():
            assert page.headers[name] == sent.headers[name] == value

    def test_the_callback_s_own_query_comes_back(self, simulator: Simulator) -> None:
        location = simulator.consent(address(simulator, callback_url=f"{CALLBACK}?attempt=1&x=%26"))
        assert location.startswith(f"{CALLBACK}?attempt=1&x=%26&code=")

    def test_denied(self, simulator: Simulator) -> None:
        location = simulator.consent(address(simulator, callback_url=f"{CALLBACK}?attempt=1"), decision="deny")
        assert location == f"{CALLBACK}?attempt=1"

    def test_the_state_can_get_lost(self, simulator: Simulator) -> None:
        simulator.scenario("state_dropped")
        assert set(query(simulator.consent(address(simulator)))) == {"code"}

    @pytest.mark.parametrize(
        "callback", ["https://app.example/back", "https://app.example:8443/", "http://127.0.0.1:1/"]
    )
    def test_where_it_goes_back_to(self, simulator: Simulator, callback: str) -> None:
        assert httpx.get(address(simulator, callback_url=callback), trust_env=False).status_code == 200

    @pytest.mark.parametrize(
        "fields",
        [
            {"callback_url": "http://app.example/back"},
            {"callback_url": "javascript:alert(1)"},
            {"callback_url": "https://"},
            {"callback_url": "https://app.example:port/"},
            {"callback_url": "/back"},
            {"code_challenge_method": "S512"},
            {"code_challenge": "short"},
            {"limit": "much"},
            {"key_label": "x" * 101},
            # Without an application that waits, a challenge is compulsory.
            {"callback_url": "", "code_challenge": ""},
        ],
        ids=str,
    )
    def test_links_that_do_not_work(self, simulator: Simulator, fields: dict[str, str]) -> None:
        answer = httpx.get(address(simulator, **fields), trust_env=False)
        assert answer.status_code == 400
        assert "This link does not work" in answer.text

    def test_without_a_callback_the_code_is_shown(self, simulator: Simulator) -> None:
        fields = {"code_challenge": challenge_for(VERIFIER), "code_challenge_method": "S256", "decision": "approve"}
        page = httpx.post(simulator.auth, data=fields, trust_env=False).text
        code = page.partition("<code>")[2].partition("</code>")[0]
        assert exchange(simulator, code=code).status_code == 200


class TestExchange:
    def test_a_key_that_works(self, simulator: Simulator) -> None:
        answer = exchange(simulator, code=code_from(simulator)).json()
        assert answer["user_id"].startswith("user_")
        headers = {"authorization": f"Bearer {answer['key']}"}
        key = httpx.get(f"{simulator.api}/key", headers=headers, trust_env=False).json()["data"]
        assert key["label"] == f"{answer['key'][:12]}...{answer['key'][-3:]}"

    def test_the_limit_that_the_user_chose(self, simulator: Simulator) -> None:
        location = simulator.consent(address(simulator), limit="2.50", limit_reset="monthly")
        answer = exchange(simulator, code=query(location)["code"][0]).json()
        headers = {"authorization": f"Bearer {answer['key']}"}
        key = httpx.get(f"{simulator.api}/key", headers=headers, trust_env=False).json()["data"]
        assert (key["limit"], key["limit_remaining"], key["limit_reset"]) == (2.5, 2.5, "monthly")

    def test_plain(self, simulator: Simulator) -> None:
        code = code_from(simulator, code_challenge=VERIFIER, code_challenge_method="plain")
        assert exchange(simulator, code=code, code_challenge_method="plain").status_code == 200

    def test_once_only(self, simulator: Simulator) -> None:
        code = code_from(simulator)
        with ThreadPoolExecutor(8) as threads:
            statuses = [
                answer.status_code for answer in threads.map(lambda _: exchange(simulator, code=code), range(8))
            ]
        assert sorted(statuses) == [200] + [400] * 7

    def test_ten_minutes(self, simulator: Simulator, clock: SteppingClock) -> None:
        fresh, stale = code_from(simulator), code_from(simulator)
        clock.step(timedelta(minutes=10))
        assert exchange(simulator, code=fresh).status_code == 200
        clock.step(timedelta(seconds=1))
        expired = exchange(simulator, code=stale)
        assert (expired.status_code, expired.json()["error"]["message"]) == (403, "Authorization code expired")

    @pytest.mark.parametrize("verifier", ["w" * 64, "", None, "ü" * 64])
    def test_a_wrong_verifier(self, simulator: Simulator, verifier: str | None) -> None:
        code = code_from(simulator)
        refused = exchange(simulator, code=code, code_verifier=verifier)
        assert (refused.status_code, refused.json()["error"]["message"]) == (403, "Invalid code or code_verifier")
        # And the code is gone.
        assert exchange(simulator, code=code).status_code == 400

    def test_an_unknown_code(self, simulator: Simulator) -> None:
        refused = exchange(simulator, code="auth_code_made_up")
        assert (refused.status_code, refused.json()) == (400, {"error": {"message": "Invalid code", "code": 400}})

    @pytest.mark.parametrize("method", ["plain", "S512"])
    def test_another_method(self, simulator: Simulator, method: str) -> None:
        refused = exchange(simulator, code=code_from(simulator), code_challenge_method=method)
        assert (refused.status_code, refused.json()["error"]["message"]) == (400, "Invalid code_challenge_method")

    def test_an_empty_body(self, simulator: Simulator) -> None:
        refused = httpx.post(f"{simulator.api}/auth/keys", json={}, trust_env=False)
        assert (refused.status_code, refused.json()["error"]["name"]) == (400, "ZodError")

    def test_another_verb(self, simulator: Simulator) -> None:
        assert httpx.get(f"{simulator.api}/auth/keys", trust_env=False).status_code == 405

    @pytest.mark.parametrize(
        ("name", "status"),
        [("conflict", 409), ("internal", 500), ("invalid_code", 400), ("wrong_verifier", 403), ("expired_code", 403)],
    )
    def test_scenarios(self, simulator: Simulator, name: str, status: int) -> None:
        simulator.scenario(name, path="/auth/keys")
        assert exchange(simulator, code=code_from(simulator)).status_code == status


class TestLimitedKeys:
    """`POST /auth/keys/code`: the documented way to a key with a limit, an interval and an expiry."""

    TERMS: ClassVar = {"limit": 2.5, "usage_limit_type": "monthly", "expires_at": "2026-04-01T00:00:00Z"}

    def _ask(self, simulator: Simulator, **fields: Any) -> httpx.Response:
        body = {"callback_url": CALLBACK, "code_challenge": challenge_for(VERIFIER), "code_challenge_method": "S256"}
        headers = {"authorization": f"Bearer {simulator.key}"}
        return httpx.post(f"{simulator.api}/auth/keys/code", json={**body, **fields}, headers=headers, trust_env=False)

    def _key(self, simulator: Simulator, secret: str) -> Any:
        headers = {"authorization": f"Bearer {secret}"}
        return httpx.get(f"{simulator.api}/key", headers=headers, trust_env=False).json()["data"]

    def test_the_key_of_the_code_keeps_all_three(self, simulator: Simulator, clock: SteppingClock) -> None:
        code = self._ask(simulator, **self.TERMS).json()["data"]["id"]
        secret = exchange(simulator, code=code).json()["key"]
        key = self._key(simulator, secret)
        assert (key["limit"], key["limit_remaining"], key["limit_reset"]) == (2.5, 2.5, "monthly")
        assert key["expires_at"].startswith("2026-04-01T00:00:00")
        clock.step(timedelta(days=31))
        headers = {"authorization": f"Bearer {secret}"}
        assert httpx.get(f"{simulator.api}/key", headers=headers, trust_env=False).status_code == 401

    @pytest.mark.parametrize(
        "fields",
        [
            {"limit": "5"},
            {"limit": -1},
            {"usage_limit_type": "hourly"},
            {"code_challenge_method": "S512"},
            {"key_label": "x" * 101},
            {"expires_at": "tomorrow"},
            {"expires_at": "2026-04-01T00:00:00+02:00"},
            {"expires_at": "2026-02-01T00:00:00Z"},
            {"callback_url": "http://app.example/back"},
        ],
        ids=str,
    )
    def test_what_it_does_not_take(self, simulator: Simulator, fields: dict[str, Any]) -> None:
        assert self._ask(simulator, **fields).status_code == 400

    def test_the_pages_own_address_proposes_nothing(self, simulator: Simulator) -> None:
        named = {"limit": "2.5", "usage_limit_type": "monthly", "expires_at": "2026-04-01T00:00:00Z"}
        form = Form(httpx.get(address(simulator, **named), trust_env=False).text)
        assert form.fields["limit"] == ""
        assert not {"usage_limit_type", "expires_at"} & form.fields.keys()

    def test_another_person_has_another_id(self, simulator: Simulator) -> None:
        codes = [code_from(simulator), code_from(simulator, account="user_2second")]
        given = [exchange(simulator, code=code).json() for code in codes]
        assert [each["user_id"] for each in given] == [simulator.state.user_id, "user_2second"]
        assert self._key(simulator, given[1]["key"])["creator_user_id"] == "user_2second"
