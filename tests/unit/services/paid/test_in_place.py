"""What somebody waits for is carried out by the process that admits it, and by a worker where that cannot be."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta

import pytest

from darkroom.errors import BudgetExceeded, ServiceUnavailable
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.deadline import Deadline
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobStatus
from darkroom.services.paid.admission import Admission, Submission
from darkroom.services.paid.at_hand import job_at_hand, kept_at_hand, picture_at_hand
from darkroom.services.paid.in_place import FOR_ANSWERING, MAX_SECONDS, MIN_SECONDS, InPlace, Start, in_thread
from darkroom.services.paid.worker import LEASE_MARGIN
from tests.application import Studio
from tests.fakes.prompt_queues import PromptQueue
from tests.unit.services.later import Later
from tests.unit.services.workshop import Workshop, failing

ALICE = Caller(user="alice")
DOWN = ServiceUnavailable("DynamoDB is down.")
WAITING = Terms(route="POST /v1/images/generations")
KEYED = WAITING.model_copy(update={"idempotency_key": "k"})


def _submit(studio: Studio, start: Start, terms: Terms = WAITING, *, outlasts: bool = False) -> Submission:
    app = studio.beside().app
    app.admission = Admission(
        jobs=studio.jobs,
        ledger=studio.ledger,
        answers=app.answers,
        queue=studio.job_queue,
        providers=app.providers,
        budgets=app.budgets,
        clock=studio.clock,
        retention=timedelta(days=30),
        alarm=studio.alarm,
        in_place=InPlace(app.worker, start, outlasts_answer=outlasts),
    )
    return app.generate.submit(ALICE, ImageRequest(prompt="a fox"), terms)


def _stored(studio: Studio, submission: Submission) -> Job:
    return studio.job("alice", submission.job.id)


def test_it_is_admitted_as_begun_by_this_process_and_no_worker_is_told(studio: Studio) -> None:
    job = _stored(studio, _submit(studio, Later().start))
    assert (job.status, job.attempt, job.started_at) == (JobStatus.RUNNING, 1, studio.clock.now)
    assert job.lease_expires_at == pytest.approx(
        studio.clock.now + timedelta(seconds=MAX_SECONDS) + LEASE_MARGIN, abs=timedelta(seconds=5)
    )
    assert job.dispatched_at is None
    assert studio.job_queue.sent == []


def test_its_job_and_its_picture_need_not_be_read_again(studio: Studio) -> None:
    beside = Later()
    with kept_at_hand():
        submission = _submit(studio, beside.start)
        assert job_at_hand(submission.job.id) is None
        beside.do()
        job = _stored(studio, submission)
        assert job_at_hand(job.id) == job
        assert picture_at_hand(job.images[0].key) == studio.images.outputs[job.images[0].key].data
    # Of another request, and where there is none, nothing is.
    with kept_at_hand():
        assert job_at_hand(job.id) is None
    assert picture_at_hand(job.images[0].key) is None


def test_it_is_carried_out_and_settled_once(studio: Studio) -> None:
    beside = Later()
    submission = _submit(studio, beside.start)
    beside.do()
    job = _stored(studio, submission)
    assert (job.status, job.cost.settled, len(job.images)) == (JobStatus.SUCCEEDED, True, 1)
    assert studio.charged("alice") == [job.cost.actual]
    assert studio.budget("alice", "day").spent == job.cost.actual
    # Nothing more comes of doing it again.
    beside.do()
    assert studio.charged("alice") == [job.cost.actual]


def test_a_worker_leaves_it_alone_while_the_lease_lasts_and_has_it_afterwards(studio: Studio) -> None:
    beside = Later()
    submission = _submit(studio, beside.start)
    studio.app.worker.run("alice", submission.job.id, Deadline(300))
    assert _stored(studio, submission).status is JobStatus.RUNNING
    studio.clock.step(timedelta(seconds=MAX_SECONDS) + LEASE_MARGIN)
    studio.app.worker.run("alice", submission.job.id, Deadline(300))
    assert _stored(studio, submission).status is JobStatus.SUCCEEDED
    # This process was only halted, and goes on: it sends nothing.
    beside.do()
    assert len(studio.charged("alice")) == 1


def test_the_future_ends_with_the_work(studio: Studio) -> None:
    submission = _submit(studio, in_thread)
    assert submission.running is not None
    assert submission.running.result(30) is None
    assert _stored(studio, submission).status is JobStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [({"is_async": True}, 900.0), ({"wait": 20.0}, 900.0), ({}, MIN_SECONDS + FOR_ANSWERING - 1)],
    ids=["respond-async", "wait", "too little time"],
)
def test_what_is_answered_before_its_end_is_a_workers(studio: Studio, asked: dict[str, object], seconds: float) -> None:
    terms = WAITING.model_copy(update={**asked, "deadline": Deadline(seconds)})
    submission = _submit(studio, Later().start, terms)
    job = _stored(studio, submission)
    assert (job.status, job.attempt, job.lease_expires_at) == (JobStatus.QUEUED, 0, None)
    assert studio.job_queue.sent == [("alice", job.id)]
    assert submission.running is None


@pytest.mark.parametrize("asked", [{}, {"wait": 0.5}], ids=["until the end", "wait"])
def test_a_process_that_outlasts_its_answer_carries_it_out_however_little_time_there_is_to_answer(
    studio: Studio, asked: dict[str, object]
) -> None:
    beside = Later()
    terms = WAITING.model_copy(update={**asked, "deadline": Deadline(25.0)})
    submission = _submit(studio, beside.start, terms, outlasts=True)
    job = _stored(studio, submission)
    assert (job.status, job.attempt, studio.job_queue.sent) == (JobStatus.RUNNING, 1, [])
    assert job.lease_expires_at == pytest.approx(
        studio.clock.now + timedelta(seconds=MAX_SECONDS) + LEASE_MARGIN, abs=timedelta(seconds=5)
    )
    beside.do()
    assert _stored(studio, submission).status is JobStatus.SUCCEEDED


def test_what_nobody_waits_for_is_a_workers_there_too(studio: Studio) -> None:
    terms = WAITING.model_copy(update={"is_async": True})
    submission = _submit(studio, Later().start, terms, outlasts=True)
    assert studio.job_queue.sent == [("alice", submission.job.id)]
    assert submission.running is None


def test_a_request_that_is_repeated_joins_the_job_and_begins_none(studio: Studio) -> None:
    beside = Later()
    first, second = (_submit(studio, beside.start, KEYED) for _ in range(2))
    assert (second.job.id, second.is_replayed, second.running) == (first.job.id, True, None)
    assert len(beside.work) == 1


def test_what_the_budget_refuses_is_not_begun(studio: Studio) -> None:
    studio.app.budgets.change("alice", {"per_month": 1})
    beside = Later()
    with pytest.raises(BudgetExceeded):
        _submit(studio, beside.start)
    assert beside.work == []
    assert not studio.jobs.jobs


def _begun(shop: Workshop) -> tuple[Job, Later]:
    """A job that is to be canceled before it is sent."""
    beside = Later()
    in_place, time = InPlace(shop.app.worker, beside.start, outlasts_answer=False), Deadline(MAX_SECONDS)
    job = shop.admit(cancel_at=shop.clock.now)
    claimed = in_place.claimed(job, shop.clock.now, time)
    shop.jobs.jobs[job.user, job.id] = claimed
    assert in_place.begin(claimed, time, None) is not None
    return job, beside


def test_our_own_trouble_before_anything_is_sent_leaves_it_to_a_worker(shop: Workshop) -> None:
    troubled = Workshop(shop.simulator, shop.clock, wrap=failing("ledger", "close", DOWN, 1))
    job, beside = _begun(troubled)
    beside.do()
    assert troubled.now(job).status is JobStatus.QUEUED
    assert troubled.job_queue.sent == [(job.user, job.id)]
    assert troubled.run(job).status is JobStatus.CANCELED


def test_a_queue_that_is_down_is_told_of_and_the_sweep_finds_the_job(shop: Workshop) -> None:
    class Down(PromptQueue):
        def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
            raise DOWN

    troubled = Workshop(shop.simulator, shop.clock, wrap=failing("ledger", "close", DOWN, 1), job_queue=Down())
    job, beside = _begun(troubled)
    beside.do()
    assert troubled.now(job).status is JobStatus.QUEUED
    assert troubled.alarms == [("JOB_NOT_QUEUED", {"job": job.id, "detail": DOWN.detail})]


def test_without_room_for_a_thread_it_is_a_workers(studio: Studio) -> None:
    def full(_work: Callable[[], None]) -> "Future[None]":
        raise RuntimeError("can't start new thread")

    submission = _submit(studio, full)
    assert submission.running is None
    assert _stored(studio, submission).status is JobStatus.QUEUED
    assert studio.job_queue.sent == [("alice", submission.job.id)]
