"""What every Ledger knows of the charges on a provider's key, by which several unknown costs are settled together."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from darkroom.errors import Charged
from darkroom.models.job import Job, JobStatus, SettledTogether
from darkroom.models.receipt import KeyAnchor, KeyCharges, KeyListing, Share, reference
from darkroom.ports import JobStore, Ledger
from tests.conftest import SteppingClock
from tests.paid_jobs import (
    DIME,
    DOLLAR,
    LEASE,
    admit_job,
    budget_of,
    day,
    dispatch_job,
    ended,
    list_job,
    paid_job,
    start_job,
    succeeded,
)

ANCHOR = KeyAnchor(usage=Decimal("1.2300000000000000000000000000000000000001"), settled=7)


@pytest.fixture
def key(user: str) -> str:
    return f"{user}-key"


def _name(job: Job) -> str:
    return reference(job.user, job.id)


def _listed(ledger: Ledger, store: JobStore, clock: SteppingClock, user: str, key: str) -> Job:
    """A job that was sent with the key, and whose answer was lost."""
    job = admit_job(ledger, paid_job(user, clock.now, day(DOLLAR, clock.now)))
    running = start_job(store, job, clock)
    assert list_job(store, running, clock, ledger.charges_with(key), key=key, name=_name(job), anchor=ANCHOR)
    sent = running.model_copy(update={"dispatched_at": clock.now, "key_sha256": key, "key_listed": True})
    cost = sent.cost.model_copy(update={"charged": "unknown"})
    doubted = sent.model_copy(update={"status": JobStatus.UNCERTAIN, "cost": cost})
    assert store.record(doubted)
    found = store.find(user, job.id)
    assert found is not None
    assert (found.key_sha256, found.key_listed) == (key, True)
    return found


def _running(ledger: Ledger, store: JobStore, clock: SteppingClock, user: str) -> Job:
    return start_job(store, admit_job(ledger, paid_job(user, clock.now)), clock)


def test_a_job_that_may_not_be_sent_is_not_listed(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str, key: str
) -> None:
    job = _running(ledger, job_store, clock, user)
    assert ledger.close(_over(job, clock, False), actual=0, before_dispatch=True)
    listing = KeyListing(key_sha256=key, job=_name(job), seen=0, anchor=ANCHOR)
    assert job_store.dispatch(job, at=clock.now, lease_expires_at=clock.now + LEASE, listing=listing) is None
    assert ledger.charges_with(key) == KeyCharges()


def _over(job: Job, clock: SteppingClock, charged: Charged) -> Job:
    done = ended(job, JobStatus.FAILED, clock.now)
    return done.model_copy(update={"cost": done.cost.model_copy(update={"charged": charged})})


def _shares(*jobs: Job, amount: int = 5) -> dict[str, Share]:
    together = SettledTogether(jobs=len(jobs), total=amount * len(jobs))
    return {_name(job): Share(amount=amount, charged="unknown", together=together) for job in jobs}


def test_the_first_job_that_is_listed_brings_the_anchor_and_others_leave_it(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str, key: str
) -> None:
    first, second = (_listed(ledger, job_store, clock, user, key) for _ in range(2))
    later = ANCHOR.model_copy(update={"settled": 8})
    known = ledger.charges_with(key)
    assert (known.open, known.anchor) == (frozenset({_name(first), _name(second)}), ANCHOR)
    assert ledger.close(_over(first, clock, False), actual=0)
    assert ledger.close(_over(second, clock, True), actual=DIME)
    known = ledger.charges_with(key)
    assert (known.open, known.anchor, known.settled, known.count) == (frozenset(), ANCHOR, DIME, 1)
    third = _running(ledger, job_store, clock, user)
    assert list_job(job_store, third, clock, known, key=key, name=_name(third), anchor=later)
    assert ledger.charges_with(key).anchor == later


def test_an_anchor_that_was_read_before_a_change_is_none(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str, key: str
) -> None:
    seen, job = ledger.charges_with(key), _running(ledger, job_store, clock, user)
    assert list_job(job_store, job, clock, seen, key=key, name="a/1", anchor=None)
    ledger.strike(key, ["a/1"])
    assert list_job(job_store, job, clock, seen, key=key, name="a/2", anchor=ANCHOR)
    known = ledger.charges_with(key)
    assert (known.open, known.anchor) == (frozenset({"a/2"}), None)


def test_a_list_has_an_end_and_who_is_on_it_stays(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str, key: str
) -> None:
    names, job = [f"a/{n}" for n in range(200)], _running(ledger, job_store, clock, user)

    def is_listed(name: str, anchor: KeyAnchor | None = None) -> bool:
        return list_job(job_store, job, clock, KeyCharges(), key=key, name=name, anchor=anchor)

    assert all(map(is_listed, names))
    # It is sent all the same, and says so.
    assert not is_listed("a/more")
    assert not is_listed("a/more", ANCHOR)
    assert is_listed(names[0])
    ledger.strike(key, names[:2])
    assert ledger.charges_with(key).open == set(names[2:])


@pytest.mark.parametrize("why", ["unknown", "unlisted"])
def test_a_charge_that_is_not_exactly_known_takes_the_anchor_away(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str, key: str, why: str
) -> None:
    left, other = (_listed(ledger, job_store, clock, user, key) for _ in range(2))
    if why == "unknown":
        assert ledger.close(_over(other, clock, "unknown"), actual=DIME)
        assert ledger.charges_with(key).settled == 0
    else:
        plain = dispatch_job(job_store, admit_job(ledger, paid_job(user, clock.now)), clock)
        assert ledger.close(succeeded(plain, clock.now, key_sha256=key), actual=DIME)
    known = ledger.charges_with(key)
    assert (known.anchor, known.count, known.last_at) == (None, 1, clock.now)
    assert _name(left) in known.open


def test_a_job_that_has_a_share_is_closed_at_that_share_alone(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str, key: str
) -> None:
    first, second = (_listed(ledger, job_store, clock, user, key) for _ in range(2))
    shares = _shares(first, second)
    assert not ledger.close(_over(first, clock, "unknown"), actual=5, is_share=True), "it has none yet"
    assert ledger.share_out(key, shares, seen=ledger.charges_with(key))
    assert ledger.charges_with(key).shares == shares
    assert not ledger.share_out(key, _shares(first, amount=6), seen=ledger.charges_with(key))
    for actual, is_share in ((5, False), (0, False), (6, True)):
        assert not ledger.close(_over(first, clock, False), actual=actual, is_share=is_share)
    together = first.cost.model_copy(update={"charged": "unknown", "together": shares[_name(first)].together})
    done = ended(first, JobStatus.FAILED, clock.now).model_copy(update={"cost": together})
    assert ledger.close(done, actual=5, is_share=True)
    assert not ledger.close(done, actual=5, is_share=True)
    known = ledger.charges_with(key)
    assert (known.shares, known.open) == ({_name(second): shares[_name(second)]}, frozenset({_name(second)}))
    assert (known.settled, known.count, known.anchor) == (5, 1, ANCHOR)
    (receipt,) = ledger.receipts(user, limit=9).receipts
    assert (receipt.actual, receipt.charged, receipt.together) == (5, "unknown", SettledTogether(jobs=2, total=10))
    assert budget_of(ledger, user, first.budgets[0]).spent == 5
    stored = job_store.find(user, first.id)
    assert stored is not None
    assert stored.cost.together == SettledTogether(jobs=2, total=10)


def test_shares_hold_only_while_nothing_has_changed(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str, key: str
) -> None:
    first, second = (_listed(ledger, job_store, clock, user, key) for _ in range(2))
    seen = ledger.charges_with(key)
    assert ledger.close(_over(second, clock, False), actual=0)
    assert not ledger.share_out(key, _shares(first, second), seen=seen)
    assert ledger.charges_with(key).shares == {}


# moto looks at a condition first and writes then, and another thread may write between.
@pytest.mark.parametrize("cloud", ["memory", "emulator"], indirect=True)
def test_of_many_who_share_out_one_does(
    ledger: Ledger, job_store: JobStore, clock: SteppingClock, user: str, key: str
) -> None:
    job = _listed(ledger, job_store, clock, user, key)
    seen = ledger.charges_with(key)
    with ThreadPoolExecutor(4) as threads:
        wins = list(threads.map(lambda n: ledger.share_out(key, _shares(job, amount=n), seen=seen), range(1, 9)))
    assert sum(wins) == 1
    amount = wins.index(True) + 1
    assert ledger.charges_with(key).shares == _shares(job, amount=amount)
    with ThreadPoolExecutor(4) as threads:
        done = _over(job, clock, "unknown")
        closed = list(threads.map(lambda _: ledger.close(done, actual=amount, is_share=True), range(8)))
    assert sum(closed) == 1
    assert [receipt.actual for receipt in ledger.receipts(user, limit=9).receipts] == [amount]
