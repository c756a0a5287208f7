"""How the sweep's looks at a job are counted, in every JobStore."""

from datetime import timedelta

from msgspec.structs import replace

from darkroom.models.job import Job, JobStatus
from darkroom.ports import JobStore, Ledger, OpenJob
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.paid_jobs import LEASE, day, paid_job


def _job(user: str, clock: SteppingClock, number: int = 1) -> Job:
    return Job(id=f"job_{number}", user=user, op="background-removal", created_at=clock.now)


def _looks(store: JobStore, user: str) -> list[OpenJob]:
    return [look for look in store.list_looks() if look.user == user]


def test_open_jobs_are_listed_in_short(job_store: JobStore, ledger: Ledger, clock: SteppingClock, user: str) -> None:
    job_store.add(_job(user, clock))
    clock.step(timedelta(seconds=1))
    paid = ledger.admit(paid_job(user, clock.now, day(1_000_000, clock.now))).admitted
    assert paid is not None
    short = [OpenJob(user=user, id=job.id, created_at=job.created_at) for job in (_job(user, clock), paid)]
    short[0] = replace(short[0], created_at=clock.now - timedelta(seconds=1))
    assert _looks(job_store, user) == short
    running = job_store.start(paid, now=clock.now, lease_expires_at=clock.now + LEASE)
    assert running is not None
    assert job_store.dispatch(running, at=clock.now, lease_expires_at=clock.now + LEASE)
    assert _looks(job_store, user) == [short[0], replace(short[1], dispatched_at=clock.now)]


def test_a_look_counts_as_failed_until_it_went_well(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _job(user, clock)
    job_store.add(job)
    for failures in (1, 2, 3):
        clock.step(timedelta(minutes=5, microseconds=7))
        (seen,) = _looks(job_store, user)
        begun = job_store.begin_look(seen, at=clock.now)
        assert begun == replace(seen, looked_at=clock.now, failures=failures)
        assert _looks(job_store, user) == [begun]
    job_store.end_look(user, job.id)
    assert begun is not None
    assert _looks(job_store, user) == [replace(begun, failures=0)]
    # The job itself knows nothing of it.
    assert job_store.find(user, job.id) == job


def test_of_two_sweeps_one_looks(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job_store.add(_job(user, clock))
    for _ in range(2):
        (seen,) = _looks(job_store, user)
        clock.step(timedelta(minutes=5))
        assert job_store.begin_look(seen, at=clock.now) is not None
        assert job_store.begin_look(seen, at=clock.now + timedelta(seconds=1)) is None


def test_what_is_over_or_gone_is_not_looked_at(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _job(user, clock)
    job_store.add(job)
    (seen,) = _looks(job_store, user)
    assert job_store.finish(job.model_copy(update={"status": JobStatus.FAILED, "completed_at": clock.now}))
    assert job_store.begin_look(seen, at=clock.now) is None
    job_store.end_look(user, job.id)
    assert job_store.remove(user, job.id)
    assert job_store.begin_look(seen, at=clock.now) is None
    job_store.end_look(user, job.id)
    assert (job_store.find(user, job.id), _looks(job_store, user)) == (None, [])


def test_how_a_look_went_outlives_what_else_is_written(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _job(user, clock)
    job_store.add(job)
    (seen,) = _looks(job_store, user)
    begun = job_store.begin_look(seen, at=clock.now)
    assert job_store.progress(job.model_copy(update={"warnings": ("Careful.",)})) is not None
    assert _looks(job_store, user) == [begun]


def test_a_row_that_cannot_be_read_is_listed(
    job_store: JobStore, clock: SteppingClock, user: str, cloud: Cloud | None
) -> None:
    job_store.add(_job(user, clock))
    job_store.add(_job(user, clock, 2))
    if cloud is not None:
        cloud.aws.dynamodb.update_item(
            TableName=cloud.table,
            Key={"pk": {"S": f"USER#{user}"}, "sk": {"S": "JOB#job_1"}},
            UpdateExpression="SET document = :broken",
            ExpressionAttributeValues={":broken": {"S": "{"}},
        )
    assert [look.id for look in _looks(job_store, user)] == ["job_1", "job_2"]
    if cloud is not None:
        # The emulator serves all tests; what cannot be read is nobody else's trouble.
        cloud.aws.dynamodb.delete_item(
            TableName=cloud.table, Key={"pk": {"S": f"USER#{user}"}, "sk": {"S": "JOB#job_1"}}
        )
