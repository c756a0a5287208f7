"""Whether an answer is one that the OpenAPI document declares: its status, its type, its body, its error's code."""

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import httpx
import jsonschema_rs

from darkroom.http.route_table import DEFAULT
from local.openapi.document import WRITTEN
from tests.events import Context

Handle = Callable[[dict[str, Any], Any], dict[str, Any]]

DOCUMENT: Final[dict[str, Any]] = json.loads(WRITTEN.read_text())
_METHODS: Final = ("GET", "PUT", "POST", "PATCH", "DELETE")
_PROXY: Final = "{model_id}"


class Undeclared(AssertionError):
    """The document does not declare such an answer."""


def handled(handle: Handle, event: dict[str, Any], context: Context) -> dict[str, Any]:
    """What a handler answers to a request, if it is what the document declares. Raises Undeclared."""
    answer = handle(event, context)
    check(event, answer)
    return answer


def check_response(response: httpx.Response) -> None:
    """An event hook of httpx: checks what the stack answered. What API Gateway says itself has no x-request-id."""
    request = response.request
    if "x-request-id" not in response.headers or request.method not in _METHODS:
        return
    response.read()
    path = template_of(request.method, request.url.path)
    if path in DOCUMENT["paths"]:
        kind = response.headers.get("content-type", "")
        check_answer(f"{request.method} {path}", response.status_code, kind, response.content)


def check(event: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Check what a handler answered. Raises Undeclared."""
    route = str(event["routeKey"])
    if route.partition(" ")[0] == "HEAD":
        # No route of the template: it is refused as all are without a token.
        return
    body = answer.get("body") or ""
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()
    headers = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
    check_answer(_routed(route, event), int(answer["statusCode"]), _first(headers.get("content-type", "")), content)


def check_answer(route: str, status: int, content_type: str, content: bytes) -> None:
    """Check an answer to a route as the template has it (`GET /v1/jobs/{job_id}`). Raises Undeclared."""
    if route == DEFAULT:
        _validate({"$ref": "#/components/schemas/Problem"}, content, f"{route} {status}")
        return
    method, _, path = route.partition(" ")
    operation = DOCUMENT["paths"].get(path, {}).get(method.lower())
    if operation is None:
        raise Undeclared(f"{route} is not in the document")
    declared = operation["responses"].get(str(status)) or operation["responses"].get("default")
    if declared is None:
        raise Undeclared(f"{route} answered {status}, which is not declared: {content[:500]!r}")
    if not declared.get("content") and not content:
        return
    media = content_type.partition(";")[0].strip().lower()
    found = next((each for each in declared["content"] if _matches(each, media)), None)
    if found is None:
        raise Undeclared(f"{route} answered {status} as {media!r}, which is not declared: {content[:300]!r}")
    if media.endswith("json"):
        _validate(declared["content"][found]["schema"], content, route)


def _routed(route: str, event: Mapping[str, Any]) -> str:
    """The route of the document: tests name the path that they call, as an event of API Gateway does not."""
    if route == DEFAULT:
        return route
    method, _, path = route.partition(" ")
    path = path.replace("{proxy+}", _PROXY)
    if path in DOCUMENT["paths"]:
        return f"{method} {path}"
    return f"{method} {template_of(method, path)}"


@cache
def template_of(method: str, path: str) -> str:
    """The path of the document that a request's path belongs to, or itself if there is none."""
    fitting = [each for each in DOCUMENT["paths"] if method.lower() in DOCUMENT["paths"][each] and _fits(each, path)]
    return min(fitting, key=lambda each: each.count("{"), default=path)


def _fits(template: str, path: str) -> bool:
    if template.endswith(_PROXY):
        return path.startswith(template.removesuffix(_PROXY)) and path != template.removesuffix(_PROXY)
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(
        part == each or part.startswith("{") for part, each in zip(parts, given, strict=True)
    )


def _matches(declared: str, media: str) -> bool:
    return declared == media or (declared.endswith("/*") and media.startswith(declared[:-1]))


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _validate(schema: Mapping[str, Any], content: bytes, route: str) -> None:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise Undeclared(f"{route} answered what is no JSON: {content[:300]!r}") from error
    fault = next(closed_validator(schema).iter_errors(value), None)
    if fault is not None:
        place = "/".join(map(str, fault.instance_path))
        raise Undeclared(f"{route}: at {place!r}: {fault.message[:1000]}")


def closed_validator(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Of one of the document's schemas, which takes no field but those it names."""
    return _validator(json.dumps(schema))


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    whole = {**_closed(json.loads(schema)), "components": _COMPONENTS}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _closed(value: Any) -> Any:
    """The document as a schema that takes no field but those it names, where it does not say otherwise."""
    if isinstance(value, list):
        return [_closed(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {name: _closed(each) for name, each in value.items()}
    if value.get("type") == "object" and "properties" in value:
        made.setdefault("additionalProperties", False)
    return made


_COMPONENTS: Final = _closed(DOCUMENT["components"])
CHECKED: Final[dict[str, list[Callable[..., Any]]]] = {"response": [check_response]}
"""For `httpx.Client(event_hooks=…)`: an answer that the document does not declare raises."""
