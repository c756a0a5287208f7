"""What every JobStore does."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest

from darkroom.adapters.dynamo import to_item
from darkroom.errors import ServiceUnavailable
from darkroom.models.job import Job, JobCost, JobStatus
from darkroom.ports import JobStore, Ledger
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.contract.free_jobs import finished, free_job
from tests.paid_jobs import LEASE, day, paid_job, start_job


def test_a_job_is_found_as_it_was_added_and_only_by_its_owner(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = free_job(user, clock)
    assert job_store.add(job) == job
    assert job_store.find(user, job.id) == job
    assert job_store.find(f"{user}-b", job.id) is None
    assert job_store.find(user, "job_none") is None


def test_a_source_gets_one_job_however_often_it_is_added(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    first, second = free_job(user, clock), free_job(user, clock)
    assert job_store.add(first, source=user) == first
    assert job_store.add(second, source=user) == first
    assert job_store.find(user, second.id) is None
    assert job_store.add(second, source=f"{user}-other") == second


def test_a_source_whose_job_was_removed_gets_no_other(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    done = finished(free_job(user, clock), clock)
    job_store.add(done, source=user)
    assert job_store.remove(user, done.id)
    assert job_store.add(free_job(user, clock), source=user) is None


def test_pages_run_from_the_newest_to_the_oldest_without_a_gap(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ids = [f"job_{n:02}" for n in range(7)]
    for job_id in ids:
        job_store.add(free_job(user, clock, id=job_id))
    job_store.add(free_job(f"{user}-b", clock))
    first = job_store.page(user, limit=3)
    second = job_store.page(user, limit=3, before=first.next_id)
    third = job_store.page(user, limit=3, before=second.next_id)
    assert [job.id for page in (first, second, third) for job in page.jobs] == ids[::-1]
    assert third.next_id is None
    assert job_store.page(f"{user}-c", limit=3).jobs == ()


def test_a_started_job_is_not_started_again_until_its_lease_is_over(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = free_job(user, clock)
    job_store.add(job)
    running = start_job(job_store, job, clock)
    assert (running.status, running.attempt, running.started_at) == (JobStatus.RUNNING, 1, clock.now)
    assert running.lease_expires_at == clock.now + LEASE
    assert job_store.find(user, job.id) == running
    assert job_store.start(job, now=clock.now, lease_expires_at=clock.now + LEASE) is None
    clock.step(LEASE)
    assert start_job(job_store, job, clock).attempt == 2


def test_a_requeued_job_can_be_started_at_once(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = free_job(user, clock)
    job_store.add(job)
    assert not job_store.requeue(job)
    running = start_job(job_store, job, clock)
    assert job_store.requeue(running)
    assert start_job(job_store, job, clock).attempt == 2
    assert not job_store.requeue(running), "an attempt that is over has nothing to give up"


def test_a_finished_job_stays_as_it_is(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = free_job(user, clock)
    job_store.add(job)
    done = finished(start_job(job_store, job, clock), clock)
    assert job_store.finish(done)
    stored = job_store.find(user, job.id)
    assert stored == done.model_copy(update={"lease_expires_at": None})
    failed = done.model_copy(update={"status": JobStatus.FAILED, "error": {"code": "X"}})
    assert not job_store.finish(failed)
    clock.step(LEASE)
    assert job_store.start(job, now=clock.now, lease_expires_at=clock.now + LEASE) is None
    assert job_store.find(user, job.id) == stored


def test_an_attempt_whose_lease_was_taken_over_cannot_finish(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = free_job(user, clock)
    job_store.add(job)
    late = start_job(job_store, job, clock)
    clock.step(LEASE)
    current = start_job(job_store, job, clock)
    assert not job_store.finish(finished(late, clock))
    assert job_store.finish(finished(current, clock))


def test_only_a_job_that_is_over_can_be_removed(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = free_job(user, clock)
    job_store.add(job)
    assert not job_store.remove(user, job.id)
    job_store.finish(finished(start_job(job_store, job, clock), clock))
    assert not job_store.remove(f"{user}-b", job.id)
    assert job_store.remove(user, job.id)
    assert job_store.find(user, job.id) is None
    assert not job_store.remove(user, job.id)


def test_open_jobs_are_those_that_are_not_over_oldest_first(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    jobs = [
        free_job(user, clock, created_at=clock.now - timedelta(days=365 * 50) + timedelta(hours=n)) for n in range(3)
    ]
    for job in jobs:
        job_store.add(job)
    job_store.finish(finished(start_job(job_store, jobs[1], clock), clock))
    mine = [job.id for job in job_store.list_open() if job.user == user]
    assert mine == [jobs[0].id, jobs[2].id]


def test_open_jobs_are_listed_however_many_pages_they_fill(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    # A page of DynamoDB ends at 1 MB.
    jobs = [free_job(user, clock, input={"prompt": f"{n:04}" * 15_000}) for n in range(40)]
    for job in jobs:
        job_store.add(job)
    assert {job.id for job in job_store.list_open() if job.user == user} == {job.id for job in jobs}
    for job in jobs:
        assert job_store.finish(finished(job, clock))
    assert all(job.user != user for job in job_store.list_open())


@pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)
def test_a_row_of_before_jobs_cost_anything_is_a_settled_job(
    job_store: JobStore, cloud: Cloud, clock: SteppingClock, user: str
) -> None:
    row = {
        "pk": f"USER#{user}",
        "sk": "JOB#job_1",
        "user": user,
        "id": "job_1",
        "status": "queued",
        "attempt": 0,
        "document": json.dumps({"op": "background-removal", "created_at": clock.now.isoformat()}),
        "open": "job",
        "open_since": clock.now.isoformat(),
    }
    cloud.aws.dynamodb.put_item(TableName=cloud.table, Item=to_item(row))
    found = job_store.find(user, "job_1")
    assert found is not None
    assert found.cost == JobCost()
    assert job_store.finish(finished(start_job(job_store, found, clock), clock))
    assert job_store.remove(user, "job_1")


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
def test_of_many_deliveries_at_the_same_time_one_makes_and_one_starts_the_job(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    jobs = [free_job(user, clock) for _ in range(40)]

    def deliver(job: Job) -> tuple[str, bool]:
        standing = None
        while standing is None:
            # Two transactions on one row at the same time: AWS cancels one, and its message comes again.
            with suppress(ServiceUnavailable):
                standing = job_store.add(job, source=user)
        return standing.id, job_store.start(standing, now=clock.now, lease_expires_at=clock.now + LEASE) is not None

    with ThreadPoolExecutor(20) as threads:
        outcomes = list(threads.map(deliver, jobs))
    assert len({job_id for job_id, _ in outcomes}) == 1
    assert sum(started for _, started in outcomes) == 1


def test_what_its_owner_has_removed_stays_so_whatever_is_written_of_it(
    job_store: JobStore, ledger: Ledger, clock: SteppingClock, user: str
) -> None:
    free = free_job(user, clock)
    job_store.add(free)
    paid = ledger.admit(paid_job(user, clock.now, day(1_000_000, clock.now))).admitted
    assert paid is not None
    job_store.hide(user, "job_none", at=clock.now)
    assert job_store.find(user, "job_none") is None
    for job in (free, paid):
        job_store.hide(user, job.id, at=clock.now)
        assert job_store.find(user, job.id) == job.model_copy(update={"removed_at": clock.now})
    removed_at = clock.now
    clock.step(timedelta(minutes=1))
    assert job_store.record(paid.model_copy(update={"status": JobStatus.UNCERTAIN}))
    assert ledger.close(paid.model_copy(update={"status": JobStatus.FAILED}), actual=0)
    assert job_store.finish(finished(free, clock))
    found = [job_store.find(user, job.id) for job in (free, paid)]
    assert [(job.removed_at, job.status.is_final) for job in found if job] == [(removed_at, True)] * 2


def test_what_an_owner_says_of_a_job_is_kept_by_all_that_is_written_of_it(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = free_job(user, clock)
    job_store.add(job)
    assert job_store.label(user, job.id, favorite=True, title="Für den Umschlag") == job.model_copy(
        update={"favorite": True, "title": "Für den Umschlag"}
    )
    running = start_job(job_store, job, clock)
    assert (running.favorite, running.title) == (True, "Für den Umschlag")
    # As it was read before it was labeled.
    done = finished(job.model_copy(update={"attempt": running.attempt, "status": running.status}), clock)
    assert job_store.finish(done)
    found = job_store.find(user, job.id)
    assert found is not None
    assert (found.status, found.favorite, found.title) == (JobStatus.SUCCEEDED, True, "Für den Umschlag")
    assert [each.favorite for each in job_store.page(user, limit=5).jobs] == [True]
    for said, expected in (
        ({"favorite": False}, (False, "Für den Umschlag")),
        ({"favorite": True, "title": ""}, (True, None)),
        ({"title": ""}, (True, None)),
    ):
        labeled = job_store.label(user, job.id, **said)
        assert labeled is not None
        assert (labeled.favorite, labeled.title) == expected
        assert job_store.find(user, job.id) == labeled


def test_no_job_is_made_by_what_is_said_of_it(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = free_job(user, clock)
    assert job_store.label(user, job.id, favorite=True) is None
    assert job_store.find(user, job.id) is None
    job_store.add(job)
    assert job_store.label(f"{user}-b", job.id, favorite=True) is None
    job_store.hide(user, job.id, at=clock.now)
    assert job_store.label(user, job.id, title="Mine") is None
    found = job_store.find(user, job.id)
    assert found is not None
    assert (found.favorite, found.title) == (False, None)
