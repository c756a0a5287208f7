"""A paid job is killed at every point of its way. Whatever comes after, it is paid once at the most, and the ledger
says to the micro-dollar what the invoice says.
"""

import signal
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess

import pytest

from darkroom.models.deadline import Deadline
from darkroom.models.job import JobStatus
from darkroom.models.user_settings import Limits, UserSettings
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.integration.crash.customers import (
    Customer,
    assert_books_agree,
    assert_lawful,
    charges,
    now_and_then,
    request,
    settle_everything,
    visit,
)
from tests.integration.crash.killing import Point, When, ask, ended, serve, slay, sweep, wait_until, work
from tests.integration.crash.shop import BUFFERED, STREAMED, Place, Shop

WHENS: tuple[When, ...] = ("before", "after")
MODELS = {"buffered": BUFFERED, "streamed": STREAMED}

# Nothing can have been spent, so it is begun again. A worker's job is claimed, ...
CLAIMED = [
    Point("jobs", "claim", "before"),
    Point("jobs", "claim", "after"),
]
# ... one in place is the process's from its admission on.
ADMITTED = [Point("ledger", "admit", "after")]
BEFORE_DISPATCH = [
    Point("vault", "reveal", "before"),
    Point("vault", "reveal", "after"),
    Point("provider", "inspect", "after"),
    Point("provider", "generate", "before"),
    Point("jobs", "dispatch", "before"),
]
BUDGETS_SEEN = Point("ledger", "budgets", "after")
# The answer had come and was not kept: it is paid, and lost.
ANSWER_LOST = [Point("raw_answers", "write", "before")]
# The answer was kept: nothing is lost.
ANSWER_KEPT = [
    Point("raw_answers", "write", "after"),
    Point("provider", "generate", "after"),
    Point("images", "write_output", "before"),
    Point("images", "write_output", "after"),
    BUDGETS_SEEN,
    Point("ledger", "close", "before"),
    Point("ledger", "close", "after"),
    Point("webhook_queue", "send", "before"),
    Point("webhook_queue", "send", "after"),
    Point("raw_answers", "remove", "before"),
    Point("raw_answers", "remove", "after"),
]

# What is done only with an answer that lies by itself.
APART = {("images", "write_output"), ("raw_answers", "remove")}

# Where a sweep can be killed that brings to an end what such a worker left.
SWEPT = [
    *((Point("jobs", "dispatch", "before"), Point("jobs", "requeue", when)) for when in WHENS),
    *((Point("jobs", "dispatch", "before"), Point("job_queue", "send", when)) for when in WHENS),
    *((Point("raw_answers", "write", "before"), Point("jobs", "record", when)) for when in WHENS),
    *((Point("raw_answers", "write", "before"), Point("provider", "generation", when)) for when in WHENS),
    *((Point("raw_answers", "write", "before"), Point("ledger", "close", when)) for when in WHENS),
    *((Point("raw_answers", "write", "before"), Point("webhook_queue", "send", when)) for when in WHENS),
    *((Point("raw_answers", "write", "after"), Point("raw_answers", "read", when)) for when in WHENS),
    *((Point("raw_answers", "write", "after"), Point("images", "write_output", when)) for when in WHENS),
    *((Point("raw_answers", "write", "after"), Point("ledger", "close", when)) for when in WHENS),
    *((Point("raw_answers", "write", "after"), Point("raw_answers", "remove", when)) for when in WHENS),
]

# A slow body is for what is buffered, a slow stream for what is streamed.
SLOW = {
    "slow_headers": ("slow_headers",),
    "slow_middle": ("slow_body", "slow_stream"),
    "bill_cancelled": ("slow_body", "slow_stream", "bill_cancelled"),
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return MODELS[request.param]


@dataclass
class Door:
    """Where a picture is asked for, and which process carries it out: a worker's, or the one that admits it."""

    place: Place
    shop: Shop
    clock: SteppingClock
    customer: Customer
    is_in_place: bool

    def begin(self, model: str, kill: Point | None = None, *, apart: bool = False) -> tuple[str, BaseProcess]:
        """Asks for a picture, and starts the process that carries it out: the job's id, and that process."""
        if not self.is_in_place:
            job = self.customer.ask(model, webhook=True, apart=apart)
            assert self.shop.ports.job_queue.take() == [(self.customer.user, job.id)]
            return job.id, work(self.place, self.clock.now, self.customer.user, job.id, kill=kill)
        terms = now_and_then(is_async=False)
        asked = request(model, webhook=True, apart=apart)
        process = serve(self.place, self.clock.now, self.customer.caller, asked, terms, kill=kill)
        wait_until(lambda: bool(self._jobs()) or not process.is_alive())
        (job_id,) = self._jobs()
        self.customer.jobs.append(job_id)
        return job_id, process

    def _jobs(self) -> list[str]:
        return [job.id for job in self.shop.ports.jobs.page(self.customer.user, limit=10).jobs]

    def killed(self, model: str, point: Point, *, apart: bool = False) -> str:
        """Has the process killed at the point; the job's id."""
        if point == BUDGETS_SEEN:
            # They are looked at only where there may be something to warn of.
            assert self.shop.ports.settings.save(
                self.customer.user, UserSettings(limits=Limits(per_day=100_000), warn_at_percent=1)
            )
        job_id, process = self.begin(model, point, apart=apart or (point.role, point.method) in APART)
        assert ended(process) == -signal.SIGKILL
        assert self.shop.ports.job_queue.sent == []
        return job_id


@pytest.fixture(params=["worker", "in place"])
def door(request: pytest.FixtureRequest, place: Place, shop: Shop, clock: SteppingClock, customer: Customer) -> Door:
    return Door(place, shop, clock, customer, is_in_place=request.param == "in place")


@pytest.fixture
def worker_door(place: Place, shop: Shop, clock: SteppingClock, customer: Customer) -> Door:
    return Door(place, shop, clock, customer, is_in_place=False)


@pytest.fixture
def in_place_door(place: Place, shop: Shop, clock: SteppingClock, customer: Customer) -> Door:
    return Door(place, shop, clock, customer, is_in_place=True)


def _end(shop: Shop, clock: SteppingClock, customer: Customer) -> None:
    settle_everything(shop, clock)
    # Whose message got lost with the worker is told all the same.
    visit(shop, clock, timedelta(hours=2))
    told = [name for user, name in shop.ports.webhook_queue.sent if user == customer.user]
    assert set(told) == {f"msg_{job_id}" for job_id in customer.jobs}
    assert shop.alarms == []
    assert_books_agree(customer)


@pytest.mark.parametrize("point", BEFORE_DISPATCH, ids=str)
def test_killed_before_anything_was_sent_it_is_carried_out_by_another(
    point: Point, model: str, door: Door, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    _carried_out_by_another(door.killed(model, point), shop, clock, customer)


@pytest.mark.parametrize("point", CLAIMED, ids=str)
def test_a_worker_killed_while_it_claims_the_job_leaves_it_to_another(
    point: Point, model: str, worker_door: Door, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    _carried_out_by_another(worker_door.killed(model, point), shop, clock, customer)


@pytest.mark.parametrize("point", ADMITTED, ids=str)
def test_killed_when_it_has_just_admitted_a_job_of_its_own_a_worker_carries_it_out(
    point: Point, model: str, in_place_door: Door, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job_id = in_place_door.killed(model, point)
    job = customer.job(job_id)
    assert (job.status, job.attempt, job.dispatched_at) == (JobStatus.RUNNING, 1, None)
    _carried_out_by_another(job_id, shop, clock, customer)


def _carried_out_by_another(job_id: str, shop: Shop, clock: SteppingClock, customer: Customer) -> None:
    assert customer.requests == 0
    _end(shop, clock, customer)
    assert customer.job(job_id).status is JobStatus.SUCCEEDED
    assert (customer.requests, len(customer.charges)) == (1, 1)


def test_killed_after_the_dispatch_was_recorded_it_is_not_sent_again(
    model: str, door: Door, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job_id = door.killed(model, Point("jobs", "dispatch", "after"))
    _end(shop, clock, customer)
    job = customer.job(job_id)
    assert (job.status, job.cost.charged, job.cost.actual) == (JobStatus.FAILED, False, 0)
    assert (customer.requests, customer.charges) == (0, [])


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_between_an_attempt_that_failed_and_the_next_it_is_not_sent_again(
    when: When, door: Door, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    customer.simulator.scenario("provider_failed", key=customer.secret, times=1)
    # What the attempt before left is removed first.
    job_id = door.killed(BUFFERED, Point("raw_answers", "remove", when))
    _end(shop, clock, customer)
    job = customer.job(job_id)
    assert (job.status, job.cost.charged, job.cost.actual) == (JobStatus.FAILED, False, 0)
    assert (customer.requests, customer.charges) == (1, [])


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_the_headers_its_cost_is_found_out(
    when: When, model: str, door: Door, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    # An answer that follows its headers at once has the id itself.
    for name in SLOW["slow_middle"]:
        customer.simulator.scenario(name, key=customer.secret, seconds=5)
    job_id = door.killed(model, Point("jobs", "note_generation", when))
    _end(shop, clock, customer)
    job = customer.job(job_id)
    assert job.status is JobStatus.FAILED
    # A provider finishes what it has begun; a stream ends when nobody listens any more.
    assert job.cost.charged is (model == BUFFERED)
    assert (customer.requests, len(customer.charges)) == (1, int(model == BUFFERED))


@pytest.mark.parametrize("scenario", ["slow_headers", "slow_middle", "bill_cancelled"])
def test_killed_while_the_provider_is_at_work_it_is_paid_once_at_the_most(
    scenario: str, model: str, door: Door, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    for name in SLOW[scenario]:
        customer.simulator.scenario(name, key=customer.secret, seconds=0.5 if name == "slow_headers" else 3)
    job_id, process = door.begin(model)
    # Before the headers nothing is known of it but that it was sent.
    wait_until(lambda: customer.requests == 1 if scenario == "slow_headers" else _has_id(customer, job_id))
    slay(process)
    wait_until(lambda: _is_known(customer))
    _end(shop, clock, customer)
    ended_as = customer.job(job_id)
    assert (ended_as.status, customer.requests) == (JobStatus.FAILED, 1)
    is_charged = model == BUFFERED or scenario == "bill_cancelled"
    assert ended_as.cost.charged is is_charged
    assert len(customer.charges) == int(is_charged)


def _has_id(customer: Customer, job_id: str) -> bool:
    return bool(customer.job(job_id).generation_id)


def _is_known(customer: Customer) -> bool:
    """Whether the provider has noticed what became of the call."""
    return bool(customer.sent) and all(sent in customer.simulator.state.generations for sent in customer.sent)


def test_several_workers_of_one_key_that_are_killed_are_settled_together(
    place: Place, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    """The provider's books know none of them by an id; two were never sent, and one is carried out undisturbed."""
    customer.simulator.scenario("slow_headers", key=customer.secret, seconds=1)
    lost = [customer.ask(BUFFERED) for _ in range(4)]
    shop.ports.job_queue.take()
    processes = [work(place, clock.now, customer.user, job.id) for job in lost]
    wait_until(lambda: customer.requests == len(lost))
    for process in processes:
        slay(process)
    unsent = [customer.ask(BUFFERED) for _ in range(2)]
    shop.ports.job_queue.take()
    for job in unsent:
        killed = work(place, clock.now, customer.user, job.id, kill=Point("jobs", "dispatch", "after"))
        assert ended(killed) == -signal.SIGKILL
    wait_until(lambda: _is_known(customer))
    plain = customer.ask(BUFFERED)
    settle_everything(shop, clock)
    invoice = sum(customer.charges)
    assert len(customer.charges) == len(lost) + 1
    together = [customer.job(job.id).cost for job in (*lost, *unsent)]
    assert sum(cost.actual or 0 for cost in together) == invoice - (customer.job(plain.id).cost.actual or 0)
    assert {cost.together.jobs if cost.together else 0 for cost in together} == {len(lost) + len(unsent)}
    assert {cost.charged for cost in together} == {"unknown"}
    assert sum(receipt.actual or 0 for receipt in customer.receipts()) == invoice
    assert {budget.spent for budget in customer.budgets().values()} == {invoice}
    assert {budget.reserved for budget in customer.budgets().values()} == {0}
    assert shop.alarms == []


@pytest.mark.parametrize("point", ANSWER_LOST, ids=str)
def test_killed_before_the_answer_was_kept_it_says_that_it_was_charged(
    point: Point, model: str, door: Door, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job_id = door.killed(model, point)
    _end(shop, clock, customer)
    job = customer.job(job_id)
    assert (job.status, job.cost.charged, job.cost.actual) == (JobStatus.FAILED, True, customer.charges[0])
    assert (customer.requests, len(customer.charges)) == (1, 1)


@pytest.mark.parametrize("point", ANSWER_KEPT, ids=str)
def test_killed_after_the_answer_was_kept_the_picture_is_there(
    point: Point, model: str, door: Door, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job_id = door.killed(model, point)
    _end(shop, clock, customer)
    job = customer.job(job_id)
    assert (job.status, len(job.images)) == (JobStatus.SUCCEEDED, 1)
    assert (customer.requests, len(customer.charges)) == (1, 1)


@pytest.mark.parametrize(("left", "point"), SWEPT, ids=str)
def test_a_sweep_that_is_killed_is_finished_by_the_next(
    left: Point, point: Point, worker_door: Door, place: Place, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    is_lost = left == ANSWER_LOST[0]
    if is_lost:
        # What it cost is found out at once where the generation's id is known.
        customer.simulator.scenario("slow_stream", key=customer.secret, seconds=1)
    job_id = worker_door.killed(STREAMED, left, apart=(point.role, point.method) in APART)
    clock.step(timedelta(minutes=6))
    assert ended(sweep(place, clock.now, point)) == -signal.SIGKILL
    _end(shop, clock, customer)
    assert customer.job(job_id).status is (JobStatus.FAILED if is_lost else JobStatus.SUCCEEDED)
    assert customer.job(job_id).cost.charged is True
    assert (customer.requests, len(customer.charges)) == (1, 1)


@pytest.mark.parametrize("point", [Point("ledger", "admit", "before"), Point("job_queue", "send", "before")], ids=str)
def test_killed_while_it_is_admitted_the_callers_retry_gets_the_same_job(
    point: Point, model: str, place: Place, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    terms = now_and_then(idempotency_key="once")
    process = ask(place, clock.now, customer.caller, request(model, webhook=True), terms, point)
    assert ended(process) == -signal.SIGKILL
    left = [job.id for job in shop.ports.jobs.page(customer.user, limit=10).jobs]
    assert len(left) == (point.role == "job_queue")
    job = customer.ask(model, webhook=True, terms=terms)
    assert job.id in left or not left
    _end(shop, clock, customer)
    assert customer.job(job.id).status is JobStatus.SUCCEEDED
    assert [each.id for each in shop.ports.jobs.page(customer.user, limit=10).jobs] == [job.id]
    assert (customer.requests, len(customer.charges)) == (1, 1)


def test_killed_while_it_is_admitted_a_retry_without_a_key_joins_it(
    place: Place, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    first = now_and_then(is_async=False)
    point = Point("job_queue", "send", "after")
    assert ended(ask(place, clock.now, customer.caller, request(BUFFERED), first, point)) == -signal.SIGKILL
    job = customer.ask(BUFFERED, terms=first.model_copy(update={"is_retry": True}))
    settle_everything(shop, clock)
    assert [each.id for each in shop.ports.jobs.page(customer.user, limit=10).jobs] == [job.id]
    assert len(customer.charges) == 1
    assert_books_agree(customer)


def test_two_workers_at_once_pay_once(
    model: str, place: Place, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job = customer.ask(model)
    processes = [work(place, clock.now, customer.user, job.id) for _ in range(4)]
    assert [ended(process) for process in processes] == [0] * 4
    settle_everything(shop, clock)
    assert (customer.requests, len(customer.charges)) == (1, 1)
    assert_books_agree(customer)


def test_a_job_that_kills_every_worker_is_given_up_unpaid(
    place: Place, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job = customer.ask()
    for _ in range(3):
        assert shop.ports.job_queue.take() == [(customer.user, job.id)]
        process = work(place, clock.now, customer.user, job.id, kill=Point("provider", "inspect", "before"))
        assert ended(process) == -signal.SIGKILL
        clock.step(timedelta(minutes=6))
        assert shop.app.sweep.run(Deadline(60))["failed"] == 0
    assert shop.ports.job_queue.take() == []
    assert customer.job(job.id).status is JobStatus.FAILED
    assert customer.requests == 0
    assert_books_agree(customer)


def test_all_of_them_together_were_charged_what_the_ledger_says(
    openrouter: Simulator, everybody: list[Customer]
) -> None:
    budgets = [budget for customer in everybody for budget in customer.budgets().values()]
    assert_lawful(budgets)
    receipts = [receipt for customer in everybody for receipt in customer.receipts()]
    invoice = sum(charge for customer in everybody for charge in charges(openrouter, customer.secret))
    assert invoice > 0
    for period in ("day#", "month#"):
        assert sum(budget.spent for budget in budgets if budget.id.startswith(period)) == invoice
    assert sum(receipt.actual or 0 for receipt in receipts) == invoice
    assert {budget.reserved for budget in budgets} == {0}
