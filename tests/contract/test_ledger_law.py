"""The law of every budget: limit + overdrawn = remaining + reserved + spent, all of them >= 0, whatever happens.

Any sequence of reservations, settlements, releases, changes of limits and ends of periods is played against a ledger,
beside books that are kept here in the plainest way: a list of what is reserved and a list of what was spent.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from ulid import ULID

from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.usage_books import DynamoUsageBooks
from darkroom.models.budget import BudgetRef
from darkroom.models.job import Job, JobStatus
from darkroom.ports import Ledger, UsageBooks
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import MemoryJobStore
from tests.fakes.usage import MemoryUsageBooks
from tests.months import assert_months_agree
from tests.paid_jobs import conversation, day, ended, month, paid_job, succeeded


@dataclass(frozen=True)
class Reserve:
    amount: int
    budgets: frozenset[str]


@dataclass(frozen=True)
class Close:
    """Of the jobs that are not settled the nth: it costs so many percent of its reservation, or nobody knows."""

    nth: int
    percent: int | None


@dataclass(frozen=True)
class Limit:
    budget: str
    limit: int


@dataclass(frozen=True)
class Pass:
    days: int


Step = Reserve | Close | Limit | Pass

IN_MEMORY = 2000 if os.environ.get("DARKROOM_STRESS") == "1" else 500
NAMES = ("conversation", "day", "month")
_AMOUNT = st.integers(0, 60) | st.sampled_from([99, 100, 101])
_LIMIT = st.sampled_from([0, 1, 60, 100, 250])
_RESERVE = st.builds(Reserve, _AMOUNT, st.frozensets(st.sampled_from(NAMES)))
_NTH = st.integers(0, 5)
CAREFUL_STEPS: st.SearchStrategy[list[Step]] = st.lists(
    _RESERVE | st.builds(Close, _NTH, st.none() | st.integers(0, 100)) | st.builds(Pass, st.sampled_from([1, 31])),
    max_size=25,
)
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    _RESERVE
    | st.builds(Close, _NTH, st.none() | st.integers(0, 300))
    | st.builds(Limit, st.sampled_from(NAMES), _LIMIT)
    | st.builds(Pass, st.sampled_from([1, 31])),
    max_size=25,
)


@dataclass
class Books:
    """Plays steps, and knows by itself what must come of them."""

    ledger: Ledger
    usage: UsageBooks
    clock: SteppingClock
    user: str
    limits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 100))
    stored_limits: dict[str, int] = field(default_factory=dict)
    unsettled: list[Job] = field(default_factory=list)
    spent: list[tuple[Job, int]] = field(default_factory=list)

    def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Reserve():
                    self._reserve(step)
                case Close() if self.unsettled:
                    self._close(self.unsettled.pop(step.nth % len(self.unsettled)), step.percent)
                case Limit():
                    self.limits[step.budget] = step.limit
                case Pass():
                    self.clock.step(timedelta(days=step.days))
            self.check()

    def _refs(self) -> dict[str, BudgetRef]:
        now = self.clock.now
        return {
            "conversation": conversation(self.limits["conversation"]),
            "day": day(self.limits["day"], now),
            "month": month(self.limits["month"], now),
        }

    def _reserve(self, step: Reserve) -> None:
        refs = [ref for name, ref in self._refs().items() if name in step.budgets]
        job = paid_job(self.user, self.clock.now, *refs, reserved=step.amount)
        self.stored_limits.update({ref.id: ref.limit for ref in refs if ref.id in self.stored_limits})
        refusing = [ref for ref in refs if step.amount > ref.limit - self._gone(ref.id)]
        outcome = self.ledger.admit(job)
        if refusing:
            assert outcome.refused_ref == refusing[0]
            return
        assert outcome.admitted == job
        self.unsettled.append(job)
        self.stored_limits.update({ref.id: ref.limit for ref in refs})

    def _close(self, job: Job, percent: int | None) -> None:
        actual = None if percent is None else job.cost.reserved * percent // 100
        over = succeeded(job, self.clock.now) if actual else ended(job, JobStatus.FAILED, self.clock.now)
        assert self.ledger.close(over, actual=actual)
        assert not self.ledger.close(over, actual=actual)
        self.spent.append((job, actual or 0))

    def _reserved_of(self, budget_id: str) -> int:
        return sum(job.cost.reserved for job in self.unsettled if budget_id in _ids(job))

    def _spent_of(self, budget_id: str) -> int:
        return sum(actual for job, actual in self.spent if budget_id in _ids(job))

    def _gone(self, budget_id: str) -> int:
        return self._reserved_of(budget_id) + self._spent_of(budget_id)

    def check(self) -> None:
        budgets = self.ledger.budgets(self.user, list(self.stored_limits))
        assert set(budgets) == set(self.stored_limits)
        for budget_id, budget in budgets.items():
            assert budget.limit + budget.overdrawn == budget.remaining + budget.reserved + budget.spent
            assert min(budget.remaining, budget.reserved, budget.spent, budget.overdrawn) >= 0
            assert budget.remaining == 0 or budget.overdrawn == 0
            assert budget.limit == self.stored_limits[budget_id]
            assert budget.reserved == self._reserved_of(budget_id)
            assert budget.spent == self._spent_of(budget_id)

    def check_receipts(self) -> None:
        receipts = self.ledger.receipts(self.user, limit=100).receipts
        assert {receipt.job_id for receipt in receipts} == {job.id for job, _ in self.spent}
        assert sum(receipt.actual or 0 for receipt in receipts) == sum(actual for _, actual in self.spent)
        assert_months_agree(self.usage, self.user, receipts)

    @property
    def overdrawn(self) -> int:
        return sum(budget.overdrawn for budget in self.ledger.budgets(self.user, list(self.stored_limits)).values())


def _ids(job: Job) -> set[str]:
    return {ref.id for ref in job.budgets}


def _ahead() -> SteppingClock:
    clock = SteppingClock()
    clock.step(timedelta(days=365 * 70))  # By the real clock, the emulator removes what has expired.
    return clock


def _in_memory() -> Books:
    clock = _ahead()
    jobs = MemoryJobStore()
    ledger = MemoryLedger(jobs, clock)
    return Books(ledger, MemoryUsageBooks(ledger, jobs), clock, "alice")


def _in_dynamo(cloud: Cloud) -> Books:
    clock = _ahead()
    user = f"user-{str(ULID()).lower()}"
    client = cloud.aws.dynamodb
    return Books(DynamoLedger(cloud.table, client, clock=clock), DynamoUsageBooks(cloud.table, client), clock, user)


@settings(max_examples=IN_MEMORY)
@given(steps=STEPS)
def test_in_memory_the_law_holds_whatever_happens(steps: list[Step]) -> None:
    books = _in_memory()
    books.play(steps)
    books.check_receipts()


@settings(max_examples=IN_MEMORY)
@given(steps=CAREFUL_STEPS)
def test_in_memory_nothing_is_overdrawn_unless_something_costs_more_than_reserved(steps: list[Step]) -> None:
    books = _in_memory()
    books.play(steps)
    assert books.overdrawn == 0


@settings(max_examples=30)
@given(steps=STEPS)
def test_in_dynamo_the_law_holds_whatever_happens(emulated: Cloud, steps: list[Step]) -> None:
    books = _in_dynamo(emulated)
    books.play(steps)
    books.check_receipts()


@settings(max_examples=30)
@given(steps=CAREFUL_STEPS)
def test_in_dynamo_nothing_is_overdrawn_unless_something_costs_more_than_reserved(
    emulated: Cloud, steps: list[Step]
) -> None:
    books = _in_dynamo(emulated)
    books.play(steps)
    assert books.overdrawn == 0
