"""The painter's part of a turn: whether anything may be painted, what it costs, and who forbids it."""

import json
from typing import Any

import pytest

from darkroom.errors import (
    BudgetExceeded,
)
from darkroom.models.job import JobStatus
from darkroom.models.money import said
from darkroom.models.user_settings import UserSettings
from tests.application import Studio
from tests.unit.services.talking import USER, Talk, assert_books_agree, operations, own, paint

WARM = {"op": "color_temperature", "temperature": 20}
DEAR = "google/gemini-2.5-flash-image"
IMAGES = "/images"
LOCAL = "preferred_manipulation_method"


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def choose(studio: Studio, **settings: Any) -> None:
    studio.settings.settings[USER] = UserSettings(**settings)


OFF: dict[str, dict[str, Any]] = {
    "enable_image_generation": {"enable_image_generation": False},
    LOCAL: {"manipulation_method": "local"},
}
WISHES = ("Make it an oil painting", "add a red balloon", "paint a red fox", "make it a watercolour painting")


@pytest.mark.parametrize("has_picture", [True, False])
@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("setting", OFF)
def test_where_nothing_may_be_painted_the_setting_is_named_and_nobody_claims_otherwise(
    studio: Studio, setting: str, wish: str, has_picture: bool
) -> None:
    choose(studio, **OFF[setting])
    talk = Talk(studio).begin(*(() if has_picture else (None,)))
    turn = talk.say(wish)
    reply = turn.result["reply"]
    assert (turn.status, talk.posts()) == (JobStatus.SUCCEEDED, ["chat"])
    assert f"`{setting}`" in reply
    assert [each for each in turn.warnings if f"`{setting}`" in each] == list(own(turn.warnings))
    assert len(own(turn.warnings)) == 1
    assert "I painted" not in reply
    is_near = has_picture and "painting" in wish
    assert turn.result["type"] == ("technical" if is_near else "talk")
    assert ("Nothing was changed" in reply) is not is_near
    assert talk.now.messages[-1].content == reply
    assert_books_agree(talk, turn)


@pytest.mark.parametrize("wish", ["make it warmer", "hello"])
def test_of_what_needs_no_painting_nothing_is_said_about_it(talk: Talk, studio: Studio, wish: str) -> None:
    choose(studio, enable_image_generation=False)
    turn = talk.say(wish)
    assert (own(turn.warnings), "painting" in turn.result["reply"].lower()) == ((), False)


@pytest.mark.parametrize(
    "claim",
    [
        "I painted that.",
        "Done! I've added a red balloon.",
        "I have turned it into an oil painting.",
        "Ich habe einen Ballon hinzugefügt.",
        "J’ai peint un renard.",
        "He pintado un zorro.",
        "Here is your painting.",
    ],
)
@pytest.mark.parametrize("flag", [True, None])
def test_a_planner_that_claims_to_have_painted_is_not_repeated(
    talk: Talk, studio: Studio, claim: str, flag: bool | None
) -> None:
    choose(studio, enable_image_generation=False)
    told = {} if flag is None else {"needs_painting": flag}
    talk.answers(json.dumps({"reply": claim, "type": "artistic", "actions": [], **told}))
    turn = talk.say("add a red balloon")
    assert turn.result["reply"] == f"Nothing was changed. {turn.warnings[0]}"
    assert "`enable_image_generation`" in turn.warnings[0]
    assert claim not in json.dumps(turn.model_dump(mode="json")["result"], ensure_ascii=False)
    assert talk.now.current == "v1"


def test_what_was_done_in_its_place_is_named(talk: Talk, studio: Studio) -> None:
    choose(studio, enable_image_generation=False)
    plan = {"reply": "I painted it.", "type": "artistic", "actions": [operations(WARM)], "needs_painting": True}
    talk.answers(json.dumps(plan))
    turn = talk.say("as an oil painting")
    assert turn.result["reply"] == f"{turn.warnings[0]} Done: warmer (20)."
    assert (turn.result["type"], talk.now.current) == ("technical", "v2")


@pytest.mark.parametrize(
    ("language", "claim", "facts"),
    [
        ("en", "Added a red balloon.", "Done: brighter (20 %)."),
        ("de", "Ich habe einen roten Ballon gemalt.", "Gemacht: heller (20 %)."),
        ("fr", "J’ai ajouté un ballon rouge.", "Fait : plus lumineux (20 %)."),
        ("es", "He añadido un globo rojo.", "Hecho: más brillante (20 %)."),
        ("zh", "我画了一个红气球。", "已完成：更亮 (20 %)。"),
        ("ja", "赤い風船を描きました。", "完了：明るく (20 %)。"),
        ("it", "Ho dipinto un palloncino rosso.", "Done: brighter (20 %)."),
        ("ru", "Я нарисовал красный шар.", "Done: brighter (20 %)."),
        ("en", "I made it brighter and painted a red balloon.", "Done: brighter (20 %)."),
    ],
)
@pytest.mark.parametrize("is_off", [True, False])
def test_what_is_claimed_beside_what_was_done_is_not_repeated_in_any_language(
    talk: Talk, studio: Studio, language: str, claim: str, facts: str, *, is_off: bool
) -> None:
    if is_off:
        choose(studio, enable_image_generation=False)
    action = operations({"op": "brightness", "amount": 20})
    plan = {"reply": claim, "type": "technical", "actions": [action], "language": language, "needs_painting": False}
    talk.answers(json.dumps(plan, ensure_ascii=False))
    assert talk.say("add a red balloon").result["reply"] == facts


@pytest.mark.parametrize(
    ("language", "claim", "facts"),
    [
        ("en", "I made it warmer.", "Nothing was changed. I could not make a plan of that;"),
        ("de", "Ich habe es wärmer gemacht.", "Es wurde nichts geändert. Daraus konnte ich keinen Plan machen;"),
        ("zh", "我把它调暖了。", "没有做任何更改。 无法据此制定步骤"),
        ("it", "L’ho reso più caldo.", "Nothing was changed. I could not make a plan of that;"),
    ],
)
def test_a_plan_that_does_nothing_claims_nothing(talk: Talk, language: str, claim: str, facts: str) -> None:
    plan = {"reply": claim, "type": "technical", "actions": [], "language": language}
    talk.answers(json.dumps(plan, ensure_ascii=False))
    reply = talk.say("make it warmer").result["reply"]
    assert (reply.startswith(facts), claim in reply, talk.now.current) == (True, False, "v1")


def test_what_is_said_where_nothing_is_done_is_said_to_be_the_planners(talk: Talk) -> None:
    talk.answers(json.dumps({"reply": "A cat, I think.", "type": "talk", "actions": [], "language": "en"}))
    reply = talk.say("What do you see?").result["reply"]
    assert reply == "Nothing was changed. The planner says: “A cat, I think.”"


@pytest.mark.parametrize("action", [paint("a fox"), {"kind": "generate", "prompt": "a fox"}])
@pytest.mark.parametrize("setting", OFF)
def test_a_plan_that_paints_all_the_same_paints_nothing(
    talk: Talk, studio: Studio, action: dict[str, Any], setting: str
) -> None:
    choose(studio, **OFF[setting])
    talk.answers(json.dumps({"reply": "I painted a fox.", "type": "artistic", "actions": [action]}), times=2)
    turn = talk.say("a fox")
    assert (turn.result["type"], talk.posts()) == ("talk", ["chat", "chat"])
    assert turn.result["reply"] == f"Nothing was changed. {turn.warnings[0]}"
    assert f"`{setting}`" in turn.warnings[0]
    assert talk.now.current == "v1"
    assert_books_agree(talk, turn)


@pytest.mark.parametrize(
    ("method", "said", "type_", "posts"),
    [
        ("local", "make it warmer", "technical", ["chat"]),
        ("local", "add a hat", "talk", ["chat"]),
        ("generative", "make it a watercolour painting", "artistic", ["chat", "images"]),
    ],
)
def test_how_pictures_are_changed_is_chosen_by_the_user(
    talk: Talk, studio: Studio, method: Any, said: str, type_: str, posts: list[str]
) -> None:
    choose(studio, manipulation_method=method)
    turn = talk.say(said)
    assert (turn.status, turn.result["type"], talk.posts()) == (JobStatus.SUCCEEDED, type_, posts)
    assert_books_agree(talk, turn)


def test_where_the_users_own_models_are_gone_others_do_it_and_that_is_said(talk: Talk, studio: Studio) -> None:
    choose(studio, chat_model="gone/talker", image_edit_model="gone/painter")
    turn = talk.say("make it a watercolour painting")
    assert (turn.status, talk.posts()) == (JobStatus.SUCCEEDED, ["chat", "images"])
    used = [talk.part(turn, name).model_used for name in ("plan", "paint0")]
    assert turn.warnings[:2] == (
        f"Your `ai_chat_model`, gone/talker, cannot be had now; {used[0]} is used instead.",
        f"Your `image_edit_model`, gone/painter, cannot be had now; {used[1]} is used instead.",
    )
    assert_books_agree(talk, turn)


def test_with_the_generative_method_nothing_is_changed_by_operations(talk: Talk, studio: Studio) -> None:
    choose(studio, manipulation_method="generative")
    talk.plans(operations(WARM), times=2)
    assert talk.say("warmer").result["type"] == "talk"


def test_a_painter_that_refuses_ends_the_turn_and_the_planner_stays_paid(talk: Talk) -> None:
    talk.fails("moderation", path=IMAGES, times=None)
    turn = talk.say("make it a watercolour painting")
    (paid,) = talk.studio.charged(USER)
    assert (turn.status, turn.cost.actual, turn.cost.charged) == (JobStatus.FAILED, paid, True)
    assert turn.error is not None
    refused = talk.part(turn, "paint0")
    assert (turn.error["code"], turn.error["charged"]) == ((refused.error or {})["code"], True)
    assert (refused.error or {})["charged"] is False
    assert (talk.now.current, talk.now.versions[1:], talk.now.spent) == ("v1", (), paid)
    assert talk.now.messages[-1].content.startswith("That did not work.")


def test_a_painting_that_broke_off_is_neither_lost_nor_sent_again(talk: Talk) -> None:
    talk.fails("cut_body", path=IMAGES)
    turn = talk.say("make it a watercolour painting")
    assert (talk.part(turn, "paint0").status, turn.status) == (JobStatus.UNCERTAIN, JobStatus.UNCERTAIN)
    assert turn.error is not None
    assert (turn.error["charged"], turn.error["retryable"]) == ("unknown", False)
    shown = talk.studio.app.jobs.show(turn)["cost"]
    assert (shown["actual_usd"], shown["settled"], shown["charged"]) == (None, False, "unknown")
    for _ in range(3):
        talk.sweep()
    turn = talk.turn(turn)
    assert (turn.status, turn.cost.actual) == (JobStatus.FAILED, sum(talk.studio.charged(USER)))
    assert talk.posts() == ["chat", "images"]


# ── Money ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_turn_costs_no_more_than_a_request_may(studio: Studio) -> None:
    """Its limit is for all its calls together: this one is enough for either of them, and not for both."""
    talk = Talk(studio).begin()
    planned, painted = (job.cost for job in talk.parts(talk.say("make it a watercolour painting")).values())
    per_request = max(planned.estimated or 0, painted.estimated or 0) + (planned.actual or 0) - 100
    choose(studio, limits={"per_request": per_request})
    paid = len(studio.charged(USER))
    turn = Talk(studio).begin().say("please make it a watercolour painting")
    assert turn.status is JobStatus.FAILED
    assert turn.error is not None
    assert (turn.error["code"], turn.error["charged"], turn.cost.charged) == ("COST_LIMIT", True, True)
    # It says of which limit how much is left, and why.
    left = per_request - (turn.cost.actual or 0)
    expected = {"limit": "max_cost_per_request", "limit_usd": per_request, "remaining_usd": left}
    expected |= {"spent_usd": turn.cost.actual, "estimated_usd": painted.estimated}
    for name, amount in expected.items():
        assert turn.error[name] == (pytest.approx(amount / 1e6) if isinstance(amount, int) else amount)
    for amount in (per_request, left, painted.estimated or 0, turn.cost.actual or 0):
        assert said(amount) in turn.error["detail"]
    assert [turn.cost.actual] == studio.charged(USER)[paid:]
    assert talk.parts(turn).keys() == {"plan"}


@pytest.mark.parametrize("name", ["conversation", "day", "month"])
def test_a_painting_for_which_a_budget_has_too_little_left_is_not_begun(studio: Studio, name: str) -> None:
    studio.painter = DEAR
    choose(studio, limits={f"per_{name}": 30_000})
    talk = Talk(studio).begin()
    turn = talk.say("make it a watercolour painting")
    assert turn.status is JobStatus.FAILED
    assert turn.error is not None
    assert (turn.error["code"], turn.error["charged"], turn.error["budget"]) == ("BUDGET_EXCEEDED", True, name)
    assert [turn.cost.actual] == studio.charged(USER)
    assert (list(talk.parts(turn)), talk.posts()) == (["plan"], ["chat"])
    budget = studio.budget(USER, name)
    assert (budget.reserved, budget.spent) == (0, turn.cost.actual)


def test_a_conversation_may_not_cost_more_than_its_budget(talk: Talk, studio: Studio) -> None:
    first = talk.say("warmer")
    choose(studio, limits={"per_conversation": (first.cost.actual or 0) + 10})
    with pytest.raises(BudgetExceeded) as refused:
        talk.submit("mirror it")
    assert refused.value.context["budget"] == "conversation"
    assert studio.budget(USER, f"conversation#{talk.id}").spent == first.cost.actual
    assert Talk(studio).begin().now.spent == 0
    assert_books_agree(talk, first)


def test_a_conversation_comes_to_what_its_turns_cost(talk: Talk) -> None:
    said = ("warmer", "make it a watercolour painting", "hello", "undo", "remove the background", "redo")
    turns = [talk.say(each) for each in said]
    assert {turn.status for turn in turns} == {JobStatus.SUCCEEDED}
    assert talk.now.spent == sum(turn.cost.actual or 0 for turn in turns)
    assert len(talk.studio.charged(USER)) == len(said) + 1
    assert_books_agree(talk, *turns)


def test_a_conversation_that_costs_more_than_its_user_expects_says_so_once(talk: Talk) -> None:
    talk.studio.app.budgets.change(USER, {}, warn_at_cost=16_000)
    warned = [any("has cost" in each for each in talk.say("paint it as a watercolour").warnings) for _ in range(3)]
    assert warned.count(True) == 1
    assert talk.now.spent > 16_000
