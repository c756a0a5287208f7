"""The sweep: what is forgotten, abandoned or undecided comes to an end, and one job's trouble is not another's."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from darkroom.errors import NetworkError, ServiceUnavailable
from darkroom.models.deadline import Deadline
from darkroom.models.generation import RawAnswer
from darkroom.models.job import Job, JobStatus
from darkroom.services.jobs.sweep import FORGOTTEN
from darkroom.services.paid.settlement import DECIDED_AFTER
from darkroom.services.paid.worker import MOST_ATTEMPTS
from tests.unit.services.workshop import LEASE, RESERVED, USER, Workshop, failing, kept

MINUTE = timedelta(minutes=1)


def test_a_job_that_nobody_came_for_is_told_again(shop: Workshop) -> None:
    job = shop.admit()
    shop.sweep_after(FORGOTTEN - MINUTE)
    assert shop.job_queue.sent == []
    shop.sweep_after(MINUTE)
    assert shop.job_queue.sent == [(USER, job.id)]
    assert shop.now(job).status is JobStatus.QUEUED


def test_a_job_that_waits_for_its_second_attempt_is_not_hurried(shop: Workshop) -> None:
    job = shop.admit()
    shop.clock.step(FORGOTTEN)
    shop.jobs.requeue(shop.start(job))
    shop.sweep_after(MINUTE)
    assert shop.job_queue.sent == []


def test_a_job_that_waits_too_long_for_its_caller_is_canceled(shop: Workshop) -> None:
    job = shop.admit(cancel_at=shop.clock.now + MINUTE)
    shop.sweep_after(MINUTE)
    assert (shop.now(job).status, shop.budget_of(job).reserved, shop.job_queue.sent) == (JobStatus.CANCELED, 0, [])


def test_a_job_that_nobody_carries_out_in_a_day_fails_unpaid(shop: Workshop) -> None:
    job = shop.admit()
    shop.sweep_after(DECIDED_AFTER)
    assert (shop.now(job).status, shop.now(job).cost.charged) == (JobStatus.FAILED, False)
    assert (shop.budget_of(job).reserved, shop.webhook_queue.sent) == (0, [(USER, f"msg_{job.id}")])


def test_a_worker_that_is_alive_is_left_alone(shop: Workshop) -> None:
    for job in (shop.start(shop.admit()), shop.dispatch(shop.admit())):
        shop.sweep_after(timedelta(seconds=50))
        assert shop.now(job).status is JobStatus.RUNNING
    assert shop.job_queue.sent == []


def test_a_worker_that_is_gone_before_it_sent_anything_is_replaced_a_few_times(shop: Workshop) -> None:
    job = shop.admit()
    for attempt in range(1, MOST_ATTEMPTS + 1):
        shop.start(shop.now(job))
        shop.sweep_after(LEASE)
        assert len(shop.job_queue.sent) == min(attempt, MOST_ATTEMPTS - 1)
    assert (shop.now(job).status, shop.now(job).cost.charged) == (JobStatus.FAILED, False)
    assert shop.budget_of(job).reserved == 0


def test_what_was_sent_and_left_nothing_is_uncertain_and_not_sent_again(shop: Workshop) -> None:
    job = shop.dispatch(shop.admit(), key_sha256="another key's")
    shop.sweep_after(LEASE)
    seen = shop.now(job)
    assert seen.error is not None
    assert (seen.status, seen.error["charged"], seen.cost.charged) == (JobStatus.UNCERTAIN, "unknown", "unknown")
    assert (shop.budget_of(job).reserved, shop.job_queue.sent) == (RESERVED, [])


def test_a_kept_answer_is_as_good_as_the_answer(shop: Workshop) -> None:
    job = kept(shop)
    shop.sweep_after(LEASE)
    assert (shop.now(job).status, len(shop.now(job).images)) == (JobStatus.SUCCEEDED, 1)
    assert shop.budget_of(job).spent == shop.invoice > 0
    assert shop.requests == 1


def test_an_answer_that_is_kept_as_its_picture_is_as_good_and_is_not_written_again(shop: Workshop) -> None:
    job = shop.admit()
    dying = shop.beside(failing("ledger", "close", MemoryError()))
    with pytest.raises(MemoryError):
        dying.run(job)
    (key,) = shop.images.outputs
    assert shop.raw_answers.answers == {}
    # Whatever kills the sweep in between must find it again.
    shop.beside(failing("ledger", "close", MemoryError())).sweep_after(LEASE)
    shop.beside(failing("images", "write_output", MemoryError())).sweep_after(10 * MINUTE)
    ended = shop.now(job)
    assert (ended.status, [image.key for image in ended.images]) == (JobStatus.SUCCEEDED, [key])
    assert shop.budget_of(job).spent == shop.invoice > 0
    assert shop.requests == 1


def test_a_kept_error_is_as_good_as_the_error(shop: Workshop) -> None:
    job = kept(shop)
    said = b'{"error":{"code":502,"message":"Provider returned error"}}'
    shop.raw_answers.write(USER, job.id, RawAnswer(body=said, media_type="application/json", complete=True))
    shop.sweep_after(LEASE)
    assert (shop.now(job).status, shop.now(job).cost.charged) == (JobStatus.FAILED, False)


def test_half_an_answer_leaves_it_open_until_it_is_known_what_it_cost(shop: Workshop) -> None:
    job = kept(shop)
    half = RawAnswer(body=b'{"data":[{"b64', media_type="application/json", complete=False)
    shop.raw_answers.write(USER, job.id, half)
    shop.simulator.scenario("overloaded", path="/generation")
    shop.sweep_after(LEASE)
    assert shop.now(job).status is JobStatus.UNCERTAIN
    shop.simulator.world.scenarios.clear()
    shop.sweep_after(MINUTE)
    assert (shop.now(job).cost.actual, shop.now(job).cost.charged) == (shop.invoice, True)


def test_what_cannot_be_decided_is_given_up_after_a_day(shop: Workshop) -> None:
    job = shop.dispatch(shop.admit(), key_sha256="another key's")
    shop.sweep_after(DECIDED_AFTER - MINUTE)
    assert not shop.now(job).cost.settled
    shop.sweep_after(MINUTE)
    assert (shop.now(job).cost.settled, shop.now(job).cost.actual) == (True, RESERVED)
    assert (shop.now(job).cost.charged, shop.budget_of(job).spent, shop.budget_of(job).reserved) == (
        "unknown",
        RESERVED,
        0,
    )
    assert [name for name, _ in shop.alarms] == ["COST_NEVER_KNOWN"]


def test_an_answer_that_can_never_be_stored_does_not_hold_its_money_for_ever(shop: Workshop) -> None:
    wrap = failing("images", "write_output", ServiceUnavailable("The bucket is gone."), times=3)
    job = kept(shop)
    broken = shop.beside(wrap)
    for _ in range(2):
        assert broken.sweep_after(LEASE)["failed"] == 1
        assert broken.budget_of(job).reserved == RESERVED
    assert broken.sweep_after(DECIDED_AFTER)["failed"] == 0
    ended = broken.now(job)
    assert ended.error is not None
    assert (ended.status, ended.cost.actual, ended.error["charged"]) == (JobStatus.FAILED, shop.invoice, True)
    assert broken.budget_of(job).reserved == 0
    # Somebody may still get it out of there.
    assert shop.raw_answers.read(USER, job.id) is not None


def test_one_jobs_trouble_does_not_keep_the_others_waiting(shop: Workshop) -> None:
    bad, good = kept(shop), kept(shop)
    broken, resent = shop.beside(failing("raw_answers", "read", NetworkError("S3 said no."), times=1)), iter([7])
    broken.app.sweep = replace(broken.app.sweep, resend_webhooks=lambda: next(resent))
    done = broken.sweep_after(LEASE)
    assert done == {"looked_at": 2, "failed": 1, "dead_letters": 0, "webhooks": 7, "cutouts": 0}
    assert [broken.now(job).status for job in (bad, good)] == [JobStatus.RUNNING, JobStatus.SUCCEEDED]
    facts = {"job": bad.id, "error": "NetworkError", "detail": "S3 said no."}
    assert broken.alarms == [("SWEEP_FAILED", facts)]


def test_a_sweep_without_time_says_so_and_goes_on_next_time(shop: Workshop) -> None:
    jobs = [shop.admit(), shop.admit()]
    shop.clock.step(FORGOTTEN)
    assert shop.app.sweep.run(Deadline(0)) == {
        "looked_at": 0,
        "failed": 0,
        "dead_letters": 0,
        "webhooks": 0,
        "cutouts": 0,
    }
    assert (shop.alarms, shop.job_queue.sent) == ([("SWEEP_TOO_SHORT", {"looked_at": 0})], [])
    shop.app.sweep.run(Deadline(60))
    assert shop.job_queue.sent == [(USER, job.id) for job in jobs]


def test_free_jobs_are_closed_as_before(shop: Workshop) -> None:
    free = Job(id="job_free", user=USER, op="background-removal", created_at=shop.clock.now)
    shop.jobs.add(free)
    shop.sweep_after(timedelta(days=1))
    assert shop.now(free).status is JobStatus.FAILED
