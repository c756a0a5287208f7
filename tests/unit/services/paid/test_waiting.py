from datetime import UTC, datetime

import pytest

from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.services.paid.waiting import is_answer, wait_for
from tests.fakes.memory import MemoryJobStore

JOB = Job(id="job_1", user="alice", op="generation", created_at=datetime(2026, 3, 1, tzinfo=UTC))


class Time:
    """Passes only while somebody sleeps; after `steps` of that, the job has `status`."""

    def __init__(self, jobs: MemoryJobStore, status: JobStatus, *, steps: int) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._jobs, self._status, self._steps = jobs, status, steps

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)
        if len(self.slept) == self._steps:
            self._jobs.jobs["alice", "job_1"] = JOB.model_copy(update={"status": self._status})


@pytest.fixture
def jobs() -> MemoryJobStore:
    jobs = MemoryJobStore()
    jobs.add(JOB)
    return jobs


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.UNCERTAIN])
def test_it_ends_with_the_job(jobs: MemoryJobStore, status: JobStatus) -> None:
    time = Time(jobs, status, steps=4)
    job = wait_for(jobs, JOB, Deadline(25, clock=time.clock), time.sleep)
    assert (job.status, len(time.slept)) == (status, 4)


def test_what_is_over_is_not_waited_for(jobs: MemoryJobStore) -> None:
    time = Time(jobs, JobStatus.FAILED, steps=1)
    done = JOB.model_copy(update={"status": JobStatus.SUCCEEDED})
    assert wait_for(jobs, done, Deadline(25, clock=time.clock), time.sleep) is done
    assert time.slept == []


def test_it_ends_at_the_deadline_and_never_after_it(jobs: MemoryJobStore) -> None:
    time = Time(jobs, JobStatus.SUCCEEDED, steps=1000)
    job = wait_for(jobs, JOB, Deadline(25, clock=time.clock), time.sleep)
    assert job.status is JobStatus.QUEUED
    assert time.now == pytest.approx(25)
    # The first looks come soon, and none makes the reader pay for more than a read a second.
    assert time.slept[0] == 0.1
    assert max(time.slept) == 1.0
    assert len(time.slept) < 35


def test_without_time_there_is_no_look(jobs: MemoryJobStore) -> None:
    time = Time(jobs, JobStatus.SUCCEEDED, steps=1)
    assert wait_for(jobs, JOB, Deadline(0, clock=time.clock), time.sleep) is JOB
    assert time.slept == []


def test_a_job_that_was_removed_meanwhile_is_waited_for_to_the_end(jobs: MemoryJobStore) -> None:
    time = Time(jobs, JobStatus.SUCCEEDED, steps=1000)
    jobs.jobs.clear()
    assert wait_for(jobs, JOB, Deadline(3, clock=time.clock), time.sleep) is JOB


def test_running_is_no_answer() -> None:
    assert [status.value for status in JobStatus if not is_answer(JOB.model_copy(update={"status": status}))] == [
        "queued",
        "running",
    ]
