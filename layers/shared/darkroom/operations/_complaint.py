"""What pydantic finds wrong with an operation, as an error that helps whoever wrote it: a person, or a planner."""

from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from darkroom.errors import InvalidParameter
from darkroom.operations._base import Operation
from darkroom.operations._schema import schema_of


def complaint(error: ValidationError, operation: type[Operation], at: str) -> InvalidParameter:
    """About the first thing that is wrong.

    Args:
        at: where the operation is in the request: `operations[2]`.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    fields = schema_of(operation)["properties"]
    location = first["loc"]
    param = at + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    name = str(location[0]) if location else ""
    return InvalidParameter(
        f"{param}: {_said(first['type'], first['msg'])}.",
        fix=_fix(name, fields),
        param=param,
        context={"accepted": fields[name] if name in fields else sorted(fields)},
    )


def _said(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such field"
    if kind == "missing":
        return "it is missing"
    plain = message.removeprefix("Value error, ").rstrip(".")
    return plain[:1].lower() + plain[1:]


def _fix(name: str, fields: dict[str, Any]) -> str:
    if name in fields:
        return f"`{name}` is {_kind(fields[name])}. {fields[name].get('description', '')}".strip()
    near = get_close_matches(name, fields, n=1) if name else []
    hint = f"Did you mean `{near[0]}`? " if near else ""
    return f"{hint}Its fields are: {', '.join(field for field in fields if field != 'op')}." if len(fields) > 1 else (
        f"{hint}It has no fields but `op`."
    )  # fmt: skip


def _kind(field: dict[str, Any]) -> str:
    """In words what a field accepts."""
    if "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(_kind(each) for each in field["anyOf"])
    kind = {"integer": "a whole number", "number": "a number", "string": "a text", "boolean": "true or false"}.get(
        field.get("type", ""), f"an {field.get('type', 'object')}"
    )
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum", field.get("exclusiveMaximum"))
    return kind + _range(low, high)


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    return f" of at least {low:g}" if low is not None else f" of at most {high:g}" if high is not None else ""
