"""One person, one account: where an OpenRouter user signs in to, and whom connecting and moving may concern."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from darkroom.errors import AccountExists, LinkedElsewhere, NotFound, SignInElsewhere, SignInNotAllowed, TokenRestricted
from darkroom.models.caller import Caller
from darkroom.models.digest import digest
from darkroom.models.key import KeyStatus, StoredKey
from darkroom.models.token import ApiToken
from darkroom.services.accounts.connect import Purpose
from darkroom.services.accounts.identities import user_of
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.services.accounts.signing_in import World

OWN = user_of("user_alice")


@pytest.fixture
def world(studio_simulator: Simulator, clock: SteppingClock) -> World:
    return World(studio_simulator, clock)


def connect(world: World, user: str, *, move: bool = False) -> str:
    caller = world.signed_in(user)
    return world.finish(world.start(purpose=Purpose(caller=caller, move=move)), caller=caller).user


def sign_in(world: World, *, new_account: bool = False) -> str:
    return world.finish(world.start(purpose=Purpose(new_account=new_account))).user


class TestConnect:
    def test_the_key_goes_to_the_account_that_is_signed_in(self, world: World) -> None:
        assert connect(world, "alice") == "alice"
        assert world.vault.reveal("alice", "openrouter") == world.openrouter.key
        assert not world.vault.describe(OWN)

    def test_signing_in_later_leads_to_that_account(self, world: World) -> None:
        connect(world, "local")
        assert sign_in(world) == "local"
        assert sign_in(world) == "local"
        assert list(world.vault.kept) == [("local", "openrouter")]

    def test_a_second_openrouter_account_leads_there_too_and_its_key_pays(self, world: World) -> None:
        connect(world, "alice")
        world.openrouter.user_id, world.openrouter.key = "user_second", "sk-or-v1-" + "second" * 10
        connect(world, "alice")
        assert world.vault.reveal("alice", "openrouter") == world.openrouter.key
        assert [each.hint for each in world.identities.of_user("alice")] == ["lice", "cond"]
        assert sign_in(world) == "alice"
        world.openrouter.user_id = "user_alice"
        assert sign_in(world) == "alice"

    def test_a_token_connects_its_own_account(self, world: World, clock: SteppingClock) -> None:
        token = ApiToken(id="tok_1", user="alice", sha256="d" * 64, hint="wxyz", created_at=clock.now)
        way = world.start(purpose=Purpose(caller=Caller(user="alice", token=token)))
        assert world.finish(way).user == "alice"

    def test_a_token_with_limits_may_not(self, world: World, clock: SteppingClock) -> None:
        token = ApiToken(id="tok_1", user="alice", sha256="d" * 64, hint="w", created_at=clock.now, day_limit=1)
        with pytest.raises(TokenRestricted):
            world.start(purpose=Purpose(caller=Caller(user="alice", token=token)))
        assert world.store.attempts == {}

    def test_a_known_caller_may_connect_where_signing_in_is_off(
        self, studio_simulator: Simulator, clock: SteppingClock
    ) -> None:
        world = World(studio_simulator, clock, "nobody")
        assert connect(world, "alice") == "alice"
        with pytest.raises(SignInNotAllowed):
            world.start()

    def test_a_link_to_an_account_lets_in_only_whom_the_stack_lets_in(
        self, studio_simulator: Simulator, clock: SteppingClock
    ) -> None:
        world = World(studio_simulator, clock, "listed", "user_bob")
        connect(world, "alice")
        with pytest.raises(SignInNotAllowed):
            sign_in(world)

    @pytest.mark.parametrize("now", ["signed out", "another session of the account", "another account"])
    def test_the_session_that_began_it_has_to_be_there_at_its_end(self, world: World, now: str) -> None:
        way = world.start(purpose=Purpose(caller=world.signed_in("alice")))
        caller = {
            "signed out": None,
            "another session of the account": world.signed_in("alice"),
            "another account": world.signed_in("mallory"),
        }[now]
        with pytest.raises(SignInElsewhere):
            world.finish(way, caller=caller)
        assert world.openrouter.exchanges == []
        assert not world.vault.kept
        assert not world.identity_store.kept

    def test_it_ends_in_another_session_than_it_began_with(self, world: World) -> None:
        caller = world.signed_in("alice")
        done = world.finish(world.start(purpose=Purpose(caller=caller)), caller=caller)
        session = world.sessions.find(done.session)
        assert session is not None
        assert caller.session is not None
        assert (session.user, session.sha256 != caller.session.sha256) == ("alice", True)


class TestMove:
    def test_without_consent_nothing_changes(self, world: World) -> None:
        connect(world, "alice")
        before = dict(world.vault.kept), dict(world.identity_store.kept)
        world.openrouter.key = "sk-or-v1-" + "second" * 10
        with pytest.raises(LinkedElsewhere) as refused:
            connect(world, "bob")
        assert (world.vault.kept, world.identity_store.kept) == before
        assert refused.value.context["manage_key"].endswith(digest(world.openrouter.key))
        assert "alice" not in str(refused.value.problem()), "another account's name is not told"

    def test_with_consent_key_and_sign_in_move_together(self, world: World) -> None:
        connect(world, "alice")
        assert connect(world, "bob", move=True) == "bob"
        assert list(world.vault.kept) == [("bob", "openrouter")]
        assert (sign_in(world), world.identities.of_user("alice")) == ("bob", [])

    def test_it_takes_no_key_of_another_openrouter_user_away(self, world: World) -> None:
        connect(world, "alice")
        world.openrouter.user_id, first = "user_second", world.openrouter.key
        world.openrouter.key = "sk-or-v1-" + "second" * 10
        connect(world, "alice")
        world.openrouter.user_id, world.openrouter.key = "user_alice", first
        connect(world, "bob", move=True)
        assert world.vault.reveal("alice", "openrouter") == "sk-or-v1-" + "second" * 10
        assert [each.hint for each in world.identities.of_user("alice")] == ["cond"]

    def test_an_account_from_before_there_were_links_is_moved_with_consent_alone(
        self, world: World, clock: SteppingClock
    ) -> None:
        _as_before(world, clock)
        with pytest.raises(LinkedElsewhere):
            connect(world, "alice")
        world.openrouter.status = KeyStatus(user_id="user_alice")
        assert connect(world, "alice", move=True) == "alice"
        assert list(world.vault.kept) == [("alice", "openrouter")]

    def test_unlinking_leads_back_to_the_account_of_ones_own(self, world: World, clock: SteppingClock) -> None:
        _as_before(world, clock)
        connect(world, "alice", move=True)
        (identity,) = world.identities.of_user("alice")
        with pytest.raises(NotFound):
            world.identities.unlink("bob", identity.sha256)
        world.identities.unlink("alice", identity.sha256)
        assert sign_in(world) == OWN


def _as_before(world: World, clock: SteppingClock) -> None:
    """An account as sign-ins made them when its name alone said whose it was: a key, and no link."""
    key = StoredKey(user=OWN, provider="openrouter", hint="beef", sha256="b" * 64, connected_at=clock.now)
    world.vault.store(key, "sk-or-v1-" + "before" * 10)


class TestMigration:
    def test_an_account_from_before_keeps_its_owner(self, world: World, clock: SteppingClock) -> None:
        _as_before(world, clock)
        assert sign_in(world) == OWN
        assert [each.user for each in world.identity_store.kept.values()] == [OWN]

    def test_it_does_so_too_where_its_key_was_pasted_elsewhere(self, world: World, clock: SteppingClock) -> None:
        _as_before(world, clock)
        world.identities.claim("mallory", KeyStatus(user_id="user_alice"))
        assert sign_in(world) == OWN


class TestPastedKeys:
    """Whose key one has proves nothing about who one is."""

    CLAIM = KeyStatus(user_id="user_alice")

    def test_a_pasted_key_lets_its_openrouter_user_into_nothing(self, world: World) -> None:
        world.identities.claim("mallory", self.CLAIM)
        with pytest.raises(AccountExists) as refused:
            sign_in(world)
        assert "mallory" not in str(refused.value.problem())
        assert not world.vault.kept
        assert world.identities.of_user("mallory") == []

    def test_who_says_that_it_is_not_theirs_gets_an_account_of_their_own_for_good(self, world: World) -> None:
        world.identities.claim("mallory", self.CLAIM)
        assert sign_in(world, new_account=True) == OWN
        assert sign_in(world) == OWN
        world.identities.claim("mallory", self.CLAIM)
        assert sign_in(world) == OWN

    def test_whose_it_is_connects_there_and_signs_in_there_from_then_on(self, world: World) -> None:
        world.identities.claim("alice", self.CLAIM)
        assert connect(world, "alice") == "alice"
        assert sign_in(world) == "alice"

    def test_a_claim_does_not_keep_others_from_connecting(self, world: World) -> None:
        world.identities.claim("mallory", self.CLAIM)
        assert connect(world, "alice") == "alice"
        assert sign_in(world) == "alice"

    def test_an_openrouter_user_who_is_linked_cannot_be_claimed(self, world: World) -> None:
        connect(world, "alice")
        world.identities.claim("mallory", self.CLAIM)
        assert sign_in(world) == "alice"

    @pytest.mark.parametrize("status", [None, KeyStatus(), KeyStatus(user_id="user_alice", is_shared=True)])
    def test_a_key_that_is_no_one_persons_claims_nothing(self, world: World, status: KeyStatus | None) -> None:
        world.identities.claim("alice", status)
        assert sign_in(world) == OWN


def _lost_to(other: str) -> Callable[[World], None]:
    def happens(world: World) -> None:
        connect(world, other)

    return happens


@pytest.mark.parametrize("happens", [_lost_to("bob"), sign_in])
def test_of_two_at_the_same_time_the_second_takes_nothing_away(
    world: World, happens: Callable[[World], object]
) -> None:
    linking = world.identities.for_connection("user_alice", "alice")
    happens(world)
    with pytest.raises(LinkedElsewhere):
        world.identities.link(linking)
    assert world.identities.of_user("alice") == []


def test_a_person_whom_openrouter_names_only_when_asked_about_the_key(world: World) -> None:
    world.openrouter.user_id = None
    world.openrouter.status = KeyStatus(user_id="user_alice")
    assert sign_in(world) == OWN
    world.clock.step(timedelta(days=1))
    world.openrouter.key = "sk-or-v1-" + "second" * 10
    assert sign_in(world) == OWN
