"""The law of unknown costs: what the ledger holds is never below what the provider took, and is exactly that as long as
no other program pays with the key; whatever is sent, killed, charged late, shown late, and in whatever order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from darkroom.models.deadline import Deadline
from darkroom.models.digest import digest
from darkroom.models.generation import GenerationRecord
from darkroom.models.job import Job, JobStatus
from darkroom.models.key import KeyStatus
from darkroom.models.money import in_dollars
from darkroom.services.paid.key_watch import watched
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.paid_jobs import ended
from tests.unit.services.workshop import PRICE, USER, Workshop

MINUTE = timedelta(minutes=1)
# How late a provider whose caller is gone takes its money, how late that shows in the key's usage, and in its books.
LATEST, LAG, IN_BOOKS = 10, 10, 50


@dataclass(frozen=True)
class Charge:
    """What the provider takes, from when on, and from when on that shows."""

    amount: int
    at: datetime
    shown_at: datetime
    generation_id: str | None = None
    is_ours: bool = True


@dataclass
class Witness:
    """OpenRouter's accounts of one key, as late as it is said of them."""

    clock: SteppingClock
    charges: list[Charge] = field(default_factory=list)
    name: str = "openrouter"
    title: str = "OpenRouter"
    keeps_books: bool = True

    def inspect(self, key: str) -> KeyStatus:
        shown = sum(each.amount for each in self.charges if each.shown_at <= self.clock.now)
        # As JSON has it: through a double.
        return KeyStatus(label=key[-4:], used=Decimal(str(float(in_dollars(shown)))))

    def generation(self, generation_id: str, *, key: str) -> GenerationRecord | None:
        for each in self.charges:
            is_shown = each.at + timedelta(minutes=IN_BOOKS) <= self.clock.now
            if key and each.generation_id == generation_id and is_shown:
                return GenerationRecord(id=generation_id, cost=each.amount)
        return None


@dataclass(frozen=True)
class Answered:
    """A call that comes to its end: what it cost, after how many minutes it is settled, how late that shows."""

    cost: int
    minutes: int
    lag: int


@dataclass(frozen=True)
class Killed:
    """A call whose worker dies: what it cost, how late it was charged, how late that shows, whether its id is known."""

    cost: int
    late: int
    lag: int
    has_id: bool


@dataclass(frozen=True)
class Foreign:
    """Somebody else pays with the key."""

    cost: int


@dataclass(frozen=True)
class Pass:
    """Time passes, and then the sweep comes by."""

    minutes: int


Step = Answered | Killed | Foreign | Pass

# What is set aside is a tenth more than the dearest price.
_COST = st.sampled_from([0, 0, 1, 5_000, PRICE]) | st.integers(0, PRICE)
_LAG = st.sampled_from([0, LAG]) | st.integers(0, LAG)
_OURS = (
    st.builds(Answered, _COST, st.integers(0, 3), _LAG)
    | st.builds(Killed, _COST, st.integers(0, LATEST), _LAG, st.booleans())
    | st.builds(Killed, _COST, st.integers(0, LATEST), _LAG, st.just(False))
    | st.builds(Pass, st.sampled_from([0, 1, 5, 15, 25, 70]))
)
OURS: st.SearchStrategy[list[Step]] = st.lists(_OURS, max_size=12)
ANYBODYS: st.SearchStrategy[list[Step]] = st.lists(_OURS | st.builds(Foreign, _COST), max_size=12)


@dataclass
class Story:
    shop: Workshop
    witness: Witness
    killed: list[Job] = field(default_factory=list)
    at_work: list[tuple[datetime, Job, int]] = field(default_factory=list)
    costs: dict[str, int] = field(default_factory=dict)

    def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Answered():
                    now = self.shop.clock.now
                    job = self._sent(step.cost, late=0, lag=step.lag, lease=timedelta(minutes=5))
                    self.at_work.append((now + step.minutes * MINUTE, job, step.cost))
                case Killed():
                    self.killed.append(self._sent(step.cost, late=step.late, lag=step.lag, has_id=step.has_id))
                case Foreign():
                    now = self.shop.clock.now
                    self.witness.charges.append(Charge(step.cost, now, now, is_ours=False))
                case Pass():
                    self.wait(step.minutes)
            self.check()

    def _sent(self, cost: int, *, late: int, lag: int, has_id: bool = False, lease: timedelta = 2 * MINUTE) -> Job:
        shop, now = self.shop, self.shop.clock.now
        seen, listing = watched(
            shop.admit(),
            shop.ledger.charges_with(digest(shop.secret)),
            key_sha256=digest(shop.secret),
            used=lambda: self.witness.inspect(shop.secret).used,
            is_listable=True,
            now=now,
        )
        on_key = seen.model_dump(include={"key_usage", "key_sha256", "key_charges"})
        started = shop.start(seen, lease=lease).model_copy(update={"dispatched_at": now, **on_key})
        assert started.lease_expires_at is not None
        assert shop.jobs.dispatch(started, at=now, lease_expires_at=started.lease_expires_at, listing=listing)
        generation_id = f"gen-img-{started.id}" if has_id else None
        if generation_id:
            assert shop.jobs.note_generation(started, generation_id)
        self.costs[started.id] = cost
        if cost:
            at = now + late * MINUTE
            self.witness.charges.append(Charge(cost, at, at + lag * MINUTE, generation_id))
        return shop.now(started)

    def wait(self, minutes: int) -> None:
        ends = self.shop.clock.now + minutes * MINUTE
        for at, job, cost in sorted(self.at_work, key=lambda each: each[0]):
            if at <= ends:
                self.shop.clock.now = max(at, self.shop.clock.now)
                assert self.shop.app.settlement.settle(ended(self.shop.now(job), JobStatus.FAILED, at), cost)
        self.at_work = [each for each in self.at_work if each[0] > ends]
        self.shop.clock.now = ends
        assert self.shop.app.sweep.run(Deadline(60))["failed"] == 0, self.shop.alarms
        self.check()

    def check(self) -> None:
        """What is gone of the budget, spent or set aside, covers whatever was taken for its jobs."""
        gone = [budget.spent + budget.reserved for budget in self._budgets()]
        assert sum(gone) >= sum(self.costs.values())

    def _budgets(self) -> list[Any]:
        return [account.shown(name) for (_, name), account in self.shop.ledger.accounts.items()]

    def is_over(self) -> None:
        assert list(self.shop.jobs.list_open()) == []
        assert {budget.reserved for budget in self._budgets()} <= {0}
        receipts = self.shop.ledger.receipts(USER, limit=100).receipts
        assert sorted(receipt.job_id for receipt in receipts) == sorted(self.costs)
        assert sum(budget.spent for budget in self._budgets()) == sum(receipt.actual or 0 for receipt in receipts)
        for receipt in receipts:
            if receipt.charged is False:
                assert self.costs[receipt.job_id] == receipt.actual == 0

    @property
    def spent(self) -> int:
        return sum(budget.spent for budget in self._budgets())


def _told(openrouter: Simulator, steps: Sequence[Step], waits: Sequence[int]) -> Story:
    clock = SteppingClock()
    shop, witness = Workshop(openrouter, clock), Witness(clock)
    shop.direct["openrouter"] = witness  # type: ignore[assignment]
    story = Story(shop, witness)
    story.play(steps)
    for minutes in waits:
        story.wait(minutes)
    story.is_over()
    return story


_SLOW = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)


@settings(suppress_health_check=_SLOW)
@given(steps=OURS)
@example(steps=[Killed(14_000, 10, 10, False), Answered(5_000, 0, 10), Killed(0, 0, 0, False)])
@example(steps=[Answered(5_000, 0, 10), Pass(1), Killed(14_000, 10, 10, False)])
@example(steps=[Killed(14_000, 10, 10, False), Pass(15), Killed(1, 0, 0, False), Answered(14_000, 3, 0), Pass(5)])
@example(steps=[Killed(14_000, 10, 0, True), Killed(14_000, 10, 0, False), Pass(70), Killed(5_000, 0, 10, False)])
def test_of_what_only_we_pay_the_ledger_says_what_the_invoice_says(openrouter: Simulator, steps: list[Step]) -> None:
    story = _told(openrouter, steps, (5, 5, 30, 70, 30, 70))
    assert story.spent == sum(charge.amount for charge in story.witness.charges)
    assert story.shop.alarms == []


@settings(suppress_health_check=_SLOW)
@given(steps=ANYBODYS, is_watched=st.booleans())
@example(steps=[Killed(14_000, 0, 0, False), Killed(14_000, 0, 0, False), Foreign(5_000)], is_watched=True)
@example(steps=[Killed(5_000, 0, 10, False), Foreign(1)], is_watched=False)
def test_what_others_pay_with_the_key_makes_it_more_and_never_less(
    openrouter: Simulator, steps: list[Step], is_watched: bool
) -> None:
    """Also where the sweep does not come by before a day is over."""
    story = _told(openrouter, steps, (5, 5, 30, 70, 70, 24 * 60, 10) if is_watched else (5, 25 * 60, 10))
    assert story.spent >= sum(charge.amount for charge in story.witness.charges if charge.is_ours)


def test_of_sixty_that_were_killed_none_stays_unknown(openrouter: Simulator) -> None:
    """The books will know most of them by their ids; what the key has used tells of the rest."""
    costs = [(n * 977) % PRICE if n % 5 else 0 for n in range(60)]
    killed: list[Step] = [Killed(cost, n % LATEST, n % LAG, n % 10 != 0) for n, cost in enumerate(costs)]
    story = _told(openrouter, [*killed, Answered(PRICE, 2, LAG)], (5, 25, 70, 20))
    assert story.spent == sum(costs) + PRICE
    assert story.shop.alarms == []
