"""Any operation with any parameters, drawn from its schema: a new operation is drawn without an edit here."""

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from darkroom.errors import InvalidParameter
from darkroom.operations import Operation, load, names, parse
from darkroom.operations._base import ColorOperation, PointOperation
from darkroom.operations._schema import schema_of

PIXELWISE = tuple(name for name in names() if issubclass(load(name), PointOperation | ColorOperation))
OTHER_PICTURE = "another"

_MOST_PIXELS = 300  # a field that goes to thousands counts pixels
_WORDS = st.sampled_from(["white", "#f80", "rgba(0, 64, 255, 0.5)", "transparent", "Grüße aus Köln", OTHER_PICTURE])


@st.composite
def any_of(draw: st.DrawFn, name: str) -> Operation:
    """The operation with parameters that its fields accept; what two fields together refuse is drawn again."""
    own = schema_of(load(name))
    item = {
        field: draw(_value(schema))
        for field, schema in own["properties"].items()
        if field in own["required"] or draw(st.booleans())
    }
    try:
        return parse([item])[0]
    except InvalidParameter:
        assume(False)
        raise


def _value(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([_value(each) for each in schema["anyOf"]])
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(*_range(schema))
        case "number":
            low, high = _range(schema)
            above = "exclusiveMinimum" in schema
            return st.one_of(st.floats(low, high, exclude_min=above), st.integers(low + above, high))
        case "array":
            return st.lists(
                _value(schema["items"]), min_size=schema.get("minItems", 0), max_size=min(schema.get("maxItems", 4), 4)
            )
        case "object":
            return st.fixed_dictionaries({field: _value(each) for field, each in schema["properties"].items()})
        case _:
            return st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else _WORDS


def _range(schema: dict[str, Any]) -> tuple[int, int]:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = schema.get("maximum", schema.get("exclusiveMaximum", _MOST_PIXELS))
    return int(low), int(high) if abs(high) <= 1000 else max(_MOST_PIXELS, int(low))
