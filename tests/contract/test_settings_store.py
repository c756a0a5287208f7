"""What every SettingsStore does."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from darkroom.adapters.settings_store import DynamoSettingsStore
from darkroom.models.user_settings import Limits, UserSettings
from darkroom.ports import SettingsStore
from tests.contract.conftest import Cloud
from tests.fakes.paid import MemorySettingsStore

SETTINGS = UserSettings(limits=Limits(per_request=50_000, per_month=2**53), warn_at_percent=80)


@pytest.fixture
def settings_store(cloud: Cloud | None) -> SettingsStore:
    return DynamoSettingsStore(cloud.table, cloud.aws.dynamodb) if cloud else MemorySettingsStore()


def test_who_never_set_anything_has_the_defaults(settings_store: SettingsStore, user: str) -> None:
    assert settings_store.load(user) == UserSettings()


def test_what_was_saved_is_loaded_with_the_next_version(settings_store: SettingsStore, user: str) -> None:
    assert settings_store.save(user, SETTINGS)
    first = settings_store.load(user)
    assert first == SETTINGS.model_copy(update={"version": 1})
    assert settings_store.save(user, first.model_copy(update={"warn_at_percent": None}))
    assert settings_store.load(user) == SETTINGS.model_copy(update={"version": 2, "warn_at_percent": None})
    assert settings_store.load(f"{user}x") == UserSettings()


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_change_of_what_has_changed_is_refused(settings_store: SettingsStore, user: str, version: int) -> None:
    for number in range(2):
        assert settings_store.save(user, SETTINGS.model_copy(update={"version": number}))
    assert not settings_store.save(user, UserSettings(version=version))
    assert settings_store.load(user) == SETTINGS.model_copy(update={"version": 2})


def test_what_was_never_stored_has_no_later_version(settings_store: SettingsStore, user: str) -> None:
    assert not settings_store.save(user, UserSettings(version=1))
    assert settings_store.load(user) == UserSettings()


@pytest.mark.parametrize("cloud", ["memory", "emulator"], indirect=True)
@pytest.mark.parametrize("version", [0, 1])
def test_of_many_at_the_same_time_one_saves(settings_store: SettingsStore, user: str, version: int) -> None:
    for number in range(version):
        assert settings_store.save(user, UserSettings(version=number))
    changes = [UserSettings(warn_at_percent=percent, version=version) for percent in range(1, 21)]
    with ThreadPoolExecutor(20) as threads:
        won = list(threads.map(lambda change: settings_store.save(user, change), changes))
    assert sum(won) == 1
    assert settings_store.load(user).warn_at_percent == won.index(True) + 1
