"""Jobs that cost money, and the budgets that they are reserved from."""

from datetime import datetime, timedelta
from typing import Any

from ulid import ULID

from darkroom.models.budget import Budget, BudgetRef
from darkroom.models.generation import GenerationRequest
from darkroom.models.job import Job, JobCost, JobStatus, PaidWork, StoredImage
from darkroom.models.receipt import KeyAnchor, KeyCharges, KeyListing
from darkroom.ports import JobStore, Ledger
from tests.conftest import SteppingClock

DIME = 100_000
DOLLAR = 1_000_000
LEASE = timedelta(seconds=60)


def day(limit: int, now: datetime) -> BudgetRef:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return BudgetRef(name="day", id=f"day#{now:%Y-%m-%d}", limit=limit, resets_at=midnight + timedelta(days=1))


def month(limit: int, now: datetime) -> BudgetRef:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    resets_at = (first + timedelta(days=31)).replace(day=1)
    return BudgetRef(name="month", id=f"month#{now:%Y-%m}", limit=limit, resets_at=resets_at)


def conversation(limit: int, conversation_id: str = "c1") -> BudgetRef:
    return BudgetRef(name="conversation", id=f"conversation#{conversation_id}", limit=limit)


def paid_job(user: str, now: datetime, *budgets: BudgetRef, reserved: int = DIME, **changes: Any) -> Job:
    """A job as it is before anybody admitted it."""
    job = Job(
        id=f"job_{ULID.from_datetime(now)}",
        user=user,
        op="generate",
        created_at=now,
        expires_at=now + timedelta(days=30),
        input={"prompt": "a fox, ü"},
        work=PaidWork(request=GenerationRequest(model="a/b", prompt="a fox, ü")),
        cost=JobCost(estimated=reserved, reserved=reserved, actual=None, settled=False),
        budgets=budgets,
        token_id="tok_1",
        request_sha256="ab" * 32,
        model_requested="a/b",
    )
    return job.model_copy(update=changes)


def succeeded(job: Job, now: datetime, **changes: Any) -> Job:
    image = StoredImage(key="outputs/a.png", media_type="image/png", width=3, height=4, bytes=5, sha256="ab")
    done = {
        "status": JobStatus.SUCCEEDED,
        "completed_at": now,
        "images": (image,),
        "model_used": "a/b-2",
        "cost": job.cost.model_copy(update={"charged": True}),
    }
    return job.model_copy(update={**done, **changes})


def ended(job: Job, status: JobStatus, now: datetime) -> Job:
    """Over without a picture, and nothing charged."""
    return job.model_copy(update={"status": status, "completed_at": now, "error": {"code": "X"}})


def admit_job(ledger: Ledger, job: Job) -> Job:
    admitted = ledger.admit(job).admitted
    assert admitted is not None
    return admitted


def start_job(store: JobStore, job: Job, clock: SteppingClock) -> Job:
    running = store.start(job, now=clock.now, lease_expires_at=clock.now + LEASE)
    assert running is not None
    return running


def dispatch_job(store: JobStore, job: Job, clock: SteppingClock) -> Job:
    begun = start_job(store, job, clock)
    assert store.dispatch(begun, at=clock.now, lease_expires_at=clock.now + LEASE)
    found = store.find(job.user, job.id)
    assert found is not None
    return found


def list_job(
    store: JobStore, job: Job, clock: SteppingClock, seen: KeyCharges, *, key: str, name: str, anchor: KeyAnchor | None
) -> bool:
    """Has a running job be sent with the key; whether it is listed there, by this name."""
    listing = KeyListing(key_sha256=key, job=name, seen=seen.version, anchor=anchor)
    sent = store.dispatch(
        job.model_copy(update={"key_sha256": key}), at=clock.now, lease_expires_at=clock.now + LEASE, listing=listing
    )
    assert sent is not None
    found = store.find(job.user, job.id)
    assert found is not None
    assert (found.key_listed, found.dispatched_at) == (sent.key_listed, clock.now)
    return sent.key_listed


def budget_of(ledger: Ledger, user: str, ref: BudgetRef) -> Budget:
    return ledger.budgets(user, [ref.id])[ref.id]
