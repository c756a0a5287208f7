"""The JSON schema that a planner's answer has to follow: `Plan`, with the operations that there are."""

from functools import cache
from inspect import cleandoc
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
        asked = own["properties"]["needs_painting"]
        own["properties"]["needs_painting"] = {"type": "boolean", "description": asked["description"]}
    actions = own["properties"]["actions"]
    choices = [
        *([_operate(method), _own(HistoryAction)] if has_picture else []),
        *([_own(PaintAction)] if can_paint else []),
    ]
    listed = {
        "type": "array",
        "description": actions["description"],
        "maxItems": actions["maxItems"] if choices else 0,
        "items": {"anyOf": choices} if choices else {"type": "object"},
    }
    return {**own, "properties": {**own["properties"], "actions": listed}}


def _operate(method: Method) -> dict[str, Any]:
    own = _own(OperateAction)
    given = own["properties"]["operations"]
    allowed = allowed_operations(method)
    known = [each for each in operations.schema()["items"]["anyOf"] if each["properties"]["op"]["const"] in allowed]
    listed = {"type": "array", "minItems": 1, "maxItems": given["maxItems"], "items": {"anyOf": known}}
    return {**own, "properties": {**own["properties"], "operations": listed}}


def _own(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema without titles, in which everything is required."""
    found = model.model_json_schema()
    fields = {
        name: {key: value for key, value in field.items() if key not in ("title", "default")}
        for name, field in found["properties"].items()
    }
    return {
        "type": "object",
        **({"description": " ".join(cleandoc(model.__doc__).split())} if model.__doc__ else {}),
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
