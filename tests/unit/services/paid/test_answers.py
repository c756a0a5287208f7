"""Who gets an answer that has not certainly reached anybody."""

from datetime import timedelta

import pytest

from darkroom.models.admission import PendingAnswer, Terms
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.services.paid.answers import HELD, KEPT, TOLD, Answers
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryJobStore
from tests.fakes.paid import MemoryAnswerStore

REQUEST = "ab" * 32
WAITS = Terms(route="POST /v1/images/generations")
ASYNC = WAITS.model_copy(update={"is_async": True})
RETRY = WAITS.model_copy(update={"is_retry": True})
IMAGE = StoredImage(key="outputs/a.png", media_type="image/png", width=3, height=4, bytes=5, sha256="ab")


@pytest.fixture
def jobs() -> MemoryJobStore:
    return MemoryJobStore()


@pytest.fixture
def store(clock: SteppingClock) -> MemoryAnswerStore:
    return MemoryAnswerStore(clock)


@pytest.fixture
def answers(store: MemoryAnswerStore, jobs: MemoryJobStore, clock: SteppingClock) -> Answers:
    return Answers(store, jobs, clock)


class Desk:
    """Takes orders as the admission does."""

    def __init__(self, answers: Answers, store: MemoryAnswerStore, jobs: MemoryJobStore, clock: SteppingClock) -> None:
        self._answers, self._store, self._jobs, self._clock = answers, store, jobs, clock

    def order(self, terms: Terms = WAITS, job_id: str = "job_1", user: str = "alice") -> PendingAnswer:
        job = Job(id=job_id, user=user, op="generation", created_at=self._clock())
        self._jobs.add(job)
        answer = self._answers.pending(job, REQUEST, terms)
        self._store.answers[user, REQUEST, job_id] = answer
        return answer

    def ends(self, job_id: str = "job_1", **changes: object) -> None:
        done = {"status": JobStatus.SUCCEEDED, "images": (IMAGE,), **changes}
        self._jobs.jobs["alice", job_id] = self._jobs.jobs["alice", job_id].model_copy(update=done)

    def claims(self, terms: Terms = WAITS, user: str = "alice", request: str = REQUEST) -> str | None:
        claimed = self._answers.claim(user, request, terms)
        return claimed[0].id if claimed else None


@pytest.fixture
def desk(answers: Answers, store: MemoryAnswerStore, jobs: MemoryJobStore, clock: SteppingClock) -> Desk:
    return Desk(answers, store, jobs, clock)


class TestTheNextIdenticalRequest:
    def test_is_an_order_of_its_own_while_somebody_waits(self, desk: Desk) -> None:
        desk.order()
        assert desk.claims() is None

    def test_gets_what_somebody_went_away_without(self, desk: Desk, answers: Answers) -> None:
        answers.let_go(desk.order())
        assert desk.claims() == "job_1"
        # And holds it then.
        assert desk.claims() is None

    def test_gets_it_when_the_one_who_held_it_must_be_gone(self, desk: Desk, clock: SteppingClock) -> None:
        desk.order()
        clock.step(HELD)
        assert desk.claims() == "job_1"

    def test_is_an_order_of_its_own_once_the_answer_was_given(self, desk: Desk, answers: Answers) -> None:
        answers.told(desk.order())
        assert desk.claims() is None

    def test_is_one_too_after_an_order_that_nobody_waits_for(self, desk: Desk) -> None:
        desk.order(ASYNC)
        assert desk.claims() is None

    def test_gets_nothing_after_a_quarter_of_an_hour(self, desk: Desk, answers: Answers, clock: SteppingClock) -> None:
        answers.let_go(desk.order())
        clock.step(KEPT)
        assert desk.claims() is None

    def test_gets_nothing_of_anothers_and_nothing_else(self, desk: Desk, answers: Answers) -> None:
        answers.let_go(desk.order())
        assert desk.claims(user="bob") is None
        assert desk.claims(request="cd" * 32) is None

    def test_gets_the_oldest_first(self, desk: Desk, answers: Answers) -> None:
        for job_id in ("job_1", "job_2"):
            answers.let_go(desk.order(job_id=job_id))
        assert [desk.claims(), desk.claims(), desk.claims()] == ["job_1", "job_2", None]


class TestWhatIsOver:
    def test_a_picture_is_worth_having(self, desk: Desk, answers: Answers) -> None:
        answers.let_go(desk.order())
        desk.ends()
        assert desk.claims() == "job_1"

    def test_a_failure_that_cost_nothing_may_be_tried_anew(self, desk: Desk, answers: Answers) -> None:
        answers.let_go(desk.order())
        desk.ends(status=JobStatus.FAILED, images=())
        assert desk.claims() is None

    @pytest.mark.parametrize("charged", [True, "unknown"])
    def test_one_that_may_have_cost_something_may_not(
        self, desk: Desk, answers: Answers, jobs: MemoryJobStore, charged: bool | str
    ) -> None:
        answers.let_go(desk.order())
        cost = jobs.jobs["alice", "job_1"].cost.model_copy(update={"charged": charged})
        desk.ends(status=JobStatus.FAILED, images=(), cost=cost)
        assert desk.claims() == "job_1"

    def test_what_is_gone_is_gone(self, desk: Desk, answers: Answers, jobs: MemoryJobStore) -> None:
        answers.let_go(desk.order())
        jobs.jobs.clear()
        assert desk.claims() is None


class TestRetriesOfTheSdk:
    def test_one_joins_what_somebody_still_holds(self, desk: Desk) -> None:
        """Its own first request, whose connection broke before anybody here could notice."""
        desk.order()
        assert desk.claims(RETRY) == "job_1"

    def test_one_may_have_once_more_what_was_given(self, desk: Desk, answers: Answers, clock: SteppingClock) -> None:
        answers.told(desk.order())
        desk.ends()
        clock.step(TOLD)
        assert desk.claims(RETRY) == "job_1"

    def test_but_soon(self, desk: Desk, answers: Answers, clock: SteppingClock) -> None:
        answers.told(desk.order())
        desk.ends()
        clock.step(TOLD + timedelta(seconds=1))
        assert desk.claims(RETRY) is None

    def test_two_of_them_get_a_job_each_while_there_are_two(self, desk: Desk, answers: Answers) -> None:
        for job_id in ("job_1", "job_2"):
            answers.let_go(desk.order(job_id=job_id))
        assert {desk.claims(RETRY), desk.claims(RETRY)} == {"job_1", "job_2"}


def test_an_answer_that_is_held_again_goes_to_no_other_request_meanwhile(
    answers: Answers, desk: Desk, clock: SteppingClock
) -> None:
    held = desk.order()
    clock.step(HELD / 2)
    again = answers.hold(held)
    assert again.held_until == clock.now + HELD
    clock.step(HELD / 2 + timedelta(seconds=1))
    assert answers.claim("alice", REQUEST, WAITS) is None
    assert answers.let_go(again)
    found = answers.claim("alice", REQUEST, WAITS)
    assert found is not None
    # Who waits for it now holds it: the first one's word counts no more.
    assert answers.hold(again) == again
    assert answers.claim("alice", REQUEST, WAITS) is None


def test_who_went_away_late_does_not_take_it_from_who_came(desk: Desk, answers: Answers, clock: SteppingClock) -> None:
    first = desk.order()
    clock.step(HELD)
    assert desk.claims() == "job_1"
    answers.let_go(first)
    assert desk.claims() is None


def test_what_is_told_stays_told(desk: Desk, answers: Answers, store: MemoryAnswerStore, clock: SteppingClock) -> None:
    first = desk.order()
    clock.step(HELD)
    desk.claims()
    # Whoever held it first gives the answer all the same.
    answers.told(first)
    assert {answer.state for answer in store.answers.values()} == {"told"}
    answers.let_go(first)
    assert {answer.state for answer in store.answers.values()} == {"told"}


def test_an_answer_is_held_no_longer_than_somebody_can_be_waiting(desk: Desk, clock: SteppingClock) -> None:
    """Whoever was told by API Gateway that time is up, and asks again at once, must not get a job of their own."""
    pending = desk.order(WAITS.model_copy(update={"deadline": Deadline(4.0, clock=lambda: 0.0)}))
    assert pending.held_until == clock() + timedelta(seconds=4)
    clock.step(timedelta(seconds=3.9))
    assert desk.claims() is None
    clock.step(timedelta(seconds=0.1))
    assert desk.claims() == "job_1"
