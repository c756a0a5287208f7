"""A turn that somebody waits for is carried out by the process that is asked: its plan, its repair, what it paints."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest

from darkroom.application.outlasting import OutlastingApplication
from darkroom.errors import BudgetExceeded, ServiceUnavailable
from darkroom.http.routes.conversations import routes
from darkroom.models.admission import Terms
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.services.accounts.snapshot import read_once
from darkroom.services.paid.admission import Submission
from darkroom.services.paid.in_place import MAX_SECONDS
from darkroom.services.paid.worker import LEASE_MARGIN
from tests.application import LONG, Studio
from tests.events import Context, http_event
from tests.unit.services.interrupting import WARM, Deadly, Killed, dying
from tests.unit.services.later import Later
from tests.unit.services.talking import CALLER, USER, Talk, assert_books_agree, operations, paint

HERE = (operations(WARM), paint("a fox"), operations(WARM))
WAITING = Terms(route="POST /messages")


def inline(work: Callable[[], None]) -> "Future[None]":
    done: Future[None] = Future()
    work()
    done.set_result(None)
    return done


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def submit(
    studio: Studio, talk: Talk, content: str, start: Callable[[Callable[[], None]], "Future[None]"] = inline
) -> Submission:
    app = OutlastingApplication(studio.deployment, studio, start)
    return app.turns.submit(CALLER, talk.id, content, WAITING)


def everything(talk: Talk) -> None:
    talk.answers("no plan")
    talk.plans(*HERE)


def assert_all_done_once(talk: Talk, turn: Job) -> None:
    turn = talk.turn(turn)
    assert (turn.status, turn.error) == (JobStatus.SUCCEEDED, None)
    assert talk.parts(turn).keys() == {"plan", "repair", "paint1"}
    assert talk.posts() == ["chat", "chat", "images"]
    assert [message.role for message in talk.now.messages] == ["user", "assistant"]
    steps = talk.now.versions[1].steps
    names = ["paint" if step.paint else (step.operation or {})["op"] for step in steps]
    assert names == ["color_temperature", "paint", "color_temperature"]
    assert_books_agree(talk, turn)


def test_it_is_done_without_a_worker(studio: Studio, talk: Talk) -> None:
    submission = submit(studio, talk, "warmer")
    turn = talk.turn(submission.job)
    assert (turn.status, turn.op, studio.job_queue.sent) == (JobStatus.SUCCEEDED, "turn", [])
    assert submission.running is not None
    assert submission.running.done()
    assert talk.now.current == "v2"
    assert_books_agree(talk, turn)


def test_what_is_asked_again_or_painted_is_done_by_the_same_process(studio: Studio, talk: Talk) -> None:
    everything(talk)
    turn = submit(studio, talk, "everything").job
    assert_all_done_once(talk, turn)
    assert studio.job_queue.sent == []
    assert {part.attempt for part in talk.parts(turn).values()} == {1}


def test_what_needs_the_subject_is_left_to_the_image_function_and_goes_on_there(studio: Studio, talk: Talk) -> None:
    turn = submit(studio, talk, "remove the background").job
    assert studio.render_queue.sent == [(USER, turn.id)]
    talk.run()
    assert talk.turn(turn).status is JobStatus.SUCCEEDED
    assert_books_agree(talk, turn)


def test_a_part_of_a_turn_that_a_worker_goes_on_with_is_a_workers(studio: Studio, talk: Talk) -> None:
    app = OutlastingApplication(studio.deployment, studio, inline)
    talk.plans(paint("a fox"))
    turn = app.turns.submit(CALLER, talk.id, "a fox", WAITING.model_copy(update={"is_async": True})).job
    [(user, job_id)] = studio.job_queue.sent
    studio.job_queue.sent.clear()
    app.worker.run(user, job_id, Deadline(LONG))
    assert studio.job_queue.sent == [(USER, f"{turn.id}-paint0")]
    assert talk.part(turn, "paint0").status is JobStatus.QUEUED


def test_without_time_for_a_further_part_it_is_a_workers(studio: Studio, talk: Talk) -> None:
    talk.plans(paint("a fox"))
    app = OutlastingApplication(studio.deployment, studio, inline)
    later = Later()
    turn = submit(studio, talk, "a fox", later.start).job
    plan = talk.part(turn, "plan")
    app.in_place.begin(plan, Deadline(30.0), None)
    assert studio.job_queue.sent == [(USER, f"{turn.id}-paint0")]
    talk.run()
    # The process that claimed the plan was only halted: it sends nothing.
    later.do()
    assert talk.posts() == ["chat", "images"]
    assert_books_agree(talk, turn)


def test_what_the_budget_refuses_of_a_turn_ends_it(studio: Studio, talk: Talk) -> None:
    talk.plans(paint("a fox"))
    later = Later()
    turn = submit(studio, talk, "a fox", later.start).job
    studio.app.budgets.change(USER, {"per_request": 1})
    later.do()
    ended = talk.turn(turn)
    assert (ended.status, (ended.error or {})["code"]) == (JobStatus.FAILED, "COST_LIMIT")
    assert talk.posts() == ["chat"]
    assert_books_agree(talk, turn)


def test_what_the_budget_refuses_is_no_turn(studio: Studio, talk: Talk) -> None:
    studio.app.budgets.change(USER, {"per_day": 1})
    with pytest.raises(BudgetExceeded):
        submit(studio, talk, "warmer")
    assert talk.posts() == []


# Every write of such a turn: by whom, of which port, and how often it comes.
WRITES = [
    ("ledger", "admit", 3),
    ("ledger", "close", 3),
    ("jobs", "progress", 4),
    ("jobs", "finish", 1),
    ("images", "write_output", 3),
    ("conversations", "save", 1),
]


# The picture that the planner sees is kept first.
NOT_ADMITTED = {
    ("ledger", "admit", 1, "before"),
    *(("images", "write_output", 1, when) for when in ("before", "after")),
}


@pytest.mark.parametrize(("role", "method", "count"), WRITES)
def test_these_are_its_writes(talk: Talk, studio: Studio, role: str, method: str, count: int) -> None:
    everything(talk)
    counted = Deadly(getattr(studio, role), method, when="before", nth=count + 1)
    submit(dying(studio, role, counted), talk, "everything")
    assert counted._left == 1


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("role", "method", "nth", "when"),
    [
        (role, method, nth, when)
        for role, method, count in WRITES
        for nth in range(1, count + 1)
        for when in ("before", "after")
    ],
)
def test_killed_at_any_write_it_comes_to_its_end_and_is_paid_once(
    talk: Talk, studio: Studio, role: str, method: str, nth: int, when: str
) -> None:
    everything(talk)
    deadly = Deadly(getattr(studio, role), method, when=when, nth=nth)
    with pytest.raises(Killed):
        submit(dying(studio, role, deadly), talk, "everything")
    turns = [job for job in studio.of(USER).values() if job.turn]
    if not turns:
        # Nothing was admitted yet.
        assert talk.posts() == []
        assert (role, method, nth, when) in NOT_ADMITTED
        return
    for _ in range(12):
        if talk.turn(turns[0]).status.is_final:
            break
        talk.sweep()
    assert_all_done_once(talk, turns[0])


def test_a_worker_leaves_it_alone_until_its_lease_is_over(studio: Studio, talk: Talk) -> None:
    later = Later()
    turn = submit(studio, talk, "warmer", later.start).job
    studio.app.worker.run(USER, f"{turn.id}-plan", Deadline(LONG))
    studio.app.sweep.run(Deadline(LONG))
    talk.run()
    assert talk.posts() == []
    talk.sweep(timedelta(seconds=MAX_SECONDS) + LEASE_MARGIN)
    assert talk.turn(turn).status is JobStatus.SUCCEEDED
    later.do()
    assert talk.posts() == ["chat"]
    assert_books_agree(talk, turn)


class Removing:
    """A ledger, at whose first settlement the conversation is removed by its user."""

    def __init__(self, studio: Studio, talk: Talk) -> None:
        self._studio, self._talk, self._left = studio, talk, 1

    def close(self, *args: Any, **named: Any) -> Any:
        done = self._studio.ledger.close(*args, **named)
        if self._left:
            self._left -= 1
            self._studio.app.conversations.remove(USER, self._talk.id)
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._studio.ledger, name)


@pytest.mark.parametrize("action", [paint("a fox"), operations(WARM)], ids=["painted", "operated"])
def test_a_conversation_that_is_removed_while_it_is_planned_is_neither_painted_nor_made_again(
    studio: Studio, talk: Talk, action: dict[str, Any]
) -> None:
    talk.plans(action)
    # As the door has it: the conversation is read once for the request and the turn.
    with read_once():
        turn = submit(dying(studio, "ledger", Removing(studio, talk)), talk, "a fox").job
    talk.run()
    ended = talk.turn(turn)
    assert (ended.status, (ended.error or {})["code"], talk.posts()) == (JobStatus.FAILED, "NOT_FOUND", ["chat"])
    assert ended.cost.actual == sum(studio.charged(USER))
    assert studio.app.conversations.page(USER) == ([], None)


def test_a_conversation_that_has_changed_while_it_is_planned_keeps_what_others_did(studio: Studio, talk: Talk) -> None:
    later = Later()
    with read_once():
        turn = submit(studio, talk, "warmer", later.start).job
        assert talk.say("mirror it").status is JobStatus.SUCCEEDED
        later.do()
    assert talk.turn(turn).status is JobStatus.SUCCEEDED
    assert [(each.id, each.parent) for each in talk.now.versions] == [("v1", None), ("v2", "v1"), ("v3", "v1")]
    assert talk.now.spent == sum(studio.charged(USER))


def test_what_passes_by_itself_between_two_parts_is_tried_again_by_a_worker(studio: Studio, talk: Talk) -> None:
    class Away:
        left = 1

        def admit(self, job: Job, **named: Any) -> Any:
            if job.op == "paint" and self.left:
                self.left -= 1
                raise ServiceUnavailable("Too many write the same rows.")
            return studio.ledger.admit(job, **named)

        def __getattr__(self, name: str) -> Any:
            return getattr(studio.ledger, name)

    talk.plans(paint("a fox"))
    turn = submit(dying(studio, "ledger", Away()), talk, "a fox").job
    assert studio.job_queue.sent == [(USER, f"{turn.id}-plan")]
    talk.run()
    assert (talk.turn(turn).status, talk.posts()) == (JobStatus.SUCCEEDED, ["chat", "images"])
    assert_books_agree(talk, turn)


# ── As it is asked for ────────────────────────────────────────────────────────────────────────────────────────────────


def say(
    studio: Studio, talk: Talk, start: Callable[[Callable[[], None]], "Future[None]"], **headers: str
) -> tuple[int, dict[str, Any]]:
    api = routes(OutlastingApplication(studio.deployment, studio, start))
    path = f"/v1/conversations/{talk.id}/messages"
    event = http_event("POST", path, token=studio.token(USER), headers=headers, body={"content": "warmer"})
    event["routeKey"] = "POST /v1/conversations/{conversation_id}/messages"
    answer = api.handle(event, Context())  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"])


def test_the_answer_is_the_turn(studio: Studio, talk: Talk) -> None:
    status, body = say(studio, talk, inline)
    assert (status, body["settled"], body["version"]["id"]) == (200, True, "v2")
    assert (studio.job_queue.sent, studio.waited) == ([], 0.0)


def test_a_caller_who_waits_no_longer_gets_it_from_the_same_process_later(studio: Studio, talk: Talk) -> None:
    later = Later()
    status, body = say(studio, talk, later.start, prefer="wait=0", **{"idempotency-key": "k"})
    assert (status, body["status"]) == (202, "queued")
    later.do()
    assert say(studio, talk, later.start, **{"idempotency-key": "k"})[0] == 200
    assert talk.posts() == ["chat"]
    assert studio.job_queue.sent == []
