"""What `GET /v1/operations` answers: of each operation its words, in the languages offered, and its parameters."""

import json
from typing import Any, Final

from darkroom import operations
from darkroom.operations import ENGINE_VERSION, _words
from darkroom.operations._schema import schema_of
from local import state

SERVED: Final = state.ROOT / "layers/shared/darkroom/http/operations.json"


def listed() -> dict[str, Any]:
    return {"object": "list", "engine": ENGINE_VERSION, "languages": list(_words.LANGUAGES), "data": _data()}


def text() -> str:
    return json.dumps(listed(), ensure_ascii=False, separators=(",", ":"))


def _data() -> list[dict[str, Any]]:
    return [_line(name) for name in operations.names()]


def _line(name: str) -> dict[str, Any]:
    operation = operations.load(name)
    schema, way = schema_of(operation), _words.ways(operation)[0]
    return {
        "object": "operation",
        "op": name,
        "title": {language: _words.shown(way, language) for language in _words.LANGUAGES},
        "description": schema["description"],
        "words": {language: _words.called(operation, language) for language in _words.LANGUAGES},
        "parameters": {field: each for field, each in schema["properties"].items() if field != "op"},
        "required": [field for field in schema["required"] if field != "op"],
        "needs_subject": operation.needs_subject,
    }
