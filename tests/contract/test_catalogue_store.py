"""What every CatalogueStore does."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from ulid import ULID

from darkroom.adapters.catalogue_store import DynamoCatalogueStore
from darkroom.adapters.dynamo import to_item
from darkroom.ports import CatalogueStore, KeptList
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.catalogue import MemoryCatalogueStore

SECOND = timedelta(seconds=1)
# Nothing makes it smaller, and one row does not hold it.
LARGE = random.Random(7).randbytes(900_000)


@pytest.fixture
def store(cloud: Cloud | None) -> CatalogueStore:
    return DynamoCatalogueStore(cloud.table, cloud.aws.dynamodb) if cloud else MemoryCatalogueStore()


@pytest.fixture
def name() -> str:
    return f"list-{str(ULID()).lower()}"


@pytest.fixture
def now(clock: SteppingClock) -> datetime:
    return clock()


def test_what_was_never_written_is_not_there(store: CatalogueStore, name: str) -> None:
    assert store.read(name) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"[1,2]" * 300_000, LARGE], ids=["empty", "small", "foldable", "large"])
def test_what_was_written_is_read(store: CatalogueStore, name: str, now: datetime, body: bytes) -> None:
    kept = KeptList(body=body, asked_at=now + timedelta(microseconds=123_456))
    store.write(name, kept)
    assert store.read(name) == kept
    assert store.read(f"{name}x") is None


def test_a_newer_list_takes_the_place_and_an_older_does_not(store: CatalogueStore, name: str, now: datetime) -> None:
    for seconds, body in ((0, LARGE), (10, b"newer"), (5, b"older")):
        store.write(name, KeptList(body=body, asked_at=now + seconds * SECOND))
    assert store.read(name) == KeptList(body=b"newer", asked_at=now + 10 * SECOND)


def test_one_is_to_ask_until_their_time_is_over(store: CatalogueStore, name: str, now: datetime) -> None:
    until = now + 30 * SECOND
    assert store.claim(name, now=now, until=until)
    assert not store.claim(name, now=now, until=until)
    assert store.claim(f"{name}x", now=now, until=until)
    assert not store.claim(name, now=until - SECOND, until=until + 30 * SECOND)
    assert store.claim(name, now=until, until=until + 30 * SECOND)
    assert not store.claim(name, now=until, until=until + 30 * SECOND)


@pytest.mark.parametrize("cloud", ["memory", "emulator"], indirect=True)
def test_of_many_at_the_same_time_one_is_to_ask(store: CatalogueStore, name: str, now: datetime) -> None:
    with ThreadPoolExecutor(20) as threads:
        told = list(threads.map(lambda _: store.claim(name, now=now, until=now + SECOND), range(20)))
    assert sum(told) == 1


@pytest.mark.parametrize("cloud", ["moto"], indirect=True)
class TestRows:
    @pytest.fixture
    def written(self, cloud: Cloud, name: str, now: datetime) -> DynamoCatalogueStore:
        store = DynamoCatalogueStore(cloud.table, cloud.aws.dynamodb)
        store.write(name, KeptList(body=LARGE, asked_at=now))
        return store

    def test_none_is_too_large_and_each_goes_in_the_end_but_not_soon(
        self, cloud: Cloud, written: DynamoCatalogueStore, name: str, now: datetime
    ) -> None:
        written.claim(name, now=now, until=now + SECOND)
        found = cloud.aws.dynamodb.query(
            TableName=cloud.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"CATALOGUE#{name}"}},
        )["Items"]
        rows = {item["sk"]["S"]: item for item in found}
        assert len(rows) == 5
        assert all(len(item["body"]["B"]) < 400_000 for item in found if "body" in item)
        ends = {sk: int(item["expires_at"]["N"]) for sk, item in rows.items()}
        assert all(end > now.timestamp() for end in ends.values())
        assert all(end > (now + timedelta(days=7)).timestamp() for sk, end in ends.items() if sk != "LEASE")

    @pytest.mark.parametrize("body", [None, b"not what was written"])
    def test_a_list_of_which_a_part_is_lost_is_none(
        self, cloud: Cloud, written: DynamoCatalogueStore, name: str, now: datetime, body: bytes | None
    ) -> None:
        key = to_item({"pk": f"CATALOGUE#{name}", "sk": f"PART#{now.isoformat()}#1"})
        if body is None:
            cloud.aws.dynamodb.delete_item(TableName=cloud.table, Key=key)
        else:
            cloud.aws.dynamodb.put_item(TableName=cloud.table, Item={**key, **to_item({"body": body})})
        assert written.read(name) is None
