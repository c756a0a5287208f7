"""What every KeyVault does; and, where KMS is behind it, what a row is worth to whoever gets hold of it."""

from datetime import timedelta
from typing import Any

import pytest

from darkroom.adapters.key_vault import KmsKeyVault
from darkroom.adapters.sealing import CACHE_LIFETIME, MOST_CACHED, KmsSealer
from darkroom.errors import InternalError, KeyUnreadable
from darkroom.models.key import StoredKey
from darkroom.ports import KeyVault
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud

SECRET = "sk-or-v1-CANARY-0123456789abcdef"


def _key(user: str, clock: SteppingClock, label: str = "laptop") -> StoredKey:
    return StoredKey(
        user=user, provider="openrouter", hint="cdef", sha256="0" * 64, label=label, connected_at=clock.now
    )


def test_a_key_comes_back_to_its_owner_alone(key_vault: KeyVault, clock: SteppingClock, user: str) -> None:
    key = _key(user, clock)
    key_vault.store(key, SECRET)
    assert key_vault.reveal(user, "openrouter") == SECRET
    assert key_vault.describe(user) == [key]
    assert key_vault.reveal(f"{user}-b", "openrouter") is None
    assert key_vault.describe(f"{user}-b") == []


def test_a_key_is_replaced_by_a_newer_one(key_vault: KeyVault, clock: SteppingClock, user: str) -> None:
    key_vault.store(_key(user, clock), SECRET)
    assert key_vault.reveal(user, "openrouter") == SECRET
    newer = _key(user, clock, label="newer")
    key_vault.store(newer, "sk-or-v1-newer")
    assert key_vault.reveal(user, "openrouter") == "sk-or-v1-newer"
    assert key_vault.describe(user) == [newer]


def test_a_removed_key_is_gone_at_once(key_vault: KeyVault, clock: SteppingClock, user: str) -> None:
    key = _key(user, clock)
    key_vault.store(key, SECRET)
    assert key_vault.reveal(user, "openrouter") == SECRET
    assert key_vault.remove(user, "openrouter") == key
    assert key_vault.reveal(user, "openrouter") is None
    assert key_vault.remove(user, "openrouter") is None


def _row_key(user: str) -> dict[str, Any]:
    return {"pk": {"S": f"USER#{user}"}, "sk": {"S": "KEY#openrouter"}}


def _row(cloud: Cloud, user: str) -> dict[str, Any]:
    found = cloud.aws.dynamodb.get_item(TableName=cloud.table, Key=_row_key(user), ConsistentRead=True)
    return dict(found["Item"])


def _fresh(cloud: Cloud, clock: SteppingClock) -> KmsKeyVault:
    """A vault that has not seen the key: another container."""
    return KmsKeyVault(
        table=cloud.table, dynamodb=cloud.aws.dynamodb, kms=cloud.aws.kms, key_id=cloud.vault_key, clock=clock
    )


@pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)
class TestRows:
    def test_a_row_does_not_hold_the_key(
        self, key_vault: KeyVault, cloud: Cloud, clock: SteppingClock, user: str
    ) -> None:
        key_vault.store(_key(user, clock), SECRET)
        assert "CANARY" not in str(_row(cloud, user))

    def test_a_row_moved_to_another_user_does_not_open(
        self, key_vault: KeyVault, cloud: Cloud, clock: SteppingClock, user: str
    ) -> None:
        key_vault.store(_key(user, clock), SECRET)
        thief = f"{user}-thief"
        moved = {**_row(cloud, user), **_row_key(thief), "user": {"S": thief}}
        cloud.aws.dynamodb.put_item(TableName=cloud.table, Item=moved)
        # Also not in a container that holds the owner's key decrypted.
        assert key_vault.reveal(user, "openrouter") == SECRET
        for vault in (key_vault, _fresh(cloud, clock)):
            with pytest.raises(KeyUnreadable):
                vault.reveal(thief, "openrouter")

    @pytest.mark.parametrize("place", [0, 20, -1])
    def test_a_ciphertext_with_one_byte_changed_does_not_open(
        self, key_vault: KeyVault, cloud: Cloud, clock: SteppingClock, user: str, place: int
    ) -> None:
        key_vault.store(_key(user, clock), SECRET)
        row = _row(cloud, user)
        changed = bytearray(row["ciphertext"]["B"])
        changed[place] ^= 1
        cloud.aws.dynamodb.put_item(TableName=cloud.table, Item={**row, "ciphertext": {"B": bytes(changed)}})
        with pytest.raises(KeyUnreadable):
            key_vault.reveal(user, "openrouter")

    def test_a_data_key_of_another_secret_does_not_open_it(
        self, key_vault: KeyVault, cloud: Cloud, clock: SteppingClock, user: str
    ) -> None:
        key_vault.store(_key(user, clock), SECRET)
        before = _row(cloud, user)
        key_vault.store(_key(user, clock), "sk-or-v1-another")
        mixed = {**before, "data_key": _row(cloud, user)["data_key"]}
        cloud.aws.dynamodb.put_item(TableName=cloud.table, Item=mixed)
        with pytest.raises(KeyUnreadable):
            key_vault.reveal(user, "openrouter")

    def test_storing_again_seals_anew(self, key_vault: KeyVault, cloud: Cloud, clock: SteppingClock, user: str) -> None:
        key_vault.store(_key(user, clock), SECRET)
        before = _row(cloud, user)
        key_vault.store(_key(user, clock), SECRET)
        after = _row(cloud, user)
        assert before["data_key"] != after["data_key"]
        assert before["ciphertext"] != after["ciphertext"]

    def test_a_decrypted_key_is_kept_for_a_short_while(
        self, key_vault: KeyVault, cloud: Cloud, clock: SteppingClock, user: str
    ) -> None:
        key_vault.store(_key(user, clock), SECRET)
        asked: list[str] = []
        cloud.aws.kms.meta.events.register("before-call.kms.Decrypt", lambda **_: asked.append("decrypt"))
        for _ in range(3):
            key_vault.reveal(user, "openrouter")
        assert len(asked) == 1
        clock.step(CACHE_LIFETIME + timedelta(seconds=1))
        key_vault.reveal(user, "openrouter")
        assert len(asked) == 2

    def test_a_secret_opens_for_its_purpose_alone(self, cloud: Cloud, clock: SteppingClock, user: str) -> None:
        sealer = KmsSealer(kms=cloud.aws.kms, key_id=cloud.vault_key, clock=clock, fix="Ask.")
        sealed = sealer.seal(SECRET, user=user, purpose="webhooks")
        assert sealer.open(sealed, user=user, purpose="webhooks") == SECRET
        with pytest.raises(KeyUnreadable) as failure:
            sealer.open(sealed, user=user, purpose="openrouter")
        assert failure.value.fix == "Ask."
        assert "CANARY" not in repr(sealed) + repr(failure.value.problem())

    def test_only_so_many_opened_secrets_are_kept(self, cloud: Cloud, clock: SteppingClock, user: str) -> None:
        sealer = KmsSealer(kms=cloud.aws.kms, key_id=cloud.vault_key, clock=clock, fix="Ask.")
        sealed = [sealer.seal(SECRET, user=user, purpose="webhooks") for _ in range(MOST_CACHED + 1)]
        asked: list[str] = []
        cloud.aws.kms.meta.events.register("before-call.kms.Decrypt", lambda **_: asked.append("decrypt"))
        for one in (*sealed, *reversed(sealed)):
            assert sealer.open(one, user=user, purpose="webhooks") == SECRET
        # The first was forgotten for the last.
        assert len(asked) == MOST_CACHED + 2


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)  # moto opens with a disabled key
def test_what_keeps_kms_from_opening_is_not_taken_for_a_wrong_key(
    key_vault: KeyVault, cloud: Cloud, clock: SteppingClock, user: str
) -> None:
    key_vault.store(_key(user, clock), SECRET)
    cloud.aws.kms.disable_key(KeyId=cloud.vault_key)
    try:
        with pytest.raises(InternalError, match="Disabled"):
            _fresh(cloud, clock).reveal(user, "openrouter")
    finally:
        cloud.aws.kms.enable_key(KeyId=cloud.vault_key)
    assert _fresh(cloud, clock).reveal(user, "openrouter") == SECRET
