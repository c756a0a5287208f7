"""A worker's claim of a job whose answer was lost on the way, so that botocore sent it again."""

from typing import Any

import pytest

from darkroom.adapters.job_store import DynamoJobStore
from darkroom.models.job import Job, JobStatus
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.contract.lost_answers import Twice
from tests.paid_jobs import LEASE, paid_job, start_job


@pytest.fixture(params=["emulator", "moto"])
def furnished(request: pytest.FixtureRequest) -> Cloud:
    found: Cloud = request.getfixturevalue("emulated" if request.param == "emulator" else "mocked")
    return found


def _added(cloud: Cloud, clock: SteppingClock) -> tuple[DynamoJobStore, Job]:
    store, job = DynamoJobStore(cloud.table, cloud.aws.dynamodb), paid_job("alice", clock.now)
    store.add(job)
    return store, job


def test_a_claim_that_arrives_twice_is_the_workers_own(furnished: Cloud, clock: SteppingClock) -> None:
    store, job = _added(furnished, clock)
    running = start_job(DynamoJobStore(furnished.table, Twice(furnished.aws.dynamodb)), job, clock)  # type: ignore[arg-type]
    assert (running.status, running.attempt, running.started_at) == (JobStatus.RUNNING, 1, clock.now)
    assert store.find(job.user, job.id) == running
    # Another at the very same moment, with the same lease, has not got it.
    assert store.start(job, now=clock.now, lease_expires_at=clock.now + LEASE) is None


def test_a_claim_that_another_has_taken_over_is_not(furnished: Cloud, clock: SteppingClock) -> None:
    store, job = _added(furnished, clock)

    def taken_over() -> None:
        late = clock.now + LEASE
        assert store.start(job, now=late, lease_expires_at=late + LEASE) is not None

    twice: Any = Twice(furnished.aws.dynamodb, taken_over)
    slow = DynamoJobStore(furnished.table, twice)
    assert slow.start(job, now=clock.now, lease_expires_at=clock.now + LEASE) is None
    found = store.find(job.user, job.id)
    assert found is not None
    assert found.attempt == 2


def test_a_claim_of_a_job_that_was_not_read_is_the_workers_own_when_it_arrives_twice(
    furnished: Cloud, clock: SteppingClock
) -> None:
    store, job = _added(furnished, clock)
    twice = DynamoJobStore(furnished.table, Twice(furnished.aws.dynamodb))  # type: ignore[arg-type]
    running, is_begun = twice.claim(job.user, job.id, now=clock.now, lease_expires_at=clock.now + LEASE)
    assert is_begun
    assert running == store.find(job.user, job.id)
    assert running is not None
    assert running.attempt == 1
    assert store.claim(job.user, job.id, now=clock.now, lease_expires_at=clock.now + LEASE) == (running, False)
