"""The answer to a paid call does not come, or does not say what it cost. It is asked for once, its reservation is held,
and what it cost is found out, or is said to be unknown; it is never guessed.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.services.paid.together import PATIENCE
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.integration.crash.customers import (
    Customer,
    assert_books_agree,
    assert_lawful,
    charges,
    deliver,
    settle_everything,
    visit,
)
from tests.integration.crash.shop import BUFFERED, STREAMED, Place, Shop

MINUTES = timedelta(minutes=1)
DAY = timedelta(days=1)
# What a worker has that leaves two seconds for the provider; only who is to be too slow for it is given so little.
HASTE = 27.0
SLOW = 4.0

# Charged in full, whoever got the answer. The second word is the model's.
LOST: list[tuple[str, str, dict[str, Any]]] = [
    ("cut_body", BUFFERED, {}),
    ("truncated_json", BUFFERED, {}),
    ("slow_body", BUFFERED, {"seconds": SLOW}),
    ("slow_headers", BUFFERED, {"seconds": SLOW}),
    ("cut_stream", STREAMED, {"after": 1, "billed": True}),
]
# Ended by the provider, or by somebody on the way, before the work was done.
NOT_BILLED: list[tuple[str, str, dict[str, Any]]] = [
    ("cut_stream", STREAMED, {"after": 1}),
    ("cut_body", BUFFERED, {"billed": False}),
    ("edge_timeout", BUFFERED, {}),
]
UNTOLD: list[tuple[str, dict[str, Any]]] = [
    ("missing_cost", {}),
    ("missing_cost", {"form": "null"}),
    ("missing_usage", {}),
    ("nan_cost", {}),
    ("nan_cost", {"form": "negative"}),
]


def _lose(customer: Customer, model: str = BUFFERED, scenario: str = "slow_headers", **options: Any) -> Job:
    """Has a job carried out whose answer gets lost."""
    given = {"seconds": SLOW} if scenario == "slow_headers" else {}
    customer.simulator.scenario(scenario, key=customer.secret, times=1, **{**given, **options})
    job = customer.ask(model, webhook=True)
    for user, job_id in customer.shop.ports.job_queue.take():
        customer.shop.app.worker.run(user, job_id, Deadline(HASTE if scenario.startswith("slow_") else 60))
    assert_held(customer, customer.job(job.id))
    return job


def assert_held(customer: Customer, job: Job) -> None:
    """Nobody knows yet what it cost: nothing is settled, nothing is sent again."""
    assert (job.status, job.cost.settled, job.cost.charged) == (JobStatus.UNCERTAIN, False, "unknown")
    assert job.error is not None
    assert (job.error["charged"], job.error["retryable"]) == ("unknown", False)
    assert customer.shop.ports.webhooks.find(customer.user, f"msg_{job.id}") is None
    budgets = customer.budgets()
    assert_lawful(budgets.values())
    assert len(budgets) == 4
    assert {budget.reserved for budget in budgets.values()} == {job.cost.reserved}
    customer.shop.ports.job_queue.send(customer.user, job.id)
    deliver(customer.shop)


def _given_up(customer: Customer, job_id: str) -> Job:
    """The job, whose cost is unknown, and whose reservation counts as spent."""
    job = customer.job(job_id)
    assert (job.status, job.cost.settled, job.cost.charged, job.cost.actual) == (
        JobStatus.FAILED,
        True,
        "unknown",
        job.cost.reserved,
    )
    assert job.error is not None
    assert (job.error["charged"], job.error["retryable"]) == ("unknown", False)
    assert [name for name, _ in customer.shop.alarms] == ["COST_NEVER_KNOWN"]
    assert {budget.reserved for budget in customer.budgets().values()} == {0}
    receipt = next(receipt for receipt in customer.receipts() if receipt.job_id == job_id)
    assert (receipt.actual, receipt.charged) == (job.cost.reserved, "unknown")
    assert {budget.spent for budget in customer.budgets().values()} == {
        sum(receipt.actual or 0 for receipt in customer.receipts())
    }
    assert customer.shop.ports.webhooks.find(customer.user, f"msg_{job_id}") is not None
    return job


@pytest.mark.parametrize("books", ["books", "no books"])
@pytest.mark.parametrize(("scenario", "model", "options"), LOST)
def test_what_was_charged_and_lost_is_found_out(
    scenario: str,
    model: str,
    options: dict[str, Any],
    books: str,
    shop: Shop,
    clock: SteppingClock,
    customer: Customer,
) -> None:
    if books == "no books":
        customer.simulator.scenario("generation_missing", key=customer.secret)
    job = _lose(customer, model, scenario, **options)
    visit(shop, clock, 6 * MINUTES)
    if (model, books) == (STREAMED, "no books"):
        # It took less than it might have, and what shows may be another program's.
        assert_held(customer, customer.job(job.id))
        visit(shop, clock, PATIENCE)
    job = customer.job(job.id)
    assert (job.status, job.cost.charged, job.cost.actual) == (JobStatus.FAILED, True, customer.charges[0])
    assert (customer.requests, len(customer.charges), shop.alarms) == (1, 1, [])
    assert_books_agree(customer)


@pytest.mark.parametrize("books", ["books", "no books"])
@pytest.mark.parametrize(("scenario", "model", "options"), NOT_BILLED)
def test_what_was_not_charged_is_said_so_when_that_is_sure(
    scenario: str,
    model: str,
    options: dict[str, Any],
    books: str,
    shop: Shop,
    clock: SteppingClock,
    customer: Customer,
) -> None:
    if books == "no books":
        customer.simulator.scenario("generation_missing", key=customer.secret)
    job = _lose(customer, model, scenario, **options)
    visit(shop, clock, 6 * MINUTES)
    if (scenario, books) == ("cut_stream", "books"):
        assert customer.job(job.id).cost.settled
    else:
        # The provider may still be at work on it, or what it took not show yet.
        assert_held(customer, customer.job(job.id))
        visit(shop, clock, PATIENCE - 7 * MINUTES)
        assert_held(customer, customer.job(job.id))
        visit(shop, clock, MINUTES)
    job = customer.job(job.id)
    assert (job.status, job.cost.charged, job.cost.actual) == (JobStatus.FAILED, False, 0)
    assert (customer.requests, customer.charges, shop.alarms) == (1, [], [])
    assert_books_agree(customer)


def test_a_decided_error_no_longer_says_that_it_is_being_found_out(
    shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    for billed in (True, False):
        job = _lose(customer, BUFFERED, "cut_body", billed=billed)
        for _ in range(4):
            visit(shop, clock, 6 * MINUTES)
        error = customer.job(job.id).error
        assert error is not None
        assert error["charged"] is billed
        assert "being found out" not in str(error)


@pytest.mark.parametrize("books", ["books", "no books"])
@pytest.mark.parametrize(("scenario", "options"), UNTOLD)
def test_pictures_whose_price_was_not_told_are_there_at_once_and_settled_later(
    scenario: str, options: dict[str, Any], books: str, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    customer.simulator.scenario(scenario, key=customer.secret, **options)
    if books == "no books":
        customer.simulator.scenario("generation_missing", key=customer.secret)
    job = customer.ask(webhook=True)
    deliver(shop)
    made = customer.job(job.id)
    assert (made.status, len(made.images), made.cost.settled) == (JobStatus.SUCCEEDED, 1, False)
    assert {budget.reserved for budget in customer.budgets().values()} == {made.cost.reserved}
    visit(shop, clock, 6 * MINUTES)
    assert customer.job(job.id).cost.actual == customer.charges[0]
    assert (customer.requests, shop.alarms) == (1, [])
    assert_books_agree(customer)
    shop.app.jobs.remove(customer.user, job.id, shop.app.settlement.cancel)
    assert customer.shop.ports.jobs.find(customer.user, job.id) is None
    assert [receipt.actual for receipt in customer.receipts()] == customer.charges


def test_pictures_whose_price_nobody_ever_tells_are_settled_at_what_was_reserved(
    shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    customer.simulator.scenario("missing_cost", key=customer.secret)
    job = customer.ask()
    deliver(shop)
    shop.app.keys.disconnect(customer.user, "openrouter")
    for _ in range(3):
        visit(shop, clock, 11 * 60 * MINUTES)
    made = customer.job(job.id)
    assert (made.status, made.cost.settled, made.cost.actual) == (JobStatus.SUCCEEDED, True, made.cost.reserved)
    assert [name for name, _ in shop.alarms] == ["COST_NEVER_KNOWN"]
    assert {budget.spent for budget in customer.budgets().values()} == {made.cost.reserved}


def test_a_key_that_was_replaced_tells_nothing_of_the_call(
    shop: Shop, clock: SteppingClock, customer: Customer, openrouter: Simulator
) -> None:
    former = customer.secret
    job = _lose(customer, scenario="cut_body")
    customer.connect()
    for _ in range(3):
        visit(shop, clock, 7 * 60 * MINUTES)
        assert_held(customer, customer.job(job.id))
    visit(shop, clock, 3 * 60 * MINUTES)
    _given_up(customer, job.id)
    assert (len(charges(openrouter, former)), customer.requests) == (1, 0)


def test_a_key_that_was_disconnected_tells_nothing_until_it_is_back(
    shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job = _lose(customer, scenario="cut_body")
    shop.app.keys.disconnect(customer.user, "openrouter")
    visit(shop, clock, 2 * 60 * MINUTES)
    assert_held(customer, customer.job(job.id))
    shop.app.keys.connect(customer.user, "openrouter", customer.secret)
    visit(shop, clock, 6 * MINUTES)
    assert customer.job(job.id).cost.actual == customer.charges[0]
    assert_books_agree(customer)


def test_a_key_that_stays_disconnected_ends_in_giving_up(shop: Shop, clock: SteppingClock, customer: Customer) -> None:
    job = _lose(customer, scenario="cut_body")
    shop.app.keys.disconnect(customer.user, "openrouter")
    visit(shop, clock, DAY)
    _given_up(customer, job.id)


def test_the_stacks_key_is_others_as_well_so_its_usage_proves_nothing(
    place: Place, shop: Shop, clock: SteppingClock, openrouter: Simulator
) -> None:
    secret = openrouter.state.mint("the stack's")
    stack = Shop(place, clock, shop.aws, operator_key=secret)
    guest = Customer(stack, openrouter, secret=secret)
    job = _lose(guest)
    visit(stack, clock, 23 * 60 * MINUTES)
    assert_held(guest, guest.job(job.id))
    visit(stack, clock, 60 * MINUTES)
    _given_up(guest, job.id)
    assert (guest.requests, len(guest.charges)) == (1, 1)


def test_another_job_that_was_paid_with_the_key_meanwhile_is_not_taken_for_this_one(
    shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job = _lose(customer)
    other = customer.ask()
    deliver(shop)
    assert customer.job(other.id).status is JobStatus.SUCCEEDED
    visit(shop, clock, PATIENCE - MINUTES)
    assert_held(customer, customer.job(job.id))
    visit(shop, clock, MINUTES)
    assert (customer.requests, len(customer.charges)) == (2, 2)
    assert_books_agree(customer)


def test_two_that_were_lost_at_once_are_told_apart_by_the_books_alone(
    shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    customer.simulator.scenario("cut_body", key=customer.secret)
    customer.simulator.scenario("generation_missing", key=customer.secret, times=2)
    jobs = [customer.ask(), customer.ask()]
    deliver(shop)
    visit(shop, clock, 6 * MINUTES)
    assert [customer.job(job.id).cost.settled for job in jobs] == [False, False]
    visit(shop, clock, 6 * MINUTES)
    assert [customer.job(job.id).cost.actual for job in jobs] == customer.charges
    assert_books_agree(customer)


def test_what_its_owner_bought_elsewhere_with_the_key_is_not_taken_for_the_jobs(
    shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job = _lose(customer)
    for _ in range(2):
        _buy(customer)
    visit(shop, clock, DAY)
    _given_up(customer, job.id)


def test_the_books_say_what_it_cost_whatever_else_was_bought(
    shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job = _lose(customer, scenario="cut_body")
    charged = customer.charges
    _buy(customer)
    visit(shop, clock, 6 * MINUTES)
    assert [customer.job(job.id).cost.actual] == charged


def test_what_the_books_do_not_hold_after_an_hour_was_not_charged(
    shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    job = _lose(customer, scenario="cut_body", billed=False)
    other = customer.ask()
    deliver(shop)
    visit(shop, clock, 50 * MINUTES)
    assert customer.job(job.id).status is JobStatus.UNCERTAIN
    visit(shop, clock, 11 * MINUTES)
    assert (customer.job(job.id).cost.charged, customer.job(other.id).cost.charged) == (False, True)
    assert_books_agree(customer)


def test_what_was_refused_or_failed_costs_nothing_and_holds_nothing(
    shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    for scenario in ("moderation", "no_image"):
        customer.simulator.scenario(scenario, key=customer.secret, times=1)
        job = customer.ask(webhook=True)
        deliver(shop)
        assert customer.job(job.id).cost.charged is False
    assert (customer.requests, customer.charges, shop.alarms) == (2, [], [])
    assert_books_agree(customer)


def test_a_provider_that_failed_first_is_paid_for_what_it_made_then(
    shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    customer.simulator.scenario("provider_failed", key=customer.secret, times=1)
    job = customer.ask()
    deliver(shop)
    assert customer.job(job.id).status is JobStatus.SUCCEEDED
    assert (customer.requests, len(customer.charges)) == (2, 1)
    assert_books_agree(customer)


class Late:
    """Answers that are kept only after everybody has taken the worker for dead."""

    def __init__(self, store: Any, meanwhile: Callable[[], None]) -> None:
        self._store = store
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, *args: Any, **named: Any) -> Any:
        self._meanwhile()
        return self._store.write(*args, **named)


@pytest.mark.parametrize("model", [BUFFERED, STREAMED])
@pytest.mark.parametrize("books", ["books", "no books"])
def test_a_worker_that_was_taken_for_dead_changes_no_money(
    books: str, model: str, place: Place, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    if books == "no books":
        customer.simulator.scenario("generation_missing", key=customer.secret)
        customer.simulator.scenario("key_lag", key=customer.secret)

    # The generation's id is known by then.
    for name in ("slow_body", "slow_stream"):
        customer.simulator.scenario(name, key=customer.secret, seconds=1)

    def wrap(role: str, port: Any) -> Any:
        return Late(port, lambda: visit(shop, clock, 6 * MINUTES)) if role == "raw_answers" else port

    job = customer.ask(model)
    shop.ports.job_queue.take()
    Shop(place, clock, shop.aws, wrap=wrap).app.worker.run(customer.user, job.id, Deadline(60))
    # What was decided stays; what was only in doubt has its answer after all.
    expected = JobStatus.FAILED if books == "books" else JobStatus.SUCCEEDED
    assert customer.job(job.id).status is expected
    settle_everything(shop, clock)
    assert (customer.requests, len(customer.charges)) == (1, 1)
    assert_books_agree(customer)


def _buy(customer: Customer) -> None:
    """The owner uses the key somewhere else."""
    with httpx.Client(base_url=customer.simulator.api, trust_env=False, timeout=20) as client:
        bought = client.post(
            "/images",
            headers={"Authorization": f"Bearer {customer.secret}"},
            json={"model": BUFFERED, "prompt": "Something else"},
        )
    assert bought.status_code == 200
