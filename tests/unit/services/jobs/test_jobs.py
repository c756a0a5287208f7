from datetime import timedelta

import pytest

from darkroom.errors import Conflict, InvalidParameter, NotFound
from darkroom.models.job import Job, JobStatus, PaidWork, SettledTogether, StoredImage, TurnState
from darkroom.models.money import CREDIT
from darkroom.services.jobs.jobs import LOST_AFTER, Jobs
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore, MemoryJobStore
from tests.fakes.paid import MemoryRawAnswerStore

LEASE = timedelta(minutes=1)


@pytest.fixture
def store() -> MemoryJobStore:
    return MemoryJobStore()


@pytest.fixture
def images(clock: SteppingClock) -> MemoryImageStore:
    return MemoryImageStore(clock)


@pytest.fixture
def jobs(store: MemoryJobStore, images: MemoryImageStore, clock: SteppingClock) -> Jobs:
    return Jobs(store, images, clock, max_attempts=3, raw_answers=MemoryRawAnswerStore(images), credit=CREDIT)


def _add(store: MemoryJobStore, clock: SteppingClock, job_id: str = "job_1", user: str = "alice") -> Job:
    job = Job(id=job_id, user=user, op="background-removal", created_at=clock.now)
    store.add(job)
    return job


def _begin(store: MemoryJobStore, job: Job, clock: SteppingClock, times: int) -> None:
    for _ in range(times):
        assert store.start(job, now=clock.now, lease_expires_at=clock.now + LEASE)
        clock.step(LEASE)


def _closed(jobs: Jobs, store: MemoryJobStore) -> list[str]:
    return [job.id for job in store.list_open() if jobs.close_if_abandoned(job)]


def _finish(store: MemoryJobStore, job: Job) -> Job:
    image = StoredImage(key="outputs/a.png", media_type="image/png", width=3, height=4, bytes=5, sha256="ab")
    done = job.model_copy(update={"status": JobStatus.SUCCEEDED, "images": (image,), "result": {"model": "u2net"}})
    store.finish(done)
    return done


def test_an_expired_job_is_gone_though_its_row_is_not(jobs: Jobs, store: MemoryJobStore, clock: SteppingClock) -> None:
    """DynamoDB removes an expired row within days; until then its links would lead nowhere."""
    expires_at = clock.now + timedelta(days=1)
    for job_id in ("job_1", "job_2"):
        job = Job(id=job_id, user="alice", op="background-removal", created_at=clock.now, expires_at=expires_at)
        store.add(job if job_id == "job_1" else job.model_copy(update={"expires_at": expires_at + timedelta(hours=1)}))
        _finish(store, job if job_id == "job_1" else store.jobs["alice", job_id])
    clock.now = expires_at - timedelta(seconds=1)
    assert jobs.find("alice", "job_1").id == "job_1"
    clock.now = expires_at
    with pytest.raises(NotFound):
        jobs.find("alice", "job_1")
    found, _ = jobs.page("alice")
    assert [each.job.id for each in found] == ["job_2"]


def test_a_job_that_is_not_over_or_not_settled_does_not_expire(
    jobs: Jobs, store: MemoryJobStore, clock: SteppingClock
) -> None:
    open_job = _add(store, clock).model_copy(update={"expires_at": clock.now})
    owing = open_job.model_copy(
        update={
            "id": "job_2",
            "status": JobStatus.SUCCEEDED,
            "cost": open_job.cost.model_copy(update={"settled": False}),
        }
    )
    store.jobs["alice", "job_1"], store.jobs["alice", "job_2"] = open_job, owing
    clock.step(timedelta(days=1))
    assert [each.job.id for each in jobs.page("alice")[0]] == ["job_2", "job_1"]


def test_a_job_is_shown_with_links_and_without_keys(jobs: Jobs, store: MemoryJobStore, clock: SteppingClock) -> None:
    shown = jobs.show(_finish(store, _add(store, clock)))
    assert shown["object"] == "job"
    assert shown["status"] == "succeeded"
    assert shown["output"]["model"] == "u2net"
    assert shown["output"]["images"][0]["url"] == "https://outputs.example/outputs/a.png"
    assert "key" not in shown["output"]["images"][0]
    assert shown["cost"] == {
        "estimated_usd": 0,
        "reserved_usd": 0,
        "actual_usd": 0,
        "actual_credits": 0,
        "settled": True,
        "charged": False,
    }


def test_a_job_says_that_its_cost_is_a_part_of_a_sum(jobs: Jobs, store: MemoryJobStore, clock: SteppingClock) -> None:
    job = _add(store, clock)
    cost = job.cost.model_copy(update={"together": SettledTogether(jobs=3, total=28_000)})
    shown = jobs.show(job.model_copy(update={"cost": cost}))["cost"]
    assert shown["settled_together"] == {"jobs": 3, "total_usd": 0.028, "total_micro_usd": 28_000}


def test_a_job_says_who_serves_it(jobs: Jobs, store: MemoryJobStore, clock: SteppingClock) -> None:
    cutout = _add(store, clock).model_copy(update={"provider": "openai"})
    assert jobs.show(cutout)["provider"] is None, "it was cut out here"
    paid = cutout.model_copy(update={"work": PaidWork()})
    turn = cutout.model_copy(update={"turn": TurnState(conversation_id="conv_1", content="warmer")})
    assert [jobs.show(each)["provider"] for each in (paid, turn)] == ["openai", "openai"]


def test_anothers_job_is_not_found(jobs: Jobs, store: MemoryJobStore, clock: SteppingClock) -> None:
    _add(store, clock, user="bob")
    with pytest.raises(NotFound):
        jobs.find("alice", "job_1")
    with pytest.raises(NotFound):
        jobs.remove("alice", "job_1", lambda _job: False)
    assert jobs.page("alice") == ([], None)


def test_an_id_longer_than_any_is_not_looked_for(jobs: Jobs, store: MemoryJobStore, clock: SteppingClock) -> None:
    _add(store, clock, job_id="a" * 2000)
    with pytest.raises(NotFound):
        jobs.find("alice", "a" * 2000)


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_page_has_a_size_within_reason(jobs: Jobs, limit: int) -> None:
    with pytest.raises(InvalidParameter):
        jobs.page("alice", limit=limit)


def test_a_removed_job_takes_its_images_along(
    jobs: Jobs, store: MemoryJobStore, images: MemoryImageStore, clock: SteppingClock
) -> None:
    images.write_output("outputs/a.png", b"", media_type="image/png", metadata={})
    _finish(store, _add(store, clock))
    jobs.remove("alice", "job_1", lambda _job: False)
    assert images.outputs == {}
    with pytest.raises(NotFound):
        jobs.find("alice", "job_1")


def test_a_job_that_is_not_over_cannot_be_removed(jobs: Jobs, store: MemoryJobStore, clock: SteppingClock) -> None:
    _add(store, clock)
    with pytest.raises(Conflict):
        jobs.remove("alice", "job_1", lambda _job: False)


def test_a_job_whose_worker_died_on_its_last_attempt_is_failed(
    jobs: Jobs, store: MemoryJobStore, clock: SteppingClock
) -> None:
    _begin(store, _add(store, clock), clock, times=3)
    assert _closed(jobs, store) == ["job_1"]
    failed = jobs.find("alice", "job_1")
    assert failed.status is JobStatus.FAILED
    assert failed.error is not None
    assert failed.error["dead_letter"] is True
    assert failed.error["charged"] is False
    assert _closed(jobs, store) == []


def test_a_job_that_may_yet_come_to_an_end_is_left_alone(
    jobs: Jobs, store: MemoryJobStore, clock: SteppingClock
) -> None:
    _begin(store, _add(store, clock, "job_will_be_delivered_again"), clock, times=2)
    running = _add(store, clock, "job_in_its_last_attempt")
    _begin(store, running, clock, times=2)
    store.start(running, now=clock.now, lease_expires_at=clock.now + LEASE)
    _add(store, clock, "job_queued")
    assert _closed(jobs, store) == []


def test_a_job_that_nothing_has_been_heard_of_for_a_day_is_failed(
    jobs: Jobs, store: MemoryJobStore, clock: SteppingClock
) -> None:
    _add(store, clock)
    clock.step(LOST_AFTER)
    assert _closed(jobs, store) == ["job_1"]
