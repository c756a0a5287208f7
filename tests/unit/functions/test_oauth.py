"""The routes of the sign-in as browsers, scanners of mail and other people's sites call them."""

from datetime import timedelta

import pytest

from darkroom.services.accounts.links import LIFETIME
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.functions.signing_in import SESSION, Browser, Site, location, text

FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"origin": "null", "sec-fetch-site": "cross-site"},
    {"origin": "null"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://sub.127.0.0.1"},
    {"origin": "http://127.0.0.1"},
    {"accept": "*/*"},
]
BACK = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "/%5cevil.example\\x",
    "/\t/evil.example", "javascript:alert(1)", "https:/evil.example", "evil.example", "@evil.example", "/a\nb",
    "/\u2028/evil.example",
]  # fmt: skip
WRITING = (
    *("/oauth/guest", "/oauth/paste", "/oauth/link", "/oauth/token", "/oauth/tokens", "/oauth/tokens/revoke"),
    *("/oauth/unlink", "/oauth/disconnect", "/oauth/sign-out"),
)


@pytest.fixture
def site(studio_simulator: Simulator, clock: SteppingClock) -> Site:
    return Site(studio_simulator, clock)


@pytest.fixture
def browser(site: Site) -> Browser:
    return Browser(site)


class TestLinks:
    def test_a_link_signs_in_by_its_button(self, site: Site, browser: Browser) -> None:
        key = site.link("alice")
        page = browser.get(f"/oauth/link?key={key}")
        assert (page["statusCode"], "Sign in as alice" in text(page), browser.user) == (200, True, None)
        done = browser.post("/oauth/link", {"key": key, "return_to": "/oauth"})
        assert (done["statusCode"], location(done), browser.user) == (302, "/oauth", "alice")

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_a_scanner_of_mail_uses_nothing_up(self, site: Site, browser: Browser, method: str) -> None:
        key, scanner = site.link("alice"), Browser(site)
        for _ in range(3):
            scanner.send(method, f"/oauth/link?key={key}")
        assert (scanner.cookies, scanner.user) == ({}, None)
        browser.post("/oauth/link", {"key": key})
        assert browser.user == "alice"

    def test_a_link_is_good_once(self, site: Site, browser: Browser) -> None:
        key, other = site.link("alice"), Browser(site)
        browser.post("/oauth/link", {"key": key})
        for again in (other.get(f"/oauth/link?key={key}"), other.post("/oauth/link", {"key": key})):
            assert (again["statusCode"], "SIGN_IN_LINK_INVALID" in text(again)) == (400, True)
        assert (browser.user, other.user) == ("alice", None)

    def test_a_link_that_is_over_says_where_another_one_comes_from(
        self, site: Site, browser: Browser, clock: SteppingClock
    ) -> None:
        key = site.link("alice")
        clock.step(LIFETIME)
        refused = browser.post("/oauth/link", {"key": key})
        assert (refused["statusCode"], browser.user) == (400, None)
        assert "<p><code>make invite USER=…</code> prints another one" in text(refused)

    @pytest.mark.parametrize("headers", FOREIGN, ids=str)
    def test_another_site_cannot_sign_a_browser_in(self, site: Site, browser: Browser, headers: dict[str, str]) -> None:
        """Login CSRF: what the victim then keeps would be kept in the attacker's account."""
        key, (_, plaintext) = site.link("mallory"), site.tokens.create(user="mallory")
        for path, form in (("/oauth/link", {"key": key}), ("/oauth/token", {"token": plaintext})):
            assert browser.post(path, form, headers)["statusCode"] == 403
        assert browser.cookies == {}
        browser.post("/oauth/link", {"key": key})
        assert browser.user == "mallory", "and the link is not used up by it"

    def test_the_page_says_whose_account_it_is_and_that_another_session_ends(
        self, site: Site, browser: Browser
    ) -> None:
        browser.open_link("alice")
        page = text(browser.get(f"/oauth/link?key={site.link('mallory')}"))
        assert "Sign in as mallory" in page
        assert "You are signed in as alice" in page

    @pytest.mark.parametrize("path", BACK)
    def test_it_leads_to_no_other_site(self, site: Site, browser: Browser, path: str) -> None:
        key, (_, plaintext) = site.link("alice"), site.tokens.create(user="alice")
        for route, form in (("/oauth/link", {"key": key}), ("/oauth/token", {"token": plaintext})):
            refused = browser.post(route, {**form, "return_to": path})
            assert (refused["statusCode"], refused["headers"].get("location")) == (400, None)
        assert browser.user is None
        assert browser.post("/oauth/link", {"key": key})["statusCode"] == 302, "and the link is not used up by it"


class TestSessions:
    def test_the_cookie_is_for_this_host_over_https_and_no_scripts(self, browser: Browser) -> None:
        (cookie,) = [each for each in browser.open_link("alice")["cookies"] if each.startswith(SESSION)]
        for flag in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=2592000"):
            assert flag in cookie
        assert "Domain" not in cookie

    @pytest.mark.parametrize("way", ["link", "token", "openrouter"])
    def test_a_session_that_was_there_before_is_not_carried_over(self, site: Site, browser: Browser, way: str) -> None:
        """Session fixation, and what a shared computer had before."""
        browser.cookies[SESSION] = planted = site.sessions.open("alice")
        if way == "openrouter":
            browser.consent()
        elif way == "token":
            browser.post("/oauth/token", {"token": site.tokens.create(user="alice")[1]})
        else:
            browser.open_link("alice")
        assert browser.user == "alice"
        assert browser.cookies[SESSION] != planted
        assert site.sessions.find(planted) is None

    def test_a_value_that_an_attacker_chose_never_becomes_a_session(self, site: Site, browser: Browser) -> None:
        browser.cookies[SESSION] = "A" * 43
        browser.open_link("alice")
        assert browser.cookies[SESSION] != "A" * 43
        assert site.sessions.find("A" * 43) is None

    def test_signing_out_ends_it_on_the_server_too(self, site: Site, browser: Browser) -> None:
        browser.open_link("alice")
        kept = browser.cookies[SESSION]
        browser.post("/oauth/sign-out")
        assert (browser.user, site.sessions.find(kept)) == (None, None)

    def test_a_limited_token_opens_a_limited_session(self, site: Site, browser: Browser) -> None:
        token, plaintext = site.tokens.create(user="alice", day_limit=1_000_000)
        browser.post("/oauth/token", {"token": plaintext})
        assert "cannot change keys or tokens" in text(browser.get("/oauth"))
        for path in ("/oauth/tokens", "/oauth/tokens/revoke", "/oauth/disconnect", "/oauth/unlink"):
            assert browser.post(path, {"id": token.id})["statusCode"] == 403
        assert browser.get("/oauth/start")["statusCode"] == 403
        assert len(site.tokens.of_user("alice")) == 1

    @pytest.mark.parametrize("token", ["", "dk_wrong", "dk_" + "A" * 43])
    def test_a_token_that_is_none_opens_nothing(self, browser: Browser, token: str) -> None:
        refused = browser.post("/oauth/token", {"token": token})
        assert (refused["statusCode"], browser.user) == (401, None)


@pytest.mark.parametrize("path", ["/oauth/tokens", "/oauth/tokens/revoke", "/oauth/unlink", "/oauth/disconnect"])
def test_another_sites_form_changes_nothing(site: Site, browser: Browser, path: str) -> None:
    browser.open_link("alice")
    token, _ = site.tokens.create(user="alice")
    for headers in FOREIGN:
        assert browser.post(path, {"id": token.id}, headers)["statusCode"] == 403
        assert browser.post("/oauth/sign-out", {}, headers)["statusCode"] == 403
    assert (browser.user, site.tokens.of_user("alice")) == ("alice", [token])


def test_every_route_that_writes_is_among_those_that_are_tried_here(site: Site) -> None:
    keys = {f"{route.method} {route.path}" for route in site.api.app._static_routes}
    assert {key for key in keys if not key.startswith("GET ")} == {f"POST {path}" for path in WRITING}
    for path in WRITING:
        answer = Browser(site).post(path, {}, {"origin": "https://evil.example"})
        assert answer["statusCode"] in (401, 403), path


@pytest.mark.parametrize("path", BACK)
def test_no_route_leads_to_another_site(browser: Browser, path: str) -> None:
    for route in ("/oauth/start", "/oauth/connect", "/oauth", "/oauth/paste", "/oauth/link"):
        answer = browser.send("GET", route, query={"return_to": path})
        assert (answer["statusCode"], answer["headers"].get("location")) == (400, None), route


def test_a_session_lasts_for_thirty_days(site: Site, browser: Browser, clock: SteppingClock) -> None:
    browser.open_link("alice")
    clock.step(timedelta(days=30) - timedelta(seconds=1))
    assert "alice" in text(browser.get("/oauth"))
    clock.step(timedelta(seconds=1))
    assert "alice" not in text(browser.get("/oauth"))
