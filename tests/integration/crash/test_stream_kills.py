"""Chat at the live door is killed at every point of its way, above all in the middle of a stream: it is paid once at
the most, and what its reader had of it changes nothing of that.
"""

import signal

import pytest

from darkroom.models.completion_body import CompletionBody
from darkroom.models.job import JobStatus
from tests.conftest import SteppingClock
from tests.integration.crash.customers import (
    HOOK,
    Customer,
    assert_books_agree,
    now_and_then,
    settle_everything,
)
from tests.integration.crash.killing import Point, ended, talk, wait_until
from tests.integration.crash.shop import TALKER, Place, Shop
from tests.integration.crash.test_kills import ADMITTED

BODY = CompletionBody(
    model=TALKER,
    messages=[{"role": "user", "content": "Hello there, and how are you on this day? " * 4}],
    webhook_url=HOOK,
)
DISPATCHED = Point("jobs", "dispatch", "after")
ANSWER_LOST = Point("raw_answers", "write", "before")
ANSWER_KEPT = Point("raw_answers", "write", "after")
BEGUN_AGAIN = [
    *ADMITTED,
    Point("vault", "reveal", "after"),
    Point("provider", "complete", "before"),
    Point("jobs", "dispatch", "before"),
]
BROKEN_OFF = [
    Point("jobs", "note_generation", "after"),
    Point("reader", "on_event", "before"),
    Point("reader", "on_event", "after"),
]
FINISHED = [
    ANSWER_KEPT,
    Point("provider", "complete", "after"),
    Point("ledger", "close", "before"),
    Point("ledger", "close", "after"),
    Point("raw_answers", "remove", "after"),
]
BOTH = pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "buffered"])


class Door:
    def __init__(self, place: Place, shop: Shop, clock: SteppingClock, customer: Customer) -> None:
        self._place, self._shop, self._clock, self._customer = place, shop, clock, customer

    def killed(self, point: Point, *, streamed: bool = True) -> JobStatus:
        """How it ends that a process is killed there, once everything is settled."""
        customer = self._customer
        terms = now_and_then(is_async=False)
        process = talk(self._place, self._clock.now, customer.caller, BODY, terms, streamed=streamed, kill=point)
        assert ended(process) == -signal.SIGKILL
        (job,) = self._shop.ports.jobs.page(customer.user, limit=10).jobs
        customer.jobs.append(job.id)
        # The provider notices by itself that the client is gone.
        wait_until(lambda: all(sent in customer.simulator.state.generations for sent in customer.sent))
        settle_everything(self._shop, self._clock)
        assert self._shop.alarms == []
        assert_books_agree(customer)
        return customer.job(job.id).status


@pytest.fixture
def door(place: Place, shop: Shop, clock: SteppingClock, customer: Customer) -> Door:
    return Door(place, shop, clock, customer)


@pytest.mark.parametrize("point", BEGUN_AGAIN, ids=str)
def test_killed_before_anything_was_sent_it_is_carried_out_by_a_worker(
    point: Point, door: Door, customer: Customer
) -> None:
    assert door.killed(point) is JobStatus.SUCCEEDED
    assert (customer.requests, len(customer.charges)) == (1, 1)


@BOTH
def test_killed_when_it_was_to_be_sent_it_is_not_sent_again(streamed: bool, door: Door, customer: Customer) -> None:
    assert door.killed(DISPATCHED, streamed=streamed) is JobStatus.FAILED
    assert (customer.requests, customer.charges) == (0, [])


@pytest.mark.parametrize("is_billed", [False, True], ids=["ended with its reader", "finished all the same"])
@pytest.mark.parametrize("point", BROKEN_OFF, ids=str)
def test_killed_in_the_middle_of_a_stream_it_is_not_sent_again_and_its_cost_is_found_out(
    point: Point, is_billed: bool, door: Door, customer: Customer
) -> None:
    customer.simulator.scenario("slow_stream", key=customer.secret, seconds=20)
    if is_billed:
        customer.simulator.scenario("bill_cancelled", key=customer.secret)
    assert door.killed(point) is JobStatus.FAILED
    assert (customer.requests, len(customer.charges)) == (1, int(is_billed))


@BOTH
def test_killed_before_the_answer_was_kept_it_says_that_it_was_charged(
    streamed: bool, door: Door, customer: Customer
) -> None:
    assert door.killed(ANSWER_LOST, streamed=streamed) is JobStatus.FAILED
    assert (customer.requests, len(customer.charges)) == (1, 1)


@pytest.mark.parametrize("point", FINISHED, ids=str)
def test_killed_after_the_answer_was_kept_it_is_there(point: Point, door: Door, customer: Customer) -> None:
    assert door.killed(point) is JobStatus.SUCCEEDED
    assert (customer.requests, len(customer.charges)) == (1, 1)


def test_a_buffered_answer_that_was_kept_is_there_too(door: Door, customer: Customer) -> None:
    assert door.killed(ANSWER_KEPT, streamed=False) is JobStatus.SUCCEEDED
    assert (customer.requests, len(customer.charges)) == (1, 1)
