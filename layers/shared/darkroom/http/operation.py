"""What a route declares: what it takes and answers. The OpenAPI document is made of these, and of `routes.json`."""

from collections.abc import Mapping
from types import UnionType
from typing import Any, Final, Literal

from msgspec import Struct, field
from pydantic import BaseModel, ConfigDict, Field

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
HTML: Final = "text/html"
IMAGES: Final = "image/*"

Model = type[BaseModel] | UnionType
Raw = Literal["bytes", "text"]
Content = Mapping[str, Model | Raw]
"""By media type: a model, or what is no JSON."""


class Answer(BaseModel):
    """The root of what goes out. Nothing is in an answer that its model does not declare."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def absent(description: str | None = None) -> Any:
    """A field that is left out of the answer where it is None, and never null."""
    return Field(None, exclude_if=_is_none, description=description)


def _is_none(value: object) -> bool:
    return value is None


class Operation(Struct, frozen=True):
    """One route. What else there is to say of it stands in `routes.json`.

    Args:
        route: `POST /v1/images/edits`, as the template has it.
        answers: by status what goes out when it succeeds.
        body: what comes in, by media type; empty where the route takes none.
        is_body_optional: the route works without its body.
        query: fields of the query; others are ignored.
        headers: of the request, beside those that all routes take.
        errors: how errors go out to clients of another service's API, by media type.
    """

    route: str
    answers: Mapping[int, Content]
    body: Content = field(default_factory=dict)
    is_body_optional: bool = False
    query: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None
    errors: Content = field(default_factory=dict)

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]


def fields(model: Model, form: Model | None = None) -> Content:
    """A body that is taken as JSON and in forms alike. `form`: where a form has files that JSON has as text."""
    return {JSON: model, MULTIPART: form or model, URLENCODED: model}


def json_of(model: Model, status: int = 200) -> dict[int, Content]:
    return {status: {JSON: model}}
