"""Turns that are broken off, hurried, or overtaken: each comes to its end, and nothing in it is paid twice."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from darkroom.errors import Conflict, ServiceUnavailable
from darkroom.models.conversation import Conversation
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.services.settlement import DECIDED_AFTER
from darkroom.services.worker import no_turns
from tests.unit.services.talking import USER, Talk, assert_books_agree, operations, paint
from tests.unit.studio import LONG, Studio

WARM = {"op": "colour_temperature", "temperature": 20}
CUT_OUT = {"op": "remove_background"}
ALL = (operations(WARM), operations(CUT_OUT), paint("a fox"), operations(CUT_OUT, WARM))


class Killed(BaseException):
    """What is raised where a process would be killed: nobody catches it."""


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def all_kinds(talk: Talk) -> Job:
    """A turn with a repair, operations here, operations where the model is, and a painting between them."""
    talk.answers("no plan")
    talk.plans(*ALL)
    return talk.submit("everything at once")


def assert_done_once(talk: Talk, turn: Job) -> None:
    turn = talk.turn(turn)
    assert (turn.status, turn.error) == (JobStatus.SUCCEEDED, None)
    assert talk.parts(turn).keys() == {"plan", "repair", "paint2"}
    assert talk.posts() == ["chat", "chat", "images"]
    assert [message.role for message in talk.now.messages] == ["user", "assistant"]
    assert [version.id for version in talk.now.versions] == ["v1", "v2"]
    steps = talk.now.versions[1].steps
    names = ["paint" if step.paint else (step.operation or {})["op"] for step in steps]
    assert names == ["colour_temperature", "remove_background", "paint", "remove_background", "colour_temperature"]
    assert_books_agree(talk, turn)


# ── Too often, and at once ────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_goes_on_with_a_turn_at_any_time_does_no_harm(talk: Talk, studio: Studio) -> None:
    turn = all_kinds(talk)
    for _ in range(100):
        for _ in range(3):
            studio.turns.advance(USER, turn.id)
        studio.sweep.run(Deadline(LONG))
        if studio.queue.sent:
            user, job_id = studio.queue.sent.pop(0)
            for _ in range(2):
                studio.worker.run(user, job_id, Deadline(LONG))
        elif studio.render_queue.sent:
            sent = studio.render_queue.sent.pop(0)
            for _ in range(2):
                assert studio.image_function.run(*sent)
        else:
            break
    studio.turns.advance(USER, turn.id)
    assert_done_once(talk, turn)


def at_once(count: int, what: Callable[[], Any]) -> list[Any]:
    together = Barrier(count)

    def one() -> Any:
        together.wait()
        return what()

    with ThreadPoolExecutor(count) as pool:
        return [each.result() for each in [pool.submit(one) for _ in range(count)]]


def test_two_at_a_time_admit_each_part_once_and_give_the_conversation_the_turn_once(talk: Talk, studio: Studio) -> None:
    turn = all_kinds(talk)
    for _ in range(60):
        at_once(4, lambda: studio.turns.advance(USER, turn.id))
        sent, studio.queue.sent = studio.queue.sent, []
        renders, studio.render_queue.sent = studio.render_queue.sent, []
        for job_id in {job_id for _, job_id in sent}:
            at_once(2, partial(studio.worker.run, USER, job_id, Deadline(LONG)))
        if renders:
            at_once(3, lambda: studio.image_function.run(USER, turn.id))
        if talk.turn(turn).status.is_final:
            break
    assert_done_once(talk, turn)


def test_turns_of_one_conversation_at_once_are_all_taken(talk: Talk, studio: Studio) -> None:
    turns = [talk.submit(said) for said in ("warmer", "mirror it", "sharpen it", "hello")]
    sent, studio.queue.sent = studio.queue.sent, []
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(studio.worker.run, user, job_id, Deadline(LONG)) for user, job_id in sent]:
            each.result()
    talk.run()
    assert {talk.turn(turn).status for turn in turns} == {JobStatus.SUCCEEDED}
    assert [version.id for version in talk.now.versions] == ["v1", "v2", "v3", "v4"]
    assert_books_agree(talk, *turns)


# ── Broken off ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Deadly:
    """A port that kills whoever calls a method for the nth time, before or after it has done its work."""

    def __init__(self, port: Any, method: str, *, when: str, nth: int) -> None:
        self._port, self._method, self._when, self._left = port, method, when, nth

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._counted(found) if name == self._method else found

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._when == "before":
                raise Killed
            done = method(*args, **named)
            if self._left == 0:
                raise Killed
            return done

        return call


# Every write of a turn: by whom, of which port, and how often it comes in a turn of all kinds.
WRITES = [
    ("ledger", "admit", 2),
    ("ledger", "close", 3),
    ("queue", "send", 4),
    ("render_queue", "send", 2),
    ("jobs", "progress", 7),
    ("jobs", "finish", 1),
    ("images", "write_output", 4),
    ("conversation_store", "save", 1),
]
POINTS = [
    (role, method, nth, when)
    for role, method, count in WRITES
    for nth in range(1, count + 1)
    for when in ("before", "after")
]


@pytest.mark.parametrize(("role", "method", "nth", "when"), POINTS)
def test_killed_at_any_write_a_turn_comes_to_its_end_and_is_paid_once(
    talk: Talk, studio: Studio, role: str, method: str, nth: int, when: str
) -> None:
    turn = all_kinds(talk)
    deadly = Deadly(getattr(studio, role), method, when=when, nth=nth)
    # The services of the process that is killed; the one that comes after has its own.
    doomed = Talk(dying(studio, role, deadly), talk.id)
    with pytest.raises(Killed):
        doomed.run()
    studio.queue.sent.clear()
    studio.render_queue.sent.clear()
    assert not talk.turn(turn).status.is_final or (role, when) == ("jobs", "after")
    for _ in range(12):
        if talk.turn(turn).status.is_final:
            break
        talk.sweep()
    assert_done_once(talk, turn)


def dying(studio: Studio, role: str, port: Any) -> Studio:
    """The same studio, in which a port is deadly for all services."""
    shared = (
        *("vault", "raw_answers", "settings", "webhooks", "conversation_store", "jobs", "queue", "render_queue"),
        "segmenter",
    )
    doomed = Studio(studio.simulator, studio.clock, **{name: getattr(studio, name) for name in shared})
    for name in ("ledger", "images"):
        vars(doomed)[name] = getattr(studio, name)
    if role in vars(doomed):
        vars(doomed)[role] = port
    else:
        setattr(doomed, role, port)
    return doomed


def test_what_passes_by_itself_is_tried_again(talk: Talk, studio: Studio) -> None:
    class Away:
        def admit(self, *_: object, **__: object) -> None:
            raise ServiceUnavailable("Too many write the same rows.")

        def __getattr__(self, name: str) -> Any:
            return getattr(studio.ledger, name)

    turn = talk.submit("make it a watercolour painting")
    doomed = dying(studio, "ledger", Away())
    with pytest.raises(ServiceUnavailable):
        Talk(doomed, talk.id).run()
    assert not talk.turn(turn).status.is_final
    talk.sweep()
    assert talk.turn(turn).status is JobStatus.SUCCEEDED
    assert_books_agree(talk, turn)


def test_after_a_day_a_turn_that_nobody_can_end_is_given_up(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("remove the background")
    studio.work()
    studio.clock.step(DECIDED_AFTER + timedelta(minutes=1))
    studio.sweep.run(Deadline(LONG))
    assert talk.turn(turn).status is JobStatus.FAILED
    talk.run()
    assert talk.turn(turn).status is JobStatus.FAILED
    assert (talk.now.current, [each.cost for each in talk.now.messages]) == ("v1", [0, sum(studio.charged(USER))])


# ── The conversation goes away ────────────────────────────────────────────────────────────────────────────────────────


def assert_gone(talk: Talk, turn: Job, posts: list[str]) -> None:
    turn = talk.turn(turn)
    assert turn.error is not None
    assert (turn.status, turn.error["code"], turn.error["charged"]) == (JobStatus.FAILED, "NOT_FOUND", True)
    assert talk.posts() == posts
    assert turn.cost.actual == sum(talk.studio.charged(USER))
    assert studio_is_quiet(talk.studio)
    # It is not made anew by what comes too late, and leaves nothing behind but what was paid for.
    assert (USER, talk.id) not in talk.studio.conversation_store.documents
    assert [key for key in talk.studio.images.outputs if key.startswith(f"outputs/{USER}/{turn.id}/")] == []


def studio_is_quiet(studio: Studio) -> bool:
    return all(account.reserved == 0 for account in studio.ledger.accounts.values()) and not list(
        studio.jobs.list_open()
    )


def test_removed_while_it_is_planned_a_conversation_is_not_painted_for(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("make it a watercolour painting")
    studio.conversations.remove(USER, talk.id)
    talk.run()
    assert_gone(talk, turn, ["chat"])


def test_nor_is_it_when_it_is_removed_before_the_painting(talk: Talk, studio: Studio) -> None:
    talk.plans(operations(CUT_OUT), paint("a fox"))
    turn = talk.submit("cut it out, and paint a fox")
    studio.work()
    assert studio.render_queue.sent
    studio.conversations.remove(USER, talk.id)
    talk.run()
    assert_gone(talk, turn, ["chat"])


def test_removed_while_it_is_painted_the_painting_is_paid_and_the_turn_fails(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("make it a watercolour painting")
    studio.work()
    studio.conversations.remove(USER, talk.id)
    talk.run()
    assert_gone(talk, turn, ["chat", "images"])


def test_removed_while_its_picture_is_made_the_turn_fails_and_leaves_no_picture(talk: Talk, studio: Studio) -> None:
    talk.plans(operations(WARM), paint("a fox"), operations(CUT_OUT))
    turn = talk.submit("warm, a fox, cut out")
    studio.work()
    studio.work()
    assert studio.render_queue.sent
    assert any(key.startswith(f"outputs/{USER}/{turn.id}/") for key in studio.images.outputs)
    studio.conversations.remove(USER, talk.id)
    talk.run()
    assert_gone(talk, turn, ["chat", "images"])
    # What was painted is paid, and stays with its job.
    (painted,) = talk.part(turn, "paint1").images
    assert painted.key in studio.images.outputs


def test_removed_between_reading_and_writing_it_stays_removed(talk: Talk, studio: Studio) -> None:
    class Removing:
        def save(self, conversation: Conversation) -> bool:
            studio.conversations.remove(USER, talk.id)
            return studio.conversation_store.save(conversation)

        def __getattr__(self, name: str) -> Any:
            return getattr(studio.conversation_store, name)

    turn = talk.submit("make it warmer")
    Talk(dying(studio, "conversation_store", Removing()), talk.id).run()
    assert_gone(talk, turn, ["chat"])


def test_removed_before_an_answer_that_was_lost_is_accounted_for(talk: Talk, studio: Studio) -> None:
    talk.fails("cut_body", path="/chat/completions")
    turn = talk.submit("make it warmer")
    studio.work()
    studio.conversations.remove(USER, talk.id)
    for _ in range(3):
        talk.sweep()
    ended = talk.turn(turn)
    assert (ended.status, ended.cost.actual) == (JobStatus.FAILED, sum(studio.charged(USER)))
    assert studio_is_quiet(studio)
    assert (USER, talk.id) not in studio.conversation_store.documents


def test_a_part_cannot_be_removed_while_its_turn_goes_on(talk: Talk, studio: Studio) -> None:
    """Its turn would find it missing, and have it done and paid for once more."""
    turn = talk.submit("make it warmer")
    user, part = studio.queue.sent.pop(0)
    dataclasses.replace(studio.worker, advance=no_turns).run(user, part, Deadline(LONG))
    assert talk.part(turn, "plan").status is JobStatus.SUCCEEDED
    with pytest.raises(Conflict):
        studio.shown.remove(user, part)
    # The message of a part that is over tells its turn, should nobody have done so.
    studio.worker.run(user, part, Deadline(LONG))
    assert talk.turn(turn).status is JobStatus.SUCCEEDED
    studio.shown.remove(user, part)
    assert len(studio.charged(USER)) == 1


def test_a_turn_can_be_canceled_until_its_planner_is_asked(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("make it warmer")
    canceled = studio.shown.cancel(USER, turn.id, studio.settlement.cancel)
    assert (canceled.status, talk.part(turn, "plan").status) == (JobStatus.CANCELED, JobStatus.CANCELED)
    talk.run()
    assert (talk.turn(turn).status, talk.now.messages, studio.charged(USER)) == (JobStatus.CANCELED, (), [])
    late = talk.submit("make it cooler")
    user, part = studio.queue.sent.pop(0)
    dataclasses.replace(studio.worker, advance=no_turns).run(user, part, Deadline(LONG))
    with pytest.raises(Conflict):
        studio.shown.cancel(USER, late.id, studio.settlement.cancel)


def test_removing_a_turns_job_leaves_its_picture_to_the_conversation(talk: Talk, studio: Studio) -> None:
    turn = talk.say("make it warmer")
    version = talk.now.version("v2")
    assert version is not None
    studio.shown.remove(USER, turn.id)
    assert version.image.key in studio.images.outputs
    studio.conversations.remove(USER, talk.id)
    assert version.image.key not in studio.images.outputs
