"""Turns that are broken off, hurried, or overtaken: each comes to its end, and nothing in it is paid twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from darkroom.errors import ServiceUnavailable
from darkroom.models.deadline import Deadline
from darkroom.models.job import JobStatus
from darkroom.services.paid.settlement import DECIDED_AFTER
from tests.application import LONG, Studio
from tests.unit.services.interrupting import Deadly, Killed, all_kinds, assert_done_once, dying
from tests.unit.services.talking import USER, Talk, assert_books_agree

# Hundreds of runs over lines that other tests reach.
pytestmark = pytest.mark.no_cover


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


# ── Too often, and at once ────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_goes_on_with_a_turn_at_any_time_does_no_harm(talk: Talk, studio: Studio) -> None:
    turn = all_kinds(talk)
    for _ in range(100):
        for _ in range(3):
            studio.app.turns.advance(USER, turn.id)
        studio.app.sweep.run(Deadline(LONG))
        if studio.job_queue.sent:
            user, job_id = studio.job_queue.sent.pop(0)
            for _ in range(2):
                studio.app.worker.run(user, job_id, Deadline(LONG))
        elif studio.render_queue.sent:
            sent = studio.render_queue.sent.pop(0)
            for _ in range(2):
                assert studio.app.turn_render.run(*sent)
        else:
            break
    studio.app.turns.advance(USER, turn.id)
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
        at_once(4, lambda: studio.app.turns.advance(USER, turn.id))
        sent, studio.job_queue.sent = studio.job_queue.sent, []
        renders, studio.render_queue.sent = studio.render_queue.sent, []
        for job_id in {job_id for _, job_id in sent}:
            at_once(2, partial(studio.app.worker.run, USER, job_id, Deadline(LONG)))
        if renders:
            at_once(3, lambda: studio.app.turn_render.run(USER, turn.id))
        if talk.turn(turn).status.is_final:
            break
    assert_done_once(talk, turn)


def test_turns_of_one_conversation_at_once_are_all_taken(talk: Talk, studio: Studio) -> None:
    turns = [talk.submit(said) for said in ("warmer", "mirror it", "darker", "hello")]
    sent, studio.job_queue.sent = studio.job_queue.sent, []
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(studio.app.worker.run, user, job_id, Deadline(LONG)) for user, job_id in sent]:
            each.result()
    talk.run()
    assert {talk.turn(turn).status for turn in turns} == {JobStatus.SUCCEEDED}
    assert [version.id for version in talk.now.versions] == ["v1", "v2", "v3", "v4"]
    assert_books_agree(talk, *turns)


# ── Broken off ────────────────────────────────────────────────────────────────────────────────────────────────────────


# Every write of a turn: by whom, of which port, and how often it comes in a turn of all kinds.
WRITES = [
    ("ledger", "admit", 2),
    ("ledger", "close", 3),
    ("job_queue", "send", 4),
    ("render_queue", "send", 2),
    ("jobs", "progress", 7),
    ("jobs", "finish", 1),
    ("images", "write_output", 3),
    ("conversations", "save", 1),
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
    studio.job_queue.sent.clear()
    studio.render_queue.sent.clear()
    assert not talk.turn(turn).status.is_final or (role, when) == ("jobs", "after")
    for _ in range(12):
        if talk.turn(turn).status.is_final:
            break
        talk.sweep()
    assert_done_once(talk, turn)


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
    studio.carry_out()
    studio.clock.step(DECIDED_AFTER + timedelta(minutes=1))
    studio.app.sweep.run(Deadline(LONG))
    assert talk.turn(turn).status is JobStatus.FAILED
    talk.run()
    assert talk.turn(turn).status is JobStatus.FAILED
    assert (talk.now.current, [each.cost for each in talk.now.messages]) == ("v1", [0, sum(studio.charged(USER))])
