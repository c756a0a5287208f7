"""The planner's part of a turn: what becomes of its answers, of its refusals, and of what it may not do."""

import json
from typing import Any

import pytest

from darkroom.errors import CostLimit, UnsupportedModel
from darkroom.models.conversation import Conversation
from darkroom.models.job import JobStatus, TurnChoices
from darkroom.models.user_settings import Limits, UserSettings
from tests.application import PLANNER, Studio
from tests.unit.services.talking import NO_PLAN, USER, Talk, assert_books_agree, operations, paint

WARM = {"op": "color_temperature", "temperature": 20}
CHAT = "/chat/completions"
BLIND = "openai/gpt-oss-20b"


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


def choose(studio: Studio, **settings: Any) -> None:
    studio.settings.settings[USER] = UserSettings(**settings)


def test_an_answer_that_is_no_plan_is_asked_for_once_more(talk: Talk) -> None:
    talk.answers(NO_PLAN)
    turn = talk.say("warmer")
    assert (turn.status, steps(talk.now)) == (JobStatus.SUCCEEDED, ["color_temperature"])
    assert talk.parts(turn).keys() == {"plan", "repair"}
    repair = talk.part(turn, "repair")
    assert repair.work is not None
    assert repair.work.chat is not None
    assert "not JSON" in repair.work.chat.messages[0].text
    assert (repair.work.chat.messages[-2].text, repair.work.chat.messages[-1].text) == (NO_PLAN, "warmer")
    assert repair.work.inputs == talk.part(turn, "plan").work.inputs  # type: ignore[union-attr]
    assert talk.posts() == ["chat", "chat"]
    assert_books_agree(talk, turn)


def test_after_two_such_answers_nothing_is_done_and_it_is_said_so(talk: Talk) -> None:
    talk.answers(NO_PLAN, times=2)
    turn = talk.say("make it a watercolour painting")
    assert (turn.status, turn.result["type"]) == (JobStatus.SUCCEEDED, "talk")
    assert turn.result["reply"].startswith("Nothing was changed. I could not make a plan of that;")
    assert (talk.now.current, talk.now.messages[-1].content) == ("v1", turn.result["reply"])
    assert talk.posts() == ["chat", "chat"]
    assert turn.cost.actual == sum(part.cost.actual or 0 for part in talk.parts(turn).values()) > 0
    assert_books_agree(talk, turn)


@pytest.mark.parametrize(
    ("text", "script"), [("版权所有", "Chinese"), ("株式会社", "Chinese"), ("사진", "Korean"), ("🎈", "")]
)
def test_a_text_that_no_font_here_can_write_is_refused_with_that_reason(talk: Talk, text: str, script: str) -> None:
    talk.plans(operations({"op": "text", "text": text}), times=2)
    turn = talk.say("write that")
    assert (turn.status, talk.now.current) == (JobStatus.SUCCEEDED, "v1")
    begins = f"Nothing was changed. What was planned cannot be done: There are no letters here for '{min(text)}'"
    assert turn.result["reply"].startswith(begins)
    assert ("A font for Chinese, Japanese or Korean" in turn.result["reply"]) == bool(script)
    assert turn.warnings[0] in turn.result["reply"]


def test_a_plan_that_may_not_be_is_not_carried_out_even_in_part(talk: Talk) -> None:
    talk.plans(operations(WARM, {"op": "run_shell", "command": "rm"}), times=2)
    turn = talk.say("warmer, and run a program")
    assert (turn.result["type"], talk.now.current, talk.posts()) == ("talk", "v1", ["chat", "chat"])


@pytest.mark.parametrize(
    ("scenario", "code"), [("content_policy", "INVALID_PROMPT"), ("moderation", None), ("out_of_credit", None)]
)
def test_a_planner_that_refuses_ends_the_turn_for_nothing(talk: Talk, scenario: str, code: str | None) -> None:
    talk.fails(scenario, path=CHAT, times=None)
    turn = talk.say("warmer")
    assert turn.status is JobStatus.FAILED
    assert turn.error == {**(talk.part(turn, "plan").error or {}), "charged": False}
    assert code is None or turn.error["code"] != "INTERNAL_ERROR"
    assert (turn.cost.actual, turn.cost.settled, turn.cost.charged) == (0, True, False)
    assert (talk.now.messages, talk.now.current, talk.studio.charged(USER)) == ((), "v1", [])


def test_a_planner_that_broke_off_is_waited_for_until_it_is_known_what_it_cost(talk: Talk) -> None:
    talk.fails("cut_body", path=CHAT)
    turn = talk.say("warmer")
    assert talk.part(turn, "plan").status is JobStatus.UNCERTAIN
    assert not turn.status.is_final
    for _ in range(3):
        talk.sweep()
    turn, (paid,) = talk.turn(turn), talk.studio.charged(USER)
    assert (turn.status, turn.cost.actual, turn.cost.charged) == (JobStatus.FAILED, paid, True)
    assert turn.error is not None
    assert turn.error["charged"] is True
    assert talk.posts() == ["chat"]


def test_a_planner_that_cannot_see_is_refused_and_not_replaced_by_a_dearer_one(talk: Talk, studio: Studio) -> None:
    choose(studio, chat_model=BLIND)
    for choices in (TurnChoices(), TurnChoices(model=BLIND)):
        with pytest.raises(UnsupportedModel, match=f"{BLIND} cannot look at pictures"):
            talk.submit("warmer", choices=choices)
    assert studio.paid_requests() == []


def test_a_planner_that_has_gone_gives_way_with_a_warning(talk: Talk, studio: Studio) -> None:
    choose(studio, chat_model="acme/gone")
    turn = talk.say("warmer")
    assert (turn.status, talk.part(turn, "plan").model_requested) == (JobStatus.SUCCEEDED, PLANNER)
    assert "acme/gone" in turn.warnings[0]
    assert_books_agree(talk, turn)


# ── What a message says for itself ────────────────────────────────────────────────────────────────────────────────────

ANOTHER = "anthropic/claude-haiku-4.5"
PAINTER = "black-forest-labs/flux.2-pro"


def test_a_message_chooses_its_planner_and_its_painter(talk: Talk, studio: Studio) -> None:
    turn = talk.say("make it a watercolour painting", choices=TurnChoices(model=ANOTHER, image_model=PAINTER))
    assert (turn.status, talk.part(turn, "plan").model_used) == (JobStatus.SUCCEEDED, ANOTHER)
    assert talk.part(turn, "paint0").model_used == PAINTER
    assert talk.now.messages[-1].model_used == ANOTHER
    # The next one is as it is set again.
    after = talk.say("make it an oil painting")
    assert (talk.part(after, "plan").model_used, talk.now.messages[-1].model_used) == (PLANNER, PLANNER)
    assert talk.part(after, "paint0").model_used != PAINTER
    assert_books_agree(talk, turn, after)


def test_a_message_may_name_who_stands_in_for_its_planner(talk: Talk) -> None:
    choices = TurnChoices(model="acme/gone", fallback_models=(ANOTHER,))
    turn = talk.say("warmer", choices=choices)
    assert talk.part(turn, "plan").model_used == ANOTHER
    assert any("acme/gone" in warning for warning in turn.warnings)


def test_what_a_message_may_cost_is_a_wall_for_all_of_its_calls(talk: Talk, studio: Studio) -> None:
    turn = talk.say("make it a watercolour painting", choices=TurnChoices(max_cost=20_000, image_model=PAINTER))
    assert turn.status is JobStatus.FAILED, "the painting alone costs three cents"
    assert turn.error is not None
    assert (turn.error["code"], turn.error["charged"], talk.posts()) == ("COST_LIMIT", True, ["chat"])
    assert 0 < sum(studio.charged(USER)) <= 20_000
    with pytest.raises(CostLimit):
        talk.submit("warmer", choices=TurnChoices(max_cost=100))
    wide = talk.say("make it a watercolour painting", choices=TurnChoices(max_cost=60_000, image_model=PAINTER))
    assert wide.status is JobStatus.SUCCEEDED
    assert sum(part.cost.reserved for part in talk.parts(wide).values()) <= 60_000 + 20_000


def test_a_message_may_ask_for_sources_that_keep_nothing(talk: Talk) -> None:
    call = talk.part(talk.submit("warmer", choices=TurnChoices(zdr=True)), "plan")
    assert call.work is not None
    assert call.work.chat is not None
    assert call.work.chat.zdr


def test_where_there_is_no_picture_a_planner_need_not_see(studio: Studio) -> None:
    choose(studio, chat_model=BLIND)
    talk = Talk(studio).begin(None)
    talk.plans(paint("a red fox"))
    turn = talk.say("paint a red fox")
    assert (turn.status, steps(talk.now), turn.result["type"]) == (JobStatus.SUCCEEDED, ["paint"], "artistic")
    assert (talk.part(turn, "plan").model_requested, talk.posts()) == (BLIND, ["chat", "images"])
    assert_books_agree(talk, turn)
    # Now there is one.
    with pytest.raises(UnsupportedModel, match="cannot look at pictures"):
        talk.submit("warmer")


# ── What is said is what was done ─────────────────────────────────────────────────────────────────────────────────────

CLAIM = "I did it again, and removed the background."


@pytest.mark.parametrize(
    ("type_", "actions"), [("talk", []), ("technical", []), ("history", [{"kind": "redo"}]), ("artistic", [])]
)
def test_a_claim_of_what_was_not_done_does_not_stand(talk: Talk, type_: str, actions: list[Any]) -> None:
    talk.answers(json.dumps({"reply": CLAIM, "type": type_, "actions": actions}))
    turn = talk.say("do that again")
    assert turn.status is JobStatus.SUCCEEDED
    reply = turn.result["reply"]
    assert reply.startswith("Nothing was changed. ")
    assert talk.now.messages[-1].content == reply
    assert (talk.now.current, len(talk.now.versions)) == ("v1", 1)
    assert (f"The planner says: “{CLAIM}”" in reply) is (type_ == "talk")
    if actions:
        assert "nothing to redo" in reply


def test_what_was_carried_out_is_told_in_the_planners_words(talk: Talk) -> None:
    talk.plans(operations(WARM), reply="Ich habe es wärmer gemacht.")
    assert talk.say("wärmer").result["reply"] == "Done: warmer (20). Ich habe es wärmer gemacht."
    assert talk.say("undo").result["reply"] == talk.now.messages[-1].content
    assert not talk.now.messages[-1].content.startswith("Nothing")


def test_operations_that_made_no_difference_are_said_to_have_made_none(talk: Talk) -> None:
    talk.say("warmer")
    talk.plans(operations({"op": "brightness", "amount": 0}), reply=CLAIM)
    turn = talk.say("brighter")
    assert turn.result["reply"] == "Nothing was changed. Without effect on this picture: brighter (0 %)."
    assert (turn.images, [each.id for each in talk.now.versions]) == ((), ["v1", "v2"])


def test_pixels_that_stay_make_no_version_either(talk: Talk) -> None:
    talk.plans(operations({"op": "brightness", "amount": 0}), reply=CLAIM)
    turn = talk.say("brighter")
    assert (turn.images, talk.now.current, len(talk.now.versions)) == ((), "v1", 1)
    talk.plans(operations({"op": "convert", "format": "webp"}), reply=CLAIM)
    assert talk.say("as webp").result["reply"] == "Done: file format (webp)."


def test_a_planner_hears_its_own_words_and_not_what_was_put_before_them(talk: Talk) -> None:
    talk.say("hello there")
    assert talk.now.messages[-1].content.startswith("Nothing was changed.")
    turn = talk.submit("warmer")
    work = talk.part(turn, "plan").work
    assert work is not None
    assert work.chat is not None
    assert not any("Nothing was changed" in message.text for message in work.chat.messages)


# ── What is set aside ─────────────────────────────────────────────────────────────────────────────────────────────────

OPUS = "anthropic/claude-opus-4.6"


@pytest.mark.parametrize(("day", "tokens"), [(5_000_000, 2000), (110_000, 1500), (77_000, 750)])
def test_the_answer_is_as_long_as_the_limits_allow(studio: Studio, day: int, tokens: int) -> None:
    choose(studio, chat_model=OPUS, limits=Limits(per_request=100_000, per_day=day))
    talk = Talk(studio).begin()
    call = talk.part(talk.say("warmer"), "plan")
    assert call.work is not None
    assert call.work.chat is not None
    assert call.work.chat.max_completion_tokens == tokens
    assert (call.cost.actual or 0) < call.cost.reserved <= day


def test_a_planner_that_paints_is_told_to_answer_in_words(studio: Studio) -> None:
    """Or a picture that nobody asked for is charged beyond what was set aside."""
    choose(studio, chat_model="google/gemini-2.5-flash-image")
    talk = Talk(studio).begin()
    call = talk.part(talk.say("warmer"), "plan")
    assert (talk.now.current, call.cost.charged) == ("v2", True)
    assert 0 < (call.cost.actual or 0) < call.cost.reserved
    assert studio.paid_requests()[-1]["body"]["modalities"] == ["text"]
