"""Examples: of requests those that `make invoke` sends, of answers what their schemas make of ordinary values."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from local import state

_LONGEST: Final = 300
_LONGEST_NUMBER: Final = 6
_ID: Final = "01KQ3M5W7Y9ACEGJMPRTVXZ024"
# By the name of a field, whatever has it.
_VALUES: Final[Mapping[str, Any]] = {
    "id": f"job_{_ID}",
    "job_id": f"job_{_ID}",
    "op": "generation",
    "user": "alice",
    "hint": "x4Qz",
    "label": "",
    "name": "laptop",
    "token": "dk_…",
    "secret": "whsec_…",
    "object": None,
    "created": 1795251626,
    "url": "https://…",
    "get": f"/v1/jobs/job_{_ID}",
    "cancel": f"/v1/jobs/job_{_ID}/cancel",
    "derived": f"/v1/jobs?made_from=job_{_ID}",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "media_type": "image/jpeg",
    "width": 1024,
    "height": 1024,
    "bytes": 250000,
    "model": "black-forest-labs/flux.2-klein-4b",
    "model_requested": "sdxl",
    "model_used": "black-forest-labs/flux.2-klein-4b",
    "provider": "openrouter",
    "status": "succeeded",
    "month": "2026-11",
    "by": [],
    "reply": "Done: warmer (20). I made it warmer.",
    "title": "",
    "content": "warmer, please",
    "estimated_usd": 0.014,
    "reserved_usd": 0.0154,
    "actual_usd": 0.014,
    "cost_usd": 0.014,
    "actual_credits": 35.0,
    "credits": 35.0,
    "settled": True,
    "charged": True,
    "deleted": True,
    "upload_id": f"upl_{_ID}",
    "max_bytes": 52428800,
    "generation_id": None,
    "current": "v1",
    "next_cursor": None,
    "version": "v1",
    "error": None,
    "plan": None,
    "usage": {"input_tokens": 6, "output_tokens": 4096, "total_tokens": 4102},
    "message": {"role": "assistant", "content": "Hello.", "refusal": None},
    "left_out": {},
    "system_fingerprint": "",
    "similarity": 0.93,
    "note": "Darkroom has forgotten the key. Only you can revoke it, at its provider.",
}
_MOMENT: Final = "2026-11-21T09:00:26Z"


def requests(route: str) -> dict[str, Any]:
    """By media type a body that the route takes, as its event in `events/` has it. Files are left out."""
    found: dict[str, Any] = {}
    for path in sorted((state.ROOT / "events").glob("*.json")):
        event = json.loads(path.read_text())
        if event.get("routeKey") != route or not event.get("body") or event.get("isBase64Encoded"):
            continue
        media = str(event["headers"].get("content-type", ""))
        body = event["body"]
        if media == "application/json":
            found.setdefault(media, _shortened(json.loads(body)))
        elif media == "application/x-www-form-urlencoded":
            found.setdefault(media, {name: _typed(value) for name, value in parse_qsl(body)})
    return found


def _typed(value: str) -> str | int:
    return int(value) if value.isdecimal() and len(value) <= _LONGEST_NUMBER else value


def _shortened(value: Any) -> Any:
    """Without the bytes of pictures, and without what `make invoke` puts in their place."""
    if isinstance(value, Mapping):
        return {name: _shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    if not isinstance(value, str):
        return value
    if "${" in value:
        return value.replace("${JOB_ID}", f"job_{_ID}").replace("${TOKEN}", "dk_…")
    return f"{value[:40]}…" if len(value) > _LONGEST else value


def example_of(schema: Mapping[str, Any], shared: Mapping[str, Any], name: str = "") -> Any:
    """A value that the schema takes; of the fields that may be absent, none is there."""
    schema = shared[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "const" in schema:
        return schema["const"]
    kinds = schema.get("anyOf") or schema.get("oneOf")
    known = _VALUES.get(name)
    if kinds:
        if name in _VALUES and _fits(known, schema):
            return known
        return None if {"type": "null"} in kinds else example_of(kinds[-1], shared, name)
    if "enum" in schema:
        return known if known in schema["enum"] else schema["enum"][0]
    if name in _VALUES and _fits(known, schema):
        return known
    return _by_type(schema, shared, name)


def _by_type(schema: Mapping[str, Any], shared: Mapping[str, Any], name: str) -> Any:
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {})
        return {each: example_of(fields[each], shared, each) for each in fields if each in schema.get("required", ())}
    if kind == "array":
        items = schema.get("items", {})
        return [example_of(items, shared, name)] if "$ref" in items else []
    if kind == "string":
        return _MOMENT if schema.get("format") == "date-time" else name
    return {"integer": 1, "number": 0.5, "boolean": False}.get(str(kind))


_PYTHON: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("anyOf") or [schema]
    if isinstance(value, bool) and not any(kind.get("type") == "boolean" for kind in kinds):
        return False
    return any(isinstance(value, _PYTHON.get(str(kind.get("type")), ())) for kind in kinds)
