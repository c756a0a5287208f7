"""How a job that costs nothing comes along, step by step, in every JobStore: what a turn stands on."""

from datetime import timedelta

from darkroom.models.job import Job, JobCost, JobStatus, TurnState
from darkroom.ports import JobStore
from tests.conftest import SteppingClock


def turn_of(user: str, clock: SteppingClock) -> Job:
    state = TurnState(conversation_id="conv_1", content="warmer")
    return Job(id="job_1", user=user, op="turn", created_at=clock.now, turn=state)


def test_a_step_is_stored_and_counts_as_an_attempt(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    turn = turn_of(user, clock)
    job_store.add(turn)
    assert turn.turn is not None
    further = turn.model_copy(
        update={
            "status": JobStatus.RUNNING,
            "started_at": clock.now,
            "turn": turn.turn.model_copy(update={"done": 1, "reply": "Grüße"}),
            "warnings": ("Careful.",),
        }
    )
    stepped = job_store.progress(further)
    assert stepped == further.model_copy(update={"attempt": 1}) == job_store.find(user, turn.id)


def test_the_first_word_of_when_it_began_stays(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    turn = turn_of(user, clock)
    job_store.add(turn)
    began = clock.now + timedelta(seconds=3, milliseconds=250)
    for said in (None, began, began + timedelta(hours=1), None):
        seen = job_store.find(user, turn.id)
        assert seen is not None
        assert job_store.progress(seen.model_copy(update={"started_at": said})) is not None
    found = job_store.find(user, turn.id)
    assert found is not None
    assert (found.started_at, found.attempt) == (began, 4)
    assert job_store.finish(found.model_copy(update={"status": JobStatus.FAILED, "started_at": None}))
    ended = job_store.find(user, turn.id)
    assert ended is not None
    assert ended.started_at == began


def test_of_two_who_go_on_from_the_same_step_one_does(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    turn = turn_of(user, clock)
    job_store.add(turn)
    first = job_store.progress(turn.model_copy(update={"warnings": ("First.",)}))
    assert job_store.progress(turn.model_copy(update={"warnings": ("Second.",)})) is None
    assert job_store.find(user, turn.id) == first


def test_what_is_over_or_was_never_there_comes_no_further(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    turn = turn_of(user, clock)
    assert job_store.progress(turn) is None
    job_store.add(turn)
    assert job_store.finish(turn.model_copy(update={"status": JobStatus.SUCCEEDED, "completed_at": clock.now}))
    assert job_store.progress(turn) is None


def test_what_is_over_before_its_cost_is_known_stays_open_until_then(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    turn = turn_of(user, clock)
    job_store.add(turn)
    unknown = JobCost(actual=None, settled=False, charged="unknown")
    over = turn.model_copy(update={"status": JobStatus.SUCCEEDED, "completed_at": clock.now, "cost": unknown})
    assert not job_store.settle(over)
    assert job_store.finish(over)
    assert job_store.find(user, turn.id) == over
    assert [job.id for job in job_store.list_open() if job.user == user] == [turn.id]
    # It is over: it neither goes on, nor ends another time, nor goes away before its cost is known.
    assert job_store.progress(over) is None
    assert not job_store.finish(over.model_copy(update={"status": JobStatus.FAILED, "cost": JobCost()}))
    assert not job_store.remove(user, turn.id)
    known = over.model_copy(update={"cost": JobCost(actual=700, charged=True), "warnings": ("Told late.",)})
    assert not job_store.settle(known.model_copy(update={"attempt": 5}))
    assert job_store.settle(known)
    assert job_store.find(user, turn.id) == known
    assert [job.id for job in job_store.list_open() if job.user == user] == []
    assert not job_store.settle(known.model_copy(update={"cost": JobCost(actual=1)}))
    assert job_store.find(user, turn.id) == known
    assert job_store.remove(user, turn.id)


def test_nothing_is_settled_that_is_not_there(job_store: JobStore, clock: SteppingClock, user: str) -> None:
    assert not job_store.settle(turn_of(user, clock))
    assert job_store.find(user, "job_1") is None


def test_what_ends_without_a_step_before_says_when_it_began(
    job_store: JobStore, clock: SteppingClock, user: str
) -> None:
    turn = turn_of(user, clock)
    job_store.add(turn)
    began = clock.now + timedelta(seconds=2)
    ended = {"status": JobStatus.SUCCEEDED, "completed_at": clock.now + timedelta(seconds=5), "started_at": began}
    assert job_store.finish(turn.model_copy(update=ended))
    found = job_store.find(user, turn.id)
    assert found is not None
    assert (found.started_at, found.status) == (began, JobStatus.SUCCEEDED)


class TestFamilies:
    def test_a_job_is_read_with_its_parts(self, job_store: JobStore, clock: SteppingClock, user: str) -> None:
        turn = turn_of(user, clock)
        parts = [turn.model_copy(update={"id": f"job_1-{name}", "turn": None}) for name in ("repair", "paint0", "plan")]
        others = [turn.model_copy(update={"id": name, "turn": None}) for name in ("job_10", "job_10-plan", "job_0")]
        for job in (turn, *parts, *others):
            job_store.add(job)
        family = job_store.family(user, "job_1")
        assert [job.id for job in family] == ["job_1", "job_1-paint0", "job_1-plan", "job_1-repair"]
        assert family[0] == turn
        assert family[2] == parts[2]

    def test_a_job_without_parts_is_alone(self, job_store: JobStore, clock: SteppingClock, user: str) -> None:
        turn = turn_of(user, clock)
        job_store.add(turn)
        assert list(job_store.family(user, turn.id)) == [turn]

    def test_of_what_is_not_there_there_is_none(self, job_store: JobStore, clock: SteppingClock, user: str) -> None:
        job_store.add(turn_of(user, clock))
        assert list(job_store.family(f"{user}-b", "job_1")) == list(job_store.family(user, "job_2")) == []

    def test_of_many_parts_the_first_are_read(self, job_store: JobStore, clock: SteppingClock, user: str) -> None:
        batch = turn_of(user, clock)
        for name in ("job_1", *(f"job_1-i{index:02}-paint0" for index in range(20))):
            job_store.add(batch.model_copy(update={"id": name, "turn": None}))
        assert [job.id for job in job_store.family(user, "job_1")][:2] == ["job_1", "job_1-i00-paint0"]
        assert len(job_store.family(user, "job_1")) == 12
