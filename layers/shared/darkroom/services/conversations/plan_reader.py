"""From what a model wrote to a plan that can be carried out, or to why it cannot. Nothing is left out silently.

It is read as it was meant, since it was paid for: see `plan_text`.
"""

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import ValidationError

from darkroom import operations
from darkroom.errors import InvalidParameter
from darkroom.models.plan import HistoryAction, OperateAction, PaintAction, Plan
from darkroom.operations import Operation
from darkroom.services.conversations.plan_text import as_meant, json_in
from darkroom.services.conversations.planner_schema import Method, allowed_operations, may_paint_with

MOST_OPERATIONS: Final = 20
_MOST_TEXT: Final = 40_000
_MOST_PLAN: Final = 20_000
_MOST_WHY: Final = 600
# What models call it beside `paint`, though the schema has none of it.
_PAINTING: Final = frozenset({"paint", "generate", "generation", "generative", "repaint", "inpaint", "edit_image"})
_TYPES: Final = ("technical", "artistic", "history", "talk")
# What a picture that an operation takes may be called. Whose it is, is found out when it is rendered.
_PERSONS: Final = frozenset(("text", "color", "background", "fill", "outline_color", "ratio"))
_REF: Final = re.compile(r"upl_[0-9A-HJKMNP-TV-Z]{26}|job_[0-9A-Za-z_-]{1,60}(?:/[0-9]{1,4})?", re.ASCII)


class InvalidPlan(Exception):
    """The answer is no plan that can be carried out.

    Args:
        why: a sentence for the model, which quotes little of it.
        told: what the person can be told of it, where it is something that they asked for.
    """

    def __init__(self, why: str, told: str | None = None) -> None:
        self.why = why[:_MOST_WHY]
        self.told = told
        super().__init__(self.why)


class PaintingForbidden(InvalidPlan):
    """It paints where nothing may be painted."""


def read_plan(text: str, *, may_paint: bool, method: Method, has_picture: bool) -> Plan:
    """The plan, its operations in canonical form and its type after what it does.

    Raises:
        InvalidPlan: it is not JSON, does not follow the schema, or asks for what may not be done.
    """
    found = _json(text)
    is_allowed = may_paint_with(method, may_paint=may_paint)
    if not is_allowed and _wants_painting(found):
        raise PaintingForbidden("Nothing may be painted now; use operations that come near to it, or only reply.")
    plan = _plan(found)
    actions = tuple(_checked(each, index, method) for index, each in enumerate(plan.actions))
    # To plan something and then do nothing is no talk, and what is said of it is not so.
    is_empty = not actions and plan.type != "talk" and bool(plan.reply.strip())
    said = {"reply": ""} if is_empty else {}
    plan = plan.model_copy(update={"actions": actions, "type": _type(actions), **said})
    if len(plan.paints()) > 1:
        raise InvalidPlan("It paints more than once; say everything in one prompt.")
    _check_order(plan, has_picture=has_picture)
    if not plan.actions and not plan.reply.strip() and not is_empty:
        raise InvalidPlan("It neither does nor says anything.")
    if len(plan.model_dump_json()) > _MOST_PLAN:
        raise InvalidPlan("It is too long; use fewer operations and shorter texts.")
    return plan


def _json(text: str) -> Mapping[str, Any]:
    if len(text) > _MOST_TEXT:
        raise InvalidPlan("It is too long.")
    if not text.replace("```json", "").strip("` \r\n\t"):
        raise InvalidPlan("It is empty.")
    found = json_in(text)
    if found is None:
        raise InvalidPlan("It is not JSON, it was cut off, or it is not a JSON object.")
    # It is told from what the plan does, so that one is as good as another.
    return found if found.get("type") in _TYPES else {**found, "type": "talk"}


def _plan(found: Mapping[str, Any]) -> Plan:
    try:
        return Plan.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        at = ".".join(str(part)[:40] for part in first["loc"])
        raise InvalidPlan(f"`{at}`: {str(first['msg']).removeprefix('Value error, ')}.") from error
    except RecursionError as error:
        raise InvalidPlan("It is nested too deeply.") from error


def _checked(action: OperateAction | PaintAction | HistoryAction, index: int, method: Method) -> Any:
    if not isinstance(action, OperateAction):
        return action
    at = f"actions[{index}].operations"
    try:
        parsed = operations.parse([_as_meant(each) for each in action.operations], at)
    except InvalidParameter as error:
        raise InvalidPlan(f"{error.detail} {error.fix}", _for_people(error)) from error
    except RecursionError as error:
        raise InvalidPlan("It is nested too deeply.") from error
    for number, operation in enumerate(parsed):
        _check_operation(operation, f"{at}[{number}]", method)
    return action.model_copy(update={"operations": tuple(operations.dump(parsed))})


def _for_people(error: InvalidParameter) -> str | None:
    """What is wrong with a text or a color that somebody gave; of a plan's form people know nothing."""
    place, _, said = error.detail.partition(": ")
    field = place.rpartition(".")[2]
    return f"{said[:1].upper()}{said[1:]}" if field in _PERSONS and said else None


def _as_meant(given: Mapping[str, Any]) -> dict[str, Any]:
    """Models write null for what they leave out, and numbers in quotes."""
    plain = {name: value for name, value in given.items() if value is not None}
    schema = _schemas().get(str(plain.get("op")))
    return dict(as_meant(plain, schema)) if schema else plain


@cache
def _schemas() -> dict[str, Mapping[str, Any]]:
    return {each["properties"]["op"]["const"]: each for each in operations.schema()["items"]["anyOf"]}


def _check_operation(operation: Operation, at: str, method: Method) -> None:
    given = operation.model_dump()
    name = str(given["op"])
    if name not in allowed_operations(method):
        allowed = ", ".join(sorted(allowed_operations(method)))
        raise InvalidPlan(f"{at}: `{name}` may not be used now, only {allowed}; paint it instead.")
    if not _is_finite(given):
        raise InvalidPlan(f"{at}: a number is not finite.")
    ref = given.get("image")
    if ref is not None and not _REF.fullmatch(str(ref)):
        raise InvalidPlan(f"{at}.image: a picture is named by an upload's id or a job's, as the person wrote it.")


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    return all(map(_is_finite, value)) if isinstance(value, list | tuple) else True


def _type(actions: tuple[Any, ...]) -> str:
    kinds = {type(each) for each in actions}
    for kind, name in ((PaintAction, "artistic"), (OperateAction, "technical"), (HistoryAction, "history")):
        if kind in kinds:
            return name
    return "talk"


def _wants_painting(found: Mapping[str, Any]) -> bool:
    """Whether any of its actions is one, by whatever name."""
    actions = found.get("actions")
    given = [each for each in actions if isinstance(each, Mapping)] if isinstance(actions, list) else []
    return any("prompt" in each or str(each.get("kind")) in _PAINTING for each in given)


def _check_order(plan: Plan, *, has_picture: bool) -> None:
    if len(plan.actions) > 1 and any(isinstance(each, HistoryAction) for each in plan.actions):
        raise InvalidPlan("`undo` and `redo` stand alone; do the rest after the next message.")
    if not has_picture and plan.actions and not isinstance(plan.actions[0], PaintAction):
        raise InvalidPlan("There is no picture yet, so the first action has to paint one.")
    count = sum(len(each.operations) for each in plan.actions if isinstance(each, OperateAction))
    if count > MOST_OPERATIONS:
        raise InvalidPlan(f"It has {count} operations; {MOST_OPERATIONS} are the most.")
