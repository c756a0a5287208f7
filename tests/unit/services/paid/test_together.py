"""Several calls on a key whose costs are unknown: settled together by the key's usage, or counted as set aside."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from darkroom.models.deadline import Deadline
from darkroom.models.digest import digest
from darkroom.models.job import Job, JobStatus, ProviderCall, SettledTogether
from darkroom.models.receipt import KeyListing, Receipt, Share, reference
from darkroom.services.paid.key_watch import USAGE_LAG, watched
from darkroom.services.paid.together import BOOKS_COMPLETE, PATIENCE
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.services.workshop import MODEL, PRICE, RESERVED, USER, Workshop

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def _watched(shop: Workshop, job: Job | None = None) -> tuple[Job, KeyListing | None]:
    """A job that is about to be sent with the key that Alice has now."""
    return watched(
        job or shop.admit(),
        shop.ledger.charges_with(digest(shop.secret)),
        key_sha256=digest(shop.secret),
        used=lambda: shop.openrouter.inspect(shop.secret).used,
        is_listable=True,
        now=shop.clock.now,
    )


def _sent(shop: Workshop, job: Job | None = None, **known: Any) -> Job:
    """The same, whose worker died when it had sent it."""
    seen, listing = _watched(shop, job)
    on_key = seen.model_dump(include={"key_usage", "key_sha256", "key_charges"})
    return shop.now(shop.dispatch(seen, listing, **{**on_key, **known}))


def _listed(shop: Workshop) -> Job:
    """One that is on the key's list and was not sent, as earlier versions leave it."""
    seen, listing = _watched(shop)
    assert listing is not None
    assert shop.jobs.enlist(listing)
    return seen


def _buy(shop: Workshop) -> None:
    """Somebody pays for a picture with the key."""
    headers = {"Authorization": f"Bearer {shop.secret}"}
    with httpx.Client(base_url=shop.simulator.api, trust_env=False, timeout=20, headers=headers) as client:
        client.post("/images", json={"model": MODEL, "prompt": "x"}).raise_for_status()


def _sweeps(shop: Workshop, *waits: timedelta) -> None:
    for wait in waits:
        assert shop.sweep_after(wait)["failed"] == 0, shop.alarms


def _receipts(shop: Workshop) -> list[Receipt]:
    return list(shop.ledger.receipts(USER, limit=100).receipts)


def _spent(shop: Workshop) -> int:
    return sum(receipt.actual or 0 for receipt in _receipts(shop))


def _is_open(shop: Workshop, *jobs: Job) -> bool:
    return all(not shop.now(job).cost.settled for job in jobs)


def test_the_ledger_says_what_the_invoice_says_of_all_of_them_together(shop: Workshop) -> None:
    jobs = [_sent(shop) for _ in range(3)]
    _buy(shop)
    _buy(shop)
    _sweeps(shop, 6 * MINUTE, PATIENCE - 7 * MINUTE)
    assert _is_open(shop, *jobs)
    _sweeps(shop, MINUTE)
    assert _spent(shop) == shop.invoice == 2 * PRICE
    budget = shop.budget_of(jobs[0])
    assert (budget.spent, budget.reserved) == (2 * PRICE, 0)
    together = SettledTogether(jobs=3, total=2 * PRICE)
    assert sorted(receipt.actual or 0 for receipt in _receipts(shop)) == [9_333, 9_333, 9_334]
    # Two of RESERVED cost more than two pictures do: none of the three is certain to be among them.
    assert {(receipt.charged, receipt.together) for receipt in _receipts(shop)} == {("unknown", together)}
    told = shop.now(jobs[0])
    assert (told.status, told.cost.charged, told.cost.together) == (JobStatus.FAILED, "unknown", together)
    assert told.error is not None
    assert (told.error["charged"], told.error["retryable"]) == ("unknown", False)
    assert told.error["fix"].startswith("3 calls on the same key cost $0.028 together.")


def test_where_all_must_have_been_charged_each_says_so(shop: Workshop) -> None:
    jobs = [_sent(shop) for _ in range(3)]
    for _ in jobs:
        _buy(shop)
    _sweeps(shop, 6 * MINUTE, PATIENCE)
    assert [receipt.charged for receipt in _receipts(shop)] == [True] * 3
    assert [receipt.actual for receipt in _receipts(shop)] == [PRICE] * 3
    assert shop.invoice == 3 * PRICE


def test_what_was_settled_meanwhile_is_not_theirs(shop: Workshop) -> None:
    lost = [_sent(shop), _sent(shop)]
    assert shop.run(shop.admit()).cost.actual == PRICE
    _buy(shop)
    _sweeps(shop, 6 * MINUTE, PATIENCE)
    assert _spent(shop) == shop.invoice == 2 * PRICE
    assert sum(shop.now(job).cost.actual or 0 for job in lost) == PRICE


def test_one_alone_is_known_exactly_though_another_was_paid_beside_it(shop: Workshop) -> None:
    lost = _sent(shop)
    shop.run(shop.admit())
    _buy(shop)
    _sweeps(shop, 6 * MINUTE, PATIENCE)
    cost = shop.now(lost).cost
    assert (cost.actual, cost.charged, cost.together) == (PRICE, True, None)


def test_all_are_free_where_the_key_was_charged_for_others_alone(shop: Workshop) -> None:
    lost = [_sent(shop), _sent(shop)]
    shop.run(shop.admit())
    _sweeps(shop, 6 * MINUTE, PATIENCE)
    costs = [shop.now(job).cost for job in lost]
    assert [(cost.actual, cost.charged, cost.together) for cost in costs] == [(0, False, None)] * 2
    assert _spent(shop) == shop.invoice == PRICE


def test_nothing_is_decided_while_a_charge_may_not_show_yet(shop: Workshop) -> None:
    lost = [_sent(shop), _sent(shop)]
    _sweeps(shop, 6 * MINUTE)
    shop.clock.step(PATIENCE)
    shop.run(shop.admit())
    _sweeps(shop, USAGE_LAG - MINUTE)
    assert _is_open(shop, *lost)
    _sweeps(shop, MINUTE)
    assert [shop.now(job).cost.actual for job in lost] == [0, 0]


@pytest.mark.parametrize("other", ["listed", "running", "young"])
def test_nothing_is_decided_while_another_may_be_charged(shop: Workshop, other: str) -> None:
    lost = [_sent(shop), _sent(shop)]
    _buy(shop)
    _sweeps(shop, 6 * MINUTE)
    shop.clock.step(PATIENCE)
    if other == "listed":
        _listed(shop)
    elif other == "running":
        shop.start(_listed(shop), lease=timedelta(hours=1))
    else:
        _sent(shop)
    _sweeps(shop, MINUTE)
    assert _is_open(shop, *lost)


def test_a_job_that_was_listed_and_never_sent_keeps_nobody_waiting(shop: Workshop) -> None:
    lost, never_sent = [_sent(shop), _sent(shop)], _listed(shop)
    _buy(shop)
    assert shop.app.settlement.cancel(shop.now(never_sent))
    assert reference(USER, never_sent.id) in shop.ledger.charges_with(digest(shop.secret)).open
    _sweeps(shop, 6 * MINUTE, PATIENCE, MINUTE)
    assert not _is_open(shop, *lost)
    assert _spent(shop) == shop.invoice


def test_more_than_they_can_have_cost_is_anothers_and_they_count_as_set_aside(shop: Workshop) -> None:
    lost = [_sent(shop), _sent(shop)]
    for _ in range(3):
        _buy(shop)
    _sweeps(shop, 6 * MINUTE, PATIENCE, BOOKS_COMPLETE)
    assert _is_open(shop, *lost)
    _sweeps(shop, DAY)
    assert [shop.now(job).cost.actual for job in lost] == [RESERVED, RESERVED]
    assert {receipt.charged for receipt in _receipts(shop)} == {"unknown"}
    assert [name for name, _ in shop.alarms] == ["COST_NEVER_KNOWN"] * 2


def test_after_one_that_was_given_up_the_key_begins_again_where_it_is_quiet(shop: Workshop) -> None:
    _sent(shop)
    for _ in range(3):
        _buy(shop)
    _sweeps(shop, 6 * MINUTE, DAY)
    assert shop.ledger.charges_with(digest(shop.secret)).anchor is None
    shop.clock.step(USAGE_LAG)
    before = _spent(shop)
    _sent(shop)
    _sent(shop)
    _buy(shop)
    _sweeps(shop, 6 * MINUTE, PATIENCE)
    assert _spent(shop) - before == PRICE


def test_what_others_paid_before_the_first_of_them_was_sent_is_not_theirs(shop: Workshop) -> None:
    """The anchor is older than that, for one call after another was open."""
    first = _listed(shop)
    _buy(shop)
    lost = [_sent(shop), _sent(shop)]
    _buy(shop)
    shop.app.settlement.cancel(shop.now(first))
    _sweeps(shop, 6 * MINUTE, PATIENCE, MINUTE)
    assert sum(shop.now(job).cost.actual or 0 for job in lost) == PRICE


def test_the_books_are_waited_for_where_they_may_tell(shop: Workshop) -> None:
    lost = [_sent(shop), _sent(shop)]
    shop.jobs.note_generation(lost[0], "gen-img-unknown")
    _buy(shop)
    _sweeps(shop, 6 * MINUTE, PATIENCE)
    assert _is_open(shop, *lost)
    _sweeps(shop, BOOKS_COMPLETE)
    # What the books do not hold by now was not charged; so it was the other.
    assert [shop.now(job).cost.actual for job in lost] == [0, PRICE]


def test_of_what_was_delivered_zero_is_not_believed(shop: Workshop) -> None:
    lost = [_sent(shop), _sent(shop)]
    cost = lost[0].cost.model_copy(update={"charged": "unknown"})
    assert shop.jobs.record(lost[0].model_copy(update={"status": JobStatus.SUCCEEDED, "cost": cost}))
    shop.run(shop.admit())
    _sweeps(shop, 6 * MINUTE, PATIENCE)
    assert _is_open(shop, *lost)
    _buy(shop)
    _sweeps(shop, MINUTE)
    made = shop.now(lost[0])
    assert (made.status, made.cost.charged) == (JobStatus.SUCCEEDED, True)
    assert made.warnings[-1].startswith("2 calls on the same key cost $0.014 together.")
    assert _spent(shop) == shop.invoice == 2 * PRICE


def test_of_a_job_of_several_calls_what_is_known_of_them_counts_as_it_is(shop: Workshop) -> None:
    shop.clock.step(timedelta(0))
    sent = {"dispatched_at": shop.clock.now, "status": JobStatus.UNCERTAIN, "charged": "unknown"}
    known = {**sent, "status": JobStatus.FAILED, "charged": True, "cost": PRICE}
    calls = (ProviderCall(index=0, n=1).model_copy(update=known), ProviderCall(index=1, n=1).model_copy(update=sent))
    cost = shop.admit().cost.model_copy(update={"reserved": 2 * RESERVED})
    several = _sent(shop, shop.admit(cost=cost), calls=calls)
    single = _sent(shop)
    for _ in range(2):
        _buy(shop)
    _sweeps(shop, 6 * MINUTE, PATIENCE)
    assert _spent(shop) == shop.invoice == 2 * PRICE
    ended = shop.now(several)
    assert ended.calls[0].cost == PRICE
    assert (ended.cost.charged, shop.now(single).cost.charged) == (True, "unknown")
    assert (ended.cost.actual or 0) >= PRICE


@pytest.mark.parametrize("why", ["another key", "no key", "down"])
def test_a_key_that_cannot_be_asked_decides_nothing(shop: Workshop, why: str) -> None:
    lost = [_sent(shop), _sent(shop)]
    _buy(shop)
    if why == "down":
        shop.simulator.scenario("overloaded", path="/key")
    else:
        shop.app.keys.disconnect(USER, "openrouter")
    if why == "another key":
        shop.app.keys.connect(USER, "openrouter", shop.simulator.state.mint())
    _sweeps(shop, 6 * MINUTE, PATIENCE)
    assert _is_open(shop, *lost)


def test_a_usage_that_fell_decides_nothing(shop: Workshop) -> None:
    lost = [_sent(shop, key_usage=Decimal(5)), _sent(shop)]
    _buy(shop)
    _sweeps(shop, 6 * MINUTE, PATIENCE)
    assert _is_open(shop, *lost)


def test_what_is_decided_is_settled_whatever_is_known_later(shop: Workshop) -> None:
    """A sweep dies when it has decided; by the next one the books tell something else of one of them."""
    lost = [_sent(shop), _sent(shop)]
    _buy(shop)
    _sweeps(shop, 6 * MINUTE)
    shop.clock.step(PATIENCE)
    share = shop.app.reconciliation.share_of(shop.now(lost[0]))
    assert share is not None
    assert share.amount == PRICE // 2
    shop.app.settlement.decide(shop.now(lost[0]), 0)
    shop.app.settlement.give_up(shop.now(lost[1]))
    assert _is_open(shop, *lost)
    _buy(shop)
    _sweeps(shop, MINUTE)
    assert [shop.now(job).cost.actual for job in lost] == [PRICE // 2, PRICE // 2]


def test_a_hopeless_job_is_given_up_at_its_share(shop: Workshop) -> None:
    lost = [_sent(shop), _sent(shop)]
    _buy(shop)
    _sweeps(shop, 6 * MINUTE)
    shop.clock.step(PATIENCE)
    assert shop.app.reconciliation.share_of(shop.now(lost[0])) is not None
    shop.app.sweep._end(shop.now(lost[0]), is_hopeless=True)
    assert shop.now(lost[0]).cost.actual == PRICE // 2


class _Meddling:
    """A ledger before whose writes something happens, such as another sweep; once."""

    def __init__(self, port: Any, method: str) -> None:
        self._port = port
        self._method = method
        self.meddle: Any = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name != self._method or self.meddle is None:
            return found

        def meddled(*args: Any, **given: Any) -> Any:
            meddle, self.meddle = self.meddle, None
            if meddle is not None:
                meddle()
            return found(*args, **given)

        return meddled


@pytest.mark.parametrize("method", ["share_out", "close"])
def test_two_sweeps_at_once_settle_each_once(openrouter: Simulator, clock: SteppingClock, method: str) -> None:
    shop = Workshop(openrouter, clock)
    lost = [_sent(shop) for _ in range(3)]
    _buy(shop)
    _sweeps(shop, 6 * MINUTE)
    clock.step(PATIENCE)
    meddling = _Meddling(shop.ledger, method)
    slow = shop.beside(lambda role, port: meddling if role == "ledger" else port)
    for job in lost:
        # The other sweep comes to its end between what this one has read and what it writes.
        meddling.meddle = lambda: shop.app.sweep.run(Deadline(60))
        share: Share | None = slow.app.reconciliation.share_of(shop.now(job))
        if share is not None:
            slow.app.settlement.share(shop.now(job), share)
    assert sorted(receipt.actual or 0 for receipt in _receipts(shop)) == [4_666, 4_667, 4_667]
    assert _spent(shop) == shop.invoice == PRICE
    assert shop.budget_of(lost[0]).spent == PRICE
