"""A provider takes more than was set aside: that is written down as it is, somebody is told, and the budget pays."""

import pytest

from darkroom.errors import BudgetExceeded
from darkroom.models.user_settings import Limits
from tests.conftest import SteppingClock
from tests.integration.crash.customers import Customer, assert_books_agree, deliver
from tests.integration.crash.shop import DOLLAR, Place, Shop


def test_what_is_above_the_reservation_is_taken_from_what_remains(shop: Shop, customer: Customer) -> None:
    customer.simulator.scenario("overcharge", key=customer.secret, factor=3)
    job = customer.ask()
    before = customer.budgets()
    deliver(shop)
    ended = customer.job(job.id)
    assert ended.cost.actual is not None
    assert ended.cost.actual == customer.charges[0] > ended.cost.reserved
    facts = {"job": job.id, "reserved": ended.cost.reserved, "actual": ended.cost.actual}
    assert shop.alarms == [("SETTLED_ABOVE_RESERVATION", facts)]
    for name, budget in customer.budgets().items():
        assert before[name].remaining - budget.remaining == ended.cost.actual - ended.cost.reserved
    assert_books_agree(customer)


def test_when_nothing_remains_the_next_request_is_refused(
    place: Place, shop: Shop, clock: SteppingClock, customer: Customer
) -> None:
    limits = Limits(per_request=DOLLAR // 10, per_day=30_000, per_month=DOLLAR)
    poor = Customer(Shop(place, clock, shop.aws, limits=limits), customer.simulator, customer.user, customer.secret)
    poor.simulator.scenario("overcharge", key=poor.secret, factor=3)
    poor.ask()
    deliver(poor.shop)
    day = next(budget for name, budget in poor.budgets().items() if name.startswith("day#"))
    assert (day.spent, day.remaining, day.overdrawn) == (42_000, 0, 12_000)
    with pytest.raises(BudgetExceeded) as raised:
        poor.ask()
    assert raised.value.context["remaining_usd"] == 0
    assert (poor.requests, len(poor.charges)) == (1, 1)
    assert_books_agree(poor)
