from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.services.paid import waiting
from darkroom.services.paid.waiting import is_answer
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


def wait_for(
    jobs: MemoryJobStore,
    job: Job,
    deadline: Deadline,
    sleep: Callable[[float], None],
    *,
    gives_up: Callable[[], bool] = lambda: False,
    expected: float | None = None,
) -> Job:
    """As somebody waits whose jobs are shown as they are stored."""
    return waiting.wait_for(
        jobs, job, deadline, sleep, as_shown=lambda seen: seen, gives_up=gives_up, expected=expected
    )


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
    # The first looks come soon, and later ones cost two reads a second.
    assert time.slept[0] == 0.1
    assert max(time.slept) == 0.5
    assert len(time.slept) < 60


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


def _looks(jobs: MemoryJobStore, expected: float | None, took: float) -> tuple[int, float]:
    """How often a job that takes so many seconds is looked at, and how much too late its end is seen."""
    time, looks = Time(jobs, JobStatus.SUCCEEDED, steps=0), 0

    class Counted(MemoryJobStore):
        def find(self, user: str, job_id: str) -> Job | None:
            nonlocal looks
            looks += 1
            status = JobStatus.SUCCEEDED if time.now >= took else JobStatus.RUNNING
            return JOB.model_copy(update={"status": status})

    job = wait_for(Counted(), JOB, Deadline(30, clock=time.clock), time.sleep, expected=expected)
    assert job.status is JobStatus.SUCCEEDED
    return looks, time.now - took


def test_who_goes_away_is_not_waited_for_until_the_next_look(jobs: MemoryJobStore) -> None:
    time = Time(jobs, JobStatus.SUCCEEDED, steps=1000)
    wait_for(jobs, JOB, Deadline(25, clock=time.clock), time.sleep, expected=20.0, gives_up=lambda: time.now >= 5.0)
    assert time.now <= 5.5


@pytest.mark.parametrize("took", [7.0, 7.5, 8.0, 8.4, 9.5])
def test_what_takes_as_long_as_ever_is_seen_soon_and_with_few_looks(jobs: MemoryJobStore, took: float) -> None:
    looks, late = _looks(jobs, 8.0, took)
    assert looks <= 14
    assert late <= 0.3


@pytest.mark.parametrize("expected", [0.05, 0.3, 1.0, 4.0, 20.0])
def test_what_fails_at_once_is_seen_within_a_second(jobs: MemoryJobStore, expected: float) -> None:
    looks, late = _looks(jobs, expected, 0.0)
    assert looks == 1
    assert late <= 0.25


@pytest.mark.parametrize("expected", [0.05, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("took", [5.0, 12.0, 24.5])
def test_what_takes_far_longer_is_seen_within_half_a_second(jobs: MemoryJobStore, expected: float, took: float) -> None:
    looks, late = _looks(jobs, expected, took)
    assert looks <= 70
    assert late <= 0.5


def test_what_is_quick_is_seen_at_once(jobs: MemoryJobStore) -> None:
    looks, late = _looks(jobs, 0.1, 0.12)
    assert looks <= 2
    assert late <= 0.05
