"""Turns, from what somebody says to a reply and a version: the planner and the painter are the simulator's."""

from datetime import timedelta

import pytest

from darkroom.errors import (
    IdempotencyKeyReused,
    InvalidPrompt,
    NotFound,
    PayloadTooLarge,
)
from darkroom.models.caller import Caller
from darkroom.models.conversation import Conversation
from darkroom.models.job import JobStatus
from darkroom.operations import parse
from darkroom.services.conversations import conversations as limits
from tests.application import Studio
from tests.photos import load
from tests.unit.services.talking import PICTURE, USER, Talk, assert_books_agree, operations, own, paint

WARM = {"op": "color_temperature", "temperature": 20}
SQUARE = {"op": "crop", "ratio": "1:1"}
SMALL = {"op": "resize", "width": 30}


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def steps(conversation: Conversation) -> list[str]:
    """What was done, from the first picture to the one that is shown."""
    version = conversation.version(str(conversation.current))
    found: list[str] = []
    while version is not None:
        names = ["paint" if step.paint else str((step.operation or {})["op"]) for step in version.steps]
        found = [*names, *found]
        version = conversation.version(version.parent) if version.parent else None
    return found


def versions(conversation: Conversation) -> list[tuple[str, str | None]]:
    return [(version.id, version.parent) for version in conversation.versions]


# ── What comes of a message ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_becomes_a_version_with_the_bytes_that_its_operations_make(talk: Talk, studio: Studio) -> None:
    turn = talk.say("make it warmer, and crop it square")
    assert turn.result["reply"] == "Done: warmer (20), square (1:1). I made it warmer. Square."
    assert (turn.status) == (JobStatus.SUCCEEDED)
    assert (turn.result["version"], talk.now.current, versions(talk.now)) == ("v2", "v2", [("v1", None), ("v2", "v1")])
    (version,) = talk.now.versions[1:]
    render = studio.app.render
    expected = render.apply(USER, PICTURE, parse([step.operation or {} for step in version.steps]))
    assert talk.bytes_of(talk.shown) == expected.data
    assert (load(expected.data).size, turn.images) == ((40, 40), (talk.shown,))
    assert talk.posts() == ["chat"]
    assert_books_agree(talk, turn)


def test_an_artistic_wish_is_painted_from_the_version_that_is_shown(talk: Talk, studio: Studio) -> None:
    turn = talk.say("make it a watercolour painting")
    assert (turn.status, turn.result["type"], steps(talk.now)) == (JobStatus.SUCCEEDED, "artistic", ["paint"])
    painted = talk.part(turn, "paint0")
    assert painted.images == (talk.shown,) == turn.images
    assert painted.work is not None
    assert [image.sha256 for image in painted.work.inputs] == [talk.now.versions[0].image.sha256]
    assert (painted.op, painted.conversation_id, painted.parent_id) == ("paint", talk.id, turn.id)
    assert talk.posts() == ["chat", "images"]
    assert turn.cost.charged is True
    assert_books_agree(talk, turn)


def test_operations_before_and_after_a_painting_are_done_in_their_order(talk: Talk) -> None:
    talk.plans(operations(SQUARE), paint("a fox"), operations(SMALL, WARM))
    turn = talk.say("square, then a fox, then small and warm")
    assert steps(talk.now) == ["crop", "paint", "resize", "color_temperature"]
    painted = talk.part(turn, "paint1")
    assert painted.work is not None
    (shown,) = painted.work.inputs
    assert (shown.width, shown.height) == (40, 40)
    assert talk.shown.width == 30
    assert talk.parts(turn).keys() == {"plan", "paint1"}
    assert [version.id for version in talk.now.versions] == ["v1", "v2"]
    assert_books_agree(talk, turn)


def test_undo_and_redo_may_be_said_and_cost_the_planner_alone(talk: Talk) -> None:
    warm, mirrored = talk.say("warmer"), talk.say("mirror it")
    undone = talk.say("undo that")
    assert (undone.result["type"], undone.result["version"], talk.now.undone) == ("history", "v2", ("v3",))
    assert (undone.images, own(undone.warnings)) == ((), ())
    redone = talk.say("redo")
    assert (redone.result["version"], talk.now.undone) == ("v3", ())
    nothing = talk.say("redo")
    assert (nothing.status, talk.now.current) == (JobStatus.SUCCEEDED, "v3")
    assert "nothing to redo" in own(nothing.warnings)[0]
    assert talk.posts() == ["chat"] * 5
    assert_books_agree(talk, warm, mirrored, undone, redone, nothing)


def test_after_an_undo_an_edit_begins_a_branch(talk: Talk) -> None:
    talk.say("warmer")
    talk.say("undo")
    talk.say("mirror it")
    assert (versions(talk.now)[1:], talk.now.current, talk.now.undone) == ([("v2", "v1"), ("v3", "v1")], "v3", ())
    assert steps(talk.now) == ["flip"]


def test_talk_changes_nothing(talk: Talk) -> None:
    turn = talk.say("hello there")
    assert (turn.status, turn.result["type"], turn.images) == (JobStatus.SUCCEEDED, "talk", ())
    assert (turn.result["version"], len(talk.now.versions), len(talk.now.messages)) == ("v1", 1, 2)
    assert_books_agree(talk, turn)


def test_where_there_is_no_picture_the_first_one_is_painted_from_words(studio: Studio) -> None:
    talk = Talk(studio).begin(None)
    first = talk.say("paint a red fox")
    made = talk.part(first, "paint0")
    assert made.work is not None
    assert made.work.inputs == talk.part(first, "plan").work.inputs == ()  # type: ignore[union-attr]
    assert (versions(talk.now), steps(talk.now)) == ([("v1", None)], ["paint"])
    assert made.images == (talk.shown,)
    second = talk.say("warmer")
    assert (versions(talk.now)[1:], steps(talk.now)) == ([("v2", "v1")], ["paint", "color_temperature"])
    assert_books_agree(talk, first, second)


def test_what_operations_warn_of_is_told(talk: Talk) -> None:
    talk.plans(operations({"op": "remove_background"}, {"op": "convert", "format": "jpeg"}))
    turn = talk.say("cut it out, as JPEG")
    expected = ("JPEG knows no transparency; the picture was put on white.",)
    assert own(turn.warnings) == own(talk.now.messages[-1].warnings) == expected


def test_two_turns_about_the_same_version_are_both_taken(talk: Talk) -> None:
    first, second = talk.submit("warmer"), talk.submit("mirror it")
    talk.run()
    assert versions(talk.now)[1:] == [("v2", "v1"), ("v3", "v1")]
    assert "went on meanwhile" in own(talk.turn(second).warnings)[0]
    assert own(talk.turn(first).warnings) == ()
    assert_books_agree(talk, first, second)


def test_the_same_said_again_of_the_same_picture_is_planned_for_nothing(studio: Studio) -> None:
    one, other = Talk(studio).begin(), Talk(studio).begin()
    assert one.say("warmer").cost.actual
    again = other.say("warmer")
    assert (again.cost.actual, again.cost.charged, again.result["version"]) == (0, False, "v2")
    assert one.bytes_of(one.shown) == other.bytes_of(other.shown)


# ── What is refused at once ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("said", ["", "  \n", "x" * 4001])
def test_a_message_has_something_to_say_and_not_too_much(talk: Talk, said: str) -> None:
    with pytest.raises(InvalidPrompt) as refused:
        talk.submit(said)
    assert refused.value.param == "content"


def test_a_conversation_that_is_full_is_not_paid_for(talk: Talk, studio: Studio) -> None:
    full = talk.now.model_copy(update={"title": "x" * limits.FULL_BYTES})
    assert studio.conversations.save(full)
    with pytest.raises(PayloadTooLarge):
        talk.submit("warmer")
    assert studio.paid_requests() == []


def test_anothers_conversation_is_not_there(talk: Talk, studio: Studio) -> None:
    with pytest.raises(NotFound):
        talk.submit("warmer", by=Caller(user="bob"))


def test_an_idempotency_key_is_one_turn(talk: Talk) -> None:
    first = talk.submit("warmer", idempotency_key="k")
    talk.run()
    assert talk.submit("warmer", idempotency_key="k").id == first.id
    talk.run()
    with pytest.raises(IdempotencyKeyReused):
        talk.submit("cooler", idempotency_key="k")
    assert (talk.posts(), len(talk.now.messages)) == (["chat"], 2)


def test_a_turn_that_is_not_begun_in_time_is_canceled(talk: Talk) -> None:
    turn = talk.submit("warmer", cancel_after=timedelta(minutes=1))
    talk.studio.clock.step(timedelta(minutes=2))
    talk.run()
    turn = talk.turn(turn)
    assert turn.error is not None
    assert (turn.status, turn.error["code"], turn.cost.actual) == (JobStatus.FAILED, "JOB_CANCELED", 0)
    assert talk.posts() == []
