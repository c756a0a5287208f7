"""One-time links, and sessions that API tokens open."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from darkroom.errors import InvalidParameter, SignInLinkInvalid, Unauthenticated
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.links import LIFETIME, Links
from darkroom.services.accounts.sessions import LIFETIME as SESSION_LIFETIME
from darkroom.services.accounts.sessions import Sessions
from darkroom.services.accounts.tokens import Tokens
from tests.conftest import SteppingClock
from tests.fakes.people import MemoryLinkStore, MemoryTokenStore
from tests.fakes.sessions import MemorySessionStore

ORIGIN = "https://darkroom.example"


@pytest.fixture
def store() -> MemoryLinkStore:
    return MemoryLinkStore()


@pytest.fixture
def links(store: MemoryLinkStore, clock: SteppingClock) -> Links:
    return Links(store, clock)


def _key(url: str) -> str:
    return parse_qs(urlsplit(url).query)["key"][0]


class TestLinks:
    def test_only_a_digest_is_kept(self, links: Links, store: MemoryLinkStore) -> None:
        url = links.create("alice", origin=ORIGIN)
        assert url.startswith(f"{ORIGIN}/oauth/link?key=")
        assert len(_key(url)) == 43
        assert parse_qs(urlsplit(url).query)["return_to"] == ["/"]
        assert _key(url) not in str(store.links)
        assert len({_key(links.create("alice", origin=ORIGIN)) for _ in range(20)}) == 20

    def test_it_is_good_once_and_looking_does_not_count(self, links: Links) -> None:
        key = _key(links.create("alice", origin=ORIGIN))
        assert [links.look(key).user for _ in range(5)] == ["alice"] * 5
        assert links.use(key).user == "alice"
        for refuse in (links.look, links.use):
            with pytest.raises(SignInLinkInvalid):
                refuse(key)

    def test_it_is_good_for_fifteen_minutes(self, links: Links, clock: SteppingClock) -> None:
        key = _key(links.create("alice", origin=ORIGIN))
        assert timedelta(minutes=15) == LIFETIME
        clock.step(LIFETIME - timedelta(seconds=1))
        assert links.look(key)
        clock.step(timedelta(seconds=1))
        for refuse in (links.look, links.use):
            with pytest.raises(SignInLinkInvalid):
                refuse(key)

    @pytest.mark.parametrize("key", [None, "", "A" * 43, "../" * 14, "A" * 5000, "é" * 43, "A" * 42 + "\n"])
    def test_no_other_secret_is_a_link(self, links: Links, key: str | None) -> None:
        links.create("alice", origin=ORIGIN)
        for refuse in (links.look, links.use):
            with pytest.raises(SignInLinkInvalid):
                refuse(key)

    @pytest.mark.parametrize("user", ["", "Alice", "a b", "../x", "a" * 65, "alice\n"])
    def test_a_name_that_no_token_could_have_gets_none(self, links: Links, store: MemoryLinkStore, user: str) -> None:
        with pytest.raises(InvalidParameter):
            links.create(user, origin=ORIGIN)
        assert store.links == {}


class Browser:
    """A session that was opened with an API token."""

    def __init__(self, clock: SteppingClock, **limits: int) -> None:
        self.tokens = Tokens(MemoryTokenStore(), clock)
        self.sessions = Sessions(MemorySessionStore(), clock)
        self.callers = Callers(self.tokens, self.sessions, public_url="")
        lifetime = timedelta(days=limits.pop("days")) if "days" in limits else None
        self.token, self.plaintext = self.tokens.create(user="alice", lifetime=lifetime, **limits)  # type: ignore[arg-type]
        self.cookie = self.sessions.open_with_token(self.token)


class TestSessionsOfTokens:
    def test_it_may_what_the_token_may(self, clock: SteppingClock) -> None:
        browser = Browser(clock, day_limit=1_000_000)
        caller = browser.callers.identify(token=None, session=browser.cookie)
        assert (caller.user, caller.is_restricted, caller.signed_in_with) == ("alice", True, "token")
        assert caller.token is not None
        assert caller.token.id == browser.token.id, "so that what is spent counts against the token's limits"

    def test_it_ends_when_the_token_is_revoked(self, clock: SteppingClock) -> None:
        browser = Browser(clock)
        assert browser.callers.known(token=None, session=browser.cookie) is not None
        browser.tokens.revoke("alice", browser.token.id)
        assert browser.callers.known(token=None, session=browser.cookie) is None
        with pytest.raises(Unauthenticated):
            browser.callers.identify(token=None, session=browser.cookie)

    def test_it_ends_with_the_token_and_after_a_month_at_the_latest(self, clock: SteppingClock) -> None:
        short, long = Browser(clock, days=2), Browser(clock, days=400)
        ends = {name: each.sessions.find(each.cookie) for name, each in (("short", short), ("long", long))}
        assert ends["short"] is not None
        assert ends["long"] is not None
        assert ends["short"].expires_at == clock.now + timedelta(days=2)
        assert ends["long"].expires_at == clock.now + SESSION_LIFETIME
        clock.step(timedelta(days=2))
        assert short.callers.known(token=None, session=short.cookie) is None
        assert long.callers.known(token=None, session=long.cookie) is not None

    def test_the_token_is_not_in_the_session(self, clock: SteppingClock) -> None:
        browser = Browser(clock)
        session = browser.sessions.find(browser.cookie)
        assert browser.plaintext not in str(session.model_dump() if session else "")
        assert browser.plaintext not in browser.cookie
