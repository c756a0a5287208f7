"""The way to OpenRouter and back, with everything that can go wrong on it."""

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from darkroom.errors import (
    CodeExpired,
    CodeMismatch,
    DarkroomError,
    InvalidApiKey,
    InvalidParameter,
    NetworkError,
    SignInDenied,
    SignInElsewhere,
    SignInExpired,
    SignInNotAllowed,
    SignInUnknown,
    SignInUsed,
)
from darkroom.services.accounts.connect import (
    HOME,
    LIFETIME,
    WayOut,
    checked_path,
)
from darkroom.services.accounts.identities import user_of
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.services.accounts.signing_in import CALLBACK, World


@pytest.fixture
def world(studio_simulator: Simulator, clock: SteppingClock) -> World:
    return World(studio_simulator, clock)


def _nonce(way: WayOut) -> str:
    """As the browser brings it back: out of the callback's own address."""
    callback = parse_qs(urlsplit(way.url).query)["callback_url"][0]
    return parse_qs(urlsplit(callback).query)["attempt"][0]


class TestWayOut:
    def test_it_sends_a_challenge_a_state_and_nothing_secret(self, world: World) -> None:
        way = world.start()
        query = parse_qs(urlsplit(way.url).query)
        (attempt,) = world.store.attempts.values()
        assert re.fullmatch(r"[A-Za-z0-9_-]{128}", attempt.code_verifier)
        assert attempt.code_verifier not in way.url
        assert query["state"] == [_nonce(way)]
        assert query["callback_url"][0].startswith(f"{CALLBACK}?attempt=")
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", query["code_challenge"][0])

    def test_neither_nonce_nor_cookie_is_kept(self, world: World) -> None:
        way = world.start()
        kept = str(world.store.attempts)
        assert _nonce(way) not in kept
        assert way.browser not in kept

    def test_every_attempt_is_its_own(self, world: World) -> None:
        ways = [world.start() for _ in range(20)]
        assert len({_nonce(way) for way in ways}) == len({way.browser for way in ways}) == 20
        assert len({attempt.code_verifier for attempt in world.store.attempts.values()}) == 20

    def test_a_browser_keeps_its_cookie_but_cannot_choose_it_freely(self, world: World) -> None:
        first = world.start()
        assert world.start(browser=first.browser).browser == first.browser
        assert world.start(browser="<script>").browser != "<script>"

    def test_without_a_callback_there_is_no_state(self, world: World) -> None:
        way = world.connect.start(callback=None, return_to=None, browser=None)
        assert set(parse_qs(urlsplit(way.url).query)) == {"code_challenge"}
        assert world.finish(way).user


class TestWayBack:
    def test_it_ends_with_a_key_a_session_and_the_path_asked_for(self, world: World) -> None:
        way = world.start(return_to="/studio?x=1")
        done = world.finish(way, nonce=_nonce(way), code="the-code")
        assert done.return_to == "/studio?x=1"
        assert done.user == user_of("user_alice")
        session = world.sessions.find(done.session)
        assert session is not None
        assert session.user == done.user
        assert world.vault.reveal(done.user, "openrouter") == world.openrouter.key
        assert done.session not in str(world.store.sessions)

    def test_the_same_person_is_the_same_user_again(self, world: World) -> None:
        users = set()
        for _ in range(2):
            way = world.start()
            users.add(world.finish(way).user)
        assert len(users) == 1
        assert len(world.vault.kept) == 1

    def test_a_person_whom_openrouter_does_not_name_is_known_by_their_key(self, world: World) -> None:
        world.openrouter.user_id = None
        way = world.start()
        assert world.finish(way).user.startswith("or-")

    def test_two_tabs_come_back_in_either_order(self, world: World) -> None:
        first = world.start(return_to="/first")
        second = world.start(browser=first.browser, return_to="/second")
        for way, path in ((second, "/second"), (first, "/first")):
            assert world.finish(way).return_to == path


def _replayed(world: World) -> None:
    way = world.start()
    world.finish(way)
    world.vault.kept.clear()
    world.identity_store.kept.clear()
    world.store.sessions.clear()
    world.openrouter.exchanges.clear()
    world.finish(way)


def _expired(world: World) -> None:
    way = world.start()
    world.clock.step(LIFETIME)
    world.finish(way)


def _finish(nonce: str | None = None, browser: str | None = None, code: str | None = "c") -> Callable[[World], None]:
    def run(world: World) -> None:
        way = world.start()
        world.connect.finish(
            nonce=way.nonce if nonce is None else nonce or None,
            browser=way.browser if browser is None else browser or None,
            code=code,
            caller=None,
            callback=CALLBACK,
        )

    return run


@pytest.mark.parametrize(
    ("happens", "error"),
    [
        (_replayed, SignInUsed),
        (_expired, SignInExpired),
        (_finish(nonce=""), SignInUnknown),
        (_finish(nonce="A" * 43), SignInUnknown),
        (_finish(nonce="../" * 14), SignInUnknown),
        (_finish(browser=""), SignInElsewhere),
        (_finish(browser="B" * 43), SignInElsewhere),
        (_finish(code=None), SignInDenied),
        (_finish(code=""), SignInDenied),
    ],
)
def test_what_does_not_fit_ends_before_openrouter_is_asked(
    world: World, happens: Callable[[World], None], error: type[DarkroomError]
) -> None:
    with pytest.raises(error):
        happens(world)
    assert world.openrouter.exchanges == []
    assert world.nothing_is_stored()


def test_another_browser_does_not_use_the_attempt_up(world: World) -> None:
    way = world.start()
    with pytest.raises(SignInElsewhere):
        world.finish(replace(way, browser="B" * 43))
    assert world.finish(way).user


@pytest.mark.parametrize("refusal", [CodeMismatch("No."), CodeExpired("Late."), NetworkError("Down.")])
def test_nothing_is_stored_when_openrouter_gives_no_key(world: World, refusal: DarkroomError) -> None:
    world.openrouter.refusal = refusal
    way = world.start()
    with pytest.raises(type(refusal)):
        world.finish(way)
    assert world.nothing_is_stored()


def test_nothing_is_stored_when_the_new_key_is_not_good(world: World) -> None:
    world.openrouter.key_refusal = InvalidApiKey("No such key.")
    way = world.start()
    with pytest.raises(InvalidApiKey):
        world.finish(way)
    assert world.nothing_is_stored()


class TestWhoMay:
    def test_nobody_means_that_nothing_begins(self, studio_simulator: Simulator, clock: SteppingClock) -> None:
        world = World(studio_simulator, clock, "nobody")
        with pytest.raises(SignInNotAllowed):
            world.start()
        assert world.store.attempts == {}

    def test_a_list_lets_those_on_it_in(self, studio_simulator: Simulator, clock: SteppingClock) -> None:
        world = World(studio_simulator, clock, "listed", "user_alice")
        way = world.start()
        assert world.finish(way).user

    def test_who_is_not_on_it_is_told_their_id_and_leaves_nothing(
        self, studio_simulator: Simulator, clock: SteppingClock
    ) -> None:
        world = World(studio_simulator, clock, "listed", "user_bob")
        way = world.start()
        with pytest.raises(SignInNotAllowed, match="user_alice") as refused:
            world.finish(way)
        assert refused.value.context["manage_key"].startswith("https://openrouter.ai/keys/")
        assert world.openrouter.key not in str(refused.value.problem())
        assert world.nothing_is_stored()


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:/evil.example",
        "evil.example",
        "@evil.example",
        "?next=//evil.example",
        "/\u2028/evil.example",
        "/ⓔvil",
        "http:evil.example",
        "/" + "a" * 600,
    ],
)
def test_a_path_back_never_leads_to_another_site(world: World, path: str) -> None:
    with pytest.raises(InvalidParameter):
        world.start(return_to=path)


@pytest.mark.parametrize("path", ["/", "/oauth", "/studio?a=b#c", "/a//b", "/%2f%2fevil.example"])
def test_a_path_of_this_site_is_taken(path: str) -> None:
    assert checked_path(path) == path


def test_without_a_path_it_goes_home() -> None:
    assert checked_path(None) == checked_path("") == HOME
    assert timedelta(minutes=10) == LIFETIME
