"""What every WebhookStore does; and, where DynamoDB and KMS are behind it, what its rows hold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from darkroom.adapters.delivery_rows import delivery_row
from darkroom.adapters.dynamo import to_item, to_row
from darkroom.adapters.sealing import KmsSealer
from darkroom.adapters.webhook_store import DynamoWebhookStore
from darkroom.errors import KeyUnreadable
from darkroom.models.webhook import Delivery, WebhookSecrets
from darkroom.ports import WebhookStore
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.webhooks import MemoryWebhookStore


@pytest.fixture
def webhook_store(cloud: Cloud | None, clock: SteppingClock) -> WebhookStore:
    return _adapter(cloud, clock) if cloud else MemoryWebhookStore()


def _adapter(cloud: Cloud, clock: SteppingClock) -> DynamoWebhookStore:
    sealer = KmsSealer(kms=cloud.aws.kms, key_id=cloud.vault_key, clock=clock, fix="Ask.")
    return DynamoWebhookStore(cloud.table, cloud.aws.dynamodb, sealer)


def _delivery(user: str, clock: SteppingClock, number: int = 1, **changes: Any) -> Delivery:
    return Delivery(
        id=f"msg_{number:02}",
        user=user,
        job_id=f"{number:02}",
        url="https://receiver.example/hook",
        created_at=clock.now + timedelta(seconds=number),
        expires_at=clock.now + timedelta(days=30),
    ).model_copy(update=changes)


def _secrets(clock: SteppingClock, current: str, **changes: Any) -> WebhookSecrets:
    return WebhookSecrets(current=current, created_at=clock.now).model_copy(update=changes)


def _open_of(store: WebhookStore, user: str) -> list[Delivery]:
    return [delivery for delivery in store.list_open() if delivery.user == user]


def test_a_delivery_is_found_as_it_was_saved(webhook_store: WebhookStore, clock: SteppingClock, user: str) -> None:
    delivery = _delivery(user, clock)
    assert webhook_store.find(user, delivery.id) is None
    webhook_store.save(delivery)
    assert webhook_store.find(user, delivery.id) == delivery
    assert webhook_store.find(f"{user}-b", delivery.id) is None
    again = delivery.model_copy(
        update={"attempts": 2, "last_attempt_at": clock.now, "last_reply": "500", "requeued_at": clock.now}
    )
    webhook_store.save(again)
    assert webhook_store.find(user, delivery.id) == again


@pytest.mark.parametrize("over", ["delivered", "failed"])
def test_those_that_are_not_over_are_listed_oldest_first(
    webhook_store: WebhookStore, clock: SteppingClock, user: str, over: str
) -> None:
    deliveries = [_delivery(user, clock, number) for number in (3, 1, 2)]
    for delivery in deliveries:
        webhook_store.save(delivery)
    assert [delivery.id for delivery in _open_of(webhook_store, user)] == ["msg_01", "msg_02", "msg_03"]
    ended = deliveries[1].model_copy(update={"status": over})
    webhook_store.save(ended)
    assert [delivery.id for delivery in _open_of(webhook_store, user)] == ["msg_02", "msg_03"]
    assert webhook_store.find(user, ended.id) == ended


def test_what_is_over_stays_so(webhook_store: WebhookStore, clock: SteppingClock, user: str) -> None:
    delivery = _delivery(user, clock)
    delivered = delivery.model_copy(update={"status": "delivered", "attempts": 1, "last_reply": "204"})
    webhook_store.save(delivery)
    webhook_store.save(delivered)
    webhook_store.save(delivery.model_copy(update={"attempts": 1, "last_reply": "500"}))
    assert webhook_store.find(user, delivery.id) == delivered
    assert _open_of(webhook_store, user) == []


def test_the_first_secrets_are_stored_once(webhook_store: WebhookStore, clock: SteppingClock, user: str) -> None:
    assert webhook_store.secrets(user) is None
    first = _secrets(clock, "whsec_first")
    assert webhook_store.store_secrets(user, first, seen=None)
    assert not webhook_store.store_secrets(user, _secrets(clock, "whsec_second"), seen=None)
    assert webhook_store.secrets(user) == first
    assert webhook_store.secrets(f"{user}-b") is None


def test_secrets_are_replaced_only_as_they_were_seen(
    webhook_store: WebhookStore, clock: SteppingClock, user: str
) -> None:
    first = _secrets(clock, "whsec_first")
    webhook_store.store_secrets(user, first, seen=None)
    second = _secrets(clock, "whsec_second", previous="whsec_first", previous_until=clock.now + timedelta(days=1))
    assert webhook_store.store_secrets(user, second, seen=first)
    assert not webhook_store.store_secrets(user, _secrets(clock, "whsec_late", previous="whsec_first"), seen=first)
    assert webhook_store.secrets(user) == second
    assert not webhook_store.store_secrets(f"{user}-b", second, seen=first)
    assert webhook_store.store_secrets(user, _secrets(clock, "whsec_third"), seen=second)


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
def test_of_many_at_the_same_time_one_stores_its_secrets(
    webhook_store: WebhookStore, clock: SteppingClock, user: str
) -> None:
    made = [_secrets(clock, f"whsec_{number}") for number in range(20)]
    with ThreadPoolExecutor(10) as threads:
        stored = list(threads.map(lambda one: webhook_store.store_secrets(user, one, seen=None), made))
    assert sum(stored) == 1
    assert webhook_store.secrets(user) == made[stored.index(True)]


@pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)
class TestRows:
    def _item(self, cloud: Cloud, user: str, sk: str) -> dict[str, Any]:
        key = to_item({"pk": f"USER#{user}", "sk": sk})
        return dict(cloud.aws.dynamodb.get_item(TableName=cloud.table, Key=key, ConsistentRead=True)["Item"])

    def test_a_row_put_by_a_transaction_is_a_delivery(
        self, webhook_store: WebhookStore, cloud: Cloud, clock: SteppingClock, user: str
    ) -> None:
        delivery = _delivery(user, clock)
        put = {"TableName": cloud.table, "Item": to_item(delivery_row(delivery))}
        cloud.aws.dynamodb.transact_write_items(TransactItems=[{"Put": put}])  # type: ignore[typeddict-item]
        assert webhook_store.find(user, delivery.id) == delivery
        assert _open_of(webhook_store, user) == [delivery]

    def test_a_row_goes_by_itself_in_the_end(
        self, webhook_store: WebhookStore, cloud: Cloud, clock: SteppingClock, user: str
    ) -> None:
        delivery = _delivery(user, clock)
        webhook_store.save(delivery)
        row = to_row(self._item(cloud, user, f"WEBHOOK#{delivery.id}"))
        assert row["expires_at"] == int(delivery.expires_at.timestamp())

    def test_a_row_does_not_hold_the_secrets(
        self, webhook_store: WebhookStore, cloud: Cloud, clock: SteppingClock, user: str
    ) -> None:
        webhook_store.store_secrets(user, _secrets(clock, "whsec_CANARY", previous="whsec_CANARY_before"), seen=None)
        assert "CANARY" not in str(self._item(cloud, user, "WEBHOOK_SECRET"))

    def test_secrets_moved_to_another_user_do_not_open(
        self, webhook_store: WebhookStore, cloud: Cloud, clock: SteppingClock, user: str
    ) -> None:
        webhook_store.store_secrets(user, _secrets(clock, "whsec_CANARY"), seen=None)
        thief = f"{user}-thief"
        moved = {**self._item(cloud, user, "WEBHOOK_SECRET"), "pk": {"S": f"USER#{thief}"}}
        cloud.aws.dynamodb.put_item(TableName=cloud.table, Item=moved)
        for store in (webhook_store, _adapter(cloud, clock)):
            with pytest.raises(KeyUnreadable) as failure:
                store.secrets(thief)
            assert "CANARY" not in str(failure.value.problem())

    def test_a_providers_key_does_not_open_as_webhook_secrets(
        self, webhook_store: WebhookStore, cloud: Cloud, clock: SteppingClock, user: str
    ) -> None:
        sealer = KmsSealer(kms=cloud.aws.kms, key_id=cloud.vault_key, clock=clock, fix="Ask.")
        sealed = sealer.seal(_secrets(clock, "whsec_x").model_dump_json(), user=user, purpose="openrouter")
        row = {"pk": f"USER#{user}", "sk": "WEBHOOK_SECRET", **sealed.columns}
        cloud.aws.dynamodb.put_item(TableName=cloud.table, Item=to_item(row))
        with pytest.raises(KeyUnreadable):
            webhook_store.secrets(user)

    def test_more_deliveries_than_a_page_holds_are_listed(
        self, webhook_store: WebhookStore, clock: SteppingClock, user: str
    ) -> None:
        # A page of a query is 1 MB.
        many = [_delivery(user, clock, number, url="https://r.example/" + "a" * 300_000) for number in range(5)]
        for delivery in many:
            webhook_store.save(delivery)
        assert _open_of(webhook_store, user) == many
        for delivery in many:
            webhook_store.save(delivery.model_copy(update={"status": "failed", "url": ""}))
