"""Limits: whose count, what is set aside, in which budgets, and when somebody is warned."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import BudgetExceeded, Conflict, CostLimit, PriceUnknown
from darkroom.models.admission import Outcome
from darkroom.models.budget import Budget, BudgetRef
from darkroom.models.caller import Caller
from darkroom.models.token import ApiToken
from darkroom.models.user_settings import Limits, UserSettings
from darkroom.services.paid.budgets import Budgets, exceeded, reserve_for
from tests.conftest import SteppingClock
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import MemoryJobStore
from tests.fakes.paid import MemorySettingsStore
from tests.paid_jobs import DIME, DOLLAR, day, paid_job, succeeded

DEFAULTS = Limits(per_request=DIME, per_conversation=DOLLAR, per_day=5 * DOLLAR, per_month=50 * DOLLAR)
ALICE = Caller(user="alice")
AMOUNT = st.integers(0, 10 * DOLLAR)


@pytest.fixture
def store() -> MemorySettingsStore:
    return MemorySettingsStore()


@pytest.fixture
def jobs() -> MemoryJobStore:
    return MemoryJobStore()


@pytest.fixture
def ledger(jobs: MemoryJobStore, clock: SteppingClock) -> MemoryLedger:
    return MemoryLedger(jobs, clock)


@pytest.fixture
def budgets(store: MemorySettingsStore, ledger: MemoryLedger, clock: SteppingClock) -> Budgets:
    return Budgets(store, ledger, clock, defaults=DEFAULTS)


def _token(**limits: Any) -> ApiToken:
    made = datetime(2026, 3, 1, tzinfo=UTC)
    return ApiToken(id="tok_1", user="alice", sha256="ab", hint="abcd", created_at=made, **limits)


class TestWhoseLimits:
    def test_the_stacks_where_nothing_is_set(self, budgets: Budgets) -> None:
        assert budgets.limits("alice", own_key=True) == budgets.limits("alice", own_key=False) == DEFAULTS

    def test_whoever_pays_alone_may_set_any(self, budgets: Budgets) -> None:
        budgets.change("alice", {"per_day": 500 * DOLLAR, "per_request": 0})
        limits = budgets.limits("alice", own_key=True)
        assert (limits.per_day, limits.per_request, limits.per_month) == (500 * DOLLAR, 0, 50 * DOLLAR)

    def test_who_spends_the_stacks_money_may_only_set_lower_ones(self, budgets: Budgets) -> None:
        budgets.change("alice", {"per_day": 500 * DOLLAR, "per_month": DIME})
        limits = budgets.limits("alice", own_key=False)
        assert (limits.per_day, limits.per_month) == (5 * DOLLAR, DIME)

    def test_null_returns_to_the_stacks(self, budgets: Budgets) -> None:
        budgets.change("alice", {"per_day": 1})
        budgets.change("alice", {"per_day": None})
        assert budgets.limits("alice", own_key=True) == DEFAULTS

    def test_a_change_leaves_the_others(self, budgets: Budgets) -> None:
        budgets.change("alice", {"per_day": 1}, warn_at_percent=50)
        changed = budgets.change("alice", {"per_month": 2})
        assert (changed.limits.per_day, changed.limits.per_month, changed.warn_at_percent) == (1, 2, 50)
        assert budgets.limits("bob", own_key=True) == DEFAULTS

    def test_two_at_once_both_count(
        self, store: MemorySettingsStore, ledger: MemoryLedger, clock: SteppingClock
    ) -> None:
        class Busy(MemorySettingsStore):
            """Somebody else is faster, so many times."""

            faster = 4

            def save(self, user: str, settings: UserSettings) -> bool:
                if self.faster:
                    self.faster -= 1
                    limits = self.load(user).limits.model_copy(update={"per_month": 7})
                    return super().save(user, self.load(user).model_copy(update={"limits": limits})) and False
                return super().save(user, settings)

        busy = Busy()
        Budgets(busy, ledger, clock, defaults=DEFAULTS).change("alice", {"per_day": 1})
        assert (busy.load("alice").limits.per_day, busy.load("alice").limits.per_month) == (1, 7)
        busy.faster = 100
        with pytest.raises(Conflict):
            Budgets(busy, ledger, clock, defaults=DEFAULTS).change("alice", {"per_day": 2})


class TestRefs:
    def test_a_day_and_a_month_of_utc(self, budgets: Budgets, clock: SteppingClock) -> None:
        clock.now = datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
        first, second = budgets.refs(ALICE, DEFAULTS)
        assert (first.id, second.id) == ("day#2026-12-31", "month#2026-12")
        assert first.resets_at == second.resets_at == datetime(2027, 1, 1, tzinfo=UTC)

    @pytest.mark.parametrize("month", range(1, 13))
    def test_a_month_ends_where_the_next_begins(self, budgets: Budgets, clock: SteppingClock, month: int) -> None:
        for day_of_month in (1, 28):
            clock.now = datetime(2028, month, day_of_month, 1, tzinfo=UTC)
            resets_at = budgets.refs(ALICE, DEFAULTS)[1].resets_at
            assert resets_at == datetime(2028 + month // 12, month % 12 + 1, 1, tzinfo=UTC)

    def test_a_token_has_its_own_beside_its_users(self, budgets: Budgets) -> None:
        caller = Caller(user="alice", token=_token(day_limit=1, month_limit=2))
        refs = budgets.refs(caller, DEFAULTS, conversation_id="c1")
        assert [(ref.name, ref.limit) for ref in refs] == [
            ("day", 5 * DOLLAR),
            ("month", 50 * DOLLAR),
            ("token_day", 1),
            ("token_month", 2),
            ("conversation", DOLLAR),
        ]
        assert len({ref.id for ref in refs}) == 5
        assert all("tok_1" in ref.id for ref in refs if ref.name.startswith("token"))
        assert refs[-1].resets_at is None

    def test_what_has_no_limit_has_no_budget(self, budgets: Budgets) -> None:
        assert budgets.refs(Caller(user="alice", token=_token()), Limits(), conversation_id="c1") == ()


class TestReserve:
    @pytest.mark.parametrize(
        ("estimate", "most", "per_request", "expected"),
        [
            (10, None, None, 11),
            (10, None, 100, 11),
            (10, 10, 100, 10),
            (10, 100, 10, 10),
            (None, 50, None, 50),
            (None, 50, 50, 50),
        ],
    )
    def test_the_margin_never_goes_above_what_was_allowed(
        self, estimate: int | None, most: int | None, per_request: int | None, expected: int
    ) -> None:
        reserve = None if estimate is None else estimate * 11 // 10
        assert reserve_for(estimate=estimate, reserve=reserve, most=most, per_request=per_request) == expected

    @pytest.mark.parametrize(
        ("most", "per_request", "param"), [(9, 100, "max_cost_usd"), (100, 9, None), (9, 9, "max_cost_usd")]
    )
    def test_what_may_cost_more_is_refused(self, most: int, per_request: int, param: str | None) -> None:
        with pytest.raises(CostLimit) as refused:
            reserve_for(estimate=10, reserve=11, most=most, per_request=per_request)
        assert refused.value.param == param
        assert refused.value.context == {"estimated_usd": 1e-05, "reserved_usd": 1e-05, "limit_usd": 9e-06}

    def test_what_a_caller_said_holds_for_the_bound_and_a_limit_of_all_requests_for_the_estimate(self) -> None:
        prices: dict[str, Any] = {"estimate": 10, "bound": 30, "reserve": 33}
        with pytest.raises(CostLimit) as refused:
            reserve_for(**prices, most=29, per_request=None)
        assert refused.value.context == {"estimated_usd": 1e-05, "reserved_usd": 3e-05, "limit_usd": 2.9e-05}
        assert "will probably cost $0.00001" in refused.value.detail
        with pytest.raises(CostLimit) as expected:
            reserve_for(**prices, most=None, per_request=9, expected=4)
        assert expected.value.context == {"estimated_usd": 4e-06, "reserved_usd": 3e-05, "limit_usd": 9e-06}
        assert expected.value.detail.startswith(
            "This may cost $0.00001, and will probably cost $0.000004; a request of"
        )
        assert reserve_for(**prices, most=30, per_request=None) == 30
        # What is possible is set aside all the same, or a budget could be passed.
        assert reserve_for(**prices, most=None, per_request=10) == 30
        assert reserve_for(**prices, most=None, per_request=100) == 33
        with pytest.raises(CostLimit):
            reserve_for(**prices, most=None, per_request=9)

    @given(estimate=AMOUNT, above=AMOUNT, margin=AMOUNT, most=st.none() | AMOUNT, per_request=st.none() | AMOUNT)
    def test_never_less_than_the_bound_is_set_aside(
        self, estimate: int, above: int, margin: int, most: int | None, per_request: int | None
    ) -> None:
        bound = estimate + above
        try:
            set_aside = reserve_for(
                estimate=estimate, bound=bound, reserve=bound + margin, most=most, per_request=per_request
            )
        except CostLimit:
            assert (most is not None and bound > most) or (per_request is not None and estimate > per_request)
            return
        assert bound <= set_aside <= bound + margin
        assert most is None or set_aside <= most

    def test_without_a_price_somebody_has_to_say_one(self) -> None:
        with pytest.raises(PriceUnknown):
            reserve_for(estimate=None, reserve=None, most=None, per_request=100)
        with pytest.raises(CostLimit):
            reserve_for(estimate=None, reserve=None, most=101, per_request=100)

    @pytest.mark.parametrize("most", [None, 50])
    def test_the_callers_word_does_not_count_where_others_pay(self, most: int | None) -> None:
        with pytest.raises(PriceUnknown) as refused:
            reserve_for(estimate=None, reserve=None, most=most, per_request=100, may_vouch=False)
        assert refused.value.param == "model"
        assert reserve_for(estimate=10, reserve=11, most=None, per_request=100, may_vouch=False) == 11

    @given(estimate=st.none() | AMOUNT, margin=AMOUNT, most=st.none() | AMOUNT, per_request=st.none() | AMOUNT)
    def test_it_is_enough_and_within_every_cap_or_refused(
        self, estimate: int | None, margin: int, most: int | None, per_request: int | None
    ) -> None:
        reserve = None if estimate is None else estimate + margin
        caps = [cap for cap in (most, per_request) if cap is not None]
        asked = most if estimate is None else estimate
        refusal = PriceUnknown if asked is None else CostLimit if any(asked > cap for cap in caps) else None
        given_: dict[str, Any] = {"estimate": estimate, "reserve": reserve, "most": most, "per_request": per_request}
        if refusal is not None:
            with pytest.raises(refusal):
                reserve_for(**given_)
            return
        set_aside = reserve_for(**given_)
        assert all(set_aside <= cap for cap in caps)
        assert estimate is None or set_aside >= estimate


class TestRefusal:
    def test_it_says_which_budget_and_when_it_begins_anew(self, clock: SteppingClock) -> None:
        ref = day(DOLLAR, clock.now)
        left = Budget(id=ref.id, limit=DOLLAR, remaining=100, reserved=DIME, spent=DOLLAR - DIME - 100)
        error = exceeded(Outcome(refused_by=left, refused_ref=ref), reserve=15_400, estimate=14_000)
        assert isinstance(error, BudgetExceeded)
        assert error.context["budget"] == "day"
        assert (error.context["estimated_usd"], error.context["remaining_usd"]) == (0.014, 0.0001)
        assert error.context["resets_at"] == "2026-03-02T00:00:00+00:00"
        assert "0.0001" in error.detail

    def test_an_overdrawn_one_is_called_so_whatever_would_have_to_be_set_aside(self, clock: SteppingClock) -> None:
        ref = day(DOLLAR, clock.now)
        gone = Budget(id=ref.id, limit=DOLLAR, remaining=0, reserved=0, spent=DOLLAR + DIME, overdrawn=DIME)
        error = exceeded(Outcome(refused_by=gone, refused_ref=ref), reserve=0, estimate=0)
        assert "The day's budget of $1.00 is overdrawn by $0.10." in error.detail
        assert "not even what should cost nothing. It begins anew at 2026-03-02" in error.detail
        assert "set aside" not in error.detail
        assert (error.context["overdrawn_usd"], error.context["remaining_usd"]) == (0.1, 0)

    def test_a_conversation_never_does(self) -> None:
        ref = BudgetRef(name="conversation", id="conversation#c1", limit=5)
        left = Budget(id=ref.id, limit=5, remaining=0, reserved=0, spent=5)
        error = exceeded(Outcome(refused_by=left, refused_ref=ref), reserve=1, estimate=None)
        assert (error.context["resets_at"], error.context["estimated_usd"]) == (None, None)
        assert "anew" not in error.detail


class TestWarnings:
    @pytest.mark.parametrize(
        ("percent", "expected"), [(None, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]), (25, [0, 0, 1] + [0] * 7)]
    )
    def test_each_budget_says_so_once_when_it_is_crossed(
        self,
        budgets: Budgets,
        ledger: MemoryLedger,
        jobs: MemoryJobStore,
        clock: SteppingClock,
        percent: int | None,
        expected: list[int],
    ) -> None:
        if percent:
            budgets.change("alice", {}, warn_at_percent=percent)
        ref = day(DOLLAR, clock.now)
        said = []
        for _ in range(10):
            job = ledger.admit(paid_job("alice", clock.now, ref)).admitted
            assert job is not None
            said.append(budgets.warnings("alice", (ref,), actual=DIME))
            running = jobs.start(job, now=clock.now, lease_expires_at=clock.now)
            assert running is not None
            assert ledger.close(succeeded(running, clock.now), actual=DIME)
        assert [len(each) for each in said] == expected

    def test_nothing_spent_is_nothing_said(self, budgets: Budgets, clock: SteppingClock) -> None:
        assert budgets.warnings("alice", (day(0, clock.now),), actual=0) == ()
        assert budgets.warnings("alice", (), actual=DIME) == ()

    @pytest.mark.parametrize(("actual", "expected"), [(-1, 0), (0, 0), (1, 1)])
    def test_a_budget_that_is_past_its_threshold_says_so_with_the_next_spending(
        self,
        budgets: Budgets,
        ledger: MemoryLedger,
        jobs: MemoryJobStore,
        clock: SteppingClock,
        actual: int,
        expected: int,
    ) -> None:
        ref = day(DIME, clock.now)
        job = ledger.admit(paid_job("alice", clock.now, ref)).admitted
        assert job is not None
        running = jobs.start(job, now=clock.now, lease_expires_at=clock.now)
        assert running is not None
        assert ledger.close(succeeded(running, clock.now), actual=DIME)
        assert len(budgets.warnings("alice", (ref,), actual=actual)) == expected


def test_it_is_shown_in_dollars(budgets: Budgets, ledger: MemoryLedger, clock: SteppingClock) -> None:
    ledger.admit(paid_job("alice", clock.now, *budgets.refs(ALICE, DEFAULTS)))
    shown = budgets.show(ALICE, own_key=True)
    assert shown["limits"]["max_cost_per_day"] == 5
    assert shown["warn_at_percent"] == 80
    today = shown["budgets"][0]
    assert (today["name"], today["reserved_usd"], today["remaining_usd"], today["spent_usd"]) == ("day", 0.1, 4.9, 0)
    # One that was never taken from is whole.
    assert budgets.show(Caller(user="bob"), own_key=True)["budgets"][0]["remaining_usd"] == 5
