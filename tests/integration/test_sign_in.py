"""Signing in against the running stack and the simulator of OpenRouter, as a browser does it."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from darkroom.adapters.clock import utc_now
from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.services.accounts.links import Links
from local.invite import main as invite
from local.stack import USER, Stack
from local.template import DEFAULT
from tests.integration.conftest import simulator_of
from tests.openapi import CHECKED

Form = dict[str, str]


class Browser:
    """Follows links and sends forms by hand, with cookies and the headers that browsers send."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = httpx.Client(base_url=stack.url, timeout=60, trust_env=False, event_hooks=CHECKED)

    def start(self, query: str = "") -> httpx.Response:
        return self.http.get(f"/oauth/start{query}")

    def consent(self, location: str, **chosen: str) -> str:
        """Approves on OpenRouter's page; the address that it leads back to. `account` is another OpenRouter user."""
        page = self.http.get(location)
        assert page.status_code == 200, page.text
        hidden = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
        fields = {unescape(name): unescape(value) for name, value in hidden}
        sent = self.http.post(f"{self.stack.openrouter.url}/auth", data={**fields, **chosen, "decision": "approve"})
        assert sent.status_code in (302, 303), sent.text
        return str(sent.headers["location"])

    def sign_in(self, query: str = "", account: str = "user_2somebody") -> httpx.Response:
        return self.http.get(self.consent(self.start(query).headers["location"], account=account))

    @property
    def session(self) -> Any:
        return self.http.get("/v1/session").json()

    def post(self, path: str, data: Form | None = None, origin: str | None = None) -> httpx.Response:
        return self.http.post(path, data=data, headers={"origin": origin or self.stack.url})


@pytest.fixture
def browser(stack: Stack) -> Iterator[Browser]:
    made = Browser(stack)
    with made.http:
        yield made


@pytest.fixture
def simulator(stack: Stack) -> Iterator[httpx.Client]:
    with simulator_of(stack) as calls:
        yield calls


def _is_safe(answer: httpx.Response) -> bool:
    headers = answer.headers
    return headers["cache-control"] == "no-store" and headers["referrer-policy"] == "no-referrer"


def _user(browser: Browser) -> str:
    return str(browser.session["user"])


class TestThereAndBack:
    def test_it_ends_connected(self, browser: Browser) -> None:
        assert "Sign in with OpenRouter" in browser.http.get("/oauth").text
        done = browser.sign_in("?return_to=/oauth")
        assert (done.status_code, done.headers["location"]) == (302, "/oauth")
        assert _is_safe(done)
        (cookie,) = [c for c in done.headers.get_list("set-cookie") if c.startswith("darkroom-session=")]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie, "there is no HTTPS on a laptop"
        page = browser.http.get("/oauth").text
        assert "Connected" in page
        assert "no limit on this key" in page

    def test_the_session_serves_the_api_and_shows_no_key(self, browser: Browser) -> None:
        browser.sign_in()
        (key,) = browser.http.get("/v1/keys").json()["data"]
        assert (key["provider"], key["owner"]) == ("openrouter", "user")
        assert "sk-or-v1-" not in re.sub(r"sk-or-v1-\w{3}\.\.\.", "", str(key))
        assert browser.http.get("/v1/jobs").status_code == 200

    def test_the_challenge_is_s256_and_the_callback_this_stacks_own(self, stack: Stack, browser: Browser) -> None:
        answer = browser.start("?return_to=/oauth")
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        assert query["code_challenge_method"] == ["S256"]
        assert query["callback_url"][0].startswith(f"{stack.url}/oauth/callback?attempt=")
        assert query["state"] == parse_qs(urlsplit(query["callback_url"][0]).query)["attempt"]
        assert _is_safe(answer)

    def test_it_works_when_state_does_not_come_back(self, browser: Browser, simulator: httpx.Client) -> None:
        simulator.post("/_simulator/scenario", json={"name": "state_dropped", "times": 1})
        assert browser.sign_in().status_code == 302

    def test_two_tabs_at_once_both_arrive(self, browser: Browser) -> None:
        first, second = browser.start("?return_to=/oauth?tab=1"), browser.start("?return_to=/oauth?tab=2")
        for answer, tab in ((second, 2), (first, 1)):
            done = browser.http.get(browser.consent(answer.headers["location"]))
            assert done.headers["location"] == f"/oauth?tab={tab}"

    def test_a_pasted_code_does_it_too(self, browser: Browser) -> None:
        page = browser.http.get("/oauth/paste").text
        nonce = re.findall(r'name="attempt" value="([^"]+)"', page)[0]
        out = unescape(re.findall(r'<a href="([^"]+)" target', page)[0])
        consent = browser.http.get(out).text
        fields = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', consent))
        shown = browser.http.post(f"{browser.stack.openrouter.url}/auth", data={**fields, "decision": "approve"})
        code = re.findall(r"<code[^>]*>([^<]+)</code>", shown.text)[0]
        assert browser.post("/oauth/paste", {"attempt": nonce, "code": f" {code} "}).status_code == 302
        assert "Connected" in browser.http.get("/oauth").text

    def test_from_another_name_of_this_machine_it_starts_at_the_right_one(self, stack: Stack) -> None:
        port = urlsplit(stack.url).port
        answer = httpx.get(f"http://localhost:{port}/oauth/start?return_to=/oauth", trust_env=False, timeout=30)
        assert answer.headers["location"] == f"{stack.url}/oauth/start?return_to=/oauth"

    def test_disconnecting_forgets_the_key_and_keeps_the_session(self, browser: Browser) -> None:
        browser.sign_in()
        page = browser.post("/oauth/disconnect")
        assert page.status_code == 200
        assert "Revoke it at OpenRouter" in page.text
        assert "https://openrouter.ai/keys/" in page.text
        assert browser.http.get("/v1/keys").json()["data"] == []

    def test_signing_out_ends_the_session_and_keeps_the_key(self, browser: Browser) -> None:
        browser.sign_in()
        user = _user(browser)
        assert browser.post("/oauth/sign-out").status_code == 302
        assert browser.http.get("/v1/keys").status_code == 401
        browser.sign_in()
        assert _user(browser) == user

    def test_a_session_that_was_there_before_is_not_carried_over(self, browser: Browser) -> None:
        browser.sign_in()
        before = browser.http.cookies["darkroom-session"]
        browser.sign_in()
        assert browser.http.cookies["darkroom-session"] != before
        old = httpx.get(f"{browser.stack.url}/v1/keys", cookies={"darkroom-session": before}, trust_env=False)
        assert old.status_code == 401

    @pytest.mark.parametrize("path", ["/oauth/disconnect", "/oauth/sign-out"])
    def test_another_sites_form_signs_nobody_out(self, browser: Browser, path: str) -> None:
        browser.sign_in()
        assert browser.post(path, origin="https://evil.example").status_code == 403
        assert browser.http.get("/v1/keys").status_code == 200

    def test_another_sites_page_stores_no_key_with_the_cookie(self, browser: Browser) -> None:
        browser.sign_in()
        answer = browser.http.put(
            "/v1/keys/openrouter", json={"key": "sk-or-v1-" + "0" * 64}, headers={"origin": "https://evil.example"}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "FOREIGN_ORIGIN")


class TestOneAccount:
    def test_the_laptops_link_signs_in_as_its_user_once(self, stack: Stack, browser: Browser) -> None:
        link = json.loads((stack.folder / "darkroom.json").read_text())["sign_in_url"]
        page = browser.http.get(link)
        assert f"Sign in as {USER}" in page.text
        (key,) = re.findall(r'name="key" value="([^"]+)"', page.text)
        assert browser.post("/oauth/link", {"key": key}).status_code == 302
        session = browser.session
        assert (session["user"], session["signed_in_with"], session["restricted"]) == (USER, "link", False)
        assert [each["provider"] for each in session["connected"]] == ["openrouter"]
        other = Browser(stack)
        with other.http:
            assert other.post("/oauth/link", {"key": key}).status_code == 400
            assert other.session["signed_in"] is False

    def test_the_simulators_own_account_signs_in_as_the_laptops_user(self, stack: Stack, browser: Browser) -> None:
        browser.sign_in(account="")
        assert _user(browser) == USER
        # Other tests know the key that the stack began with.
        key = {"key": stack.describe()["openrouter_key"]}
        headers = {"authorization": f"Bearer {stack.token}"}
        assert browser.http.put("/v1/keys/openrouter", json=key, headers=headers).status_code == 200

    def test_a_token_made_on_the_page_pays_with_the_key_that_was_connected(
        self, stack: Stack, browser: Browser, simulator: httpx.Client
    ) -> None:
        browser.sign_in("?limit_usd=2&limit_reset=monthly&expires_in_days=30", account="user_2painter")
        (connected,) = browser.session["connected"]
        assert (connected["left_usd"], connected["limit_usd"], connected["limit_reset"]) == (2.0, 2.0, "monthly")
        page = browser.post("/oauth/tokens", {"name": "page", "expires_in_days": "", "day_limit_usd": ""})
        (token,) = set(re.findall(r"dk_[A-Za-z0-9_-]{43}", page.text))
        before = len(simulator.get("/_simulator/invoice").json())
        made = httpx.post(
            f"{stack.url}/v1/images/generations",
            json={"prompt": "A red fox asleep in fresh snow", "response_format": "url"},
            headers={"authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
        )
        assert made.status_code == 200, made.text
        charge = simulator.get("/_simulator/invoice").json()[before:]
        keys = browser.http.get("/v1/keys").json()["data"]
        assert [each["key_hash"] for each in charge] == [keys[0]["manage_url"].rpartition("/")[2]]
        assert browser.session["connected"][0]["left_usd"] < 2.0

    def test_make_invite_lets_another_user_in(
        self, stack: Stack, browser: Browser, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert invite(["guest", "--state", str(stack.folder)]) == 0
        link = capsys.readouterr().out.strip()
        (key,) = re.findall(r'name="key" value="([^"]+)"', browser.http.get(link).text)
        browser.post("/oauth/link", {"key": key})
        assert browser.session["user"] == "guest"

    def test_no_route_that_writes_takes_a_cookie_from_another_sites_page(self, stack: Stack, browser: Browser) -> None:
        browser.sign_in()
        routes = [route for route in stack.template.routes if route.method not in ("GET", DEFAULT)]
        assert len(routes) > 20
        for route in routes:
            path = re.sub(r"{[^}]*}", "x", route.path)
            answer = browser.http.request(route.method, path, headers={"origin": "https://evil.example"})
            # Doors say it in the form of their own API.
            assert (answer.status_code, "own pages" in answer.text) == (403, True), route.key

    def test_of_two_processes_one_gets_the_link(self, stack: Stack) -> None:
        """The gateway gives calls at the same time to processes of their own."""
        link = _links(stack).create("alice", origin=stack.url)
        key = parse_qs(urlsplit(link).query)["key"][0]
        with ThreadPoolExecutor(4) as threads:
            answers = list(
                threads.map(
                    lambda _: httpx.post(
                        f"{stack.url}/oauth/link",
                        data={"key": key},
                        headers={"origin": stack.url},
                        timeout=60,
                        trust_env=False,
                    ),
                    range(4),
                )
            )
        assert sorted(answer.status_code for answer in answers) == [302, 400, 400, 400]


def _links(stack: Stack) -> Links:
    return Links(DynamoLinkStore(stack.template.scope.ref("Table"), stack.aws.dynamodb), utc_now)


class TestWhatGoesWrong:
    def _refused(self, browser: Browser, answer: httpx.Response, code: str, status: int) -> None:
        assert (answer.status_code, code in answer.text) == (status, True), answer.text
        assert answer.headers["content-type"].startswith("text/html")
        assert _is_safe(answer)
        assert "Start again" in answer.text
        assert "Traceback" not in answer.text
        assert browser.http.get("/v1/keys").status_code == 401

    def test_a_replayed_callback(self, browser: Browser, stack: Stack) -> None:
        back = browser.consent(browser.start().headers["location"])
        assert browser.http.get(back).status_code == 302
        browser.post("/oauth/sign-out")
        self._refused(browser, browser.http.get(back), "SIGN_IN_USED", 400)

    @pytest.mark.parametrize("query", ["", "?attempt=x&code=c", f"?attempt={'A' * 43}&code=c", "?code=c&state=s"])
    def test_a_forged_callback(self, browser: Browser, query: str) -> None:
        browser.start()
        self._refused(browser, browser.http.get(f"/oauth/callback{query}"), "SIGN_IN_UNKNOWN", 400)

    def test_another_browsers_callback(self, browser: Browser, stack: Stack) -> None:
        back = browser.consent(browser.start().headers["location"])
        other = Browser(stack)
        with other.http:
            self._refused(other, other.http.get(back), "SIGN_IN_ELSEWHERE", 400)
            other.start()
            self._refused(other, other.http.get(back), "SIGN_IN_ELSEWHERE", 400)
        assert browser.http.get(back).status_code == 302, "and its own browser can still use it"

    def test_a_callback_without_a_code(self, browser: Browser) -> None:
        location = browser.start().headers["location"]
        nonce = parse_qs(urlsplit(location).query)["state"][0]
        answer = browser.http.get("/oauth/callback", params={"attempt": nonce, "error": "access_denied"})
        self._refused(browser, answer, "SIGN_IN_DENIED", 403)

    @pytest.mark.parametrize(
        ("scenario", "code", "status"),
        [
            ({"name": "invalid_code"}, "CODE_INVALID", 400),
            ({"name": "invalid_method"}, "CODE_METHOD_INVALID", 400),
            ({"name": "expired_code"}, "CODE_EXPIRED", 403),
            ({"name": "wrong_verifier"}, "CODE_MISMATCH", 403),
            ({"name": "conflict", "path": "/auth/keys"}, "CODE_CONFLICT", 409),
            ({"name": "method_not_allowed", "path": "/auth/keys"}, "EXCHANGE_UNAVAILABLE", 502),
            ({"name": "internal", "path": "/auth/keys"}, "SERVICE_UNAVAILABLE", 503),
        ],
        ids=lambda value: value["name"] if isinstance(value, dict) else None,
    )
    def test_openrouter_refuses_the_code(
        self, browser: Browser, simulator: httpx.Client, scenario: Form, code: str, status: int
    ) -> None:
        back = browser.consent(browser.start().headers["location"])
        added = simulator.post("/_simulator/scenario", json={**scenario, "times": 5})
        assert added.status_code < 300, added.text
        try:
            self._refused(browser, browser.http.get(back), code, status)
        finally:
            simulator.post("/_simulator/reset")

    @pytest.mark.parametrize(
        "path",
        [
            "https://evil.example", "//evil.example", "///evil.example", "/%5Cevil.example", "%5C%5Cevil.example",
            "/%09/evil.example", "/%0A/evil.example", "%09//evil.example", "%20//evil.example", "javascript:alert(1)",
            "data:text/html,x", "https:/evil.example", "evil.example", "@evil.example", "http:evil.example",
            "/%E2%80%A8/evil.example", "/a%00b",
        ],
    )  # fmt: skip
    def test_a_way_back_to_another_site(self, browser: Browser, path: str) -> None:
        answer = browser.start(f"?return_to={path}")
        self._refused(browser, answer, "INVALID_PARAMETER", 400)
        assert "location" not in answer.headers
