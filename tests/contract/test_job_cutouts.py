"""What came of cutting a job's pictures out of their backgrounds: each store keeps it beside the job, once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from darkroom.models.job import Job, JobCost, JobStatus, KeptCutout, StoredImage
from darkroom.ports import JobStore, Ledger
from tests.conftest import SteppingClock
from tests.paid_jobs import admit_job, dispatch_job, paid_job, succeeded

SETTLED = JobCost(estimated=1, reserved=2, actual=2, settled=True, charged=True)
CUT = KeptCutout(
    image=StoredImage(key="outputs/cut.png", media_type="image/png", width=3, height=4, bytes=5, sha256="cd"),
    warnings=("ü",),
)
NOT_CUT = KeptCutout(warnings=("No subject.",))


def _wanted(user: str, clock: SteppingClock, **changes: Any) -> Job:
    """A job whose pictures are to be cut out."""
    job = paid_job(user, clock.now)
    assert job.work is not None
    return job.model_copy(update={"work": job.work.model_copy(update={"cutout_format": "png"}), **changes})


def _bought(store: JobStore, user: str, clock: SteppingClock, *, pictures: int = 1, **changes: Any) -> Job:
    job = succeeded(_wanted(user, clock), clock.now, cost=SETTLED)
    job = job.model_copy(update={"images": job.images * pictures, **changes})
    store.add(job)
    return job


def _waiting(store: JobStore, user: str) -> list[str]:
    return [job.id for job in store.list_without_cutouts() if job.user == user]


def _found(store: JobStore, job: Job) -> Job:
    found = store.find(job.user, job.id)
    assert found is not None
    return found


def test_cutouts_are_kept_one_after_the_other_and_nothing_else_changes(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = _bought(job_store, user, clock, pictures=2)
    assert _waiting(job_store, user) == [job.id]
    first = job_store.keep_cutouts(job, (CUT,))
    assert first == job.model_copy(update={"cutouts": (CUT,)}) == _found(job_store, job)
    assert _waiting(job_store, user) == [job.id]
    second = job_store.keep_cutouts(first, (CUT, NOT_CUT))
    assert second == job.model_copy(update={"cutouts": (CUT, NOT_CUT)}) == _found(job_store, job)
    assert _waiting(job_store, user) == []
    assert job.id not in {open_.id for open_ in job_store.list_open()}


def test_whoever_has_not_seen_the_last_one_changes_nothing(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = _bought(job_store, user, clock, pictures=2)
    first = job_store.keep_cutouts(job, (CUT,))
    assert first is not None
    assert job_store.keep_cutouts(job, (NOT_CUT,)) is None
    assert job_store.keep_cutouts(job, (NOT_CUT, NOT_CUT)) is None
    assert _found(job_store, job) == first


def _hidden(store: JobStore, job: Job, clock: SteppingClock) -> Job:
    store.hide(job.user, job.id, at=clock.now)
    return job


@pytest.mark.parametrize(
    "seen",
    [
        lambda _store, job, _clock: job.model_copy(update={"attempt": job.attempt + 1}),
        lambda _store, job, _clock: job.model_copy(update={"cost": job.cost.model_copy(update={"settled": False})}),
        lambda _store, job, _clock: job.model_copy(update={"id": f"{job.id}x"}),
        _hidden,
    ],
    ids=["another attempt", "not settled when it was read", "gone", "removed by its owner"],
)
def test_a_job_that_is_not_as_it_was_read_gets_none(
    seen: Callable[[JobStore, Job, SteppingClock], Job], job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = _bought(job_store, user, clock)
    assert job_store.keep_cutouts(seen(job_store, job, clock), (CUT,)) is None
    assert _found(job_store, job).cutouts == ()


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELED, JobStatus.UNCERTAIN, JobStatus.RUNNING])
def test_a_job_that_has_not_succeeded_gets_none(
    status: JobStatus, job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = _bought(job_store, user, clock, status=status)
    assert job_store.keep_cutouts(job, (CUT,)) is None
    assert _waiting(job_store, user) == []


def test_a_job_that_waits_for_them_can_be_removed(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _bought(job_store, user, clock)
    assert job_store.remove(user, job.id)
    assert job_store.keep_cutouts(job, (CUT,)) is None
    assert job_store.find(user, job.id) is None
    assert _waiting(job_store, user) == []


def test_settling_leaves_them_and_whether_they_are_waited_for(
    job_store: JobStore, ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    """As long as it is not known what the pictures cost, they can be cut out all the same."""
    done, late, plain = (
        succeeded(dispatch_job(job_store, admit_job(ledger, job), clock), clock.now)
        for job in (_wanted(user, clock), _wanted(user, clock), paid_job(user, clock.now))
    )
    for job in (done, late, plain):
        assert job_store.record(job)
    assert _waiting(job_store, user) == []
    kept = job_store.keep_cutouts(done, (CUT,))
    assert kept is not None
    assert {done.id, late.id, plain.id} <= {open_.id for open_ in job_store.list_open()}
    for job in (kept, late, plain):
        assert ledger.close(job, actual=7)
    assert {open_.id for open_ in job_store.list_open()} & {done.id, late.id, plain.id} == set()
    assert _waiting(job_store, user) == [late.id]
    assert (_found(job_store, done).cutouts, _found(job_store, late).cutouts) == ((CUT,), ())
    assert _found(job_store, done).cost.actual == 7


def test_one_that_was_made_while_the_job_was_being_settled_takes_it_off_the_list(
    job_store: JobStore, ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    seen = succeeded(dispatch_job(job_store, admit_job(ledger, _wanted(user, clock)), clock), clock.now)
    assert job_store.record(seen)
    assert job_store.keep_cutouts(seen, (CUT,)) is not None
    assert ledger.close(seen, actual=7), "by one who has not seen the cut-out"
    stored = _found(job_store, seen)
    assert stored.cutouts == (CUT,)
    for listed in [job for job in job_store.list_without_cutouts() if job.user == user]:
        assert job_store.keep_cutouts(listed, listed.cutouts) == stored
    assert _waiting(job_store, user) == []


def test_a_failure_that_succeeds_after_all_waits_for_them(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _bought(job_store, user, clock, status=JobStatus.FAILED)
    assert job_store.revive(job.model_copy(update={"status": JobStatus.SUCCEEDED}))
    assert _waiting(job_store, user) == [job.id]


def test_the_sweep_does_not_begin_a_look_at_a_job_that_only_waits_for_them(
    job_store: JobStore, ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    job = succeeded(dispatch_job(job_store, admit_job(ledger, _wanted(user, clock)), clock), clock.now)
    assert job_store.record(job)
    (look,) = [look for look in job_store.list_looks() if look.user == user]
    assert ledger.close(job, actual=7)
    assert job_store.begin_look(look, at=clock.now + timedelta(minutes=1)) is None
