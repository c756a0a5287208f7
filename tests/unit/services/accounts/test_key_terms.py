"""The limit, interval and expiry that a person asks OpenRouter for, and what is done where it does not keep them."""

from datetime import UTC, datetime

import pytest

from darkroom.errors import DarkroomError, ExchangeUnavailable, KeyTermsNotKept
from darkroom.models.digest import digest
from darkroom.models.key import KeyStatus, KeyTerms
from darkroom.services.accounts.connect import Purpose, SignedIn
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.services.accounts.signing_in import World

UNTIL, LATER = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
FIVE = KeyTerms(limit=5_000_000, limit_reset="monthly", expires_at=UNTIL)
ONE = KeyTerms(limit=1_000_000)


@pytest.fixture
def world(studio_simulator: Simulator, clock: SteppingClock) -> World:
    made = World(studio_simulator, clock)
    made.openrouter.status = KeyStatus()
    return made


def _sign_in(world: World, terms: KeyTerms) -> SignedIn:
    return world.finish(world.start(purpose=Purpose(terms=terms)))


@pytest.mark.parametrize(
    ("terms", "key", "kept"),
    [
        (ONE, KeyStatus(), False),
        (ONE, KeyStatus(limit=1_000_000), True),
        (ONE, KeyStatus(limit=1_000_001), False),
        (ONE, KeyStatus(limit=500_000), True),
        (ONE, KeyStatus(limit=1_000_000, limit_reset="daily"), False),
        (FIVE, KeyStatus(limit=5_000_000, limit_reset="monthly", expires_at=UNTIL), True),
        (FIVE, KeyStatus(limit=5_000_000, expires_at=UNTIL), True),
        (FIVE, KeyStatus(limit=4_000_000, limit_reset="daily", expires_at=UNTIL), False),
        (FIVE, KeyStatus(limit=5_000_000, limit_reset="monthly"), False),
        (FIVE, KeyStatus(limit=5_000_000, limit_reset="monthly", expires_at=LATER), False),
        (KeyTerms(expires_at=UNTIL), KeyStatus(expires_at=UNTIL), True),
        (KeyTerms(), KeyStatus(), True),
    ],
)
def test_a_key_keeps_terms_that_it_is_at_least_as_strict_as(terms: KeyTerms, key: KeyStatus, kept: bool) -> None:
    assert terms.are_kept_by(key) is kept


def test_the_consent_page_is_asked_to_propose_them(world: World) -> None:
    _sign_in(world, FIVE)
    assert world.openrouter.proposed == [FIVE]


def test_a_key_without_the_limit_is_given_up_for_one_with_it(world: World) -> None:
    done = _sign_in(world, FIVE)
    assert world.vault.reveal(done.user, "openrouter") == world.openrouter.limited_key
    assert world.openrouter.key not in str(world.vault.kept)
    assert done.unused_key == digest(world.openrouter.key)
    assert list(world.openrouter.limited.values()) == [(world.openrouter.key, FIVE)]


def test_what_the_person_chose_at_openrouter_is_enough_where_it_is_stricter(world: World) -> None:
    world.openrouter.status = KeyStatus(limit=500_000)
    done = _sign_in(world, ONE)
    assert (world.vault.reveal(done.user, "openrouter"), done.unused_key) == (world.openrouter.key, None)
    assert world.openrouter.limited == {}


def test_without_terms_no_second_key_is_asked_for(world: World) -> None:
    assert _sign_in(world, KeyTerms()).unused_key is None
    assert world.openrouter.limited == {}


@pytest.mark.parametrize("refusal", [None, ExchangeUnavailable("No.")])
def test_an_unlimited_key_is_never_kept_where_a_limit_was_asked_for(
    world: World, refusal: DarkroomError | None
) -> None:
    world.openrouter.limit_refusal, world.openrouter.keeps_terms = refusal, False
    with pytest.raises(type(refusal) if refusal else KeyTermsNotKept) as refused:
        _sign_in(world, ONE)
    assert world.nothing_is_stored()
    assert refused.value.context["manage_key"].endswith(digest(world.openrouter.key))


class TestSigningInAgain:
    """Signing in brings a new key each time. It takes no limit away, and changes nothing of who pays."""

    def test_a_limit_that_was_chosen_before_stays(self, world: World) -> None:
        done = _sign_in(world, ONE)
        again = _sign_in(world, KeyTerms())
        assert world.vault.reveal(done.user, "openrouter") == world.openrouter.limited_key
        assert (again.user, again.unused_key) == (done.user, digest(world.openrouter.key))

    def test_another_limit_replaces_it(self, world: World) -> None:
        _sign_in(world, ONE)
        done = _sign_in(world, FIVE)
        ((key, _),) = world.vault.kept.values()
        assert (key.user, list(world.openrouter.limited.values())[-1][1]) == (done.user, FIVE)

    def test_connecting_takes_it_away(self, world: World) -> None:
        user = _sign_in(world, ONE).user
        caller = world.signed_in(user)
        world.finish(world.start(purpose=Purpose(caller=caller)), caller=caller)
        assert world.vault.reveal(user, "openrouter") == world.openrouter.key

    def test_the_key_of_another_openrouter_account_goes_on_paying(self, world: World) -> None:
        user = _sign_in(world, KeyTerms()).user
        caller = world.signed_in(user)
        world.openrouter.user_id, world.openrouter.key = "user_second", "sk-or-v1-" + "second" * 10
        world.finish(world.start(purpose=Purpose(caller=caller)), caller=caller)
        world.openrouter.user_id, world.openrouter.key = "user_alice", "sk-or-v1-" + "fresh1" * 10
        assert _sign_in(world, KeyTerms()).user == user
        assert world.vault.reveal(user, "openrouter") == "sk-or-v1-" + "second" * 10

    def test_a_key_that_does_not_work_any_more_is_replaced(self, world: World) -> None:
        user = _sign_in(world, ONE).user
        world.openrouter.refused_keys.add(world.openrouter.limited_key)
        assert _sign_in(world, KeyTerms()).unused_key is None
        assert world.vault.reveal(user, "openrouter") == world.openrouter.key
