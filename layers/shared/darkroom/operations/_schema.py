"""An operation as a JSON schema that a planner (a language model) is given."""

import json
from collections.abc import Mapping
from functools import cache
from inspect import cleandoc
from typing import Any, Final

from darkroom.operations._base import Operation, Schema

# What OpenAI's structured outputs with `strict` do not know.
_NOT_STRICT: Final = frozenset(("default", "examples", "minLength", "maxLength"))
_NOT_SAID: Final = frozenset(("title", "examples", "discriminator"))


@cache
def _own(operation: type[Operation]) -> Schema:
    return operation.model_json_schema()


def schema_of(operation: type[Operation]) -> Schema:
    """One operation's."""
    own = _own(operation)
    plain: Schema = _plain({key: value for key, value in own.items() if key != "$defs"}, own.get("$defs", {}))
    return {
        "type": "object",
        "description": " ".join(cleandoc(operation.__doc__ or "").split()),
        "properties": plain["properties"] | {"op": {"type": "string", "const": operation.model_fields["op"].default}},
        "required": ["op", *(name for name in plain.get("required", ()) if name != "op")],
        "additionalProperties": False,
    }


def _plain(node: Any, definitions: Mapping[str, Any]) -> Any:
    """Without titles and references; what may be null may simply be left out."""
    if isinstance(node, list):
        return [_plain(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        node = target | {key: value for key, value in node.items() if key != "$ref"}
    if {"type": "null"} in node.get("anyOf", ()):
        node = _without_null(node)
    return {key: _described(key, value, definitions) for key, value in node.items() if key not in _NOT_SAID}


def _described(key: str, value: Any, definitions: Mapping[str, Any]) -> Any:
    if key == "properties":  # a field may be called `title`
        return {name: _plain(field, definitions) for name, field in value.items()}
    return " ".join(value.split()) if key == "description" else _plain(value, definitions)


def _without_null(node: Mapping[str, Any]) -> dict[str, Any]:
    left = [each for each in node["anyOf"] if each != {"type": "null"}]
    kept = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
    return (left[0] if len(left) == 1 else {"anyOf": left}) | kept


def strictly(node: Schema) -> Schema:
    """An object schema of which every field is required."""
    given = {name: _strict_field(field, name in node["required"]) for name, field in node["properties"].items()}
    return {**node, "properties": given, "required": list(given)}


def _strict_field(field: Schema, required: bool) -> Schema:
    kept = {key: _strict_value(value) for key, value in field.items() if key not in _NOT_STRICT}
    if "default" in field:
        words = f"{kept.get('description', '')} Usually {json.dumps(field['default'])}."
        return {**kept, "description": words.strip()}
    if required:
        return kept
    words = kept.pop("description", "")
    return {"anyOf": [kept, {"type": "null"}], "description": f"{words} null: left out.".strip()}


def _strict_value(value: Any) -> Any:
    if isinstance(value, dict):
        return strictly(value) if "properties" in value else {
            key: _strict_value(each) for key, each in value.items() if key not in _NOT_STRICT
        }  # fmt: skip
    return [_strict_value(each) for each in value] if isinstance(value, list) else value
