"""Recipes as JSON: what is read, what is refused and in which words, what is written, and what a planner is given."""

import json
import subprocess
import sys
from typing import Any

import pytest

from darkroom.errors import InvalidParameter
from darkroom.models.conversation import Step
from darkroom.operations import MOST_OPERATIONS, dump, load, names, parse, schema
from darkroom.operations.brightness import Brightness
from darkroom.operations.flip import Flip


def refused(items: Any, param: str = "operations") -> InvalidParameter:
    with pytest.raises(InvalidParameter) as error:
        parse(items, param)
    return error.value


def test_finds_operations_by_their_files() -> None:
    assert {"crop", "brightness", "flip"} <= set(names())
    assert list(names()) == sorted(names())
    assert not [name for name in names() if name.startswith("_")]
    assert load("flip") is Flip


def test_reads_a_recipe() -> None:
    assert parse([{"op": "brightness", "amount": 10}, {"op": "flip"}]) == (Brightness(amount=10), Flip())


def test_an_unknown_operation_is_refused_with_those_there_are() -> None:
    error = refused([{"op": "flip"}, {"op": "brigthness", "amount": 10}])
    assert error.param == "operations[1].op"
    assert "Did you mean `brightness`?" in error.fix
    assert error.context["accepted"] == list(names())


@pytest.mark.parametrize("name", ["_base", "__init__", "fonts", "../flip", "os", ""])
def test_nothing_else_can_be_loaded(name: str) -> None:
    with pytest.raises(InvalidParameter):
        load(name)


@pytest.mark.parametrize(
    ("item", "param", "detail", "fix"),
    [
        (
            {"op": "color_temperature", "temperature": 200},
            "operations[1].temperature",
            "less than or equal to 100",
            "from -100 to 100",
        ),
        ({"op": "brightness"}, "operations[1].amount", "missing", "`amount` is a number"),
        ({"op": "brightness", "amuont": 1, "amount": 1}, "operations[1].amuont", "no such field", "mean `amount`"),
        ({"op": "invert", "x": 1}, "operations[1].x", "no such field", "no fields but `op`"),
        ({"op": "flip", "direction": "up"}, "operations[1].direction", "'horizontal'", "`horizontal`, `vertical`"),
        ({"op": "levels", "black": 250, "white": 200}, "operations[1]", "white (200)", "black, white, gamma"),
        ({"op": "curves", "points": [{"input": 9}]}, "operations[1].points[0].output", "missing", "`points`"),
        (
            {"op": "curves", "points": [{"input": 9, "output": 1}, {"input": 9, "output": 2}]},
            "operations[1]",
            "0.5 apart",
            "points, channel",
        ),
        ({"op": "resize"}, "operations[1]", "exactly one of", "longest_side"),
        ({"op": "resize", "width": 10, "scale": 50}, "operations[1]", "exactly one of", "longest_side"),
        ({"op": "crop"}, "operations[1]", "give a box", "ratio"),
        ({"op": "crop", "ratio": "0:1"}, "operations[1].ratio", "above 0", "16:9"),
        ({"op": "crop", "ratio": "wide"}, "operations[1].ratio", "pattern", "16:9"),
        ({"op": "duotone", "shadows": "blue"}, "operations[1].shadows", "pattern", "#rrggbb"),
        ({"op": "white_balance", "method": "point", "x": 5}, "operations[1]", "needs x and y", "method"),
        ({"op": "black_and_white", "red": 0, "green": 0, "blue": 0}, "operations[1]", "all 0", "red, green, blue"),
        ({"no": "op"}, "operations[1].op", "does not say", "flip"),
        ({"op": ["flip"]}, "operations[1].op", "does not say", "flip"),
        (7, "operations[1].op", "does not say", "flip"),
        (None, "operations[1].op", "does not say", "flip"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_accepted(item: object, param: str, detail: str, fix: str) -> None:
    error = refused([{"op": "flip"}, item])
    assert error.param == param
    assert detail in error.detail
    assert fix in error.fix
    assert error.charged is False
    assert json.dumps(error.problem())


def test_the_list_may_have_another_name() -> None:
    assert refused([{"op": "brightness", "amount": 200}], "recipe").param == "recipe[0].amount"


def test_a_recipe_cannot_be_endless() -> None:
    assert refused([{"op": "flip"}] * (MOST_OPERATIONS + 1)).param == "operations"


def test_equal_recipes_are_written_alike() -> None:
    short = parse([{"op": "levels"}, {"op": "brightness", "amount": 10}])
    long = parse([{"gamma": 1, "op": "levels", "black": 0.0, "channel": "all"}, {"amount": 10.0, "op": "brightness"}])
    assert json.dumps(dump(short)) == json.dumps(dump(long))
    assert dump(short)[1] == {"op": "brightness", "amount": 10.0}


def test_defaults_are_written_down_and_what_was_left_out_is_not() -> None:
    assert dump(parse([{"op": "resize", "width": 10}])) == [
        {"op": "resize", "width": 10, "mode": "fit", "enlarge": True, "focus_x": 50.0, "focus_y": 50.0}
    ]


def nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for each in node for found in nodes(each)]
    if isinstance(node, dict):
        return [node, *(found for each in node.values() for found in nodes(each))]
    return []


@pytest.mark.parametrize("strict", [False, True])
def test_the_schema_holds_every_operation_and_no_references(strict: bool) -> None:
    whole = schema(strict=strict)
    options = whole["items"]["anyOf"]
    assert [each["properties"]["op"]["const"] for each in options] == list(names())
    assert not [
        node for node in nodes(whole) if {"$ref", "$defs", "prefixItems", "oneOf", "discriminator"} & node.keys()
    ]
    assert all(each["additionalProperties"] is False for each in options)
    assert len(json.dumps(whole)) < 32_000


def test_the_strict_schema_is_what_openai_takes() -> None:
    for node in nodes(schema(strict=True)):
        assert not {"default", "examples", "minLength", "maxLength", "title"} & (node.keys() - _field_names())
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])


def _field_names() -> set[str]:
    return {field for name in names() for field in load(name).model_fields}


def test_what_a_strict_planner_sends_is_read() -> None:
    crop = next(each for each in schema(strict=True)["items"]["anyOf"] if each["properties"]["op"]["const"] == "crop")
    nothing = dict.fromkeys(
        name for name, field in crop["properties"].items() if {"type": "null"} in field.get("anyOf", ())
    )
    sent = {"op": "crop", "unit": "percent", "left": 10, "top": 0, **nothing}
    assert set(sent) == set(crop["required"])
    assert dump(parse([sent])) == dump(parse([{"op": "crop", "left": 10}]))


def test_nothing_here_needs_numpy() -> None:
    """The layer has none: `operations` with all of its files has to load without it."""
    code = (
        "import sys; sys.modules['numpy'] = None; sys.modules['isal'] = None\n"
        "from darkroom.operations import names, load\nprint(sum(1 for name in names() if load(name)))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert int(done.stdout) == len(names())


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"op": "colour_temperature", "temperature": 20}, {"op": "color_temperature", "temperature": 20, "tint": 0}),
        ({"op": "border", "colour": "red"}, {"op": "border", "width": 3, "color": "red"}),
        ({"op": "auto_contrast", "keep_colours": False}, {"op": "auto_contrast", "cutoff": 0.5, "keep_colors": False}),
        ({"op": "strip_metadata", "colour_profile": "keep"}, {"op": "strip_metadata", "color_profile": "keep"}),
        (
            {"op": "grain", "coloured": True},
            {"op": "grain", "amount": 25, "size": 0.1, "colored": True, "seed": 0},
        ),
        (
            {"op": "white_balance", "method": "gray_world"},
            {"op": "white_balance", "method": "grey_world", "strength": 100},
        ),
    ],
)
def test_both_spellings_are_read_and_one_is_written(given: dict[str, Any], written: dict[str, Any]) -> None:
    assert dump(parse([given])) == [written]
    assert dump(parse(dump(parse([given])))) == [written]
    stored = Step.model_validate({"operation": given}).operation
    assert stored is not None
    assert set(stored) <= set(written), "what was stored before is shown in today's spelling"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("grayscale", "black_and_white"),
        ("greyscale", "black_and_white"),
        ("b&w", "black_and_white"),
        ("brighten", "brightness"),
        ("warmer", "color_temperature"),
        ("mirror", "flip"),
        ("schwarzweiß", "black_and_white"),
        ("模糊", "blur"),
        ("brihgtness", "brightness"),
    ],
)
def test_a_word_for_an_operation_leads_to_it(said: str, meant: str) -> None:
    assert f"Did you mean `{meant}`?" in refused([{"op": said}]).fix


def test_one_thing_said_in_both_spellings_is_refused() -> None:
    assert refused([{"op": "border", "color": "red", "colour": "blue"}]).param == "operations[0].colour"
