"""What every JobStore notes of free work, and every WorkLog shows of it."""

from datetime import UTC, datetime, timedelta

import pytest
from ulid import ULID

from darkroom.adapters.work_log import DynamoWorkLog
from darkroom.models.job import Job, JobCost, JobStatus, StoredImage
from darkroom.models.usage import HERE
from darkroom.ports import JobStore, Ledger, WorkLog
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.memory import MemoryJobStore
from tests.fakes.usage import MemoryWorkLog
from tests.paid_jobs import LEASE, admit_job, paid_job, succeeded

IMAGE = StoredImage(key="outputs/a.png", media_type="image/png", width=3, height=4, bytes=5, sha256="ab")


@pytest.fixture
def work_log(cloud: Cloud | None, job_store: JobStore) -> WorkLog:
    """It and `job_store` know the same work."""
    if isinstance(job_store, MemoryJobStore):
        return MemoryWorkLog(job_store)
    assert cloud is not None
    return DynamoWorkLog(cloud.table, cloud.aws.dynamodb)


def _free(user: str, now: datetime, op: str = "background-removal", status: JobStatus = JobStatus.QUEUED) -> Job:
    return Job(id=f"job_{ULID.from_datetime(now)}", user=user, op=op, created_at=now, status=status, token_id="tok_1")


def _done(job: Job, now: datetime) -> Job:
    done = {"status": JobStatus.SUCCEEDED, "completed_at": now, "images": (IMAGE,), "result": {"model": "u2net"}}
    return job.model_copy(update=done)


def _begun(store: JobStore, user: str, now: datetime) -> Job:
    store.add(job := _free(user, now))
    started = store.start(job, now=now, lease_expires_at=now + LEASE)
    assert started is not None
    return started


def test_what_is_over_is_noted_once_however_often_it_ends(
    job_store: JobStore, work_log: WorkLog, clock: SteppingClock, user: str
) -> None:
    started = _begun(job_store, user, clock.now)
    assert work_log.receipts(user, limit=10).receipts == ()
    clock.step(timedelta(seconds=3))
    assert job_store.finish(_done(started, clock.now))
    assert not job_store.finish(started.model_copy(update={"status": JobStatus.FAILED}))
    (noted,) = work_log.receipts(user, limit=10).receipts
    assert (noted.job_id, noted.op, noted.status, noted.provider) == (
        started.id,
        "background-removal",
        "succeeded",
        HERE,
    )
    assert (noted.images, noted.model_used, noted.token_id) == (1, "u2net", "tok_1")
    assert (noted.reserved, noted.actual, noted.charged) == (0, 0, False)
    assert (noted.created_at, noted.settled_at) == (started.created_at, clock.now)


def test_an_attempt_that_another_took_over_notes_nothing(
    job_store: JobStore, work_log: WorkLog, clock: SteppingClock, user: str
) -> None:
    old = _begun(job_store, user, clock.now)
    clock.step(LEASE)
    assert job_store.start(old, now=clock.now, lease_expires_at=clock.now + LEASE)
    assert not job_store.finish(_done(old, clock.now))
    assert work_log.receipts(user, limit=10).receipts == ()


def test_a_job_that_is_stored_as_over_is_noted(
    job_store: JobStore, work_log: WorkLog, clock: SteppingClock, user: str
) -> None:
    job_store.add(_done(_free(user, clock.now), clock.now))
    assert [noted.images for noted in work_log.receipts(user, limit=10).receipts] == [1]


def test_a_turn_that_tells_what_its_calls_cost_cost_nothing_itself(
    job_store: JobStore, work_log: WorkLog, clock: SteppingClock, user: str
) -> None:
    job_store.add(turn := _free(user, clock.now, op="turn"))
    assert job_store.finish(
        turn.model_copy(update={"status": JobStatus.SUCCEEDED, "cost": JobCost(estimated=9, actual=7, charged=True)})
    )
    (noted,) = work_log.receipts(user, limit=10).receipts
    assert (noted.op, noted.actual, noted.charged) == ("turn", 0, False)


def test_what_was_paid_is_the_ledgers_alone(
    job_store: JobStore, ledger: Ledger, work_log: WorkLog, clock: SteppingClock, user: str
) -> None:
    job = admit_job(ledger, paid_job(user, clock.now))
    assert ledger.close(succeeded(job, clock.now), actual=5)
    assert work_log.receipts(user, limit=10).receipts == ()
    assert [receipt.job_id for receipt in ledger.receipts(user, limit=10).receipts] == [job.id]


def test_work_without_a_job_is_noted_and_the_same_again_is_the_same(
    work_log: WorkLog, clock: SteppingClock, user: str
) -> None:
    work = _done(_free(user, clock.now), clock.now)
    for _ in range(2):
        work_log.note(work, at=clock.now)
    assert len(work_log.receipts(user, limit=10).receipts) == 1
    assert work_log.receipts(f"{user}-b", limit=10).receipts == ()


def test_pages_and_months(work_log: WorkLog, clock: SteppingClock, user: str) -> None:
    clock.now = datetime(2099, 11, 30, 23, 59, 59, 998_000, tzinfo=UTC)
    made = []
    for _ in range(4):
        made.append(_done(_free(user, clock.now), clock.now))
        work_log.note(made[-1], at=clock.now)
        clock.step(timedelta(milliseconds=1))
    newest = [job.id for job in reversed(made)]
    first = work_log.receipts(user, limit=3)
    assert [receipt.job_id for receipt in first.receipts] == newest[:3]
    rest = work_log.receipts(user, limit=3, before=first.next_id)
    assert ([receipt.job_id for receipt in rest.receipts], rest.next_id) == (newest[3:], None)
    for month, expected in (("2099-11", newest[2:]), ("2099-12", newest[:2]), ("2099-10", [])):
        assert [receipt.job_id for receipt in work_log.receipts(user, limit=9, month=month).receipts] == expected
