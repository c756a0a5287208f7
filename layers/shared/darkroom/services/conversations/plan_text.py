"""The JSON object in what a planner wrote, which was paid for: after prose, in a fence, with commas too many.

Sure! Here is the plan:
{"actions": [{"kind": "operations", "operations": [{"op": "color_temperature", "temperature": "20",}]}], …}
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_FENCED: Final = re.compile(r"```[A-Za-z]*\s*\n?(.*?)(?:```|\Z)", re.DOTALL)
# A string, which stays as it is, or a comma with nothing after it.
_TRAILING: Final = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,9}(?:\.\d{1,12})?|\.\d{1,12})", re.ASCII)
_MAX_PLACES: Final = 50
_BOOLEANS: Final = {"true": True, "false": False}
_OF_A_PLAN: Final = ("actions", "reply")


def json_in(text: str) -> Mapping[str, Any] | None:
    """The first object in a text that looks like a plan, else the first that is one; None without any."""
    first: Mapping[str, Any] | None = None
    for found in _objects(text):
        if any(name in found for name in _OF_A_PLAN):
            return found
        within = [each for each in found.values() if isinstance(each, dict)]
        if len(found) == 1 and within and any(name in within[0] for name in _OF_A_PLAN):
            return within[0]
        first = found if first is None else first
    return first


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    for candidate in (text, *(found[1] for found in _FENCED.finditer(text)), _without_trailing_commas(text)):
        yield from _objects_in(candidate)


def _objects_in(text: str) -> Iterator[Mapping[str, Any]]:
    decoder = json.JSONDecoder(parse_constant=_refuse_constant, strict=False)
    at = text.find("{")
    for _ in range(_MAX_PLACES):
        if at < 0:
            return
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield found
        at = text.find("{", end)


def _without_trailing_commas(text: str) -> str:
    return _TRAILING.sub(lambda found: found[1] or "", text)


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def as_meant(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value with numbers where the schema wants numbers: models write `"20"` and `20.0` for 20. Text stays text."""
    if isinstance(value, str):
        return _number_in(value, schema)
    if isinstance(value, float) and value.is_integer() and _types(schema) & {"integer", "number"} == {"integer"}:
        return int(value)
    if isinstance(value, list):
        items = schema.get("items")
        return [as_meant(each, items) for each in value] if isinstance(items, Mapping) else value
    if isinstance(value, Mapping):
        fields = schema.get("properties", {})
        return {name: as_meant(each, fields.get(name, {})) for name, each in value.items()}
    return value


def _number_in(said: str, schema: Mapping[str, Any]) -> Any:
    types = _types(schema)
    plain = said.strip()
    if "string" in types or "enum" in schema or "const" in schema:
        return said
    if types & {"number", "integer"} and _NUMBER.fullmatch(plain):
        return float(plain) if "." in plain else int(plain)
    return _BOOLEANS.get(plain.lower(), said) if "boolean" in types else said


def _types(schema: Mapping[str, Any]) -> set[str]:
    return {each.get("type") for each in (schema, *schema.get("anyOf", ()))} - {None, "null"}
