"""What a route declares: what it takes, what it answers, how it fails. The OpenAPI document is made of these alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom import errors
from darkroom.errors import DarkroomError

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
Access = Literal["token", "optional", "public", "page", "own page"]
"""`page`: for people, who are told of errors by a page; `own page`: for those who are signed in."""
Errors = tuple[type[DarkroomError], ...]

PICTURE_ERRORS: Final[Errors] = (
    errors.EmptyImage,
    errors.UnreadableImage,
    errors.UnsupportedImage,
    errors.ImageTooLarge,
    errors.ImageExpired,
    errors.UrlRefused,
    errors.UrlUnreachable,
    errors.NotFound,
    errors.PayloadTooLarge,
)
KEY_ERRORS: Final[Errors] = (
    errors.InvalidApiKey,
    errors.InsufficientCredits,
    errors.AccessForbidden,
    errors.RateLimited,
    errors.NetworkError,
    errors.UnusableAnswer,
    errors.ProviderTimeout,
    errors.ProviderError,
    errors.KeyUnreadable,
)
PAID_ERRORS: Final[Errors] = (
    *KEY_ERRORS,
    errors.CostLimit,
    errors.BudgetExceeded,
    errors.PriceUnknown,
    errors.IdempotencyKeyReused,
    errors.JobCanceled,
    errors.StillRunning,
    errors.AnswerPending,
    errors.AnswerNotGiven,
    errors.OutcomeUnknown,
    errors.UnsupportedModel,
    errors.Conflict,
    errors.InvalidPrompt,
    errors.InvalidDimensions,
    errors.ContentRefused,
    errors.NoImage,
)


class Answer(BaseModel):
    """The root of what goes out. Nothing is in an answer that its model does not declare."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def absent(description: str | None = None) -> Any:
    """A field that is left out of the answer where it is None, and never null."""
    return Field(None, exclude_if=_is_none, description=description)


def _is_none(value: object) -> bool:
    return value is None


@dataclass(frozen=True, slots=True)
class Operation:
    """One route.

    Args:
        route: `POST /v1/images/edits`, as the template has it.
        summary: what it does, as one line of docs/api.md.
        answers: by status what goes out when it succeeds.
        body: what comes in, by media type; empty where the route takes none.
        is_body_optional: the route works without its body.
        query: fields of the query; others are ignored.
        headers: of the request, beside those that all routes take.
        errors: that this route has beside those which follow from what is declared here (see `all_errors`).
        unrestricted: a token with limits of its own is refused.
    """

    route: str
    summary: str
    answers: Mapping[int, Content]
    body: Content = field(default_factory=dict)
    is_body_optional: bool = False
    query: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None
    errors: Errors = ()
    access: Access = "token"
    unrestricted: bool = False

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]

    @property
    def all_errors(self) -> Errors:
        """Those of every route, of what it takes and of who may call it, and its own."""
        found: list[type[DarkroomError]] = [errors.InternalError, errors.ServiceUnavailable]
        if self.access in ("token", "optional"):
            found += [errors.Unauthenticated, errors.InvalidToken] if self.access == "token" else [errors.InvalidToken]
            found.append(errors.TooManyRequests)
            found += [errors.ForeignOrigin] if self.method != "GET" else []
        if self.unrestricted:
            found.append(errors.TokenRestricted)
        if self.body:
            found += [errors.InvalidParameter, errors.UnsupportedMediaType, errors.PayloadTooLarge]
        if self.query or self.headers:
            found.append(errors.InvalidParameter)
        if "{" in self.path:
            found.append(errors.NotFound)
        return tuple(dict.fromkeys((*found, *self.errors)))


def fields(model: Model, form: Model | None = None) -> Content:
    """A body that is taken as JSON and in forms alike. `form`: where a form has files that JSON has as text."""
    return {JSON: model, MULTIPART: form or model, URLENCODED: model}


def json_of(model: Model, status: int = 200) -> dict[int, Content]:
    return {status: {JSON: model}}
