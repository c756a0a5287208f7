"""Costs in doubt or never told: how they are decided, counted and shown, of one call and of several."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from darkroom.errors import (
    NetworkError,
    ServiceUnavailable,
)
from darkroom.models.job import Job, JobCost, JobStatus, ProviderCall
from tests.unit.services.results import result_of
from tests.unit.services.workshop import RESERVED, USER, Workshop

SENT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("actual", [0, 9000])
def test_what_was_in_doubt_says_how_it_was_decided(shop: Workshop, actual: int) -> None:
    job = shop.dispatch(shop.admit())
    shop.app.settlement.doubt(job, ServiceUnavailable("Gone.", fix="It is being found out.", charged="unknown"))
    shop.app.settlement.decide(shop.now(job), actual)
    ended = shop.now(job)
    assert ended.error is not None
    assert (ended.status, ended.cost.actual, ended.cost.charged) == (JobStatus.FAILED, actual, actual > 0)
    assert (ended.error["charged"], ended.error["retryable"], ended.error["detail"]) == (actual > 0, False, "Gone.")
    assert ended.error["fix"].startswith("It was charged" if actual else "It was not charged")
    assert ended.error["error"]["message"] == f"Gone. {ended.error['fix']}"
    assert "being found out" not in str(ended.error)


def test_a_job_that_is_given_up_says_that_nobody_knows(shop: Workshop) -> None:
    job = shop.dispatch(shop.admit())
    shop.app.settlement.give_up(shop.now(job))
    ended = shop.now(job)
    assert ended.error is not None
    assert (ended.status, ended.cost.settled, ended.cost.actual) == (JobStatus.FAILED, True, RESERVED)
    assert (ended.cost.charged, ended.error["charged"], ended.error["retryable"]) == ("unknown", "unknown", False)
    assert "could not be found out" in ended.error["fix"]
    assert "counts as spent" in ended.error["error"]["message"]
    assert (shop.budget_of(job).reserved, shop.budget_of(job).spent) == (0, RESERVED)
    receipt = shop.ledger.receipts_[job.user, job.id]
    assert (receipt.actual, receipt.charged) == (RESERVED, "unknown")
    assert shop.alarms == [
        ("COST_NEVER_KNOWN", {"job": job.id, "reserved": RESERVED, "counted": RESERVED, "generation": None})
    ]


def test_a_canceled_job_that_is_given_up_stays_canceled_and_is_counted(shop: Workshop) -> None:
    job = shop.dispatch(shop.admit())
    shop.app.settlement.doubt(job, NetworkError("Gone.", charged="unknown"))
    shop.app.settlement.give_up(shop.now(job).model_copy(update={"status": JobStatus.CANCELED}))
    ended = shop.now(job)
    assert (ended.status, ended.cost.actual, ended.cost.charged) == (JobStatus.CANCELED, RESERVED, "unknown")
    assert shop.budget_of(job).spent == RESERVED


def _of_calls(shop: Workshop, *calls: ProviderCall) -> Job:
    """A job that was sent, with its calls as they stand; a picture each has RESERVED set aside."""
    reserved = RESERVED * sum(call.n for call in calls)
    cost = JobCost(estimated=reserved, reserved=reserved, actual=None, settled=False)
    return shop.dispatch(shop.admit(cost=cost, calls=calls), calls=calls)


def _call(index: int, n: int = 1, *, status: JobStatus, sent: bool = True, cost: int | None = None) -> ProviderCall:
    known: dict[str, Any] = {"charged": cost > 0} if cost is not None else {}
    return ProviderCall(index=index, n=n, status=status, dispatched_at=SENT if sent else None, cost=cost, **known)


def test_of_several_calls_those_that_were_sent_are_counted(shop: Workshop) -> None:
    job = _of_calls(
        shop,
        _call(0, status=JobStatus.SUCCEEDED, cost=9000),
        _call(1, 2, status=JobStatus.UNCERTAIN),
        _call(2, status=JobStatus.RUNNING),
        _call(3, 4, status=JobStatus.QUEUED, sent=False),
        _call(4, status=JobStatus.FAILED, cost=0),
    )
    shop.app.settlement.give_up(job)
    ended, counted = shop.now(job), 9000 + 3 * RESERVED
    assert (ended.status, ended.cost.actual, ended.cost.charged) == (JobStatus.FAILED, counted, "unknown")
    assert [(call.status, call.cost, call.charged) for call in ended.calls] == [
        (JobStatus.SUCCEEDED, 9000, True),
        (JobStatus.FAILED, None, "unknown"),
        (JobStatus.FAILED, None, "unknown"),
        (JobStatus.CANCELED, 0, False),
        (JobStatus.FAILED, 0, False),
    ]
    receipt = shop.ledger.receipts_[job.user, job.id]
    assert (receipt.actual, receipt.charged, receipt.calls) == (counted, "unknown", ended.calls)
    assert (shop.budget_of(job).spent, shop.budget_of(job).reserved) == (counted, 0)


@pytest.mark.parametrize("cost", [0, 9000])
def test_several_calls_of_known_cost_are_not_counted_as_unknown(shop: Workshop, cost: int) -> None:
    calls = (_call(0, status=JobStatus.FAILED, cost=cost), _call(1, status=JobStatus.QUEUED, sent=False))
    job = _of_calls(shop, *calls)
    shop.app.settlement.give_up(job)
    ended = shop.now(job)
    assert ended.error is not None
    assert (ended.cost.actual, ended.cost.charged, ended.error["charged"]) == (cost, cost > 0, cost > 0)
    assert (shop.budget_of(job).spent, shop.alarms) == (cost, [])


def test_a_cost_that_will_never_be_told_is_counted_and_called_unknown(shop: Workshop) -> None:
    settlement = replace(shop.app.settlement, keeps_books=lambda _provider: False)
    job = shop.dispatch(shop.admit())
    settlement.succeed(job, result_of(cost=None))
    ended = shop.now(job)
    assert (ended.status, ended.cost.settled) == (JobStatus.SUCCEEDED, True)
    assert (ended.cost.actual, ended.cost.charged) == (RESERVED, "unknown")
    (receipt,) = shop.ledger.receipts(USER, limit=9).receipts
    assert (receipt.actual, receipt.charged) == (RESERVED, "unknown")
    assert shop.budget_of(job).spent == RESERVED
    assert ended.warnings[-1].startswith("The provider does not say what this cost")


def test_of_several_calls_only_those_whose_cost_will_never_be_told_are_unknown(shop: Workshop) -> None:
    settlement = replace(shop.app.settlement, keeps_books=lambda _provider: False)
    sent = {"dispatched_at": SENT, "status": JobStatus.SUCCEEDED}
    calls = (
        ProviderCall(index=0, n=1).model_copy(update={**sent, "cost": 2_000, "charged": True}),
        ProviderCall(index=1, n=1).model_copy(update={**sent, "charged": "unknown"}),
        ProviderCall(index=2, n=1),
    )
    settlement.succeed(shop.dispatch(shop.admit(), calls=calls), result_of(cost=None))
    (receipt,) = shop.ledger.receipts(USER, limit=9).receipts
    assert [(call.cost, call.charged) for call in receipt.calls] == [(2_000, True), (None, "unknown"), (0, False)]
    assert (receipt.actual, receipt.charged) == (2_000 + -(-RESERVED // 3), "unknown")


def test_several_calls_never_count_for_more_than_is_set_aside_for_them(shop: Workshop) -> None:
    """Shares that do not come out even are rounded up once, not for each call."""
    calls = tuple(_call(index, status=JobStatus.UNCERTAIN) for index in range(3))
    cost = JobCost(estimated=10, reserved=10, actual=None, settled=False)
    job = shop.dispatch(shop.admit(cost=cost, calls=calls), calls=calls)
    shop.app.settlement.give_up(job)
    assert shop.now(job).cost.actual == 10
