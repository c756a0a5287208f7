"""A job that had failed and succeeds after all: each store agrees on which may."""

from typing import Any

from darkroom.models.job import Job, JobCost, JobStatus, ProviderCall
from darkroom.ports import JobStore
from tests.conftest import SteppingClock
from tests.paid_jobs import paid_job


def _paid(job_store: JobStore, user: str, clock: SteppingClock, **changes: Any) -> Job:
    job = paid_job(user, clock.now).model_copy(update=changes)
    job_store.add(job)
    return job


def test_a_settled_failure_may_succeed_after_all_and_its_money_stays_as_it_is(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    settled = JobCost(estimated=1, reserved=2, actual=2, settled=True, charged=True)
    failed = _paid(job_store, user, clock, status=JobStatus.FAILED, cost=settled, error={"code": "X"})
    done = failed.model_copy(update={"status": JobStatus.SUCCEEDED, "error": None, "result": {"a": 1}})
    assert not job_store.revive(done.model_copy(update={"attempt": failed.attempt + 1}))
    assert job_store.revive(done)
    found = job_store.find(user, failed.id)
    assert found is not None
    assert (found.status, found.error, found.result, found.cost) == (JobStatus.SUCCEEDED, None, {"a": 1}, settled)
    assert not job_store.revive(done), "it has not failed"
    calls = (ProviderCall(index=0, n=1, status=JobStatus.FAILED, cost=2, charged=True),)
    several = _paid(job_store, user, clock, status=JobStatus.FAILED, cost=settled, calls=calls)
    read = (calls[0].model_copy(update={"status": JobStatus.SUCCEEDED, "images": 1}),)
    assert job_store.revive(several.model_copy(update={"status": JobStatus.SUCCEEDED, "calls": read}))
    stored = job_store.find(user, several.id)
    assert stored is not None
    assert stored.calls == read
    gone = _paid(job_store, user, clock, status=JobStatus.FAILED, cost=settled)
    job_store.hide(user, gone.id, at=clock.now)
    assert not job_store.revive(gone.model_copy(update={"status": JobStatus.SUCCEEDED}))
    for other in ({"status": JobStatus.FAILED}, {"status": JobStatus.CANCELED, "cost": settled}):
        job = _paid(job_store, user, clock, **other)
        assert not job_store.revive(job.model_copy(update={"status": JobStatus.SUCCEEDED}))
        assert job_store.find(user, job.id) == job
