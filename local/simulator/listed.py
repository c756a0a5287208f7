"""Operations that a prompt lists, a line each, in place of a schema for each of them.

brightness(amount* -100..100) Makes the whole picture brighter or darker
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_LINE = re.compile(r"^([a-z_]+)\((.*?)\) \w.*$", re.MULTILINE)
_PARAMETER = re.compile(r"(?P<name>\w+)(?P<needed>\*?) (?P<range>\S+)(?: =(?P<default>.+))?")
_NUMBERS = re.compile(r"(-?[\d.e+]+)\.\.(-?[\d.e+]+)")

Schema = Mapping[str, Any]


def expanded(schema: Schema, prompt: str) -> dict[str, Any]:
    """The schema, in which an object for any of the listed operations has become a choice between them."""
    lines = dict(_LINE.findall(prompt))
    found: dict[str, Any] = _expanded(schema, lines) if lines else dict(schema)
    return found


def _expanded(node: Any, lines: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_expanded(each, lines) for each in node]
    if not isinstance(node, Mapping):
        return node
    properties = node.get("properties") or {}
    names = (properties.get("op") or {}).get("enum") or ()
    if names and set(names) <= lines.keys():
        return {"anyOf": [_operation(name, lines[name], properties) for name in names]}
    return {key: _expanded(value, lines) for key, value in node.items()}


def _operation(name: str, parameters: str, properties: Schema) -> dict[str, Any]:
    described = {found["name"]: found for each in _split(parameters) if (found := _PARAMETER.fullmatch(each))}
    fields = {each: _field(found, properties.get(each, {})) for each, found in described.items()}
    needed = [each for each, found in described.items() if found["needed"]]
    return {"type": "object", "properties": {"op": {"const": name}, **fields}, "required": ["op", *needed]}


def _split(parameters: str) -> list[str]:
    return re.split(r", (?=\w+\*? )", parameters) if parameters else []


def _field(found: "re.Match[str]", known: Schema) -> dict[str, Any]:
    field = dict(known)
    if numbers := _NUMBERS.fullmatch(found["range"]):
        field |= {"minimum": float(numbers[1]), "maximum": float(numbers[2])}
    elif "|" in found["range"] and field.get("type") != "boolean":
        field["enum"] = found["range"].split("|")
    if found["default"] is not None:
        field["default"] = _default(found["default"], field)
    return field


def _default(text: str, field: Schema) -> Any:
    return text if field.get("type") == "string" else json.loads(text)
