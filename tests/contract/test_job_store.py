"""What every JobStore does."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from ulid import ULID

from darkroom.adapters.dynamo import to_item
from darkroom.errors import ServiceUnavailable
from darkroom.models.job import Job, JobCost, JobStatus, Parent, ProviderCall, StoredImage
from darkroom.ports import JobStore, Ledger
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.paid_jobs import LEASE, day, paid_job


def _job(user: str, clock: SteppingClock, **changes: object) -> Job:
    job = Job(
        id=f"job_{ULID()}",
        user=user,
        op="background-removal",
        created_at=clock.now,
        expires_at=clock.now + timedelta(days=30),
        input={"key": "inbox/ü b+c.jpg", "size": 1.5, "none": None},
    )
    return job.model_copy(update=changes)


def _finished(job: Job, clock: SteppingClock) -> Job:
    image = StoredImage(key="outputs/a.png", media_type="image/png", width=3, height=4, bytes=5, sha256="ab")
    return job.model_copy(
        update={"status": JobStatus.SUCCEEDED, "completed_at": clock.now, "images": (image,), "result": {"ms": 1.25}}
    )


def _started(store: JobStore, job: Job, clock: SteppingClock) -> Job:
    running = store.start(job, now=clock.now, lease_expires_at=clock.now + LEASE)
    assert running is not None
    return running


def test_a_job_is_found_as_it_was_added_and_only_by_its_owner(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = _job(user, clock)
    assert job_store.add(job) == job
    assert job_store.find(user, job.id) == job
    assert job_store.find(f"{user}-b", job.id) is None
    assert job_store.find(user, "job_none") is None


def test_a_source_gets_one_job_however_often_it_is_added(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    first, second = _job(user, clock), _job(user, clock)
    assert job_store.add(first, source=user) == first
    assert job_store.add(second, source=user) == first
    assert job_store.find(user, second.id) is None
    assert job_store.add(second, source=f"{user}-other") == second


def test_a_source_whose_job_was_removed_gets_no_other(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    done = _finished(_job(user, clock), clock)
    job_store.add(done, source=user)
    assert job_store.remove(user, done.id)
    assert job_store.add(_job(user, clock), source=user) is None


def test_pages_run_from_the_newest_to_the_oldest_without_a_gap(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    ids = [f"job_{n:02}" for n in range(7)]
    for job_id in ids:
        job_store.add(_job(user, clock, id=job_id))
    job_store.add(_job(f"{user}-b", clock))
    first = job_store.page(user, limit=3)
    second = job_store.page(user, limit=3, before=first.next_id)
    third = job_store.page(user, limit=3, before=second.next_id)
    assert [job.id for page in (first, second, third) for job in page.jobs] == ids[::-1]
    assert third.next_id is None
    assert job_store.page(f"{user}-c", limit=3).jobs == ()


def test_a_started_job_is_not_started_again_until_its_lease_is_over(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = _job(user, clock)
    job_store.add(job)
    running = _started(job_store, job, clock)
    assert (running.status, running.attempt, running.started_at) == (JobStatus.RUNNING, 1, clock.now)
    assert running.lease_expires_at == clock.now + LEASE
    assert job_store.find(user, job.id) == running
    assert job_store.start(job, now=clock.now, lease_expires_at=clock.now + LEASE) is None
    clock.step(LEASE)
    assert _started(job_store, job, clock).attempt == 2


def test_a_requeued_job_can_be_started_at_once(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _job(user, clock)
    job_store.add(job)
    assert not job_store.requeue(job)
    running = _started(job_store, job, clock)
    assert job_store.requeue(running)
    assert _started(job_store, job, clock).attempt == 2
    assert not job_store.requeue(running), "an attempt that is over has nothing to give up"


def test_a_finished_job_stays_as_it_is(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _job(user, clock)
    job_store.add(job)
    done = _finished(_started(job_store, job, clock), clock)
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
    job = _job(user, clock)
    job_store.add(job)
    late = _started(job_store, job, clock)
    clock.step(LEASE)
    current = _started(job_store, job, clock)
    assert not job_store.finish(_finished(late, clock))
    assert job_store.finish(_finished(current, clock))


def test_only_a_job_that_is_over_can_be_removed(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _job(user, clock)
    job_store.add(job)
    assert not job_store.remove(user, job.id)
    job_store.finish(_finished(_started(job_store, job, clock), clock))
    assert not job_store.remove(f"{user}-b", job.id)
    assert job_store.remove(user, job.id)
    assert job_store.find(user, job.id) is None
    assert not job_store.remove(user, job.id)


def test_open_jobs_are_those_that_are_not_over_oldest_first(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    jobs = [_job(user, clock, created_at=clock.now - timedelta(days=365 * 50) + timedelta(hours=n)) for n in range(3)]
    for job in jobs:
        job_store.add(job)
    job_store.finish(_finished(_started(job_store, jobs[1], clock), clock))
    mine = [job.id for job in job_store.list_open() if job.user == user]
    assert mine == [jobs[0].id, jobs[2].id]


def test_open_jobs_are_listed_however_many_pages_they_fill(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    # A page of DynamoDB ends at 1 MB.
    jobs = [_job(user, clock, input={"prompt": f"{n:04}" * 15_000}) for n in range(40)]
    for job in jobs:
        job_store.add(job)
    assert {job.id for job in job_store.list_open() if job.user == user} == {job.id for job in jobs}
    for job in jobs:
        assert job_store.finish(_finished(job, clock))
    assert all(job.user != user for job in job_store.list_open())


# Jobs that cost money. They get here by way of the ledger, which stores the same row.


def _paid(store: JobStore, user: str, clock: SteppingClock, **changes: object) -> Job:
    job = paid_job(user, clock.now).model_copy(update=changes)
    store.add(job)
    return job


def _dispatched(store: JobStore, job: Job, clock: SteppingClock) -> Job:
    running = _started(store, job, clock)
    assert store.dispatch(running, at=clock.now, lease_expires_at=clock.now + 2 * LEASE)
    return _found(store, job)


def _found(store: JobStore, job: Job) -> Job:
    found = store.find(job.user, job.id)
    assert found is not None
    return found


def _starts(store: JobStore, job: Job, clock: SteppingClock) -> bool:
    return store.start(job, now=clock.now, lease_expires_at=clock.now + LEASE) is not None


def test_a_paid_job_is_found_as_it_was_added(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _paid(job_store, user, clock)
    everything = _paid(
        job_store,
        user,
        clock,
        id=f"job_{ULID()}",
        status=JobStatus.UNCERTAIN,
        attempt=2,
        started_at=clock.now,
        lease_expires_at=clock.now,
        budgets=(day(1, clock.now),),
        lineage=(Parent(kind="upload", ref="u", sha256="ab"),),
        generation_id="gen-1",
        dispatched_at=clock.now + timedelta(microseconds=7),
        key_usage=Decimal("12.3400000000000000000000000000000000000001"),
        key_sha256="cd" * 32,
        cancel_at=clock.now,
        webhook_url="https://hook.example/",
        warnings=("one",),
    )
    assert _found(job_store, job) == job
    assert _found(job_store, everything) == everything
    assert str(_found(job_store, everything).key_usage) == str(everything.key_usage)


def test_a_dispatch_is_written_down_with_the_key_it_is_paid_by(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    running = _started(job_store, _paid(job_store, user, clock), clock)
    clock.step(timedelta(seconds=1))
    known = running.model_copy(update={"provider": "openai", "key_usage": Decimal("1.50"), "key_sha256": "cd" * 32})
    assert job_store.dispatch(known, at=clock.now, lease_expires_at=clock.now + 2 * LEASE)
    dispatched = known.model_copy(update={"dispatched_at": clock.now, "lease_expires_at": clock.now + 2 * LEASE})
    assert _found(job_store, running) == dispatched


def test_each_dispatch_forgets_what_was_known_of_the_last(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    running = _started(job_store, _paid(job_store, user, clock), clock)
    known = running.model_copy(update={"key_usage": Decimal("1.50"), "key_sha256": "cd" * 32})
    assert job_store.dispatch(known, at=clock.now, lease_expires_at=clock.now + LEASE)
    assert job_store.note_generation(known, "gen-1")
    clock.step(timedelta(seconds=5))
    assert job_store.dispatch(running, at=clock.now, lease_expires_at=clock.now + LEASE)
    found = _found(job_store, running)
    assert (found.dispatched_at, found.generation_id) == (clock.now, None)
    assert (found.key_usage, found.key_sha256) == (None, None)


def test_only_a_running_job_is_dispatched_and_only_in_its_present_attempt(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    queued = _paid(job_store, user, clock)

    def dispatches(job: Job) -> bool:
        return job_store.dispatch(job, at=clock.now, lease_expires_at=clock.now + LEASE)

    assert not dispatches(queued)
    first = _started(job_store, queued, clock)
    clock.step(LEASE)
    second = _started(job_store, queued, clock)
    assert not dispatches(first)
    assert job_store.requeue(second)
    assert not dispatches(second)
    third = _started(job_store, queued, clock)
    assert job_store.record(third.model_copy(update={"status": JobStatus.UNCERTAIN}))
    assert not dispatches(third)
    assert not dispatches(paid_job(user, clock.now))
    assert _found(job_store, queued).dispatched_at is None


def test_a_job_that_costs_nothing_is_not_dispatched(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _job(user, clock)
    job_store.add(job)
    running = _started(job_store, job, clock)
    assert not job_store.dispatch(running, at=clock.now, lease_expires_at=clock.now + LEASE)
    assert not job_store.record(running.model_copy(update={"status": JobStatus.UNCERTAIN}))
    assert _found(job_store, job) == running


def test_what_was_dispatched_is_neither_started_again_nor_given_up(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = _paid(job_store, user, clock)
    dispatched = _dispatched(job_store, job, clock)
    assert not job_store.requeue(dispatched)
    clock.step(timedelta(days=1))
    assert not _starts(job_store, dispatched, clock)
    assert _found(job_store, job) == dispatched


@pytest.mark.parametrize("status", [JobStatus.UNCERTAIN, JobStatus.CANCELED, JobStatus.SUCCEEDED, JobStatus.FAILED])
def test_what_is_not_waiting_or_running_is_not_started(
    job_store: JobStore, clock: SteppingClock, user: str, status: JobStatus
) -> None:
    job = _paid(job_store, user, clock, status=status, lease_expires_at=clock.now - LEASE)
    assert not _starts(job_store, job, clock)


def test_a_generation_is_noted_of_the_last_dispatch(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _paid(job_store, user, clock)
    assert not job_store.note_generation(job, "gen-1")
    running = _started(job_store, job, clock)
    assert not job_store.note_generation(running, "gen-1"), "nothing was dispatched"
    assert job_store.dispatch(running, at=clock.now, lease_expires_at=clock.now + LEASE)
    assert job_store.note_generation(running, "gen-1")
    assert job_store.note_generation(running, "gen-2")
    assert not job_store.note_generation(job, "gen-3"), "another attempt"
    assert _found(job_store, job).generation_id == "gen-2"
    assert job_store.record(running.model_copy(update={"status": JobStatus.UNCERTAIN}))
    assert job_store.note_generation(running, "gen-4"), "it is still good to know"


def test_a_job_that_is_uncertain_or_over_stays_open_while_its_money_is_not_settled(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    job = _dispatched(job_store, _paid(job_store, user, clock), clock)
    uncertain = job.model_copy(update={"status": JobStatus.UNCERTAIN, "error": {"code": "X"}})
    assert job_store.record(uncertain)
    assert _found(job_store, job) == uncertain
    over = _finished(uncertain, clock).model_copy(update={"generation_id": "gen-1", "dispatched_at": None})
    assert job_store.record(over)
    assert _found(job_store, job) == over.model_copy(update={"dispatched_at": job.dispatched_at})
    assert job.id in {found.id for found in job_store.list_open()}
    assert not job_store.remove(user, job.id)
    assert not job_store.finish(_finished(job, clock)), "what was reserved would stay so for ever"


def test_what_is_recorded_of_a_job_does_not_settle_it(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _dispatched(job_store, _paid(job_store, user, clock), clock)
    settled = job.cost.model_copy(update={"settled": True, "charged": True})
    assert job_store.record(_finished(job, clock).model_copy(update={"cost": settled}))
    cost = _found(job_store, job).cost
    assert (cost.settled, cost.charged) == (False, True)
    assert job.id in {found.id for found in job_store.list_open()}


def test_only_the_present_attempt_is_recorded(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _paid(job_store, user, clock)
    first = _started(job_store, job, clock)
    clock.step(LEASE)
    second = _started(job_store, job, clock)
    assert not job_store.record(first.model_copy(update={"status": JobStatus.UNCERTAIN}))
    assert _found(job_store, job) == second


def test_a_settled_job_that_is_over_is_not_open_and_can_be_removed(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    settled = paid_job(user, clock.now).cost.model_copy(update={"settled": True})
    job = _paid(job_store, user, clock, status=JobStatus.CANCELED, cost=settled)
    unsettled = _paid(job_store, user, clock, status=JobStatus.CANCELED)
    assert [found.id for found in job_store.list_open() if found.user == user] == [unsettled.id]
    assert not job_store.record(job)
    assert job_store.remove(user, job.id)
    assert not job_store.remove(user, unsettled.id)


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
    assert job_store.finish(_finished(_started(job_store, found, clock), clock))
    assert job_store.remove(user, "job_1")


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
def test_of_many_deliveries_at_the_same_time_one_makes_and_one_starts_the_job(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    jobs = [_job(user, clock) for _ in range(40)]

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
    free = _job(user, clock)
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
    assert job_store.finish(_finished(free, clock))
    found = [job_store.find(user, job.id) for job in (free, paid)]
    assert [(job.removed_at, job.status.is_final) for job in found if job] == [(removed_at, True)] * 2


_CALLS = (ProviderCall(index=0, n=1), ProviderCall(index=1, n=2))


def test_each_of_several_calls_is_written_by_itself(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = paid_job(user, clock.now, calls=_CALLS)
    job_store.add(job)
    assert _found(job_store, job).calls == _CALLS
    running = _started(job_store, job, clock)
    sent = [call.model_copy(update={"dispatched_at": clock.now, "model_used": "a/b"}) for call in _CALLS]
    assert not job_store.note_call(running, sent[1])
    first = running.model_copy(update={"calls": (sent[0], _CALLS[1])})
    assert job_store.dispatch(first, at=clock.now, lease_expires_at=clock.now + LEASE)
    assert _found(job_store, job).calls == (sent[0], _CALLS[1])
    assert job_store.dispatch_call(running, sent[1])
    noted = sent[0].model_copy(update={"generation_id": "gen-1", "cost": 5, "charged": True})
    assert job_store.note_call(running, noted)
    assert _found(job_store, job).calls == (noted, sent[1])
    other = running.model_copy(update={"attempt": running.attempt + 1})
    assert not job_store.dispatch_call(other, sent[1])
    assert not job_store.note_call(other, sent[1])


def test_no_call_is_sent_of_a_job_that_is_to_be_stopped(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = paid_job(user, clock.now, calls=_CALLS)
    job_store.add(job)
    assert not job_store.stop(job, at=clock.now)
    running = _started(job_store, job, clock)
    assert job_store.dispatch(running, at=clock.now, lease_expires_at=clock.now + LEASE)
    assert job_store.stop(running, at=clock.now)
    assert _found(job_store, job).stop_at == clock.now
    assert not job_store.dispatch_call(running, _CALLS[1])
    assert job_store.note_call(running, _CALLS[0])


def test_a_job_that_is_one_call_has_nothing_to_stop(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = paid_job(user, clock.now)
    job_store.add(job)
    assert not job_store.stop(_started(job_store, job, clock), at=clock.now)
