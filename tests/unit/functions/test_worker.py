"""The worker's door: which event leads to what. What it does then is tested with the services."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from darkroom.errors import ServiceUnavailable
from darkroom.events.worker import handler_of
from darkroom.models.job import Job, JobStatus
from tests.application import KLEIN, Studio
from tests.events import Context, queue_event
from tests.paid_jobs import DOLLAR, day, paid_job

SCHEDULE = {"source": "aws.events", "detail-type": "Scheduled Event"}


class LongContext(Context):
    def __init__(self, seconds: float = 300.0) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


def _admitted(studio: Studio) -> Job:
    job = paid_job("alice", studio.clock(), day(DOLLAR, studio.clock()))
    assert job.work is not None
    assert job.work.request is not None
    work = job.work.model_copy(update={"request": job.work.request.model_copy(update={"model": KLEIN})})
    admitted = studio.ledger.admit(job.model_copy(update={"work": work})).admitted
    assert admitted is not None
    return admitted


def _message(job: Job) -> dict[str, str]:
    return {"user": job.user, "job_id": job.id}


def test_a_message_is_a_job_and_a_second_one_changes_nothing(studio: Studio) -> None:
    job = _admitted(studio)
    handle = handler_of(studio.app)
    for _ in range(2):
        assert handle(queue_event(_message(job)), LongContext()) == {"batchItemFailures": []}
    assert studio.job("alice", job.id).status is JobStatus.SUCCEEDED
    assert studio.charged() == [14_000]


def test_the_same_message_in_one_batch_twice_is_one_charge(studio: Studio) -> None:
    job = _admitted(studio)
    handler_of(studio.app)(queue_event(_message(job), _message(job)), LongContext())
    assert studio.charged() == [14_000]


def test_a_dead_letter_fails_its_job_and_says_so_to_somebody(studio: Studio) -> None:
    job = _admitted(studio)

    def one_dead_letter() -> int:
        studio.app.worker.dead_letter(job.user, job.id)
        return 1

    studio.app.sweep = replace(studio.app.sweep, sweep_dead_letters=one_dead_letter)
    assert handler_of(studio.app)(SCHEDULE, LongContext())["dead_letters"] == 1
    failed = studio.job("alice", job.id)
    assert (failed.status, failed.cost.actual, failed.cost.settled) == (JobStatus.FAILED, 0, True)
    assert studio.budget("alice", "day").remaining == DOLLAR
    assert [name for name, _ in studio.alarms] == ["DEAD_LETTER"]
    assert studio.charged() == []


def test_the_schedule_sweeps(studio: Studio) -> None:
    assert handler_of(studio.app)(SCHEDULE, LongContext()) == {
        "looked_at": 0,
        "failed": 0,
        "dead_letters": 0,
        "webhooks": 0,
        "cutouts": 0,
    }


def test_a_sweep_ends_in_time_and_says_what_it_did_not_see(studio: Studio) -> None:
    _admitted(studio)
    assert handler_of(studio.app)(SCHEDULE, LongContext(4.0))["looked_at"] == 0
    assert [name for name, _ in studio.alarms] == ["SWEEP_TOO_SHORT"]


@pytest.mark.parametrize("body", ["{", {"user": "alice"}, {"job_id": "job_1"}, []])
def test_a_message_that_names_no_job_comes_again_and_ends_as_a_dead_letter(studio: Studio, body: Any) -> None:
    job = _admitted(studio)
    answer = handler_of(studio.app)(queue_event(body, _message(job)), LongContext())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert studio.job("alice", job.id).status is JobStatus.SUCCEEDED


@pytest.mark.parametrize(("receives", "seconds"), [(1, 5), (2, 30), (3, 120), (4, 600), (9, 600)])
def test_after_a_fault_that_passes_the_message_comes_again_within_seconds(
    studio: Studio, receives: int, seconds: int
) -> None:
    """Not when its queue's visibility timeout is over, half an hour later."""
    job = _admitted(studio)
    claim, studio.jobs.claim = studio.jobs.claim, _busy  # type: ignore[method-assign]
    handle = handler_of(studio.app)
    answer = handle(queue_event(_message(job), receives=receives), LongContext())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert studio.job_queue.postponed == [("r0", timedelta(seconds=seconds))]
    studio.jobs.claim = claim  # type: ignore[method-assign]
    assert handle(queue_event(_message(job)), LongContext()) == {"batchItemFailures": []}
    assert studio.charged() == [14_000]


def _busy(*_: Any, **__: Any) -> Any:
    raise ServiceUnavailable("AWS is busy.", retry_after=2)


def test_a_fault_before_anything_was_sent_leaves_the_job_to_the_message_that_comes_again(studio: Studio) -> None:
    """Its lease would have it wait for the sweep otherwise."""
    job = _admitted(studio)
    settlement = studio.app.worker.settlement
    cancel_at = studio.clock()
    studio.jobs.jobs["alice", job.id] = job.model_copy(update={"cancel_at": cancel_at})

    def close(*_: Any, **__: Any) -> bool:
        raise ServiceUnavailable("AWS is busy.", retry_after=2)

    closed, studio.ledger.close = studio.ledger.close, close  # type: ignore[method-assign]
    assert settlement is studio.app.worker.settlement
    handle = handler_of(studio.app)
    assert handle(queue_event(_message(job)), LongContext())["batchItemFailures"]
    assert studio.job("alice", job.id).status is JobStatus.QUEUED
    studio.ledger.close = closed  # type: ignore[method-assign]
    assert handle(queue_event(_message(job)), LongContext()) == {"batchItemFailures": []}
    assert studio.job("alice", job.id).status is JobStatus.CANCELED
    assert studio.charged() == []


def test_a_job_that_is_gone_is_done_with(studio: Studio) -> None:
    event = queue_event({"user": "alice", "job_id": "job_gone"})
    assert handler_of(studio.app)(event, LongContext()) == {"batchItemFailures": []}
