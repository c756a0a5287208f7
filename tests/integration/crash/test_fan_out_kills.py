"""A job of several calls whose worker is killed in the middle of them: no call is sent twice, and ledger = invoice."""

import signal
import time

import pytest

from darkroom.models.job import JobStatus
from tests.conftest import SteppingClock
from tests.integration.crash.customers import Customer, assert_books_agree, now_and_then, request, settle_everything
from tests.integration.crash.killing import Point, When, ended, slay, work
from tests.integration.crash.shop import BUFFERED, Place, Shop

CALLS = 3
WHENS: tuple[When, ...] = ("before", "after")
POINTS = [
    Point("jobs", "dispatch", "after"),
    *(
        Point(role, method, when)
        for role, method in (
            ("jobs", "dispatch_call"),
            ("jobs", "note_call"),
            ("raw_answers", "write"),
            ("images", "write_output"),
            ("ledger", "close"),
        )
        for when in WHENS
    ),
]


def _order(shop: Shop, customer: Customer) -> str:
    asked = request(BUFFERED).model_copy(update={"n": CALLS})
    job = shop.app.generate.submit(customer.caller, asked, now_and_then()).job
    customer.jobs.append(job.id)
    assert len(job.calls) == CALLS
    assert shop.ports.job_queue.take() == [(customer.user, job.id)]
    return job.id


def _end(shop: Shop, clock: SteppingClock, customer: Customer, job_id: str) -> None:
    """Has the provider finish what it has begun, and the sweep what the worker left."""
    ends = time.monotonic() + 20
    while not all(sent in customer.simulator.state.generations for sent in customer.sent):
        assert time.monotonic() < ends, "The provider never finished."
        time.sleep(0.005)
    settle_everything(shop, clock)
    assert_books_agree(customer)
    job = customer.job(job_id)
    sent = [call for call in job.calls if call.dispatched_at is not None]
    assert len(customer.charges) == customer.requests <= len(sent) <= CALLS
    assert shop.alarms == []


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_killed_in_the_middle_no_call_is_sent_twice_and_each_is_paid_once(
    point: Point, place: Place, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job_id = _order(shop, customer)
    assert ended(work(place, clock.now, customer.user, job_id, kill=point)) == -signal.SIGKILL
    _end(shop, clock, customer, job_id)
    if point.role in ("images", "ledger"):
        job = customer.job(job_id)
        assert (job.status, len(job.images), len(customer.charges)) == (JobStatus.SUCCEEDED, CALLS, CALLS)
        assert [call.cost for call in job.calls] == customer.charges


def test_killed_while_the_provider_is_at_work_on_all_of_them(
    place: Place, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    customer.simulator.scenario("slow_body", key=customer.secret, seconds=2)
    job_id = _order(shop, customer)
    process = work(place, clock.now, customer.user, job_id)
    ends = time.monotonic() + 20
    while not all(call.generation_id for call in customer.job(job_id).calls):
        assert time.monotonic() < ends, "They were never all sent."
        time.sleep(0.005)
    slay(process)
    _end(shop, clock, customer, job_id)
    job = customer.job(job_id)
    assert (job.status, job.cost.actual, len(customer.charges)) == (JobStatus.FAILED, sum(customer.charges), CALLS)
