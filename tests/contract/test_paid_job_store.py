"""What every JobStore does with jobs that cost money. They are added through the ledger, which stores the same row."""

import zlib
from datetime import timedelta
from decimal import Decimal

import pytest
from ulid import ULID

from darkroom.adapters.dynamo import to_item
from darkroom.adapters.job_rows import job_key
from darkroom.models.job import Job, JobStatus, Parent, ProviderCall
from darkroom.ports import JobStore
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.contract.free_jobs import finished, free_job
from tests.paid_jobs import LEASE, day, paid_job, start_job

# Jobs that cost money. They get here by way of the ledger, which stores the same row.


def _paid(store: JobStore, user: str, clock: SteppingClock, **changes: object) -> Job:
    job = paid_job(user, clock.now).model_copy(update=changes)
    store.add(job)
    return job


def _dispatched(store: JobStore, job: Job, clock: SteppingClock) -> Job:
    running = start_job(store, job, clock)
    assert store.dispatch(running, at=clock.now, lease_expires_at=clock.now + 2 * LEASE)
    return _found(store, job)


def _found(store: JobStore, job: Job) -> Job:
    found = store.find(job.user, job.id)
    assert found is not None
    return found


def _starts(store: JobStore, job: Job, clock: SteppingClock) -> bool:
    return store.start(job, now=clock.now, lease_expires_at=clock.now + LEASE) is not None


def test_a_long_document_is_stored_compressed_and_read_as_it_was(
    job_store: JobStore, cloud: Cloud | None, clock: SteppingClock, user: str
) -> None:
    """Each write of a row is charged by its size; rows of before are texts or compressed, and are read as ever."""
    long = _paid(job_store, user, clock, input={"prompt": "a fox, ü " * 4000})
    assert _found(job_store, long) == long
    if cloud is None:
        return
    row = cloud.aws.dynamodb.get_item(TableName=cloud.table, Key=to_item(job_key(user, long.id)))["Item"]
    assert len(bytes(row["document"]["B"])) < 1000
    text = long.model_dump_json()
    for document in ({"S": text}, {"B": zlib.compress(text.encode())}):
        cloud.aws.dynamodb.put_item(TableName=cloud.table, Item={**row, "document": document})
        assert _found(job_store, long) == long


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
    running = start_job(job_store, _paid(job_store, user, clock), clock)
    clock.step(timedelta(seconds=1))
    known = running.model_copy(update={"provider": "openai", "key_usage": Decimal("1.50"), "key_sha256": "cd" * 32})
    assert job_store.dispatch(known, at=clock.now, lease_expires_at=clock.now + 2 * LEASE)
    dispatched = known.model_copy(update={"dispatched_at": clock.now, "lease_expires_at": clock.now + 2 * LEASE})
    assert _found(job_store, running) == dispatched


def test_each_dispatch_forgets_what_was_known_of_the_last(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    running = start_job(job_store, _paid(job_store, user, clock), clock)
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
        return job_store.dispatch(job, at=clock.now, lease_expires_at=clock.now + LEASE) is not None

    assert not dispatches(queued)
    first = start_job(job_store, queued, clock)
    clock.step(LEASE)
    second = start_job(job_store, queued, clock)
    assert not dispatches(first)
    assert job_store.requeue(second)
    assert not dispatches(second)
    third = start_job(job_store, queued, clock)
    assert job_store.record(third.model_copy(update={"status": JobStatus.UNCERTAIN}))
    assert not dispatches(third)
    assert not dispatches(paid_job(user, clock.now))
    assert _found(job_store, queued).dispatched_at is None


def test_a_job_that_costs_nothing_is_not_dispatched(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = free_job(user, clock)
    job_store.add(job)
    running = start_job(job_store, job, clock)
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
    running = start_job(job_store, job, clock)
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
    over = finished(uncertain, clock).model_copy(update={"generation_id": "gen-1", "dispatched_at": None})
    assert job_store.record(over)
    assert _found(job_store, job) == over.model_copy(update={"dispatched_at": job.dispatched_at})
    assert job.id in {found.id for found in job_store.list_open()}
    assert not job_store.remove(user, job.id)
    assert not job_store.finish(finished(job, clock)), "what was reserved would stay so for ever"


def test_what_is_recorded_of_a_job_does_not_settle_it(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _dispatched(job_store, _paid(job_store, user, clock), clock)
    settled = job.cost.model_copy(update={"settled": True, "charged": True})
    assert job_store.record(finished(job, clock).model_copy(update={"cost": settled}))
    cost = _found(job_store, job).cost
    assert (cost.settled, cost.charged) == (False, True)
    assert job.id in {found.id for found in job_store.list_open()}


def test_only_the_present_attempt_is_recorded(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = _paid(job_store, user, clock)
    first = start_job(job_store, job, clock)
    clock.step(LEASE)
    second = start_job(job_store, job, clock)
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


_CALLS = (ProviderCall(index=0, n=1), ProviderCall(index=1, n=2))


def test_each_of_several_calls_is_written_by_itself(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = paid_job(user, clock.now, calls=_CALLS)
    job_store.add(job)
    assert _found(job_store, job).calls == _CALLS
    running = start_job(job_store, job, clock)
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
    running = start_job(job_store, job, clock)
    assert job_store.dispatch(running, at=clock.now, lease_expires_at=clock.now + LEASE)
    assert job_store.stop(running, at=clock.now)
    assert _found(job_store, job).stop_at == clock.now
    assert not job_store.dispatch_call(running, _CALLS[1])
    assert job_store.note_call(running, _CALLS[0])


def test_a_job_that_is_one_call_has_nothing_to_stop(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    job = paid_job(user, clock.now)
    job_store.add(job)
    assert not job_store.stop(start_job(job_store, job, clock), at=clock.now)


class TestClaims:
    """A worker begins an attempt without having read the job."""

    @staticmethod
    def _claimed(store: JobStore, user: str, job_id: str, clock: SteppingClock) -> tuple[Job | None, bool]:
        return store.claim(user, job_id, now=clock.now, lease_expires_at=clock.now + LEASE)

    def test_a_waiting_job_is_begun(self, job_store: JobStore, clock: SteppingClock, user: str) -> None:
        job = _paid(job_store, user, clock)
        claimed, is_begun = self._claimed(job_store, user, job.id, clock)
        assert is_begun
        assert claimed == _found(job_store, job)
        assert claimed is not None
        assert (claimed.status, claimed.attempt, claimed.started_at) == (JobStatus.RUNNING, 1, clock.now)
        assert claimed.lease_expires_at == clock.now + LEASE

    def test_a_job_that_is_at_work_is_not_begun_again(
        self, job_store: JobStore, clock: SteppingClock, user: str
    ) -> None:
        job = _paid(job_store, user, clock)
        running, _ = self._claimed(job_store, user, job.id, clock)
        assert self._claimed(job_store, user, job.id, clock) == (running, False)
        clock.step(LEASE)
        again, is_begun = self._claimed(job_store, user, job.id, clock)
        assert is_begun
        assert again is not None
        assert again.attempt == 2

    def test_a_job_that_was_sent_is_not_begun_again(self, job_store: JobStore, clock: SteppingClock, user: str) -> None:
        sent = _dispatched(job_store, _paid(job_store, user, clock), clock)
        clock.step(10 * LEASE)
        assert self._claimed(job_store, user, sent.id, clock) == (sent, False)

    def test_a_job_that_costs_nothing_is_told_and_left_as_it_is(
        self, job_store: JobStore, clock: SteppingClock, user: str
    ) -> None:
        job = free_job(user, clock)
        job_store.add(job)
        assert self._claimed(job_store, user, job.id, clock) == (job, False)
        assert _found(job_store, job) == job

    def test_a_job_that_is_gone_is_none(self, job_store: JobStore, clock: SteppingClock, user: str) -> None:
        assert self._claimed(job_store, user, "job_x", clock) == (None, False)

    @pytest.mark.parametrize("cloud", ["moto"], indirect=True)
    def test_a_row_of_before_is_begun_all_the_same(
        self, job_store: JobStore, cloud: Cloud, clock: SteppingClock, user: str
    ) -> None:
        """It does not say that it is paid."""
        job = _paid(job_store, user, clock)
        cloud.aws.dynamodb.update_item(
            TableName=cloud.table, Key=to_item(job_key(user, job.id)), UpdateExpression="REMOVE paid"
        )
        claimed, is_begun = self._claimed(job_store, user, job.id, clock)
        assert is_begun
        assert claimed is not None
        assert claimed.status is JobStatus.RUNNING
        assert self._claimed(job_store, user, job.id, clock) == (claimed, False)
