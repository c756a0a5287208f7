"""A write whose answer was lost arrives twice: it says what it said the first time, and has its effect once."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ulid import ULID

from darkroom.adapters.conversation_store import DynamoConversationStore
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.ledger import DynamoLedger
from darkroom.models.conversation import Conversation
from darkroom.models.job import Job, JobCost, JobStatus, KeptCutout, ProviderCall, SettledTogether
from darkroom.models.receipt import KeyAnchor, Share
from darkroom.ports import JobStore, Ledger
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.contract.free_jobs import finished, free_job
from tests.contract.lost_answers import Twice
from tests.fakes.conversations import MemoryConversationStore
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import MemoryJobStore
from tests.paid_jobs import (
    DIME,
    DOLLAR,
    LEASE,
    admit_job,
    budget_of,
    day,
    dispatch_job,
    list_job,
    paid_job,
    start_job,
    succeeded,
)

UNKNOWN = JobCost(actual=None, settled=False, charged="unknown")


def _losing(cloud: Cloud | None, clock: SteppingClock, between: Callable[[], object] = lambda: None) -> Any:
    """A job store and a ledger; where there is a DynamoDB, each of their writes arrives twice."""
    if cloud is None:
        jobs = MemoryJobStore()
        return jobs, MemoryLedger(jobs, clock)
    twice: Any = Twice(cloud.aws.dynamodb, between)
    return DynamoJobStore(cloud.table, twice), DynamoLedger(cloud.table, twice, clock=clock)


@pytest.fixture
def stores(cloud: Cloud | None, clock: SteppingClock) -> tuple[JobStore, Ledger]:
    found: tuple[JobStore, Ledger] = _losing(cloud, clock)
    return found


def test_each_step_of_a_free_job_is_done_once(stores: tuple[JobStore, Ledger], clock: SteppingClock, user: str) -> None:
    jobs, _ = stores
    job = free_job(user, clock)
    assert jobs.add(job) == job
    running = start_job(jobs, job, clock)
    assert running.attempt == 1
    assert jobs.requeue(running)
    second = start_job(jobs, job, clock)
    assert second.attempt == 2
    further = jobs.progress(second.model_copy(update={"warnings": ("Careful.",)}))
    assert further is not None
    assert (further.attempt, further.warnings) == (3, ("Careful.",))
    assert jobs.find(user, job.id) == further
    over = finished(further, clock).model_copy(update={"cost": UNKNOWN})
    assert jobs.finish(over)
    known = over.model_copy(update={"cost": JobCost(actual=700, charged=True)})
    assert jobs.settle(known)
    # What another does afterwards is refused, as ever.
    assert not jobs.settle(known)
    assert not jobs.finish(over)
    assert jobs.progress(further) is None
    assert not jobs.requeue(further)
    found = jobs.find(user, job.id)
    assert found is not None
    assert (found.status, found.attempt, found.cost.actual) == (JobStatus.SUCCEEDED, 3, 700)


def test_each_step_of_a_paid_job_is_done_once(stores: tuple[JobStore, Ledger], clock: SteppingClock, user: str) -> None:
    jobs, ledger = stores
    ref, asked = day(DOLLAR, clock.now), (ProviderCall(index=0, n=1), ProviderCall(index=1, n=1))
    job = ledger.admit(paid_job(user, clock.now, ref, calls=asked, key_sha256="cd" * 32)).admitted
    assert job is not None
    assert budget_of(ledger, user, ref).reserved == DIME
    sent = dispatch_job(jobs, job, clock)
    assert jobs.dispatch_call(sent, asked[1].model_copy(update={"dispatched_at": clock.now}))
    assert jobs.note_call(sent, asked[0].model_copy(update={"generation_id": "gen-1"}))
    assert jobs.note_generation(sent, "gen-1")
    assert jobs.stop(sent, at=clock.now)
    assert jobs.record(sent.model_copy(update={"status": JobStatus.UNCERTAIN}))
    before = ledger.charges_with("cd" * 32).count
    failed = sent.model_copy(update={"status": JobStatus.FAILED, "error": {"code": "X"}, "completed_at": clock.now})
    assert ledger.close(failed, actual=DIME // 2)
    budget = budget_of(ledger, user, ref)
    assert (budget.reserved, budget.spent, budget.remaining) == (0, DIME // 2, DOLLAR - DIME // 2)
    assert ledger.charges_with("cd" * 32).count == before + 1
    assert [receipt.actual for receipt in ledger.receipts(user, limit=9).receipts] == [DIME // 2]
    assert not ledger.close(failed, actual=DIME)
    stored = jobs.find(user, job.id)
    assert stored is not None
    read = stored.model_copy(update={"status": JobStatus.SUCCEEDED, "error": None})
    assert jobs.revive(read)
    assert not jobs.revive(read)
    assert jobs.find(user, job.id) == read


def test_a_cut_out_is_noted_down_once(stores: tuple[JobStore, Ledger], clock: SteppingClock, user: str) -> None:
    jobs, _ = stores
    job = paid_job(user, clock.now)
    assert job.work is not None
    work = job.work.model_copy(update={"cutout_format": "png"})
    job = succeeded(job.model_copy(update={"work": work}), clock.now, cost=JobCost(actual=700, charged=True))
    jobs.add(job)
    kept = jobs.keep_cutouts(job, (KeptCutout(image=job.images[0]),))
    assert kept is not None
    assert [cutout.image for cutout in kept.cutouts] == list(job.images)
    assert jobs.find(user, job.id) == kept
    assert jobs.keep_cutouts(job, (KeptCutout(),)) is None, "another one who has seen none"


def test_a_look_is_begun_once(stores: tuple[JobStore, Ledger], clock: SteppingClock, user: str) -> None:
    jobs, _ = stores
    job = free_job(user, clock)
    jobs.add(job)
    for failures in (1, 2):
        (seen,) = [look for look in jobs.list_looks() if look.user == user]
        clock.step(timedelta(minutes=5))
        begun = jobs.begin_look(seen, at=clock.now)
        assert begun is not None
        assert (begun.failures, begun.looked_at) == (failures, clock.now)
        # At the very same moment, by another sweep.
        assert jobs.begin_look(seen, at=clock.now) is None
    assert jobs.finish(finished(job, clock))


def test_a_warning_is_given_once(stores: tuple[JobStore, Ledger], clock: SteppingClock, user: str) -> None:
    ledger, ref = stores[1], day(DOLLAR, clock.now)
    assert ledger.admit(paid_job(user, clock.now, ref)).admitted is not None
    assert ledger.warn_once(user, ref.id)
    assert not ledger.warn_once(user, ref.id)
    assert budget_of(ledger, user, ref).is_warned


def test_shares_are_written_once(stores: tuple[JobStore, Ledger], clock: SteppingClock, user: str) -> None:
    (jobs, ledger), key = stores, f"key-of-{user}"
    job = start_job(jobs, admit_job(ledger, paid_job(user, clock.now)), clock)
    anchor = KeyAnchor(usage=Decimal("1.5"), settled=7)
    assert list_job(jobs, job, clock, ledger.charges_with(key), key=key, name="job_1", anchor=anchor)
    seen = ledger.charges_with(key)
    assert (seen.open, seen.anchor) == (frozenset({"job_1"}), anchor)
    shares = {"job_1": Share(amount=5, charged=True, together=SettledTogether(jobs=1, total=5))}
    assert ledger.share_out(key, shares, seen=seen)
    assert ledger.charges_with(key).shares == shares
    other = {"job_1": Share(amount=6, charged=True, together=SettledTogether(jobs=1, total=6))}
    assert not ledger.share_out(key, other, seen=seen)
    assert ledger.charges_with(key).shares == shares


def test_a_conversation_is_saved_once(cloud: Cloud | None, clock: SteppingClock, user: str) -> None:
    twice: Any = Twice(cloud.aws.dynamodb) if cloud else None
    store = DynamoConversationStore(cloud.table, twice) if cloud else MemoryConversationStore()
    later = clock.now + timedelta(days=1)
    begun = Conversation(id="conv_1", user=user, created_at=clock.now, updated_at=clock.now, expires_at=later)
    store.add(begun)
    assert store.save(begun)
    assert not store.save(begun), "another one who has seen the same"
    found = store.find(user, begun.id)
    assert found is not None
    assert found.revision == begun.revision + 1


@pytest.fixture(params=["emulator", "moto"])
def furnished(request: pytest.FixtureRequest) -> Cloud:
    found: Cloud = request.getfixturevalue("emulated" if request.param == "emulator" else "mocked")
    return found


def test_what_another_began_in_between_stays_the_others(furnished: Cloud, clock: SteppingClock, user: str) -> None:
    sound = DynamoJobStore(furnished.table, furnished.aws.dynamodb)
    job = free_job(user, clock)
    sound.add(job)
    first = start_job(sound, job, clock)
    begun: list[Job] = []
    slow, _ = _losing(furnished, clock, lambda: begun.append(start_job(sound, job, clock)))
    assert slow.requeue(first), "it was given up by this writer, though another has taken it up since"
    assert sound.find(user, job.id) == begun[0]
    # The other goes on where the first one has left off.
    slow, _ = _losing(furnished, clock, lambda: begun.append(start_job(sound, job, clock)))
    clock.step(LEASE)
    mine = slow.progress(begun[0])
    assert mine is not None
    assert mine.attempt == begun[0].attempt + 1
    assert begun[-1].attempt == mine.attempt + 1
    assert sound.progress(mine) is None, "the attempt is another's by now"


def test_what_another_did_first_is_refused(furnished: Cloud, clock: SteppingClock, user: str) -> None:
    """The first one is refused, and so is the second."""
    sound = DynamoJobStore(furnished.table, furnished.aws.dynamodb)
    ledger = DynamoLedger(furnished.table, furnished.aws.dynamodb, clock=clock)
    losing, books = _losing(furnished, clock)
    free, paid = free_job(user, clock), ledger.admit(paid_job(user, clock.now, day(DOLLAR, clock.now))).admitted
    assert paid is not None
    sound.add(free)
    done = succeeded(start_job(sound, paid, clock), clock.now)
    assert ledger.close(done, actual=DIME)
    assert not books.close(done, actual=DIME)
    assert sound.finish(finished(free, clock))
    assert not losing.finish(finished(free, clock))
    (spent,) = [receipt.actual for receipt in ledger.receipts(user, limit=9).receipts]
    assert spent == DIME


STEPS = ("start", "requeue", "progress", "finish", "finish unsettled", "settle", "wait", "hide")


def _step(store: JobStore, name: str, clock: SteppingClock, seen: Job) -> Any:
    if name == "start":
        return store.start(seen, now=clock.now, lease_expires_at=clock.now + LEASE)
    if name == "requeue":
        return store.requeue(seen)
    if name == "progress":
        return store.progress(seen.model_copy(update={"warnings": (*seen.warnings, "More.")}))
    if name == "settle":
        # Only what is over is settled.
        over = seen if seen.status.is_final else finished(seen, clock)
        return store.settle(over.model_copy(update={"cost": JobCost(actual=1, charged=True)}))
    if name == "hide":
        return store.hide(seen.user, seen.id, at=clock.now)
    if name == "wait":
        return None
    unsettled = {"cost": UNKNOWN} if name == "finish unsettled" else {}
    return store.finish(finished(seen, clock).model_copy(update=unsettled))


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.booleans()), max_size=6))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_losing_answers_changes_nothing(mocked: Cloud, steps: list[tuple[str, bool]]) -> None:
    """Whatever is done, in whatever order, by those who see the row as it is or as it was at first."""
    clock, user = SteppingClock(), f"user-{str(ULID()).lower()}"
    stores: list[JobStore] = [MemoryJobStore(), _losing(mocked, clock)[0]]
    job = free_job(user, clock)
    for store in stores:
        store.add(job)
    for name, is_late in steps:
        if name == "wait":
            clock.step(LEASE)
        seen = [job if is_late else store.find(user, job.id) or job for store in stores]
        assert seen[0] == seen[1]
        said = [_step(store, name, clock, each) for store, each in zip(stores, seen, strict=True)]
        assert said[0] == said[1], name
    assert stores[0].find(user, job.id) == stores[1].find(user, job.id)
