"""The limit, interval and expiry that a person asks OpenRouter for, and what is done where it does not keep them."""

from datetime import UTC, datetime

import pytest

from darkroom.errors import DarkroomError, ExchangeUnavailable, KeyTermsNotKept
from darkroom.models.digest import digest
from darkroom.models.key_terms import KeyTerms
from darkroom.models.provider_key import KeyStatus
from darkroom.services.accounts.connect import Purpose, SignedIn
from tests.conftest import SteppingClock
from tests.unit.services.accounts.signing_in import World

UNTIL, LATER = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
FIVE = KeyTerms(limit=5_000_000, limit_reset="monthly", expires_at=UNTIL)
ONE = KeyTerms(limit=1_000_000)


@pytest.fixture
def world(clock: SteppingClock) -> World:
    made = World(clock)
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
