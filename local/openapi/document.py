"""The OpenAPI 3.1 document of all routes."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from darkroom import __version__
from darkroom.errors import DarkroomError, TooManyRequests
from darkroom.http.browser import SESSION
from darkroom.http.operation import HTML, JSON, PROBLEM, Content, Operation
from darkroom.http.route_table import LIVE_ROUTES
from darkroom.http.schemas import (
    account,
    azure,
    completions,
    conversations,
    images,
    jobs,
    mcp,
    models,
    openrouter,
    pages,
    recipes,
    rembg,
    removebg,
    responses,
    settings,
    studio,
    usage,
    webhooks,
)
from darkroom.http.schemas.common import Problem
from local import state
from local.openapi.examples import example_of, requests
from local.openapi.said import access, errors_of, summary
from local.openapi.schemas import Mode, Model, Schema, schemas_of, used

WRITTEN: Final = state.ROOT / "docs" / "openapi.json"
SERVED: Final = state.ROOT / "layers" / "shared" / "darkroom" / "http" / "openapi.json"
SERVED_PAGE: Final = SERVED.with_name("docs.html")
_SCHEMAS: Final = (
    *(
        images,
        conversations,
        recipes,
        completions,
        responses,
        azure,
        jobs,
        models,
        settings,
        usage,
        webhooks,
        account,
        openrouter,
    ),
    *(removebg, rembg, mcp, pages, studio),
)
OPERATIONS: Final[tuple[Operation, ...]] = (
    *(found for each in _SCHEMAS for found in vars(each).values() if isinstance(found, Operation)),
    *pages.PAGES.values(),
)
_TITLES: Final = {
    "images": "Pictures",
    "conversations": "Talking to a picture",
    "recipes": "Recipes",
    "chat": "Plain chat",
    "responses": "Plain chat",
    "openai": "Plain chat",
    "mcp": "Model Context Protocol",
    "jobs": "Jobs and uploads",
    "uploads": "Jobs and uploads",
    "models": "Models and estimates",
    "estimates": "Models and estimates",
    "settings": "Settings and usage",
    "usage": "Settings and usage",
    "webhooks": "Webhooks",
    "tokens": "Account",
    "keys": "Account",
    "session": "Account",
    "key": "Account",
    "credits": "Account",
    "generation": "Settings and usage",
    "healthz": "Account",
}
_PEOPLE: Final = "Pages for people"
_INTRODUCTION: Final = """\
Every route but those that say otherwise wants a token, `Authorization: Bearer dk_…` or `X-Api-Key: dk_…`, or the cookie
of a signed-in browser. Each error is a problem (RFC 9457) that says with `charged` whether money was spent. Answers may
get more fields; a field that is there stays.\
"""
_SECURITY: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token, `dk_…`."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "The same token."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION,
        "description": "Of a browser that has signed in. What it writes has to come from this site's own pages.",
    },
}
# The document is the same for all stacks, so the second address is one to fill in.
_SERVERS: Final = [
    {"url": "/", "description": "Where this document is: all routes, and 25 seconds for an answer."},
    {
        "url": "https://{function_url_id}.lambda-url.{region}.on.aws",
        "description": (
            "A deployed stack's output `ClientUrl`: answers are streamed, and may take 5 minutes. It has "
            f"{', '.join(LIVE_ROUTES).replace('{proxy+}', '{model_id}')}."
        ),
        "variables": {
            "function_url_id": {"default": "your-function-url-id", "description": "As in `ClientUrl`."},
            "region": {"default": "us-east-1", "description": "The stack's."},
        },
    },
]
_WRITTEN_HEADERS: Final = {
    202: {"location": "The job.", "retry-after": "Seconds."},
    303: {"location": "Where the answer is."},
    302: {"location": "Where the browser goes."},
}

_LIMITS: Final = {
    "ratelimit-policy": "`q` requests in `w` seconds, for each limit.",
    "ratelimit": "What is left of each limit: `r` requests, for `t` seconds more.",
}


def document() -> Schema:
    """All routes, in the order in which docs/api.md has them."""
    found, shared = schemas_of(_models())
    schemas = _Schemas(found)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        path = operation.path.replace("{proxy+}", "{model_id}")
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, path, schemas, shared)
    made: Schema = {
        "openapi": "3.1.0",
        "info": {
            "title": "Darkroom",
            "version": __version__,
            "description": _INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": _SERVERS,
        "security": [{name: []} for name in _SECURITY],
        "tags": [{"name": name} for name in dict.fromkeys((*_TITLES.values(), _PEOPLE))],
        "paths": paths,
        "components": {"schemas": {}, "securitySchemes": _SECURITY},
    }
    made["components"]["schemas"] = used([paths], shared)
    return made


def text(made: Mapping[str, Any]) -> str:
    """As it is kept, for people and their diffs."""
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def served(made: Mapping[str, Any]) -> str:
    """As it goes out."""
    return json.dumps(made, separators=(",", ":"), ensure_ascii=False) + "\n"


class _Schemas:
    """The schemas by model; what is no JSON has no model."""

    def __init__(self, found: Mapping[tuple[Model, Mode], Schema]) -> None:
        self._found = found

    def of(self, content: Content, mode: Mode) -> dict[str, Any]:
        return {media: {"schema": self._one(media, model, mode)} for media, model in content.items()}

    def query(self, model: type[BaseModel]) -> Schema:
        return self._found[model, "validation"]

    def _one(self, media: str, model: Any, mode: Mode) -> Schema:
        if model == "bytes":
            return {"type": "string", "format": "binary"}
        if model == "text":
            return {"type": "object"} if media == JSON else {"type": "string"}
        return self._found[model, mode]


def _models() -> Iterator[tuple[Model, Mode]]:
    yield Problem, "serialization"
    for operation in OPERATIONS:
        for given in (operation.query, operation.headers):
            if given is not None:
                yield given, "validation"
        for model in operation.body.values():
            if not isinstance(model, str):
                yield model, "validation"
        for content in (*operation.answers.values(), operation.errors):
            for model in content.values():
                if not isinstance(model, str):
                    yield model, "serialization"


def _operation(operation: Operation, path: str, schemas: _Schemas, shared: Schema) -> Schema:
    made: Schema = {
        "operationId": _id(operation.route),
        "summary": _plain(summary(operation)),
        "tags": [_tag(path)],
    }
    if access(operation) in ("public", "page"):
        made["security"] = []
    elif access(operation) == "optional":
        made["security"] = [{}, *({name: []} for name in _SECURITY)]
    if parameters := [*_path_parameters(path), *_parameters(operation, schemas, shared)]:
        made["parameters"] = parameters
    if operation.body:
        made["requestBody"] = _body(operation, schemas)
    made["responses"] = {**_answers(operation, schemas, shared), **_errors(operation, schemas)}
    return made


def _body(operation: Operation, schemas: _Schemas) -> Schema:
    content = schemas.of(operation.body, "validation")
    for media, example in requests(operation.route).items():
        if media in content:
            content[media]["example"] = example
    return {"required": not operation.is_body_optional, "content": content}


def _answers(operation: Operation, schemas: _Schemas, shared: Schema) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, content in operation.answers.items():
        made = schemas.of(content, "serialization")
        if JSON in made:
            made[JSON]["example"] = example_of(made[JSON]["schema"], shared)
        written = {
            **(_LIMITS if access(operation) in ("token", "optional") else {}),
            **_WRITTEN_HEADERS.get(status, {}),
        }
        described = {
            200: "Done.",
            201: "Made.",
            304: "As you have it.",
            202: "A job, which goes on.",
            302: "Elsewhere.",
            303: "Elsewhere.",
        }
        found[str(status)] = {
            "description": described.get(status, "Not well."),
            "headers": {"x-request-id": _header("By which the log knows the request."), **_headers(written)},
            "content": made,
        }
    return found


def _header(about: str) -> Schema:
    return {"description": about, "schema": {"type": "string"}}


def _headers(abouts: Mapping[str, str]) -> dict[str, Schema]:
    return {name: _header(about) for name, about in abouts.items()}


def _errors(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    if access(operation) in ("page", "own page"):
        problem = {"$ref": "#/components/schemas/Problem"}
        content = {HTML: {"schema": {"type": "string"}}, PROBLEM: {"schema": problem}}
        return {"default": {"description": "What went wrong, for people.", "content": content}}
    by_status: dict[int, list[type[DarkroomError]]] = {}
    for error in errors_of(operation):
        by_status.setdefault(error.status, []).append(error)
    found: dict[str, Any] = {}
    for status, errors in sorted(by_status.items()):
        codes = sorted({error.code for error in errors})
        titles = {error.code: error.title for error in errors}
        schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": codes}}}]}
        answered: dict[str, Any] = {PROBLEM: {"schema": schema}}
        answered |= schemas.of(operation.errors, "serialization")
        if status in operation.answers:
            answered |= schemas.of(operation.answers[status], "serialization")
        found[str(status)] = {
            "description": "; ".join(f"`{code}`: {titles[code][0].lower()}{titles[code][1:]}" for code in codes),
            "content": answered,
        }
        if TooManyRequests in errors:
            found[str(status)]["headers"] = {"retry-after": _header("Seconds."), **_headers(_LIMITS)}
    return found


def _path_parameters(path: str) -> Iterator[Schema]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _parameters(operation: Operation, schemas: _Schemas, shared: Schema) -> Iterator[Schema]:
    for place, model in (("query", operation.query), ("header", operation.headers)):
        if model is None:
            continue
        schema = _resolved(schemas.query(model), shared)
        required = schema.get("required", ())
        for name, field in schema["properties"].items():
            about = {key: value for key, value in field.items() if key != "description"}
            yield {
                "name": name,
                "in": place,
                "required": name in required,
                **({"description": field["description"]} if "description" in field else {}),
                "schema": _without_null(about),
                # A list is written with commas between its parts.
                **({"style": "form", "explode": False} if about.get("type") == "array" else {}),
            }


def _without_null(schema: Schema) -> Schema:
    """Nothing in a query or a header is null: it is left out."""
    if schema.get("default", 0) is None:
        schema = {name: value for name, value in schema.items() if name != "default"}
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if not kinds:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def _resolved(schema: Schema, shared: Schema) -> Schema:
    return shared[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _id(route: str) -> str:
    """`post_v1_images_edits`"""
    return re.sub(r"\W+", "_", route.lower()).strip("_")


def _tag(path: str) -> str:
    first = path.removeprefix("/v1/").strip("/").partition("/")[0]
    return _TITLES.get(first, _PEOPLE)


def _plain(summary: str) -> str:
    """Without links into docs/api.md, as a sentence."""
    words = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", summary)
    return f"{words[0].upper()}{words[1:]}."
