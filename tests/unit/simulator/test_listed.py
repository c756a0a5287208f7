"""Operations that a prompt lists are as good as a schema for each of them."""

from local.simulator.listed import expanded

PROMPT = """Do as you are told.
resize(width 1..16384, mode fit|fill =fit, enlarge true|false =true) Makes the picture smaller or larger
text(text* text, color text =rgba(0, 0, 0, 0.5), size -1.5..100 =8) Writes text"""
ONE = {
    "type": "object",
    "properties": {
        "op": {"enum": ["resize", "text"]},
        "width": {"type": "number"},
        "mode": {"type": "string"},
        "enlarge": {"type": "boolean"},
        "text": {"type": "string"},
        "color": {"type": "string"},
        "size": {"type": "number"},
    },
    "required": ["op"],
}


def test_each_operation_becomes_a_choice_with_its_own_parameters() -> None:
    schema = {"type": "array", "items": ONE}
    resize, text = expanded(schema, PROMPT)["items"]["anyOf"]
    assert resize == {
        "type": "object",
        "properties": {
            "op": {"const": "resize"},
            "width": {"type": "number", "minimum": 1, "maximum": 16384},
            "mode": {"type": "string", "enum": ["fit", "fill"], "default": "fit"},
            "enlarge": {"type": "boolean", "default": True},
        },
        "required": ["op"],
    }
    assert text["required"] == ["op", "text"]
    assert text["properties"]["color"] == {"type": "string", "default": "rgba(0, 0, 0, 0.5)"}
    assert text["properties"]["size"] == {"type": "number", "minimum": -1.5, "maximum": 100, "default": 8}


def test_a_schema_without_a_list_stays_as_it_is() -> None:
    assert expanded(ONE, "Do as you are told.") == ONE
    assert expanded(ONE, PROMPT.splitlines()[1]) == ONE, "not all of them are listed"
