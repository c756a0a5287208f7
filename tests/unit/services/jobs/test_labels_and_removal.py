"""Favorites and titles, and what is removed with a job: its parts, several at once, and never a receipt."""

from collections.abc import Callable
from typing import Any

import pytest

from darkroom.errors import Conflict, NotFound
from darkroom.models.job import Job, JobCost, JobStatus, PaidWork, StoredImage, TurnState
from darkroom.models.money import CREDIT
from darkroom.services.jobs.groups import JobFilter
from darkroom.services.jobs.jobs import Jobs
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore, MemoryJobStore
from tests.fakes.paid import MemoryRawAnswerStore

TURN = TurnState(conversation_id="conv_1", content="warmer")
UNSETTLED = JobCost(actual=None, settled=False, charged="unknown")


class Shop:
    def __init__(self, clock: SteppingClock) -> None:
        self.store, self.images, self.clock = MemoryJobStore(), MemoryImageStore(clock), clock
        answers = MemoryRawAnswerStore(self.images)
        self.jobs = Jobs(self.store, self.images, clock, max_attempts=3, raw_answers=answers, credit=CREDIT)

    def add(self, job_id: str, **changes: Any) -> Job:
        known = {"op": "generation", "status": JobStatus.SUCCEEDED, **changes}
        job = Job(id=job_id, user="alice", created_at=self.clock.now, **known)
        self.store.jobs[job.user, job.id] = job
        return job

    def pictured(self, job_id: str, **changes: Any) -> Job:
        key = f"outputs/alice/{job_id}/0.png"
        self.images.write_output(key, b"abc", media_type="image/png", metadata={})
        image = StoredImage(key=key, media_type="image/png", width=3, height=4, bytes=3, sha256="ab")
        return self.add(job_id, images=(image,), **changes)

    def remove_all(self, *ids: str, has_time: Callable[[], bool] = lambda: True) -> dict[str, str | None]:
        done = self.jobs.remove_all("alice", ids, has_time=has_time)
        return {job_id: error.code if error else None for job_id, error in done}

    def left(self) -> list[str]:
        return sorted(job.id for job in self.store.jobs.values() if job.removed_at is None)


def _too_late(_: Job) -> bool:
    return False


@pytest.fixture
def shop(clock: SteppingClock) -> Shop:
    return Shop(clock)


def test_what_is_not_given_stays_as_it_is(shop: Shop) -> None:
    shop.add("job_1")

    def label(favorite: bool | None, title: str | None) -> tuple[bool, str | None]:
        job = shop.jobs.label("alice", "job_1", favorite=favorite, title=title)
        assert shop.jobs.find("alice", "job_1") == job
        return job.favorite, job.title

    assert label(True, "Cover") == (True, "Cover")
    assert label(None, None) == (True, "Cover")
    assert label(False, None) == (False, "Cover")
    assert label(None, "") == (False, None)


def test_anothers_job_and_one_that_is_removed_are_not_labeled(shop: Shop) -> None:
    job = shop.add("job_1")
    shop.add("job_2", removed_at=shop.clock.now)
    for user, job_id in (("bob", "job_1"), ("alice", "job_2"), ("alice", "job_3")):
        with pytest.raises(NotFound):
            shop.jobs.label(user, job_id, favorite=True, title="Mine")
    assert shop.store.jobs["alice", "job_1"] == job


def test_favorites_are_found_and_titles_have_words(shop: Shop) -> None:
    shop.add("job_1", favorite=True)
    shop.add("job_2", title="For the Cover")
    found = [
        [group.job.id for group in shop.jobs.page("alice", wanted)[0]]
        for wanted in (JobFilter(favorite=True), JobFilter(favorite=False), JobFilter(words=("cover",)))
    ]
    assert found == [["job_1"], ["job_2"], ["job_2"]]


@pytest.mark.parametrize("is_settled", [True, False])
def test_a_turn_takes_its_calls_along(shop: Shop, is_settled: bool) -> None:
    cost = JobCost() if is_settled else UNSETTLED
    shop.add("job_1")
    shop.pictured("job_2", op="turn", turn=TURN, conversation_id="conv_1", cost=cost)
    for name in ("plan", "paint0"):
        shop.add(f"job_2-{name}", op=name, parent_id="job_2", work=PaidWork(), conversation_id="conv_1", cost=cost)
    shop.jobs.remove("alice", "job_2", _too_late)
    assert shop.left() == ["job_1"]
    assert (("alice", "job_2-plan") in shop.store.jobs) is not is_settled, "what is not settled is settled yet"
    assert shop.images.has_output("outputs/alice/job_2/0.png"), "the conversation shows it"
    assert shop.jobs.page("alice")[0] == [(shop.store.jobs["alice", "job_1"], ())]


def test_several_are_removed_and_each_that_is_not_says_why(shop: Shop) -> None:
    for job_id in ("job_1", "job_2"):
        shop.pictured(job_id)
    shop.add("job_3", status=JobStatus.RUNNING, started_at=shop.clock.now)
    shop.pictured("job_4", status=JobStatus.UNCERTAIN, work=PaidWork(), cost=UNSETTLED, dispatched_at=shop.clock.now)
    shop.store.jobs["bob", "job_5"] = shop.add("job_5").model_copy(update={"user": "bob"})
    del shop.store.jobs["alice", "job_5"]
    told = shop.remove_all("job_1", "job_1", "job_3", "job_4", "job_5", "job_2", "x" * 3_000)
    assert told == {
        "job_1": None,
        "job_3": "CONFLICT",
        "job_4": "CONFLICT",
        "job_5": "NOT_FOUND",
        "job_2": None,
        "x" * 3_000: "NOT_FOUND",
    }
    assert shop.left() == ["job_3", "job_4", "job_5"]
    assert list(shop.images.outputs) == ["outputs/alice/job_4/0.png"]


def test_those_that_there_is_no_time_for_stay_and_are_to_be_sent_again(shop: Shop) -> None:
    ids = [shop.add(f"job_{number}").id for number in range(4)]
    left = iter((True, True, False, False))
    told = shop.remove_all(*ids, has_time=lambda: next(left))
    assert list(told.values()) == [None, None, "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE"]
    assert shop.remove_all(*ids) == {"job_0": "NOT_FOUND", "job_1": "NOT_FOUND", "job_2": None, "job_3": None}


def test_a_part_of_a_turn_that_goes_on_stays(shop: Shop) -> None:
    shop.add("job_2", op="turn", turn=TURN, status=JobStatus.RUNNING)
    shop.add("job_2-plan", op="plan", parent_id="job_2", work=PaidWork())
    with pytest.raises(Conflict):
        shop.jobs.remove("alice", "job_2-plan", _too_late)
    assert shop.remove_all("job_2") == {"job_2": "CONFLICT"}
    assert shop.left() == ["job_2", "job_2-plan"]
