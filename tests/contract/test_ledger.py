"""Whom every Ledger admits, and whom not. How it settles is in test_ledger_settlement, the law in test_ledger_law."""

from datetime import timedelta
from typing import Any

from darkroom.adapters.answer_store import DynamoAnswerStore
from darkroom.models.admission import IdempotencyRecord, PendingAnswer
from darkroom.models.budget import Budget
from darkroom.models.job import Job, JobStatus
from darkroom.ports import JobStore, Ledger
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.ledger import MemoryLedger
from tests.paid_jobs import (
    DIME,
    DOLLAR,
    LEASE,
    admit_job,
    budget_of,
    conversation,
    day,
    ended,
    month,
    paid_job,
    succeeded,
)


def _key(job: Job, clock: SteppingClock, sha256: str = "k" * 64) -> IdempotencyRecord:
    return IdempotencyRecord(
        user=job.user,
        sha256=sha256,
        request_sha256=job.request_sha256 or "",
        job_id=job.id,
        expires_at=clock.now + timedelta(hours=24),
    )


def _answer(job: Job, clock: SteppingClock) -> PendingAnswer:
    return PendingAnswer(
        user=job.user,
        request_sha256=job.request_sha256 or "",
        job_id=job.id,
        state="held",
        held_until=clock.now + timedelta(seconds=25),
        changed_at=clock.now,
        expires_at=clock.now + timedelta(minutes=15),
    )


def _find_answer(
    ledger: Ledger, cloud: Cloud | None, clock: SteppingClock, answer: PendingAnswer
) -> PendingAnswer | None:
    if isinstance(ledger, MemoryLedger):
        return ledger.answers.get((answer.user, answer.request_sha256, answer.job_id))
    assert cloud is not None
    store = DynamoAnswerStore(cloud.table, cloud.aws.dynamodb, clock)
    return store.find(answer.user, answer.request_sha256, answer.job_id)


# Admission.


def test_an_admitted_job_is_stored_and_taken_from_each_budget(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    refs = (day(DOLLAR, clock.now), month(5 * DOLLAR, clock.now), conversation(3 * DIME))
    job = paid_job(user, clock.now, *refs)
    outcome = ledger.admit(job)
    assert (outcome.admitted, outcome.refused_by, outcome.earlier) == (job, None, None)
    assert job_store.find(user, job.id) == job
    assert job.id in {found.id for found in job_store.list_open()}
    assert ledger.budgets(user, [ref.id for ref in refs]) == {
        ref.id: Budget(id=ref.id, limit=ref.limit, remaining=ref.limit - DIME, reserved=DIME, spent=0) for ref in refs
    }


def test_a_job_is_admitted_as_begun_and_is_somebody_elses_only_after_the_lease(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    lease = clock.now + LEASE
    begun: dict[str, Any] = {
        "status": JobStatus.RUNNING,
        "attempt": 1,
        "started_at": clock.now,
        "lease_expires_at": lease,
    }
    job = paid_job(user, clock.now, day(DOLLAR, clock.now), **begun)
    assert ledger.admit(job).admitted == job
    assert job_store.find(user, job.id) == job
    assert job.id in {found.id for found in job_store.list_open()}
    assert job_store.start(job, now=clock.now, lease_expires_at=lease) is None
    taken = job_store.start(job, now=lease, lease_expires_at=lease + LEASE)
    assert taken is not None
    assert (taken.attempt, taken.lease_expires_at) == (2, lease + LEASE)
    # Whose attempt it was may not send it any more.
    assert not job_store.dispatch(job, at=lease, lease_expires_at=lease)
    assert job_store.dispatch(taken, at=lease, lease_expires_at=lease + LEASE)


def test_a_job_that_was_admitted_as_begun_and_given_up_is_another_attempts(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    lease = clock.now + LEASE
    begun: dict[str, Any] = {
        "status": JobStatus.RUNNING,
        "attempt": 1,
        "started_at": clock.now,
        "lease_expires_at": lease,
    }
    job = paid_job(user, clock.now, day(DOLLAR, clock.now), **begun)
    assert ledger.admit(job).admitted == job
    assert job_store.requeue(job)
    taken = job_store.start(job, now=clock.now, lease_expires_at=lease)
    assert taken is not None
    assert taken.attempt == 2
    assert not job_store.dispatch(job, at=clock.now, lease_expires_at=lease)


def test_whatever_it_says_an_admitted_job_is_not_settled(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = paid_job(user, clock.now)
    settled = job.model_copy(update={"cost": job.cost.model_copy(update={"settled": True, "actual": 0})})
    assert ledger.admit(settled).admitted == job
    assert job_store.find(user, job.id) == job


def test_budgets_that_nothing_was_taken_from_are_not_there(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    ref = day(DOLLAR, clock.now)
    admit_job(ledger, paid_job(user, clock.now, ref))
    assert set(ledger.budgets(user, [ref.id, "day#1999-01-01", ref.id])) == {ref.id}
    assert ledger.budgets(f"{user}-b", [ref.id]) == {}
    assert ledger.budgets(user, []) == {}


def test_exactly_what_is_left_can_be_reserved_and_no_micro_dollar_more(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ref = day(3 * DIME, clock.now)
    admit_job(ledger, paid_job(user, clock.now, ref))
    over = paid_job(user, clock.now, ref, reserved=2 * DIME + 1)
    outcome = ledger.admit(over, idempotency=_key(over, clock))
    assert outcome.refused_ref == ref
    assert outcome.refused_by == Budget(id=ref.id, limit=3 * DIME, remaining=2 * DIME, reserved=DIME, spent=0)
    assert (outcome.admitted, outcome.earlier) == (None, None)
    assert job_store.find(user, over.id) is None
    assert ledger.idempotency(user, "k" * 64) is None, "a refusal uses no key up"
    admit_job(ledger, paid_job(user, clock.now, ref, reserved=2 * DIME))
    assert budget_of(ledger, user, ref).remaining == 0


def test_more_than_a_whole_budget_is_refused_before_anything_was_ever_taken_from_it(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ref = day(DIME, clock.now)
    job = paid_job(user, clock.now, month(DOLLAR, clock.now), ref, reserved=DIME + 1)
    outcome = ledger.admit(job)
    assert outcome.refused_ref == ref
    assert outcome.refused_by == Budget(id=ref.id, limit=DIME, remaining=DIME, reserved=0, spent=0)
    assert job_store.find(user, job.id) is None
    assert ledger.budgets(user, [budget.id for budget in job.budgets]) == {}
    admit_job(ledger, paid_job(user, clock.now, ref, reserved=DIME))


def test_if_one_budget_refuses_nothing_is_taken_from_the_others(
    ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    wide, narrow = month(DOLLAR, clock.now), day(DIME, clock.now)
    admit_job(ledger, paid_job(user, clock.now, wide, narrow))
    before = ledger.budgets(user, [wide.id, narrow.id])
    assert ledger.admit(paid_job(user, clock.now, wide, narrow)).refused_ref == narrow
    assert ledger.budgets(user, [wide.id, narrow.id]) == before


def test_of_several_budgets_that_refuse_the_first_is_named(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    refs = (day(DIME, clock.now), month(DIME, clock.now))
    admit_job(ledger, paid_job(user, clock.now, *refs))
    assert ledger.admit(paid_job(user, clock.now, *refs)).refused_ref == refs[0]
    assert ledger.admit(paid_job(user, clock.now, *refs[::-1])).refused_ref == refs[1]


def test_what_costs_nothing_is_admitted_as_long_as_a_budget_is_whole(
    ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    ref = day(DIME, clock.now)
    admit_job(ledger, paid_job(user, clock.now, ref, reserved=0))
    assert budget_of(ledger, user, ref) == Budget(id=ref.id, limit=DIME, remaining=DIME, reserved=0, spent=0)
    admit_job(ledger, paid_job(user, clock.now, ref))
    admit_job(ledger, paid_job(user, clock.now, ref, reserved=0))
    below = day(DIME - 1, clock.now)
    assert ledger.admit(paid_job(user, clock.now, below, reserved=0)).refused_ref == below
    assert budget_of(ledger, user, ref).overdrawn == 1


def test_what_should_cost_nothing_cannot_overdraw_a_budget_over_and_over(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    """Nothing is reserved for it, so this alone stands between a price that is wrong and all that its key holds."""
    ref = day(DIME, clock.now)
    refused, calls = None, 0
    while refused is None and calls < 5:
        outcome = ledger.admit(paid_job(user, clock.now, ref, reserved=0))
        if outcome.admitted is None:
            refused = outcome.refused_by
            continue
        calls += 1
        running = job_store.start(outcome.admitted, now=clock.now, lease_expires_at=clock.now)
        assert running is not None
        assert ledger.close(succeeded(running, clock.now), actual=DIME * 6 // 10)
    assert (calls, refused and refused.overdrawn) == (2, DIME * 2 // 10)


def test_budgets_of_different_users_are_different(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    ref = day(DIME, clock.now)
    admit_job(ledger, paid_job(user, clock.now, ref))
    admit_job(ledger, paid_job(f"{user}-b", clock.now, ref))


def test_a_job_without_budgets_is_admitted(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = admit_job(ledger, paid_job(user, clock.now))
    assert job_store.find(user, job.id) == job


def test_a_job_that_is_admitted_again_is_reserved_once(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    ref = day(DOLLAR, clock.now)
    job = paid_job(user, clock.now, ref)
    key = _key(job, clock)
    assert ledger.admit(job, idempotency=key).admitted == job
    assert ledger.admit(job, idempotency=key).admitted == job
    assert budget_of(ledger, user, ref).reserved == DIME


# Limits that change.


def test_a_raised_limit_leaves_more(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    admit_job(ledger, paid_job(user, clock.now, day(DIME, clock.now)))
    raised = day(DOLLAR, clock.now)
    admit_job(ledger, paid_job(user, clock.now, raised, reserved=9 * DIME))
    assert budget_of(ledger, user, raised) == Budget(
        id=raised.id, limit=DOLLAR, remaining=0, reserved=DOLLAR, spent=0, overdrawn=0
    )


def test_a_lowered_limit_is_passed_by_no_further_job(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    first = admit_job(ledger, paid_job(user, clock.now, day(DOLLAR, clock.now), reserved=5 * DIME))
    lowered = day(2 * DIME, clock.now)
    outcome = ledger.admit(paid_job(user, clock.now, lowered, reserved=1))
    assert outcome.refused_by == Budget(
        id=lowered.id, limit=2 * DIME, remaining=0, reserved=5 * DIME, spent=0, overdrawn=3 * DIME
    )
    assert ledger.close(ended(first, JobStatus.CANCELED, clock.now), actual=0)
    assert budget_of(ledger, user, lowered) == Budget(
        id=lowered.id, limit=2 * DIME, remaining=2 * DIME, reserved=0, spent=0
    )
    admit_job(ledger, paid_job(user, clock.now, lowered, reserved=2 * DIME))


def test_limits_of_several_budgets_change_at_once(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    admit_job(ledger, paid_job(user, clock.now, day(DIME, clock.now), month(DIME, clock.now)))
    refs = (day(3 * DIME, clock.now), month(2 * DIME, clock.now))
    admit_job(ledger, paid_job(user, clock.now, *refs))
    assert [budget_of(ledger, user, ref).remaining for ref in refs] == [DIME, 0]


# Idempotency keys and answers.


def test_a_key_stands_for_the_first_job_that_was_admitted_with_it(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ref = day(DOLLAR, clock.now)
    first, second = paid_job(user, clock.now, ref), paid_job(user, clock.now, ref, request_sha256="cd" * 32)
    ledger.admit(first, idempotency=_key(first, clock))
    outcome = ledger.admit(second, idempotency=_key(second, clock), answer=_answer(second, clock))
    assert outcome.earlier == _key(first, clock)
    assert (outcome.admitted, outcome.refused_by) == (None, None)
    assert ledger.idempotency(user, "k" * 64) == _key(first, clock)
    assert job_store.find(user, second.id) is None
    assert budget_of(ledger, user, ref).reserved == DIME
    admit_job(ledger, second)
    assert ledger.idempotency(f"{user}-b", "k" * 64) is None


def test_a_key_is_looked_at_before_the_budgets(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    ref = day(DIME, clock.now)
    first, second = paid_job(user, clock.now, ref), paid_job(user, clock.now, ref, reserved=DOLLAR)
    ledger.admit(first, idempotency=_key(first, clock))
    assert ledger.admit(second, idempotency=_key(second, clock)).earlier == _key(first, clock)


def test_an_expired_key_is_taken_over(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    first = paid_job(user, clock.now)
    ledger.admit(first, idempotency=_key(first, clock))
    clock.step(timedelta(hours=24) - timedelta(seconds=1))
    second = paid_job(user, clock.now)
    assert ledger.admit(second, idempotency=_key(second, clock)).earlier is not None
    clock.step(timedelta(seconds=1))
    assert ledger.idempotency(user, "k" * 64) is None
    assert ledger.admit(second, idempotency=_key(second, clock)).admitted == second
    assert ledger.idempotency(user, "k" * 64) == _key(second, clock)


def test_an_answer_is_stored_with_its_job_alone(
    ledger: Ledger, cloud: Cloud | None, clock: SteppingClock, user: str
) -> None:
    ref = day(DIME, clock.now)
    first, second = paid_job(user, clock.now, ref), paid_job(user, clock.now, ref)
    ledger.admit(first, answer=_answer(first, clock))
    assert ledger.admit(second, answer=_answer(second, clock)).refused_ref == ref
    assert _find_answer(ledger, cloud, clock, _answer(first, clock)) == _answer(first, clock)
    assert _find_answer(ledger, cloud, clock, _answer(second, clock)) is None
