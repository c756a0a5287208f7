"""What in a document breaks callers of the one before: less that is taken, or less that is answered."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local import state
from local.openapi.schemas import Schema

RELEASED: Final = state.ROOT / "docs" / "openapi.released.json"
"""What callers have relied on since the last release, without what is for people alone."""

_METHODS: Final = ("get", "put", "post", "patch", "delete")
_WORDS: Final = ("description", "summary", "example", "examples", "tags", "title", "headers", "info", "operationId")
_UPPER: Final = ("maximum", "maxLength", "maxItems", "exclusiveMaximum")
_LOWER: Final = ("minimum", "minLength", "minItems", "exclusiveMinimum")


def contract(document: Mapping[str, Any]) -> Schema:
    """A document without what is for people alone."""
    paths = {path: {each: _bare(one) for each, one in methods.items()} for path, methods in document["paths"].items()}
    schemas = {name: _bare(schema) for name, schema in document["components"]["schemas"].items()}
    return {"paths": paths, "components": {"schemas": schemas}}


def text(document: Mapping[str, Any]) -> str:
    return json.dumps(contract(document), separators=(",", ":"), ensure_ascii=False) + "\n"


def _bare(value: Any, *, named: bool = False) -> Any:
    """Args: named: the keys are names of fields, and none of OpenAPI's words."""
    if isinstance(value, list):
        return [_bare(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _bare(each, named=name == "properties" and not named)
        for name, each in value.items()
        if named or name not in _WORDS
    }


def breaking(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """A sentence for each change that breaks a caller, beginning with the route: `GET /v1/jobs: …`."""
    found: list[str] = []
    for path, methods in old["paths"].items():
        for method in (each for each in _METHODS if each in methods):
            route = f"{method.upper()} {path}"
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                found.append(f"{route}: it is removed")
                continue
            comparison = _Comparison(old["components"]["schemas"], new["components"]["schemas"])
            found += [f"{route}: {each}" for each in dict.fromkeys(comparison.of(methods[method], now))]
    return found


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def of(self, old: Schema, new: Schema) -> Iterator[str]:
        yield from self._parameters(old.get("parameters", []), new.get("parameters", []))
        yield from self._body(old.get("requestBody"), new.get("requestBody"))
        for status, answer in old["responses"].items():
            if not status.startswith("2"):
                continue
            now = new["responses"].get(status)
            if now is None:
                yield f"it is no longer answered with {status}"
                continue
            for media, one in answer.get("content", {}).items():
                if media not in now["content"]:
                    yield f"{status} is no longer answered as {media}"
                else:
                    yield from self._answer(one["schema"], now["content"][media]["schema"], "", frozenset())

    def _parameters(self, old: list[Schema], new: list[Schema]) -> Iterator[str]:
        before = {(each["in"], each["name"]): each for each in old}
        after = {(each["in"], each["name"]): each for each in new}
        for (place, name), parameter in before.items():
            if (place, name) not in after:
                yield f"the {place} `{name}` is removed"
            else:
                yield from self._request(parameter["schema"], after[place, name]["schema"], name, frozenset())
        for (place, name), parameter in after.items():
            if parameter.get("required") and not before.get((place, name), {}).get("required"):
                yield f"the {place} `{name}` is now required"

    def _body(self, old: Schema | None, new: Schema | None) -> Iterator[str]:
        if old is None:
            if new is not None and new.get("required"):
                yield "a body is now required"
            return
        if new is None:
            yield "it takes no body any more"
            return
        if new.get("required") and not old.get("required"):
            yield "a body is now required"
        for media, one in old["content"].items():
            if media not in new["content"]:
                yield f"{media} is no longer taken"
            else:
                yield from self._request(one["schema"], new["content"][media]["schema"], "", frozenset())

    def _request(self, old: Schema, new: Schema, place: str, seen: frozenset[str]) -> Iterator[str]:
        """What was taken, and is no longer."""
        if _loops(old, seen):
            return
        seen = seen | _name(old)
        before, after = _Shape(old, self._old), _Shape(new, self._new)
        yield from _narrowed(before, after, place)
        for name, field in before.fields.items():
            here = f"{place}.{name}".strip(".")
            if name in after.fields:
                yield from self._request(field, after.fields[name], here, seen)
            elif not after.is_open:
                yield f"the field `{here}` is no longer taken"
        for name in sorted(after.required - before.required):
            yield f"the field `{f'{place}.{name}'.strip('.')}` is now required"
        if before.items is not None and after.items is not None:
            yield from self._request(before.items, after.items, f"{place}[]", seen)

    def _answer(self, old: Schema, new: Schema, place: str, seen: frozenset[str]) -> Iterator[str]:
        """What was answered, and is no longer."""
        if _loops(old, seen):
            return
        seen = seen | _name(old)
        before, after = _Shape(old, self._old), _Shape(new, self._new)
        if others := sorted(after.kinds - before.kinds - ({"integer"} if "number" in before.kinds else set())):
            yield f"the field `{place}` may now be {' or '.join(others)}"
        for name, field in before.fields.items():
            here = f"{place}.{name}".strip(".")
            if name not in after.fields:
                yield f"the field `{here}` is removed from the answer"
                continue
            if name in before.required and name not in after.required:
                yield f"the field `{here}` may now be absent from the answer"
            yield from self._answer(field, after.fields[name], here, seen)
        if before.items is not None and after.items is not None:
            yield from self._answer(before.items, after.items, f"{place}[]", seen)


class _Shape:
    """A schema with its references and alternatives taken together."""

    def __init__(self, schema: Schema, shared: Schema) -> None:
        self.kinds: set[str] = set()
        self.values: set[str] | None = set()
        self.fields: dict[str, Schema] = {}
        self.items: Schema | None = None
        self.is_open = False
        required: list[set[str]] = []
        self.bounds: dict[str, Any] = {}
        for one in _branches(schema, shared):
            kind = str(one.get("type", "any"))
            self.kinds.add(kind)
            values = one.get("enum", [one["const"]] if "const" in one else None)
            if values is None:
                self.values = self.values if kind == "null" else None
            elif self.values is not None:
                self.values |= {str(each) for each in values}
            if kind == "object":
                self.fields = {**one.get("properties", {}), **self.fields}
                required.append(set(one.get("required", ())))
                self.is_open |= one.get("additionalProperties", False) is not False
            self.items = one.get("items", self.items)
            self.bounds |= {name: one[name] for name in (*_UPPER, *_LOWER, "pattern") if name in one}
        self.required = set.intersection(*required) if required and len(required) == len(self.kinds) else set()


def _branches(schema: Schema, shared: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        yield from _branches(shared[schema["$ref"].rpartition("/")[2]], shared)
    elif kinds := schema.get("anyOf") or schema.get("oneOf"):
        for each in kinds:
            yield from _branches(each, shared)
    else:
        yield schema


def _narrowed(before: _Shape, after: _Shape, place: str) -> Iterator[str]:
    if "any" not in after.kinds and (gone := sorted(before.kinds - after.kinds)) and gone != ["integer"]:
        yield f"the field `{place}` may no longer be {' or '.join(gone)}"
    if after.values is not None and after.values:
        if before.values is None:
            yield f"the field `{place}` now takes {', '.join(sorted(after.values))} alone"
        elif gone := sorted(before.values - after.values):
            yield f"the field `{place}` no longer takes {', '.join(gone)}"
    for name in _UPPER:
        if name in after.bounds and after.bounds[name] < before.bounds.get(name, float("inf")):
            yield f"the field `{place}` has a lower {name}"
    for name in _LOWER:
        if name in after.bounds and after.bounds[name] > before.bounds.get(name, float("-inf")):
            yield f"the field `{place}` has a higher {name}"
    if "pattern" in after.bounds and after.bounds["pattern"] != before.bounds.get("pattern"):
        yield f"the field `{place}` has another pattern"


def _name(schema: Schema) -> frozenset[str]:
    return frozenset({schema["$ref"]}) if "$ref" in schema else frozenset()


def _loops(schema: Schema, seen: frozenset[str]) -> bool:
    return bool(_name(schema) & seen)
