"""Pages for people: what their addresses and forms take. They answer HTML, errors as well."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.http.operation import HTML, JSON, URLENCODED, Answer, Content, Operation
from darkroom.models.token import NewToken

PAGE: Final[dict[int, Content]] = {200: {HTML: "text"}, 302: {"text/plain": "text"}}


class ReturnTo(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    return_to: str | None = Field(None, description="A path on this site.")


class StartQuery(ReturnTo):
    limit_usd: float | None = Field(None, ge=0.000001, le=100_000, description="Of the key that is made.")
    limit_reset: str | None = Field(None, description="`daily`, `weekly`, `monthly`.")
    expires_in_days: int | None = Field(None, ge=1, le=3650)
    expires_at: str | None = Field(None, description="A moment with its offset, instead of days.")
    new_account: bool = False


class CallbackQuery(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    attempt: str | None = None
    code: str | None = None


class PastedCode(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    attempt: str = ""
    code: str = ""


class LinkQuery(ReturnTo):
    key: str = Field("", description="Of the one-time link.")


class TokenForm(ReturnTo):
    token: str = Field("", description="An API token.")


class ThingForm(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    id: str = Field("", description="Of what is removed.")


class TryForm(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    prompt: str
    once: str = Field(description="Tells the form from others; sent twice it is one picture.")


def _page(route: str, *, query: type[BaseModel] | None = None, form: type[BaseModel] | None = None) -> Operation:
    return Operation(route, PAGE, query=query, body={URLENCODED: form} if form else {})


class OperationLine(Answer):
    """One operation of recipes."""

    object: Literal["operation"] = "operation"
    op: str
    title: dict[str, str] = Field(description="What it is called, by language.")
    description: str
    words: dict[str, tuple[str, ...]] = Field(description="By which people call it, by language; to be searched for.")
    parameters: dict[str, dict[str, Any]] = Field(description="Of each its JSON Schema: type, range, choices, default.")
    required: tuple[str, ...]
    needs_subject: bool = Field(description="Whether it has to know what the subject is, and takes longer.")


class OperationList(Answer):
    object: Literal["list"] = "list"
    engine: str
    languages: tuple[str, ...]
    data: tuple[OperationLine, ...]


OPERATIONS: Final = Operation("GET /v1/operations", {200: {JSON: OperationList}, 304: {}})
OPENAPI: Final = Operation("GET /openapi.json", {200: {JSON: "text"}})
DOCS: Final = Operation("GET /docs", {200: {HTML: "text"}})
_PAGES: Final = (
    _page("GET /oauth"),
    _page("GET /oauth/start", query=StartQuery),
    _page("GET /oauth/connect", query=ReturnTo),
    _page("GET /oauth/callback", query=CallbackQuery),
    _page("GET /oauth/paste", query=StartQuery),
    _page("POST /oauth/paste", form=PastedCode),
    _page("GET /oauth/link", query=LinkQuery),
    _page("POST /oauth/link", form=LinkQuery),
    _page("POST /oauth/token", form=TokenForm),
    _page("POST /oauth/tokens", form=NewToken),
    _page("POST /oauth/tokens/revoke", form=ThingForm),
    _page("POST /try", form=TryForm),
    _page("POST /oauth/unlink", form=ThingForm),
    _page("POST /oauth/disconnect"),
    _page("POST /oauth/sign-out"),
)
PAGES: Final = {operation.route: operation for operation in _PAGES}
"""By route."""
