"""A turn's operations on the picture, here and where the subject is known."""

import pytest

from darkroom.models.conversation import Step
from darkroom.models.job import JobStatus
from darkroom.services.conversations.turn_render import origin_of
from darkroom.services.recipes.render import Render
from tests.application import Studio
from tests.photos import load, photo, save
from tests.unit.services.talking import USER, Talk, assert_books_agree, operations, paint

CUT_OUT = {"op": "remove_background"}
UPLOAD = "upl_01HZZZZZZZZZZZZZZZZZZZZZZZ"


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def test_operations_that_need_the_subject_are_done_where_the_model_is(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("remove the background and make it warmer")
    studio.carry_out()
    waiting = talk.turn(turn)
    assert waiting.turn is not None
    assert (waiting.status, waiting.turn.rendering, waiting.turn.done) == (JobStatus.RUNNING, True, 0)
    assert (studio.render_queue.sent, studio.segmenter.asked) == ([(USER, turn.id)], 0)
    talk.run()
    assert (talk.turn(turn).status, studio.segmenter.asked) == (JobStatus.SUCCEEDED, 1)
    picture = load(talk.bytes_of(talk.shown))
    assert (picture.mode, picture.getchannel("A").getpixel((0, 0))) == ("RGBA", 0)
    assert_books_agree(talk, turn)


def test_a_message_to_the_image_function_that_got_lost_is_sent_again(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("remove the background")
    studio.carry_out()
    studio.render_queue.sent.clear()
    talk.sweep()
    assert talk.turn(turn).status is JobStatus.SUCCEEDED
    assert_books_agree(talk, turn)


def test_so_is_one_of_the_image_function_to_the_worker(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("remove the background")
    studio.carry_out()
    studio.app.turn_render.run(USER, turn.id)
    studio.job_queue.sent.clear()
    talk.sweep()
    assert talk.turn(turn).status is JobStatus.SUCCEEDED
    assert studio.segmenter.asked == 1


def test_an_operation_that_cannot_be_done_ends_the_turn_with_what_to_do(talk: Talk) -> None:
    talk.plans(operations({"op": "watermark", "image": "upl_01HZZZZZZZZZZZZZZZZZZZZZZZ"}))
    turn = talk.say("put upl_01HZZZZZZZZZZZZZZZZZZZZZZZ on it")
    assert turn.error is not None
    assert (turn.status, turn.error["code"], turn.error["charged"]) == (JobStatus.FAILED, "NOT_FOUND", True)
    assert [turn.cost.actual] == talk.studio.charged(USER)
    assert (talk.now.current, len(talk.now.versions), talk.now.spent) == ("v1", 1, turn.cost.actual)


def test_so_does_one_that_cannot_be_done_where_the_model_is(talk: Talk) -> None:
    picture = {"op": "watermark", "image": "upl_01HZZZZZZZZZZZZZZZZZZZZZZZ"}
    talk.plans(operations(CUT_OUT, picture), paint("a fox"))
    turn = talk.say("cut it out, sign it, and paint a fox")
    assert turn.error is not None
    assert (turn.status, turn.error["code"], turn.error["charged"]) == (JobStatus.FAILED, "NOT_FOUND", True)
    assert talk.posts() == ["chat"]


def replayed(talk: Talk) -> bytes:
    """What the recipe of the version that is shown makes of the first picture."""
    studio, conversation = talk.studio, talk.now
    done = [step.operation or {} for step in studio.app.conversations.recipe(conversation)]
    render = Render(studio.images, studio.app.sources, 25, studio.segmenter, lambda _user: "u2net")
    return render.redo(USER, conversation.versions[0].image, done).data


def test_after_any_number_of_turns_a_picture_is_what_its_recipe_makes_of_the_first(studio: Studio) -> None:
    talk = Talk(studio).begin(save(photo("chelsea").resize((60, 40)), "JPEG"))
    for each in (
        "warmer",
        "crop it square",
        "undo",
        "some film grain",
        "remove the background",
        "mirror it",
        "sharpen",
    ):
        talk.say(each)
        assert talk.bytes_of(talk.shown) == replayed(talk), each
    assert len(studio.app.conversations.recipe(talk.now)) == 5
    studio.app.conversations.branch(USER, talk.id, "v2")
    talk.say("sharpen it")
    assert talk.bytes_of(talk.shown) == replayed(talk)


def test_what_was_painted_is_where_it_begins_anew(talk: Talk, studio: Studio) -> None:
    talk.say("warmer")
    painted = talk.part(talk.say("make it a watercolour painting"), "paint0").images[0]
    talk.say("mirror it")
    talk.say("darker")
    done = [step.operation or {} for step in studio.app.conversations.recipe(talk.now)[2:]]
    made = studio.app.render.redo(USER, painted, done)
    assert [each["op"] for each in done] == ["flip", "brightness"]
    assert talk.bytes_of(talk.shown) == made.data


def test_what_cannot_be_done_again_is_not_needed_to_go_on(talk: Talk, studio: Studio) -> None:
    key = f"uploads/{USER}/{UPLOAD}"
    studio.images.drop(key, save(photo("chelsea").resize((20, 20)), "PNG"))
    talk.plans(operations({"op": "watermark", "image": UPLOAD}))
    assert talk.say(f"sign it with {UPLOAD}").status is JobStatus.SUCCEEDED
    signed = talk.shown
    studio.images.uploads.clear()
    assert talk.say("mirror it").status is JobStatus.SUCCEEDED
    render = studio.app.render
    assert talk.bytes_of(talk.shown) == render.redo(USER, signed, [{"op": "flip", "direction": "horizontal"}]).data


def test_a_history_that_is_too_long_is_not_done_again(talk: Talk) -> None:
    once = Step(operation={"op": "flip"})
    first = talk.now.versions[0]
    for count, origin in ((200, first), (201, None)):
        long = first.model_copy(update={"id": "v2", "parent": "v1", "steps": (once,) * count})
        conversation = talk.now.model_copy(update={"versions": (first, long)})
        image, since = origin_of(conversation, long)
        assert (image, len(since)) == ((origin or long).image, count if origin else 0)
