"""Accounts are read once for a request, and never kept beyond it."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime

import pytest

from darkroom.adapters.clock import utc_now
from darkroom.models.key import StoredKey
from darkroom.models.receipt import KeyCharges
from darkroom.models.user_settings import UserSettings
from darkroom.services.accounts.snapshot import (
    SnapshotCharges,
    SnapshotKeys,
    Snapshots,
    SnapshotSettings,
    keep,
    kept,
    read_anew,
    read_once,
)
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import MemoryJobStore, MemoryKeyVault
from tests.fakes.paid import MemorySettingsStore
from tests.fakes.people import MemoryAccountStore

KEY = StoredKey(
    user="alice", provider="openrouter", hint="abcd", sha256="ab" * 32, connected_at=datetime(2026, 3, 1, tzinfo=UTC)
)


class World:
    def __init__(self) -> None:
        self.stored, self.vault = MemorySettingsStore(), MemoryKeyVault()
        self.jobs = MemoryJobStore()
        self.accounts = MemoryAccountStore(self.stored, self.vault, self.jobs.charges)
        snapshots = Snapshots(self.accounts)
        self.settings = SnapshotSettings(snapshots, self.stored)
        self.keys = SnapshotKeys(snapshots, self.vault)
        self.ledger = MemoryLedger(self.jobs, utc_now)
        self.charges = SnapshotCharges(snapshots, self.ledger)
        self.vault.store(KEY, "sk-secret")

    def percent(self, value: int) -> None:
        """Somebody else changes the settings."""
        seen = self.stored.load("alice")
        assert self.stored.save("alice", seen.model_copy(update={"warn_at_percent": value}))


@pytest.fixture
def world() -> World:
    return World()


def test_within_a_request_an_account_is_read_once(world: World) -> None:
    with read_once():
        for _ in range(3):
            assert world.settings.load("alice") == UserSettings()
            assert [key.provider for key in world.keys.describe("alice")] == ["openrouter"]
            assert world.keys.reveal("alice", "openrouter") == "sk-secret"
            assert world.keys.reveal("alice", "groq") is None
            with read_once():
                assert world.settings.load("bob") == UserSettings()
    assert world.accounts.loads == ["alice", "bob"]


def test_the_next_request_reads_it_again(world: World) -> None:
    for percent in (50, 60):
        world.percent(percent)
        with read_once():
            assert world.settings.load("alice").warn_at_percent == percent
    world.vault.remove("alice", "openrouter")
    with read_once():
        assert world.keys.reveal("alice", "openrouter") is None


def test_outside_of_a_request_every_question_is_a_read(world: World) -> None:
    for percent in (50, 60):
        world.percent(percent)
        assert world.settings.load("alice").warn_at_percent == percent
    assert world.keys.reveal("alice", "openrouter") == "sk-secret"
    assert world.accounts.loads == []


def test_what_a_request_writes_it_reads(world: World) -> None:
    with read_once():
        assert world.settings.save("alice", world.settings.load("alice").model_copy(update={"warn_at_percent": 70}))
        assert world.settings.load("alice").warn_at_percent == 70
        assert world.keys.remove("alice", "openrouter") == KEY
        assert list(world.keys.describe("alice")) == []
        world.keys.store(KEY, "sk-newer")
        assert world.keys.reveal("alice", "openrouter") == "sk-newer"


def test_a_save_that_lost_is_tried_again_with_what_is_stored(world: World) -> None:
    with read_once():
        seen = world.settings.load("alice")
        world.percent(50)
        assert not world.settings.save("alice", seen.model_copy(update={"warn_at_percent": 70}))
        assert world.settings.load("alice").warn_at_percent == 50


def test_what_is_decided_after_a_wait_is_decided_on_what_is_true_then(world: World) -> None:
    with read_once():
        assert world.keys.reveal("alice", "openrouter") == "sk-secret"
        world.vault.remove("alice", "openrouter")
        with read_anew():
            assert world.keys.reveal("alice", "openrouter") is None
        # The rest of the request goes on with what it began with.
        assert [key.provider for key in world.keys.describe("alice")] == ["openrouter"]


def test_a_request_that_fails_leaves_nothing_behind(world: World) -> None:
    def fail() -> None:
        with read_once():
            world.settings.load("alice")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the one that was raised
        fail()
    world.percent(50)
    assert world.settings.load("alice").warn_at_percent == 50


def test_requests_in_other_threads_have_their_own(world: World) -> None:
    with read_once(), ThreadPoolExecutor(1) as threads:
        world.settings.load("alice")
        world.percent(50)
        assert threads.submit(world.settings.load, "alice").result().warn_at_percent == 50
        assert world.settings.load("alice").warn_at_percent is None


def test_what_is_kept_is_kept_until_the_request_ends_and_for_it_alone() -> None:
    place = ("conversation", "conv_1")
    keep(place, "outside of a request")
    assert kept(place) is None
    with read_once():
        keep(place, "first")
        with read_once():
            assert kept(place) == "first"
        with read_anew():
            assert kept(place) is None
            keep(place, "of another")
        assert kept(place) == "first"
        assert copy_context().run(kept, place) == "first"
    assert kept(place) is None


def test_charges_on_the_key_that_was_paid_with_come_with_the_next_account_and_count_once(world: World) -> None:
    world.jobs.charges[KEY.sha256] = KeyCharges(count=1)
    with read_once():
        world.settings.load("alice")
        assert world.charges("alice", KEY.sha256).count == 1
    with read_once():
        world.settings.load("alice")
        world.jobs.charges[KEY.sha256] = KeyCharges(count=2)
        # As they were when the account was read; whoever asks again is told what they are by now.
        assert [world.charges("alice", KEY.sha256).count for _ in range(2)] == [1, 2]
        assert world.charges("alice", "another").count == 0


def test_charges_are_read_where_no_account_was(world: World) -> None:
    world.jobs.charges[KEY.sha256] = KeyCharges(count=4)
    for _ in range(2):
        assert world.charges("alice", KEY.sha256).count == 4
