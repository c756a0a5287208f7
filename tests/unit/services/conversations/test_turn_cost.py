"""A turn is over when its picture and its words are there. What a part cost that did not say so is told later, once."""

from datetime import timedelta
from typing import Any

import pytest

from darkroom.models.job import Job, JobStatus
from darkroom.models.user_settings import Limits
from darkroom.services.paid.settlement import DECIDED_AFTER
from tests.application import Studio
from tests.unit.services.interrupting import Deadly, Killed, dying
from tests.unit.services.talking import USER, Talk, assert_books_agree, own

CHAT, IMAGES = "/chat/completions", "/images"
UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("missing_usage", {}),
    ("missing_cost", {}),
    ("missing_cost", {"form": "null"}),
    ("nan_cost", {}),
    ("nan_cost", {"form": "negative"}),
]
NAMES = ["no usage", "no cost", "null", "NaN", "negative"]


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def reserved(studio: Studio) -> set[int]:
    return {account.reserved for account in studio.ledger.accounts.values()}


def assert_unsettled(talk: Talk, turn: Job) -> None:
    turn = talk.turn(turn)
    assert (turn.cost.actual, turn.cost.settled, turn.cost.charged) == (None, False, "unknown")
    shown = talk.studio.app.jobs.show_cost(turn)
    assert (shown["actual_usd"], shown["settled"], shown["charged"]) == (None, False, "unknown")
    assert (talk.now.messages[-1].settled, talk.now.settled) == (False, False)
    assert turn in list(talk.studio.jobs.list_open())


def assert_settled(talk: Talk, turn: Job) -> None:
    turn = talk.turn(turn)
    assert (turn.cost.settled, turn.cost.charged, talk.now.settled) == (True, True, True)
    assert list(talk.studio.jobs.list_open()) == []
    assert_books_agree(talk, turn)


@pytest.mark.parametrize(("scenario", "options"), UNKNOWN, ids=NAMES)
def test_a_plan_that_does_not_say_what_it_cost_is_carried_out_at_once(
    talk: Talk, studio: Studio, scenario: str, options: dict[str, Any]
) -> None:
    talk.fails(scenario, path=CHAT, options=options)
    turn = talk.say("warmer")
    assert turn.result["reply"] == "Done: warmer (20). I made it warmer."
    assert (turn.status, turn.result["version"]) == ("succeeded", "v2")
    assert_unsettled(talk, turn)
    assert (talk.now.spent, talk.now.messages[-1].planned) == (0, None)
    # Until it is known, what was set aside stays so.
    assert reserved(studio) == {talk.part(turn, "plan").cost.reserved}
    for _ in range(3):
        talk.sweep()
        studio.app.turns.advance(USER, turn.id)
    assert_settled(talk, turn)
    planned = talk.now.messages[-1].planned
    assert planned is not None
    assert planned.cost == sum(studio.charged(USER))
    assert talk.posts() == ["chat"]


@pytest.mark.parametrize(("scenario", "options"), UNKNOWN, ids=NAMES)
def test_nor_is_a_painting_waited_for_that_does_not(
    talk: Talk, studio: Studio, scenario: str, options: dict[str, Any]
) -> None:
    talk.fails(scenario, path=IMAGES, options=options)
    turn = talk.say("make it a watercolour painting")
    assert (turn.status, turn.result["version"]) == (JobStatus.SUCCEEDED, "v2")
    assert_unsettled(talk, turn)
    # What the planner took is known, and counts.
    assert talk.now.spent == talk.now.messages[-1].cost == talk.part(turn, "plan").cost.actual
    for _ in range(3):
        talk.sweep()
    assert_settled(talk, turn)


def test_what_is_not_known_counts_as_reserved_towards_the_limit_of_one_request(talk: Talk, studio: Studio) -> None:
    talk.fails("missing_usage", path=CHAT)
    turn = talk.submit("make it a watercolour painting")
    plan = talk.part(turn, "plan")
    # Enough for the painting and what the plan will turn out to have cost, and not for what is set aside for it.
    limits = Limits(per_request=14_000 + plan.cost.reserved - 1)
    studio.settings.settings[USER] = studio.settings.load(USER).model_copy(update={"limits": limits})
    talk.run()
    turn = talk.turn(turn)
    assert turn.error is not None
    assert (turn.status, turn.error["code"], turn.error["charged"]) == (JobStatus.FAILED, "COST_LIMIT", "unknown")
    assert_unsettled(talk, turn)
    for _ in range(3):
        talk.sweep()
    turn = talk.turn(turn)
    assert turn.error is not None
    assert (turn.status, turn.error["code"], turn.error["charged"]) == (JobStatus.FAILED, "COST_LIMIT", True)
    assert talk.posts() == ["chat"]
    assert_settled(talk, turn)


def test_a_conversation_that_is_removed_meanwhile_stays_removed(talk: Talk, studio: Studio) -> None:
    talk.fails("missing_usage", path=CHAT)
    turn = talk.say("warmer")
    studio.app.conversations.remove(USER, talk.id)
    for _ in range(3):
        talk.sweep()
    turn = talk.turn(turn)
    assert (turn.status, turn.cost.settled, turn.cost.actual) == ("succeeded", True, sum(studio.charged(USER)))
    assert (reserved(studio), list(studio.jobs.list_open())) == ({0}, [])
    assert (USER, talk.id) not in studio.conversations.documents


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("role", "method"), [("conversations", "save"), ("jobs", "settle"), ("ledger", "close")])
def test_whoever_tells_the_cost_may_die_at_it(talk: Talk, studio: Studio, role: str, method: str, when: str) -> None:
    talk.fails("missing_usage", path=CHAT)
    turn = talk.say("warmer")
    doomed = dying(studio, role, Deadly(getattr(studio, role), method, when=when, nth=1))
    studio.clock.step(timedelta(minutes=5))
    with pytest.raises(Killed):
        Talk(doomed, talk.id).sweep()
    for _ in range(3):
        talk.sweep()
    assert_settled(talk, turn)


def test_a_total_that_is_passed_late_is_warned_of_once(talk: Talk, studio: Studio) -> None:
    studio.settings.settings[USER] = studio.settings.load(USER).model_copy(update={"warn_at_cost": 1})
    talk.fails("missing_usage", path=CHAT)
    turn = talk.say("warmer")
    assert own(turn.warnings) == ()
    for _ in range(3):
        talk.sweep()
    (warning,) = own(talk.turn(turn).warnings)
    assert warning.startswith("This conversation has cost $")
    assert own(talk.now.messages[-1].warnings) == (warning,)
    assert own(talk.say("mirror it").warnings) == ()


def test_turns_that_are_settled_late_and_in_time_add_up(talk: Talk) -> None:
    talk.fails("missing_cost", path=CHAT)
    late, known = talk.say("warmer"), talk.say("mirror it")
    assert (known.cost.settled, talk.now.settled, talk.now.spent) == (True, False, known.cost.actual)
    for _ in range(3):
        talk.sweep()
    assert_books_agree(talk, late, known)
    assert talk.now.settled


def test_a_turn_ends_after_a_day_though_nobody_knows_yet_what_became_of_its_part(talk: Talk, studio: Studio) -> None:
    talk.fails("cut_body", path=CHAT)
    turn = talk.submit("warmer")
    studio.clock.step(timedelta(minutes=20))
    talk.run()
    assert talk.turn(turn).status is JobStatus.UNCERTAIN
    # Whom the part was asked of can tell no more, for the key is another's by now.
    studio.connect(USER)
    studio.clock.step(DECIDED_AFTER - timedelta(minutes=19))
    studio.app.turns.advance(USER, turn.id)
    turn = talk.turn(turn)
    assert turn.error is not None
    assert (turn.status, turn.error["charged"], talk.part(turn, "plan").cost.settled) == ("failed", "unknown", False)
    for _ in range(5):
        talk.sweep(timedelta(minutes=10))
    turn = talk.turn(turn)
    assert (turn.cost.settled, turn.cost.charged, list(studio.jobs.list_open())) == (True, "unknown", [])
