"""How every Ledger tells that a budget comes near to where its user wants to be warned."""

import pytest

from darkroom.models.budget import BudgetRef
from darkroom.models.job import Job
from darkroom.ports import JobStore, Ledger, NearLimit
from tests.conftest import SteppingClock
from tests.paid_jobs import (
    DIME,
    DOLLAR,
    admit_job,
    budget_of,
    day,
    dispatch_job,
    month,
    paid_job,
    succeeded,
)


class TestNearALimit:
    """Who closes a job hears before a budget comes to where its user wants to be warned; nothing is read for it."""

    @staticmethod
    def _spending(ledger: Ledger, jobs: JobStore, clock: SteppingClock, user: str, *refs: BudgetRef) -> Job:
        job = dispatch_job(jobs, admit_job(ledger, paid_job(user, clock.now, *refs)), clock)
        return succeeded(job, clock.now)

    def test_the_spending_that_crosses_is_told_and_not_written(
        self, ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
    ) -> None:
        ref = day(DOLLAR, clock.now)
        told = []
        for _ in range(10):
            done = self._spending(ledger, job_store, clock, user, ref)
            try:
                assert ledger.close(done, actual=DIME, warn_at_percent=80)
                told.append(0)
            except NearLimit:
                before = budget_of(ledger, user, ref)
                assert (before.spent, before.reserved) == (len(told) * DIME, DIME)
                assert ledger.warn_once(user, ref.id)
                assert ledger.close(done, actual=DIME)
                told.append(1)
        # Once, with the eighth dime of ten.
        assert told == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
        assert budget_of(ledger, user, ref).spent == DOLLAR

    @pytest.mark.parametrize(("limit", "is_told"), [(2 * DIME + 1, False), (2 * DIME, True), (2 * DIME - 1, True)])
    def test_it_is_exact_to_the_micro_dollar(
        self, ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str, limit: int, is_told: bool
    ) -> None:
        done = self._spending(ledger, job_store, clock, user, day(limit, clock.now), month(DOLLAR, clock.now))
        try:
            ledger.close(done, actual=DIME, warn_at_percent=50)
            was_told = False
        except NearLimit:
            was_told = True
        assert was_told is is_told

    def test_a_limit_that_has_changed_since_is_looked_at(
        self, ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
    ) -> None:
        done = self._spending(ledger, job_store, clock, user, day(100 * DOLLAR, clock.now))
        admit_job(ledger, paid_job(user, clock.now, day(3 * DIME, clock.now)))
        with pytest.raises(NearLimit):
            ledger.close(done, actual=DIME, warn_at_percent=80)
        assert ledger.close(done, actual=DIME)

    def test_a_job_that_is_closed_already_is_so_whatever_its_budgets_have_come_to(
        self, ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
    ) -> None:
        done = self._spending(ledger, job_store, clock, user, day(DIME, clock.now))
        assert ledger.close(done, actual=DIME)
        assert not ledger.close(done, actual=DIME, warn_at_percent=80)

    def test_who_has_no_budget_is_never_near_it(
        self, ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
    ) -> None:
        assert ledger.close(self._spending(ledger, job_store, clock, user), actual=DIME, warn_at_percent=1)
