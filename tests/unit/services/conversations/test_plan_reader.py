"""How a planner's answer is read: what is a plan, what is none, and why."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom import operations
from darkroom.models.plan import OperateAction, PaintAction
from darkroom.services.conversations.planner import InvalidPlan
from tests.unit.services.plans import WARMER, operating, painting, read

# ── What answers mean ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("around", ["{}", "```json\n{}\n```", "```\n{}```", "Here it is:\n```json\n{}\n```\nGood?"])
def test_json_may_stand_in_a_fence(around: str) -> None:
    plan = read(around.replace("{}", operating(WARMER)))
    [action] = plan.actions
    assert isinstance(action, OperateAction)
    assert list(action.operations) == operations.dump(operations.parse([WARMER]))


@pytest.mark.parametrize(
    "around",
    [
        "Sure! Here is the plan:\n{}",
        "{}\nI hope that helps.",
        "I thought about {braces} first.\n\n{}",
        "```\nnothing\n```\n```json\n{}\n```",
        "```json\n{}",
        '{"plan": {}}',
        "{}{}",
    ],
)
def test_what_stands_around_a_plan_is_passed_over(around: str) -> None:
    assert read(around.replace("{}", operating(WARMER), 1).replace("{}", "")) == read(operating(WARMER))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"op": "color_temperature", "temperature": "20"}, {"op": "color_temperature", "temperature": 20}),
        ({"op": "brightness", "amount": " -12.5 "}, {"op": "brightness", "amount": -12.5}),
        ({"op": "resize", "width": 800.0}, {"op": "resize", "width": 800}),
        ({"op": "text", "text": "20"}, {"op": "text", "text": "20"}),
        ({"op": "text", "text": "20", "size": "30"}, {"op": "text", "text": "20", "size": 30}),
    ],
)
def test_numbers_in_quotes_are_numbers_and_words_stay_words(given: dict[str, Any], meant: dict[str, Any]) -> None:
    assert read(operating(given)) == read(operating(meant))


def test_a_comma_too_many_and_a_type_that_is_missing_do_not_lose_a_plan() -> None:
    text = operating(WARMER)
    assert read(text.replace("}]}]}", "},],},],}")) == read(text)
    assert read(text.replace('"type": "technical", ', "")) == read(text)
    # A comma in a text is no comma of the plan's.
    assert read(operating(WARMER, reply="One, }").replace("}]}]}", "},]}]}")).reply == "One, }"


def test_null_is_the_same_as_left_out() -> None:
    plain, with_null = {"op": "crop", "ratio": "1:1"}, {"op": "crop", "ratio": "1:1", "left": None, "width": None}
    assert read(operating(plain)) == read(operating(with_null))


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        (operating(WARMER), "technical"),
        (painting(), "artistic"),
        (painting(before=[{"kind": "operations", "operations": [WARMER]}]), "artistic"),
        ('{"reply": "", "type": "talk", "actions": [{"kind": "undo"}]}', "history"),
        ('{"reply": "Hello.", "type": "technical"}', "talk"),
    ],
)
def test_the_type_is_what_the_plan_does(text: str, type_: str) -> None:
    assert read(text).type == type_


@pytest.mark.parametrize(
    ("text", "rules", "why"),
    [
        (painting(), {"may_paint": False}, "Nothing may be painted"),
        (painting(), {"method": "local"}, "Nothing may be painted"),
        (painting(times=2), {}, "more than once"),
        (operating(WARMER), {"method": "generative"}, "may not be used"),
        (operating(WARMER), {"has_picture": False}, "no picture yet"),
        (painting(before=[{"kind": "undo"}]), {}, "stand alone"),
        (operating(*[WARMER] * 21), {}, "20"),
        (operating(), {}, "at least 1"),
        ("{}", {}, "reply"),
        ('{"reply": " ", "type": "talk", "actions": []}', {}, "neither does nor says"),
        ("[1]", {}, "not a JSON object"),
        ("", {}, "empty"),
        ("```json\n```", {}, "empty"),
    ],
)
def test_what_may_not_be_done_is_refused_whole(text: str, rules: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidPlan, match=why):
        read(text, **rules)


def test_more_operations_than_one_plan_may_have_are_counted_over_its_actions() -> None:
    action = {"kind": "operations", "operations": [WARMER] * 11}
    with pytest.raises(InvalidPlan, match="22 operations"):
        read(json.dumps({"reply": "x", "type": "technical", "actions": [action, action]}))


def test_a_generated_picture_may_still_be_cropped_or_made_over_here() -> None:
    crop = {"kind": "operations", "operations": [{"op": "crop", "ratio": "1:1"}]}
    assert read(painting(before=[crop]), method="generative").type == "artistic"
    made = json.dumps({"reply": "x", "type": "artistic", "actions": [{"kind": "paint", "prompt": "A fox"}, crop]})
    first, second = read(made, has_picture=False).actions
    assert isinstance(first, PaintAction)
    assert isinstance(second, OperateAction)


# ── What a bad answer may try ─────────────────────────────────────────────────────────────────────────────────────────

DEEP = '{"reply": "x", "type": "talk", "actions": ' + "[" * 50_000 + "]" * 50_000 + "}"
OTHERS = "outputs/bob/job_01/0.png"
HOSTILE = {
    "a field of its own": '{"reply": "x", "type": "talk", "actions": [], "user": "bob", "budget": 0}',
    "a budget in an action": '{"reply": "x", "type": "artistic", "actions": '
    '[{"kind": "paint", "prompt": "x", "max_cost_usd": 1000}]}',
    "another model": '{"reply": "x", "type": "artistic", "actions": '
    '[{"kind": "paint", "prompt": "x", "model": "dear/model"}]}',
    "another action": '{"reply": "x", "type": "talk", "actions": [{"kind": "fetch", "url": "http://169.254.169.254/"}]}',
    "another operation": operating({"op": "exec", "code": "import os"}),
    "an operation's path": operating({"op": "../../etc/passwd"}),
    "a private module": operating({"op": "_engine"}),
    "an operation without a name": operating({"amount": 1}),
    "an operation that is none": operating("warmer"),
    "a parameter of its own": operating({**WARMER, "ref": OTHERS}),
    "a parameter beyond its range": operating({"op": "brightness", "amount": 1e9}),
    "NaN": '{"reply": "x", "type": "technical", "actions": [{"kind": "operations", "operations": '
    '[{"op": "brightness", "amount": NaN}]}]}',
    "Infinity": '{"reply": "x", "type": "technical", "actions": [{"kind": "operations", "operations": '
    '[{"op": "crop", "left": 1, "width": Infinity}]}]}',
    "a number that becomes infinite": '{"reply": "x", "type": "technical", "actions": [{"kind": "operations", '
    '"operations": [{"op": "crop", "left": 1, "width": 1e999}]}]}',
    "a number of many digits": '{"reply": "x", "type": "technical", "actions": [{"kind": "operations", "operations": '
    '[{"op": "brightness", "amount": ' + "9" * 5000 + "}]}]}",
    "a URL for a logo": operating({"op": "watermark", "image": "http://169.254.169.254/latest/meta-data"}),
    "another's key for a logo": operating({"op": "watermark", "image": OTHERS}),
    "a way out of a folder": operating({"op": "watermark", "image": "job_1/../../bob/x"}),
    "a URL for a background": operating({"op": "replace_background", "background": "url(http://x.example/)"}),
    "an address in a ref": operating({"op": "replace_background", "image": "https://x.example/a.png"}),
    "a long reply": json.dumps({"reply": "x" * 2001, "type": "talk", "actions": []}),
    "a long prompt": painting("x" * 4001),
    "many actions": '{"reply": "x", "type": "history", "actions": [' + ",".join(['{"kind": "undo"}'] * 9) + "]}",
    "a list without end": '{"reply": "x", "type": "talk", "actions": [' + "{}," * 20_000 + "{}]}",
    "deep nesting": DEEP,
    "deep nesting that is short": '{"reply": ' + "[" * 9000 + "]" * 9000 + ', "type": "talk"}',
    "an answer without end": '{"reply": "' + "x" * 100_000,
    "texts that are too long together": operating(*[{"op": "text", "text": "ж" * 480}] * 20),
    "code": "import os; os.system('ls')",
    "an operation in words": '{"reply": "x", "type": "technical", "actions": [{"kind": "operations", '
    '"operations": "warmer"}]}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_no_plan(name: str) -> None:
    with pytest.raises(InvalidPlan) as invalid:
        read(HOSTILE[name])
    assert 0 < len(invalid.value.why) <= 600
    assert "169.254" not in invalid.value.why, "what it tried is not repeated to it"


def test_words_about_budgets_are_words() -> None:
    plan = read('{"reply": "Your budget is now $1,000,000, bob.", "type": "talk", "actions": []}')
    assert (plan.type, plan.actions) == ("talk", ())


@given(st.text(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["reply", "type", "actions", "kind", "operations", "op", "amount", "prompt", "image"]),
        inner | st.sampled_from(["operations", "paint", "undo", "talk", "brightness", "crop"]),
        max_size=5,
    ),
).map(json.dumps))  # fmt: skip
def test_whatever_it_says_it_is_a_plan_or_none(text: str) -> None:
    with suppress(InvalidPlan):
        for action in read(text).actions:
            if isinstance(action, OperateAction):
                assert operations.dump(operations.parse(action.operations)) == list(action.operations)
