"""What every AccountStore does."""

from datetime import UTC, datetime

import pytest

from darkroom.adapters.account_store import DynamoAccountStore
from darkroom.adapters.dynamo import to_item, to_row
from darkroom.adapters.key_rows import charges_key
from darkroom.adapters.settings_store import DynamoSettingsStore
from darkroom.adapters.stored_keys import key_row_key
from darkroom.errors import KeyUnreadable
from darkroom.models.account import Account
from darkroom.models.key import StoredKey
from darkroom.models.receipt import KeyCharges
from darkroom.models.user_settings import UserSettings
from darkroom.ports import AccountStore, KeyVault, SettingsStore
from tests.contract.conftest import Cloud
from tests.fakes.paid import MemorySettingsStore
from tests.fakes.people import MemoryAccountStore

SECRETS = {"openrouter": "sk-or-v1-abcdefghijkl", "groq": "gsk-abcdefghijklmnopq"}
CHARGED = "cd" * 32
CHARGES = KeyCharges(count=2, settled=5, version=3)
PROVIDERS = ("anthropic", "gemini", "groq", "openai", "openrouter", "removebg")


@pytest.fixture
def settings_store(cloud: Cloud | None) -> SettingsStore:
    return DynamoSettingsStore(cloud.table, cloud.aws.dynamodb) if cloud else MemorySettingsStore()


@pytest.fixture
def accounts(cloud: Cloud | None, settings_store: SettingsStore, key_vault: KeyVault) -> AccountStore:
    if cloud is None:
        return MemoryAccountStore(settings_store, key_vault, {CHARGED: CHARGES})
    charged = {":version": CHARGES.version, ":count": CHARGES.count, ":settled": CHARGES.settled}
    cloud.aws.dynamodb.update_item(
        TableName=cloud.table,
        Key=to_item(charges_key(CHARGED)),
        UpdateExpression="SET version = :version, charges = :count, settled = :settled",
        ExpressionAttributeValues=to_item(charged),
    )
    return DynamoAccountStore(cloud.table, cloud.aws.dynamodb, providers=lambda: PROVIDERS)


def _key(user: str, provider: str) -> StoredKey:
    connected = datetime(2026, 3, 1, tzinfo=UTC)
    return StoredKey(user=user, provider=provider, hint="ijkl", sha256="ab" * 32, connected_at=connected)


def test_who_has_set_and_connected_nothing_has_an_empty_account(accounts: AccountStore, user: str) -> None:
    assert accounts.load(user) == Account(user=user)


def test_an_account_has_the_settings_and_the_keys(
    accounts: AccountStore, settings_store: SettingsStore, key_vault: KeyVault, user: str
) -> None:
    for provider, secret in SECRETS.items():
        key_vault.store(_key(user, provider), secret)
    assert settings_store.save(user, UserSettings(warn_at_percent=60))
    account = accounts.load(user)
    assert account.settings == UserSettings(warn_at_percent=60, version=1)
    assert [key.provider for key in account.keys] == ["groq", "openrouter"]
    assert {key.provider: key_vault.open(key) for key in account.keys} == SECRETS
    assert account.key("openai") is None
    assert account.key("groq") == account.keys[0]
    # Of somebody else there is nothing in it.
    assert accounts.load(f"{user}-b") == Account(user=f"{user}-b")


def test_what_is_known_of_the_charges_on_keys_comes_with_it(accounts: AccountStore, user: str) -> None:
    account = accounts.load(user, charges_of=[CHARGED, f"{user}-key"])
    assert account == Account(user=user, charges={CHARGED: CHARGES, f"{user}-key": KeyCharges()})


def test_a_change_is_in_the_next_account(
    accounts: AccountStore, settings_store: SettingsStore, key_vault: KeyVault, user: str
) -> None:
    key_vault.store(_key(user, "openrouter"), SECRETS["openrouter"])
    before = accounts.load(user)
    key_vault.remove(user, "openrouter")
    assert settings_store.save(user, UserSettings(retention_days=1))
    assert (len(before.keys), before.settings.retention_days) == (1, None)
    assert (accounts.load(user).keys, accounts.load(user).settings.retention_days) == ((), 1)


def test_no_secret_is_shown(accounts: AccountStore, key_vault: KeyVault, user: str) -> None:
    key_vault.store(_key(user, "openrouter"), SECRETS["openrouter"])
    account = accounts.load(user)
    for shown in (repr(account), str(account), account.model_dump_json(), str(account.model_dump())):
        assert SECRETS["openrouter"] not in shown
        assert "ciphertext" not in shown


@pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)
def test_a_row_that_was_copied_to_another_user_opens_nothing(
    accounts: AccountStore, key_vault: KeyVault, cloud: Cloud, user: str
) -> None:
    key_vault.store(_key(user, "openrouter"), SECRETS["openrouter"])
    aws, thief = cloud.aws.dynamodb, f"{user}-thief"
    found = aws.get_item(TableName=cloud.table, Key=to_item(key_row_key(user, "openrouter")))["Item"]
    aws.put_item(TableName=cloud.table, Item=to_item({**to_row(found), **key_row_key(thief, "openrouter")}))
    stolen = accounts.load(thief).keys[0]
    assert stolen.user == thief
    with pytest.raises(KeyUnreadable):
        key_vault.open(stolen)


@pytest.mark.parametrize("cloud", ["moto"], indirect=True)
def test_one_call_reads_all_of_it(accounts: AccountStore, cloud: Cloud, user: str) -> None:
    calls: list[str] = []

    def note(event_name: str, **_: object) -> None:
        calls.append(event_name.removeprefix("before-call.dynamodb."))

    events = cloud.aws.dynamodb.meta.events
    events.register("before-call.dynamodb", note, unique_id="accounts")
    try:
        accounts.load(user, charges_of=[CHARGED])
    finally:
        events.unregister("before-call.dynamodb", unique_id="accounts")
    assert calls == ["BatchGetItem"]
