"""What every IdentityStore does."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from ulid import ULID

from darkroom.models.session import Identity
from darkroom.ports import IdentityStore
from tests.conftest import SteppingClock


@pytest.fixture
def identity(clock: SteppingClock, user: str) -> Identity:
    sha256 = hashlib.sha256(str(ULID()).encode()).hexdigest()
    return Identity(sha256=sha256, hint="aIah", user=user, verified=True, linked_at=clock.now)


def test_an_identity_belongs_to_one_account(identity_store: IdentityStore, identity: Identity) -> None:
    assert identity_store.link(identity, instead_of=None)
    assert identity_store.find(identity.sha256) == identity
    assert identity_store.of_user(identity.user) == [identity]
    assert not identity_store.link(identity.model_copy(update={"user": f"{identity.user}-b"}), instead_of=None)
    assert identity_store.find(identity.sha256) == identity
    assert identity_store.of_user(f"{identity.user}-b") == []


def test_it_moves_only_from_where_it_was_read(identity_store: IdentityStore, identity: Identity) -> None:
    identity_store.link(identity, instead_of=None)
    moved = identity.model_copy(update={"user": f"{identity.user}-b"})
    stale = identity.model_copy(update={"user": f"{identity.user}-c"})
    assert not identity_store.link(moved, instead_of=stale)
    assert not identity_store.link(moved, instead_of=identity.model_copy(update={"verified": False}))
    assert identity_store.link(moved, instead_of=identity)
    assert identity_store.find(identity.sha256) == moved
    assert (identity_store.of_user(identity.user), identity_store.of_user(moved.user)) == ([], [moved])


def test_a_claim_becomes_verified_in_place(identity_store: IdentityStore, identity: Identity) -> None:
    claim = identity.model_copy(update={"verified": False})
    assert identity_store.link(claim, instead_of=None)
    assert identity_store.link(identity, instead_of=claim)
    assert identity_store.of_user(identity.user) == [identity]


def test_unlinking_takes_what_was_read_and_nothing_else(identity_store: IdentityStore, identity: Identity) -> None:
    identity_store.link(identity, instead_of=None)
    assert not identity_store.unlink(identity.model_copy(update={"user": f"{identity.user}-b"}))
    assert identity_store.unlink(identity)
    assert not identity_store.unlink(identity)
    assert identity_store.find(identity.sha256) is None
    assert identity_store.of_user(identity.user) == []


def test_an_account_lists_several_oldest_first(
    identity_store: IdentityStore, identity: Identity, clock: SteppingClock
) -> None:
    later = identity.model_copy(
        update={"sha256": "0" * 32 + identity.sha256[32:], "linked_at": clock.now + timedelta(1)}
    )
    for each in (later, identity):
        identity_store.link(each, instead_of=None)
    assert identity_store.of_user(identity.user) == [identity, later]


def test_an_account_is_used_as_soon_as_something_is_kept_there(
    identity_store: IdentityStore, identity: Identity
) -> None:
    assert not identity_store.is_used(identity.user)
    identity_store.link(identity, instead_of=None)
    assert identity_store.is_used(identity.user)


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
def test_of_many_accounts_at_the_same_time_one_gets_it(identity_store: IdentityStore, identity: Identity) -> None:
    wanted = [identity.model_copy(update={"user": f"{identity.user}-{n}"}) for n in range(20)]
    with ThreadPoolExecutor(10) as threads:
        got = list(threads.map(lambda each: identity_store.link(each, instead_of=None), wanted))
    assert sum(got) == 1
    assert identity_store.find(identity.sha256) == wanted[got.index(True)]
