"""Paid jobs whose workers are killed at any moment, hundreds of times over: charged once at the most, each of them, and
the ledger says to the micro-dollar what the invoice says.
"""

import random
import time

import pytest

from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.integration.crash.conftest import (  # noqa: F401
    aws,
    clock,
    customer,
    everybody,
    openrouter,
    place,
    shop,
    template,
)
from tests.integration.crash.customers import Customer, assert_books_agree, charges, settle_everything
from tests.integration.crash.killing import slay, work
from tests.integration.crash.shop import BUFFERED, STREAMED, Place, Shop

RUNS = 200
# A worker that is not disturbed takes about half as long.
LONGEST_SECONDS = 0.6


@pytest.mark.parametrize("run", range(RUNS))
def test_a_worker_that_dies_at_any_moment(
    run: int,
    place: Place,  # noqa: F811
    shop: Shop,  # noqa: F811
    clock: SteppingClock,  # noqa: F811
    customer: Customer,  # noqa: F811
) -> None:
    moments = random.Random(run)
    model = moments.choice((BUFFERED, STREAMED))
    if moments.random() < 0.4:
        for name in ("slow_body", "slow_stream"):
            customer.simulator.scenario(name, key=customer.secret, seconds=0.2, every=0.01)
    if moments.random() < 0.2:
        customer.simulator.scenario("bill_cancelled", key=customer.secret)
    job = customer.ask(model, webhook=True)
    shop.ports.job_queue.take()
    process = work(place, clock.now, customer.user, job.id)
    time.sleep(moments.uniform(0, LONGEST_SECONDS))
    slay(process)
    _wait_for_the_provider(customer)
    settle_everything(shop, clock)
    assert len(customer.charges) <= 1
    assert customer.requests <= 1
    assert shop.alarms == []
    assert_books_agree(customer)


def test_all_of_them_together_were_charged_what_the_ledger_says(
    openrouter: Simulator,  # noqa: F811
    everybody: list[Customer],  # noqa: F811
) -> None:
    receipts = [receipt for each in everybody for receipt in each.receipts()]
    invoice = sum(charge for each in everybody for charge in charges(openrouter, each.secret))
    assert len(receipts) == len(everybody)
    assert sum(receipt.actual or 0 for receipt in receipts) == invoice > 0
    # Neither were all of them undisturbed, nor did none of them get through.
    assert 0 < sum(receipt.status == "succeeded" for receipt in receipts) < len(receipts)


def _wait_for_the_provider(customer: Customer) -> None:  # noqa: F811
    """A provider may work on for a while; the sweep looks long after that."""
    ends = time.monotonic() + 10
    while any(sent not in customer.simulator.state.generations for sent in customer.sent):
        assert time.monotonic() < ends
        time.sleep(0.005)
