"""How every Ledger settles, and what it has to say of it afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from ulid import ULID

from darkroom.adapters.delivery_rows import delivery_key, to_delivery
from darkroom.adapters.dynamo import to_item
from darkroom.models.budget import Budget
from darkroom.models.job import Job, JobStatus, ProviderCall
from darkroom.models.receipt import KeyCharges, Receipt
from darkroom.models.webhook import Delivery
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
    dispatch_job,
    ended,
    month,
    paid_job,
    start_job,
    succeeded,
)


def _find_delivery(ledger: Ledger, cloud: Cloud | None, user: str, delivery_id: str) -> Delivery | None:
    if isinstance(ledger, MemoryLedger):
        return ledger.deliveries.get((user, delivery_id))
    assert cloud is not None
    key = to_item(delivery_key(user, delivery_id))
    item = cloud.aws.dynamodb.get_item(TableName=cloud.table, Key=key, ConsistentRead=True).get("Item")
    return to_delivery(item) if item else None


@pytest.mark.parametrize(("actual", "spent"), [(40_000, 40_000), (DIME, DIME), (0, 0), (None, 0)])
def test_a_closed_job_is_settled_and_what_it_did_not_cost_remains(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str, actual: int | None, spent: int
) -> None:
    refs = (day(DOLLAR, clock.now), conversation(3 * DIME))
    job = dispatch_job(job_store, admit_job(ledger, paid_job(user, clock.now, *refs)), clock)
    clock.step(timedelta(seconds=9))
    done = succeeded(job, clock.now)
    assert ledger.close(done, actual=actual)
    for ref in refs:
        assert budget_of(ledger, user, ref) == Budget(
            id=ref.id, limit=ref.limit, remaining=ref.limit - spent, reserved=0, spent=spent
        )
    cost = done.cost.model_copy(update={"settled": True, "actual": actual})
    assert job_store.find(user, job.id) == done.model_copy(update={"cost": cost, "lease_expires_at": None})
    assert job.id not in {found.id for found in job_store.list_open()}


def test_of_several_calls_each_is_a_line_of_the_job_and_of_its_receipt(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ref = day(DOLLAR, clock.now)
    asked = tuple(ProviderCall(index=index, n=1) for index in range(3))
    job = dispatch_job(job_store, admit_job(ledger, paid_job(user, clock.now, ref, calls=asked)), clock)
    assert job.calls == asked
    paid = {"status": JobStatus.SUCCEEDED, "images": 1, "cost": 20_000, "charged": True, "generation_id": "gen-ü"}
    unsure = {"status": JobStatus.UNCERTAIN, "charged": "unknown", "dispatched_at": clock.now}
    calls = (asked[0].model_copy(update=paid), asked[1].model_copy(update=unsure), asked[2])
    done = succeeded(job, clock.now, calls=calls)
    assert job_store.record(done)
    recorded = job_store.find(user, job.id)
    assert recorded is not None
    assert (recorded.calls, recorded.cost.settled) == (calls, False)
    decided = (calls[0], calls[1].model_copy(update={"cost": 5_000, "charged": True}), asked[2])
    assert ledger.close(done.model_copy(update={"calls": decided}), actual=25_000)
    stored = job_store.find(user, job.id)
    assert stored is not None
    assert (stored.calls, stored.cost.actual) == (decided, 25_000)
    (receipt,) = ledger.receipts(user, limit=9).receipts
    assert (receipt.calls, receipt.actual) == (decided, 25_000)
    assert sum(call.cost or 0 for call in receipt.calls) == budget_of(ledger, user, ref).spent


def test_what_costs_more_than_was_reserved_overdraws_and_stops_what_comes(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ref = day(3 * DIME, clock.now)
    job = dispatch_job(job_store, admit_job(ledger, paid_job(user, clock.now, ref)), clock)
    assert ledger.close(succeeded(job, clock.now), actual=4 * DIME)
    overdrawn = Budget(id=ref.id, limit=3 * DIME, remaining=0, reserved=0, spent=4 * DIME, overdrawn=DIME)
    assert budget_of(ledger, user, ref) == overdrawn
    assert ledger.admit(paid_job(user, clock.now, ref, reserved=1)).refused_by == overdrawn
    raised = day(5 * DIME, clock.now)
    admit_job(ledger, paid_job(user, clock.now, raised))
    assert budget_of(ledger, user, raised).remaining == 0


def test_a_job_is_closed_once(ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str) -> None:
    ref = day(DOLLAR, clock.now)
    job = dispatch_job(job_store, admit_job(ledger, paid_job(user, clock.now, ref)), clock)
    assert ledger.close(succeeded(job, clock.now), actual=DIME)
    stored, budget = job_store.find(user, job.id), budget_of(ledger, user, ref)
    assert not ledger.close(ended(job, JobStatus.FAILED, clock.now), actual=0)
    assert not ledger.close(ended(job, JobStatus.FAILED, clock.now), actual=0, before_dispatch=True)
    assert (job_store.find(user, job.id), budget_of(ledger, user, ref)) == (stored, budget)
    assert [receipt.actual for receipt in ledger.receipts(user, limit=9).receipts] == [DIME]


def test_only_the_present_attempt_can_close(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ref = day(DOLLAR, clock.now)
    queued = admit_job(ledger, paid_job(user, clock.now, ref))
    first = start_job(job_store, queued, clock)
    clock.step(LEASE)
    second = start_job(job_store, queued, clock)
    assert not ledger.close(ended(queued, JobStatus.CANCELED, clock.now), actual=0, before_dispatch=True)
    assert not ledger.close(succeeded(first, clock.now), actual=DIME)
    assert budget_of(ledger, user, ref).reserved == DIME
    assert ledger.close(succeeded(second, clock.now), actual=DIME)


def test_a_job_that_does_not_exist_cannot_be_closed(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    ref = day(DOLLAR, clock.now)
    assert not ledger.close(ended(paid_job(user, clock.now, ref), JobStatus.CANCELED, clock.now), actual=0)
    assert ledger.budgets(user, [ref.id]) == {}
    assert ledger.receipts(user, limit=9).receipts == ()


def test_a_job_can_be_canceled_until_it_is_dispatched(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ref = day(DOLLAR, clock.now)
    queued = admit_job(ledger, paid_job(user, clock.now, ref))
    running = start_job(job_store, admit_job(ledger, paid_job(user, clock.now, ref)), clock)
    dispatched = dispatch_job(job_store, admit_job(ledger, paid_job(user, clock.now, ref)), clock)
    for job, is_canceled in ((queued, True), (running, True), (dispatched, False)):
        canceled = ended(job, JobStatus.CANCELED, clock.now)
        assert ledger.close(canceled, actual=0, before_dispatch=True) is is_canceled
        assert not is_canceled or not job_store.dispatch(job, at=clock.now, lease_expires_at=clock.now + LEASE)
        assert not is_canceled or job_store.start(job, now=clock.now, lease_expires_at=clock.now + LEASE) is None
    assert budget_of(ledger, user, ref) == Budget(
        id=ref.id, limit=DOLLAR, remaining=DOLLAR - DIME, reserved=DIME, spent=0
    )
    stored = job_store.find(user, dispatched.id)
    assert stored == dispatched
    assert stored.status is JobStatus.RUNNING


def test_an_uncertain_job_is_settled_when_it_is_known_what_it_cost(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ref = day(DOLLAR, clock.now)
    job = dispatch_job(job_store, admit_job(ledger, paid_job(user, clock.now, ref)), clock)
    uncertain = job.model_copy(
        update={"status": JobStatus.UNCERTAIN, "cost": job.cost.model_copy(update={"charged": "unknown"})}
    )
    assert job_store.record(uncertain)
    assert budget_of(ledger, user, ref).reserved == DIME
    clock.step(timedelta(minutes=5))
    assert ledger.close(succeeded(uncertain, clock.now), actual=1)
    assert budget_of(ledger, user, ref).spent == 1
    assert not job_store.record(uncertain)


def test_a_job_is_settled_in_the_period_that_it_was_reserved_in(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    clock.now = datetime(2099, 11, 30, 23, 59, 50, tzinfo=UTC)
    old = month(2 * DIME, clock.now)
    late = admit_job(ledger, paid_job(user, clock.now, old))
    clock.step(timedelta(seconds=20))
    new = month(2 * DIME, clock.now)
    assert new.id != old.id
    admit_job(ledger, paid_job(user, clock.now, new))
    assert ledger.close(succeeded(dispatch_job(job_store, late, clock), clock.now), actual=3 * DIME)
    assert budget_of(ledger, user, old) == Budget(
        id=old.id, limit=2 * DIME, remaining=0, reserved=0, spent=3 * DIME, overdrawn=DIME
    )
    assert budget_of(ledger, user, new) == Budget(id=new.id, limit=2 * DIME, remaining=DIME, reserved=DIME, spent=0)


def test_the_webhook_s_delivery_is_written_with_the_settlement(
    ledger: Ledger, cloud: Cloud | None, clock: SteppingClock, user: str
) -> None:
    silent = admit_job(ledger, paid_job(user, clock.now))
    told = admit_job(ledger, paid_job(user, clock.now, webhook_url="https://hook.example/a?b=c"))
    assert _find_delivery(ledger, cloud, user, f"msg_{told.id}") is None
    clock.step(timedelta(seconds=9))
    for job in (silent, told):
        assert ledger.close(ended(job, JobStatus.FAILED, clock.now), actual=0)
    assert _find_delivery(ledger, cloud, user, f"msg_{silent.id}") is None
    assert _find_delivery(ledger, cloud, user, f"msg_{told.id}") == Delivery(
        id=f"msg_{told.id}",
        user=user,
        job_id=told.id,
        url="https://hook.example/a?b=c",
        created_at=clock.now,
        expires_at=clock.now + timedelta(days=30),
    )


def test_the_answer_s_generation_id_is_kept_and_else_the_one_noted(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    noted, answered = (dispatch_job(job_store, admit_job(ledger, paid_job(user, clock.now)), clock) for _ in range(2))
    assert job_store.note_generation(noted, "gen-noted")
    assert job_store.note_generation(answered, "gen-old")
    assert ledger.close(succeeded(noted, clock.now), actual=1)
    assert ledger.close(succeeded(answered, clock.now, generation_id="gen-new"), actual=1)
    stored = [job_store.find(user, job.id) for job in (noted, answered)]
    assert [job.generation_id for job in stored if job] == ["gen-noted", "gen-new"]


# Receipts.


def test_a_receipt_says_what_the_job_said(ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str) -> None:
    made = clock.now
    job = admit_job(ledger, paid_job(user, made, day(DOLLAR, made), conversation_id="c1"))
    job = dispatch_job(job_store, job, clock)
    clock.step(timedelta(seconds=9))
    assert ledger.close(succeeded(job, clock.now, generation_id="gen-1"), actual=41_000)
    assert ledger.receipts(user, limit=1).receipts == (
        Receipt(
            job_id=job.id,
            user=user,
            op="generate",
            status="succeeded",
            model_requested="a/b",
            model_used="a/b-2",
            provider="openrouter",
            images=1,
            seconds=9.0,
            generation_id="gen-1",
            token_id="tok_1",
            conversation_id="c1",
            estimated=DIME,
            reserved=DIME,
            actual=41_000,
            charged=True,
            created_at=made,
            settled_at=clock.now,
        ),
    )
    assert ledger.receipts(f"{user}-b", limit=1).receipts == ()


def _receipts(ledger: Ledger, user: str, moments: list[datetime]) -> list[str]:
    # The first id there can be of each moment.
    ids = [f"job_{ULID.from_int(int(moment.timestamp() * 1000) << 80)}" for moment in moments]
    jobs = [admit_job(ledger, paid_job(user, moment, id=job_id)) for job_id, moment in zip(ids, moments, strict=True)]
    for job in jobs:
        assert ledger.close(ended(job, JobStatus.FAILED, job.created_at), actual=0)
    return [job.id for job in jobs]


def test_receipts_run_from_the_newest_to_the_oldest_without_a_gap(
    ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    ids = _receipts(ledger, user, [clock.now + timedelta(hours=n) for n in range(6)])
    pages = [ledger.receipts(user, limit=2)]
    while pages[-1].next_id:
        pages.append(ledger.receipts(user, limit=2, before=pages[-1].next_id))
    assert [[receipt.job_id for receipt in page.receipts] for page in pages] == [ids[:3:-1], ids[3:1:-1], ids[1::-1]]
    assert ledger.receipts(user, limit=6).next_id is None
    assert ledger.receipts(user, limit=9, before="job_0").receipts == ()


def test_a_month_s_receipts_are_those_of_jobs_made_in_it(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    first, last = datetime(2099, 12, 1, tzinfo=UTC), datetime(2099, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    before, after = first - timedelta(milliseconds=1), datetime(2100, 1, 1, tzinfo=UTC)
    november, december1, december2, january = _receipts(ledger, user, [before, first, last, after])

    def found(month: str, **page: str) -> list[str]:
        return [receipt.job_id for receipt in ledger.receipts(user, limit=9, month=month, **page).receipts]

    assert found("2099-12") == [december2, december1]
    assert (found("2099-11"), found("2100-01"), found("2100-02")) == ([november], [january], [])
    assert found("2099-12", before=december2) == [december1]
    assert found("2099-12", before=january) == [december2, december1], "a start beyond the month is its end"
    assert found("2099-12", before=november) == []
    page = ledger.receipts(user, limit=1, month="2099-12")
    assert page.next_id == december2
    assert ledger.receipts(user, limit=1, month="2099-12", before=page.next_id).next_id is None


def test_receipts_add_up_to_what_the_budgets_say_is_spent(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ref = month(9 * DOLLAR, clock.now)
    for actual in (1, 40_000, DIME, 2 * DIME, None):
        job = dispatch_job(job_store, admit_job(ledger, paid_job(user, clock.now, ref)), clock)
        assert ledger.close(succeeded(job, clock.now), actual=actual)
    receipts = ledger.receipts(user, limit=9).receipts
    assert len(receipts) == 5
    assert sum(receipt.actual or 0 for receipt in receipts) == budget_of(ledger, user, ref).spent == 340_001


# Warnings.


def test_of_all_who_ask_about_a_budget_one_warns(ledger: Ledger, clock: SteppingClock, user: str) -> None:
    ref = day(DOLLAR, clock.now)
    assert not ledger.warn_once(user, ref.id), "there is nothing to warn of"
    admit_job(ledger, paid_job(user, clock.now, ref))
    assert not budget_of(ledger, user, ref).is_warned
    assert [ledger.warn_once(user, ref.id) for _ in range(3)] == [True, False, False]
    assert budget_of(ledger, user, ref).is_warned
    admit_job(ledger, paid_job(user, clock.now, ref))
    assert budget_of(ledger, user, ref).is_warned


# Races, which moto, in this very process, is no judge of.


@pytest.mark.parametrize("cloud", ["memory", "emulator"], indirect=True)
def test_a_job_is_either_canceled_or_dispatched(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ref = day(9 * DOLLAR, clock.now)
    jobs = [start_job(job_store, admit_job(ledger, paid_job(user, clock.now, ref)), clock) for _ in range(30)]

    def cancel(job: Job) -> bool:
        return ledger.close(ended(job, JobStatus.CANCELED, clock.now), actual=0, before_dispatch=True)

    def dispatch(job: Job) -> bool:
        return job_store.dispatch(job, at=clock.now, lease_expires_at=clock.now + LEASE) is not None

    with ThreadPoolExecutor(8) as threads:
        both = [(threads.submit(cancel, job), threads.submit(dispatch, job)) for job in jobs]
        wins = [(canceled.result(), dispatched.result()) for canceled, dispatched in both]
    assert all(canceled != dispatched for canceled, dispatched in wins)
    dispatched = sum(won for _, won in wins)
    assert budget_of(ledger, user, ref).reserved == dispatched * DIME


@pytest.mark.parametrize("cloud", ["memory", "emulator"], indirect=True)
def test_of_many_who_settle_one_does(ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str) -> None:
    ref = day(9 * DOLLAR, clock.now)
    job = dispatch_job(job_store, admit_job(ledger, paid_job(user, clock.now, ref)), clock)
    with ThreadPoolExecutor(8) as threads:
        wins = list(threads.map(lambda n: ledger.close(succeeded(job, clock.now), actual=n), range(1, 41)))
    assert sum(wins) == 1
    spent = wins.index(True) + 1
    assert budget_of(ledger, user, ref).spent == spent
    assert [receipt.actual for receipt in ledger.receipts(user, limit=9).receipts] == [spent]


def test_charges_are_counted_by_the_key_that_paid_whoever_paid(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    key = f"{user}-key"
    assert ledger.charges_with(key) == KeyCharges()
    for payer, actual in ((user, DIME), (f"{user}-2", 1), (user, 0), (user, None)):
        job = admit_job(ledger, paid_job(payer, clock.now, day(DIME * 10, clock.now)))
        over = succeeded(job, clock.now).model_copy(update={"key_sha256": key})
        assert ledger.close(over, actual=actual)
        clock.step(timedelta(minutes=1))
    known = KeyCharges(count=2, last_at=clock.now - timedelta(minutes=3), settled=DIME + 1, version=2)
    assert ledger.charges_with(key) == known
    assert ledger.charges_with("another") == KeyCharges()


def test_a_part_belongs_to_the_month_of_its_turn_as_in_the_budgets(
    ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    clock.now = datetime(2099, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC)
    turn = f"job_{ULID.from_datetime(clock.now)}"
    clock.step(timedelta(hours=1))
    late = admit_job(ledger, paid_job(user, clock.now, id=f"{turn}-paint0"))
    assert ledger.close(succeeded(late, clock.now), actual=7)
    assert [receipt.job_id for receipt in ledger.receipts(user, limit=9, month="2099-11").receipts] == [late.id]
    assert ledger.receipts(user, limit=9, month="2099-12").receipts == ()


def test_receipts_that_fill_more_than_one_answer_of_the_store_all_come(
    ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    wide = [
        admit_job(ledger, paid_job(user, clock.now, model_requested=f"{number}/" + "m" * 100_000))
        for number in range(12)
    ]
    for job in wide:
        assert ledger.close(ended(job, JobStatus.FAILED, clock.now), actual=0)
    found: list[str] = []
    before = None
    while True:
        page = ledger.receipts(user, limit=100, before=before)
        found += [receipt.job_id for receipt in page.receipts]
        before = page.next_id
        if before is None:
            break
    assert found == sorted((job.id for job in wide), reverse=True)
