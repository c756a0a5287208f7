"""The index of what is open: shards, rows of earlier versions, and what a sweep is given of very many."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from darkroom.adapters.delivery_rows import delivery_key
from darkroom.adapters.dynamo import to_item
from darkroom.adapters.job_rows import OPEN_JOB, job_key
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.open_index import OPEN_INDEX, SHARDS, opened, some_of
from darkroom.adapters.webhook_store import DynamoWebhookStore
from darkroom.errors import ServiceUnavailable
from darkroom.models.job import Job
from darkroom.models.webhook import Delivery
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.contract.free_jobs import finished, free_job

FIVE = timedelta(minutes=5)


@pytest.fixture(params=["moto", "emulator"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    found: Cloud = request.getfixturevalue("mocked" if request.param == "moto" else "emulated")
    return found


@pytest.fixture
def store(cloud: Cloud) -> DynamoJobStore:
    return DynamoJobStore(cloud.table, cloud.aws.dynamodb)


def _jobs(store: DynamoJobStore, user: str, clock: SteppingClock, number: int) -> list[Job]:
    made = []
    for _ in range(number):
        job = free_job(user, clock).model_copy(update={"id": f"job_{ULID.from_datetime(clock.now)}"})
        store.add(job)
        made.append(job)
        clock.step(timedelta(milliseconds=1))
    return made


def test_a_thousand_jobs_are_in_all_shards_alike() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    found = Counter(opened(OPEN_JOB, f"job_{ULID.from_datetime(now + timedelta(seconds=n))}") for n in range(1000))
    assert len(found) == SHARDS
    assert max(found.values()) < 2 * 1000 / SHARDS


def test_open_jobs_of_all_shards_are_listed_oldest_first(
    store: DynamoJobStore, cloud: Cloud, user: str, clock: SteppingClock
) -> None:
    made = _jobs(store, user, clock, 20)
    assert len({_column(cloud, job) for job in made}) > 1
    assert [job.id for job in store.list_open() if job.user == user] == [job.id for job in made]
    for at in (None, clock.now):
        assert [look.id for look in store.list_looks(at=at) if look.user == user] == [job.id for job in made]


def test_the_index_has_keys_alone(store: DynamoJobStore, cloud: Cloud, user: str, clock: SteppingClock) -> None:
    (job,) = _jobs(store, user, clock, 1)
    found = cloud.aws.dynamodb.query(
        TableName=cloud.table,
        IndexName=OPEN_INDEX,
        KeyConditionExpression="#open = :open",
        ExpressionAttributeNames={"#open": "open"},
        ExpressionAttributeValues=to_item({":open": opened(OPEN_JOB, job.id)}),
    )
    assert {tuple(sorted(item)) for item in found["Items"]} == {("open", "open_since", "pk", "sk")}


def test_a_job_that_is_over_when_its_row_is_read_is_not_listed(
    store: DynamoJobStore, cloud: Cloud, user: str, clock: SteppingClock
) -> None:
    """The index follows the table a moment later."""
    (job,) = _jobs(store, user, clock, 1)

    class Late:
        def __getattr__(self, name: str) -> Any:
            return getattr(cloud.aws.dynamodb, name)

        def batch_get_item(self, **given: Any) -> Any:
            store.finish(finished(job, clock))
            return cloud.aws.dynamodb.batch_get_item(**given)

    late: Any = Late()
    assert [look for look in DynamoJobStore(cloud.table, late).list_looks() if look.user == user] == []


class TestEarlierVersions:
    """Rows whose column `open` is the kind alone."""

    def test_a_job_is_listed_looked_at_and_brought_to_its_end(
        self, store: DynamoJobStore, cloud: Cloud, user: str, clock: SteppingClock
    ) -> None:
        (job,) = _jobs(store, user, clock, 1)
        _set_open(cloud, job_key(user, job.id), "job")
        (seen,) = [look for look in store.list_looks(at=clock.now) if look.user == user]
        assert seen.id == job.id
        assert store.begin_look(seen, at=clock.now) is not None
        assert store.finish(finished(job, clock))
        assert [look for look in store.list_looks() if look.user == user] == []

    def test_a_delivery_is_listed(self, cloud: Cloud, user: str, clock: SteppingClock) -> None:
        webhooks = DynamoWebhookStore(cloud.table, cloud.aws.dynamodb, None)  # type: ignore[arg-type]  # nothing is sealed
        delivery = Delivery(
            id="msg_1",
            user=user,
            job_id="job_1",
            url="https://hooks.example/",
            created_at=clock.now,
            expires_at=clock.now + FIVE,
        )
        webhooks.save(delivery)
        _set_open(cloud, delivery_key(user, delivery.id), "webhook")
        assert [each.id for each in webhooks.list_open(at=clock.now) if each.user == user] == [delivery.id]
        webhooks.save(delivery.model_copy(update={"status": "delivered"}))
        assert [each.id for each in webhooks.list_open() if each.user == user] == []


def test_a_shard_that_cannot_be_read_is_told_after_the_others_were_listed(
    store: DynamoJobStore, cloud: Cloud, user: str, clock: SteppingClock
) -> None:
    made = _jobs(store, user, clock, 20)
    stuck = _column(cloud, made[0])

    class Stuck:
        def __getattr__(self, name: str) -> Any:
            return getattr(cloud.aws.dynamodb, name)

        def query(self, **given: Any) -> Any:
            if given["ExpressionAttributeValues"][":open"] == {"S": stuck}:
                raise ServiceUnavailable("Throttled.")
            return cloud.aws.dynamodb.query(**given)

    half: Any = Stuck()
    found: list[str] = []
    with pytest.raises(ServiceUnavailable):
        found.extend(_seen(DynamoJobStore(cloud.table, half), user, found))
    expected = [job.id for job in made if _column(cloud, job) != stuck]
    assert found == expected != []


def _seen(store: DynamoJobStore, user: str, found: list[str]) -> Iterator[str]:
    for look in store.list_looks():
        if look.user == user:
            found.append(look.id)
    yield from ()


def _column(cloud: Cloud, job: Job) -> str:
    item = cloud.aws.dynamodb.get_item(TableName=cloud.table, Key=to_item(job_key(job.user, job.id)))["Item"]
    return str(item["open"]["S"])


def _set_open(cloud: Cloud, key: dict[str, Any], value: str) -> None:
    cloud.aws.dynamodb.update_item(
        TableName=cloud.table,
        Key=to_item(key),
        UpdateExpression="SET #open = :open",
        ExpressionAttributeNames={"#open": "open"},
        ExpressionAttributeValues=to_item({":open": value}),
    )


@given(number=st.integers(0, 60), most=st.integers(2, 20), start=st.integers(0, 10**9))
def test_of_very_many_each_has_its_turn_and_the_oldest_have_every_one(number: int, most: int, start: int) -> None:
    keys = [{"n": n} for n in range(number)]
    begun = datetime.fromtimestamp(start, UTC)
    sweeps = [some_of(keys, begun + n * FIVE, most) for n in range(-(-number // (most // 2)) + 1)]
    assert {key["n"] for sweep in sweeps for key in sweep} == set(range(number))
    for sweep in sweeps:
        assert len(sweep) <= most
        assert list(sweep)[: most // 2] == keys[: most // 2]
        assert [key["n"] for key in sweep] == sorted({key["n"] for key in sweep})
