"""The JSON schema that a planner's answer has to follow: `Plan`, with the operations that there are.

An operation is one object with its `op` and any parameter that one of them has; which of them it takes stands in the
prompt, a line each (`planner_prompt.listing`). A schema for each of the forty would be five times as long, every turn
pays for it, and several sources refuse one with so many alternatives. `plan_reader` checks what comes.
"""

from functools import cache
from typing import Any, Final, Literal

from pydantic import BaseModel

from darkroom import operations
from darkroom.models.plan import HistoryAction, OperateAction, PaintAction, Plan

Method = Literal["local", "generative", "hybrid"]
"""Who works on the picture: operations alone, models alone (with what only cuts or converts), or both."""

# What has nothing to do with how the picture looks.
NEUTRAL_OPERATIONS: Final = frozenset(("crop", "resize", "convert"))


def allowed_operations(method: Method) -> frozenset[str]:
    return NEUTRAL_OPERATIONS if method == "generative" else frozenset(operations.names())


def may_paint_with(method: Method, *, may_paint: bool) -> bool:
    return may_paint and method != "local"


@cache
def plan_schema(method: Method, *, may_paint: bool, has_picture: bool) -> dict[str, Any]:
    """What cannot be asked for is not in it. Not to be changed: it is shared."""
    own = _own(Plan)
    can_paint = may_paint_with(method, may_paint=may_paint)
    if can_paint:
        own["required"].remove("needs_painting")
        del own["properties"]["needs_painting"]
    else:
        own["properties"]["needs_painting"] = {"type": "boolean"}
    actions = own["properties"]["actions"]
    choices = [
        *([_operate(method), _own(HistoryAction)] if has_picture else []),
        *([_own(PaintAction)] if can_paint else []),
    ]
    listed = {
        "type": "array",
        "maxItems": actions["maxItems"] if choices else 0,
        "items": {"anyOf": choices} if choices else {"type": "object"},
    }
    return {**own, "properties": {**own["properties"], "actions": listed}}


def known(method: Method) -> list[dict[str, Any]]:
    """The schemas of the operations that may be used."""
    allowed = allowed_operations(method)
    return [each for each in operations.schema()["items"]["anyOf"] if each["properties"]["op"]["const"] in allowed]


def _operate(method: Method) -> dict[str, Any]:
    own = _own(OperateAction)
    given = own["properties"]["operations"]
    every = known(method)
    parameters = {
        name: _plain(field) for each in every for name, field in sorted(each["properties"].items()) if name != "op"
    }
    one = {
        "type": "object",
        "properties": {"op": {"enum": [each["properties"]["op"]["const"] for each in every]}, **parameters},
        "required": ["op"],
    }
    listed = {"type": "array", "minItems": 1, "maxItems": given["maxItems"], "items": one}
    return {**own, "properties": {**own["properties"], "operations": listed}}


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """Of which type it is. Its range and its choices are in the prompt, for they differ between operations."""
    kind = field.get("type", "string")
    if kind != "array":
        return {"type": "number" if kind == "integer" else kind}
    items = field["items"]
    inner = {name: _plain(each) for name, each in items.get("properties", {}).items()}
    return {"type": kind, "items": {"type": "object", "properties": inner} if inner else _plain(items)}


def _own(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema in which everything is required; what its fields are for is said in the prompt."""
    found = model.model_json_schema()
    fields = {
        name: {key: value for key, value in field.items() if key not in ("title", "default", "description")}
        for name, field in found["properties"].items()
    }
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
