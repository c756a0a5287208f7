"""Connecting OpenRouter to the account that is signed in, and the page of that account."""

import html
import re
from datetime import timedelta

import pytest

from darkroom.services.accounts.identities import user_of
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.functions.signing_in import BROWSER, Browser, Site, location, text

OWN = user_of("user_alice")


@pytest.fixture
def site(studio_simulator: Simulator, clock: SteppingClock) -> Site:
    return Site(studio_simulator, clock)


@pytest.fixture
def browser(site: Site) -> Browser:
    return Browser(site)


class TestConnect:
    def test_one_who_is_signed_in_connects_that_account(self, site: Site, browser: Browser) -> None:
        browser.open_link("local")
        assert location(browser.consent()) == "/oauth"
        assert browser.user == "local"
        assert site.vault.reveal("local", "openrouter") == site.openrouter.key
        browser.post("/oauth/sign-out")
        browser.consent()
        assert browser.user == "local"

    def test_one_who_is_not_gets_the_account_of_their_openrouter_user(self, browser: Browser) -> None:
        browser.consent()
        assert browser.user == OWN

    def test_the_advice_to_connect_leads_to_the_account_that_asked(self, site: Site, browser: Browser) -> None:
        """As told by a 401 to somebody with a token, in a browser that knows nothing of them."""
        _, plaintext = site.tokens.create(user="alice")
        page = browser.get("/oauth/connect?return_to=/studio")
        (return_to,) = re.findall(r'name="return_to" value="([^"]*)"', page["body"])
        assert "/oauth/start" not in page["body"], "OpenRouter is not asked before it is known for which account"
        on = browser.post("/oauth/token", {"token": plaintext, "return_to": html.unescape(return_to)})
        assert 'content="0;url=/oauth/start?return_to=%2Fstudio"' in browser.get(location(on))["body"]
        assert location(browser.consent("?return_to=/studio")) == "/studio"
        assert site.vault.reveal("alice", "openrouter") == site.openrouter.key

    def test_another_browser_cannot_finish_it(self, site: Site, browser: Browser) -> None:
        browser.open_link("alice")
        out = location(browser.get("/oauth/start"))
        attempt = re.findall(r"attempt%3D([A-Za-z0-9_-]{43})", out)[0]
        victim = Browser(site)
        victim.open_link("victim")
        refused = victim.get(f"/oauth/callback?attempt={attempt}&code=c")
        assert (refused["statusCode"], "SIGN_IN_ELSEWHERE" in text(refused)) == (400, True)
        victim.cookies[BROWSER] = browser.cookies[BROWSER]
        assert victim.get(f"/oauth/callback?attempt={attempt}&code=c")["statusCode"] == 400
        assert not site.vault.kept

    def test_moving_needs_the_page_of_this_very_session(self, site: Site, browser: Browser) -> None:
        browser.open_link("alice")
        browser.consent()
        other = Browser(site)
        other.open_link("bob")
        refused = other.consent()
        assert refused["statusCode"] == 409
        (move,) = re.findall(r"/oauth/start(\?move=[0-9a-f]{64})", refused["body"])
        for forged in ("?move=true", "?move=" + "0" * 64):
            assert other.consent(forged)["statusCode"] == 409
        assert location(other.consent(move)) == "/oauth"
        assert list(site.vault.kept) == [("bob", "openrouter")]
        assert browser.consent(move)["statusCode"] == 409, "another session's proof is none"

    def test_a_person_whose_key_was_pasted_elsewhere_is_asked(self, site: Site, browser: Browser) -> None:
        site.identities.claim("alice", site.openrouter.status.model_copy(update={"user_id": "user_alice"}))
        asked = browser.consent()
        assert (asked["statusCode"], "ACCOUNT_EXISTS" in text(asked), browser.user) == (409, True, None)
        assert "/oauth/token" in asked["body"]
        assert location(browser.consent("?new_account=true")) == "/oauth"
        assert browser.user == OWN

    def test_a_key_that_is_left_over_is_shown_with_the_way_to_remove_it(self, site: Site, browser: Browser) -> None:
        site.openrouter.status = site.openrouter.status.model_copy(update={"limit": None, "limit_remaining": None})
        done = browser.consent("?limit_usd=3&return_to=/studio")
        page = text(browser.get(location(done)))
        assert "Remove the key that is not used" in page
        assert 'href="/studio"' in page
        assert "$3.00" in page
        assert "Remove the key" not in text(browser.get("/oauth?unused_key=javascript:alert(1)"))


def test_a_form_leads_to_openrouter_by_a_navigation_of_the_browsers_own(site: Site, browser: Browser) -> None:
    """A redirect after a form is held to the page's `form-action`, which is this site alone."""
    form = browser.get("/oauth")["body"]
    assert '<input type="hidden" name="form" value="true">' in form
    page = browser.get("/oauth/start?form=true&limit_usd=&limit_reset=")
    (url,) = re.findall(r'http-equiv="refresh" content="0;url=([^"]+)"', page["body"])
    assert (page["statusCode"], html.unescape(url).startswith("https://openrouter.example/auth?")) == (200, True)
    assert browser.get("/oauth/start")["statusCode"] == 302
    assert BROWSER in browser.cookies


class TestTerms:
    def test_what_the_key_is_to_be_good_for_is_asked_of_openrouter(self, site: Site, browser: Browser) -> None:
        browser.get("/oauth/start?limit_usd=2.50&limit_reset=monthly&expires_in_days=30&expires_at=")
        (terms,) = site.openrouter.proposed
        assert (terms.limit, terms.limit_reset) == (2_500_000, "monthly")
        assert terms.expires_at == site.clock.now + timedelta(days=30)

    @pytest.mark.parametrize(
        ("typed", "micro"), [("%245", 5_000_000), ("US%24 2.50", 2_500_000), ("2,50", 2_500_000), ("3%24", 3_000_000)]
    )
    def test_an_amount_is_taken_as_people_type_it(self, site: Site, browser: Browser, typed: str, micro: int) -> None:
        browser.get(f"/oauth/start?limit_usd={typed.replace(' ', '+')}")
        assert [terms.limit for terms in site.openrouter.proposed] == [micro]

    def test_what_is_no_amount_is_told_in_the_words_of_the_page(self, site: Site, browser: Browser) -> None:
        page = text(browser.get("/oauth/start?limit_usd=1,000"))
        assert "Limit in US$: " in page
        assert "Go back and correct it." in page
        assert "limit_usd" not in page
        assert site.openrouter.proposed == []

    def test_openrouters_own_names_do_too(self, site: Site, browser: Browser) -> None:
        browser.get("/oauth/start?limit=5&usage_limit_type=daily&expires_at=2026-04-01T00:00:00Z")
        (terms,) = site.openrouter.proposed
        assert (terms.limit, terms.limit_reset, f"{terms.expires_at:%F}") == (5_000_000, "daily", "2026-04-01")

    @pytest.mark.parametrize(
        "query",
        [
            "limit_usd=0", "limit_usd=-1", "limit_usd=NaN", "limit_usd=much", "limit_usd=1e9", "limit_reset=daily",
            "limit_usd=1&limit_reset=hourly", "expires_in_days=0", "expires_in_days=9999", "expires_at=tomorrow",
            "expires_at=2026-04-01T00:00:00", "expires_at=2020-01-01T00:00:00Z",
            "expires_in_days=3&expires_at=2026-04-01T00:00:00Z",
        ],
    )  # fmt: skip
    def test_what_is_none_is_refused_before_openrouter_is_asked(self, site: Site, browser: Browser, query: str) -> None:
        answer = browser.get(f"/oauth/start?{query}")
        assert (answer["statusCode"], "INVALID_PARAMETER" in text(answer)) == (400, True)
        assert site.openrouter.proposed == []


class TestThePage:
    def test_a_token_is_made_shown_once_and_works(self, site: Site, browser: Browser) -> None:
        browser.open_link("alice")
        form = {"name": "<b>laptop</b>", "expires_in_days": "30", "day_limit_usd": ""}
        page = browser.post("/oauth/tokens", form)
        (plaintext,) = set(re.findall(r"dk_[A-Za-z0-9_-]{43}", page["body"]))
        token = site.tokens.authenticate(plaintext)
        assert (token.user, token.name, token.day_limit) == ("alice", "<b>laptop</b>", None)
        again = browser.get("/oauth")["body"]
        assert plaintext not in again
        assert "&lt;b&gt;laptop&lt;/b&gt;" in again
        browser.post("/oauth/tokens/revoke", {"id": token.id})
        assert site.tokens.of_user("alice") == []

    def test_what_is_anothers_is_not_found(self, site: Site, browser: Browser) -> None:
        token, _ = site.tokens.create(user="bob")
        bob = Browser(site)
        bob.open_link("bob")
        bob.consent()
        (identity,) = site.identities.of_user("bob")
        browser.open_link("alice")
        assert browser.post("/oauth/tokens/revoke", {"id": token.id})["statusCode"] == 404
        assert browser.post("/oauth/unlink", {"id": identity.sha256})["statusCode"] == 404
        assert site.tokens.of_user("bob") == [token]
        assert site.identities.of_user("bob") == [identity]

    def test_it_leads_on_and_says_what_is_left(self, browser: Browser) -> None:
        browser.open_link("alice")
        assert "What next" not in text(browser.get("/oauth"))
        browser.consent()
        page = text(browser.get("/oauth"))
        for words in ("Connected", "alice", "Make an API token", "Try a picture", "$4.25", "$5.00"):
            assert words in page

    def test_disconnecting_forgets_the_key_and_keeps_one_signed_in(self, site: Site, browser: Browser) -> None:
        browser.open_link("alice")
        browser.consent()
        assert "Revoke it at OpenRouter" in text(browser.post("/oauth/disconnect"))
        assert not site.vault.kept
        assert browser.user == "alice"

    def test_an_account_of_openrouter_is_unlinked(self, site: Site, browser: Browser) -> None:
        browser.open_link("alice")
        browser.consent()
        (identity,) = site.identities.of_user("alice")
        assert identity.sha256 in browser.get("/oauth")["body"]
        assert location(browser.post("/oauth/unlink", {"id": identity.sha256})) == "/oauth"
        assert site.identities.of_user("alice") == []

    def test_what_would_lead_to_the_same_account_again_has_no_button(self, site: Site, browser: Browser) -> None:
        browser.consent()
        assert [each.user for each in site.identities.of_user(OWN)] == [OWN]
        page = text(browser.get("/oauth"))
        assert ("OpenRouter account …lice" in page, "Unlink" in page) == (True, False)

    def test_no_page_has_a_script_or_a_secret(self, site: Site, browser: Browser) -> None:
        pages = [browser.get("/oauth"), browser.get("/oauth/connect"), browser.get("/oauth/paste")]
        pages.append(browser.get(f"/oauth/link?key={site.link('alice')}"))
        browser.open_link("alice")
        browser.consent()
        pages.append(browser.get("/oauth"))
        for page in pages:
            policy = page["headers"]["content-security-policy"]
            assert "<script" not in page["body"]
            assert "style=" not in page["body"]
            assert ("default-src 'none'" in policy, "frame-ancestors 'none'" in policy) == (True, True)
            assert (page["headers"]["referrer-policy"], page["headers"]["cache-control"]) == ("no-referrer", "no-store")
            for secret in (site.openrouter.key, *browser.cookies.values()):
                assert secret not in page["body"]


@pytest.mark.parametrize("path", ["/oauth", "/oauth/start", "/oauth/connect", "/oauth/link"])
def test_at_another_name_of_the_site_it_begins_at_the_right_one(browser: Browser, path: str) -> None:
    answer = browser.get(f"{path}?return_to=/oauth", host="localhost:8000")
    assert (answer["statusCode"], location(answer)) == (302, f"https://127.0.0.1{path}?return_to=%2Foauth")
