"""The page of the API's routes, made of its OpenAPI document; the function serves it as it is written here."""

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from darkroom.http.pages import link, paragraph

Schema = Mapping[str, Any]
_CODE: Final = re.compile(r"`([^`]+)`")
_MOST_VALUES: Final = 12


def body(made: Schema) -> str:
    """The HTML of the page's body, a line for each route."""
    shared: Schema = made["components"]["schemas"]
    parts = [paragraph(made["info"]["description"])]
    parts.append(f"<p>Version {escape(made['info']['version'])} · {link('openapi.json', '/openapi.json')}</p>")
    for tag in made["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2>")
        for path, methods in made["paths"].items():
            parts += [
                _operation(method.upper(), path, one, shared)
                for method, one in methods.items()
                if tag["name"] in one["tags"]
            ]
    return "\n".join(parts) + "\n"


def _operation(method: str, path: str, operation: Schema, shared: Schema) -> str:
    parts = [f"<p>{_text(operation['summary'])}</p>"]
    if operation.get("security") == []:
        parts.append("<p>For everybody: it takes no token.</p>")
    if parameters := operation.get("parameters"):
        rows = [
            (each["name"], f"{each['in']}, {_kind(each['schema'], shared)}", each.get("description", ""))
            for each in parameters
        ]
        parts.append(_facts("Parameters", rows))
    if body := operation.get("requestBody"):
        parts += _body(body, shared)
    for status, answer in operation["responses"].items():
        parts.append(_answer(status, answer, shared))
    anchor = escape(operation["operationId"])
    return f'<details id="{anchor}"><summary><code>{method} {escape(path)}</code></summary>{"".join(parts)}</details>'


def _body(body: Schema, shared: Schema) -> Iterator[str]:
    kinds = ", ".join(body["content"])
    need = "" if body.get("required") else " It may be left out."
    yield f"<p>Body: <code>{escape(kinds)}</code>.{need}</p>"
    first = next(iter(body["content"].values()))
    yield _facts("Fields", _fields(first["schema"], shared))
    if "example" in first:
        yield _example(first["example"])


def _answer(status: str, answer: Schema, shared: Schema) -> str:
    content = answer.get("content", {})
    kinds = ", ".join(content)
    said = f"<p><strong>{escape(status)}</strong> {_text(answer['description'])} <code>{escape(kinds)}</code></p>"
    if not status.startswith("2"):
        return said
    first: Schema = next(iter(content.values()), {})
    example = _example(first["example"]) if "example" in first else ""
    return said + _facts("Fields", _fields(first.get("schema", {}), shared)) + example


def _fields(schema: Schema, shared: Schema) -> list[tuple[str, str, str]]:
    whole = _resolved(schema, shared)
    required = whole.get("required", ())
    return [
        (name, _kind(each, shared) + (", required" if name in required else ""), each.get("description", ""))
        for name, each in whole.get("properties", {}).items()
    ]


def _facts(title: str, rows: list[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    lines = (
        f"<dt><code>{escape(name)}</code></dt><dd>{escape(kind)}{'. ' + _text(about) if about else ''}</dd>"
        for name, kind, about in rows
    )
    return f"<details><summary>{escape(title)}</summary><dl>{''.join(lines)}</dl></details>"


def _kind(schema: Schema, shared: Schema) -> str:
    """What a value is, in a few words."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return name if _resolved(schema, shared).get("type") == "object" else _kind(_resolved(schema, shared), shared)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each, shared) for each in schema["anyOf"]))
    if "enum" in schema:
        values = [json.dumps(each) for each in schema["enum"]]
        return " or ".join(values[:_MOST_VALUES]) + (" …" if len(values) > _MOST_VALUES else "")
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), shared)}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _resolved(schema: Schema, shared: Schema) -> Schema:
    found: Schema = shared[str(schema["$ref"]).rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _example(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=1, ensure_ascii=False))}</pre>"


def _text(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))
