"""A number is a number, true is true, and text is text: nothing that was written is taken for something else."""

from collections.abc import Iterator
from typing import Any

import pytest

from darkroom.errors import InvalidParameter
from darkroom.operations import load, names, parse
from darkroom.operations._schema import schema_of

# What JSON may hold, by what a field may want instead.
WRONG: dict[str, tuple[Any, ...]] = {
    "number": ("1", True, False, "true", [1]),
    "integer": ("1", True, False, "2.0", [1]),
    "boolean": (0, 1, 1.0, "true", "on", "1"),
    "string": (1, True, 0.5, ["white"]),
}


def fields() -> Iterator[tuple[str, str, str]]:
    """Every field of one plain kind: operation, name, kind."""
    for name in names():
        for field, schema in schema_of(load(name))["properties"].items():
            if schema.get("type") in WRONG and field != "op":
                yield name, field, schema["type"]


@pytest.mark.parametrize(("name", "field", "kind"), list(fields()))
def test_a_field_takes_its_own_kind_alone(name: str, field: str, kind: str) -> None:
    for value in WRONG[kind]:
        with pytest.raises(InvalidParameter) as refused:
            parse([{"op": name, field: value}])
        assert field in {str(refused.value.param).rpartition(".")[2], *str(refused.value.detail).split("`")} or (
            # Another field, which has to be there, may be complained of first.
            "missing" in refused.value.detail
        )


@pytest.mark.parametrize("value", ["1", True, None])
def test_a_curve_is_of_numbers(value: Any) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse([{"op": "curves", "points": [{"input": value, "output": 3}]}])
    assert refused.value.param == "operations[0].points[0].input"


def test_whole_numbers_are_numbers() -> None:
    assert parse([{"op": "brightness", "amount": 10}]) == parse([{"op": "brightness", "amount": 10.0}])
    assert parse([{"op": "curves", "points": [{"input": 3, "output": 4.5}]}])
