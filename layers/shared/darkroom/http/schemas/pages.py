"""Pages for people: what their addresses and forms take. They answer HTML, errors as well."""

from collections.abc import Iterable
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from darkroom.errors import InvalidToken, Unauthenticated
from darkroom.http.operation import HTML, JSON, URLENCODED, Access, Content, Operation
from darkroom.models.new_token import NewToken

OWN: Final[Access] = "own page"
PAGE: Final[dict[int, Content]] = {200: {HTML: "text"}, 302: {"text/plain": "text"}}


class ReturnTo(BaseModel):
    model_config = ConfigDict(extra="forbid")

    return_to: str | None = Field(None, description="A path on this site.")


class StartQuery(ReturnTo):
    limit_usd: float | None = Field(None, ge=0.000001, le=100_000, description="Of the key that is made.")
    limit_reset: str | None = Field(None, description="`daily`, `weekly`, `monthly`.")
    expires_in_days: int | None = Field(None, ge=1, le=3650)
    expires_at: str | None = Field(None, description="A moment with its offset, instead of days.")
    new_account: bool = False


class CallbackQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    attempt: str | None = None
    code: str | None = None


class PastedCode(BaseModel):
    model_config = ConfigDict(extra="forbid")

    attempt: str = ""
    code: str = ""


class LinkQuery(ReturnTo):
    key: str = Field("", description="Of the one-time link.")


class TokenForm(ReturnTo):
    token: str = Field("", description="An API token.")


class ThingForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str = Field("", description="Of what is removed.")


class TryForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    prompt: str
    once: str = Field(description="Tells the form from others; sent twice it is one picture.")


def _page(
    route: str,
    summary: str,
    *,
    query: type[BaseModel] | None = None,
    form: type[BaseModel] | None = None,
    access: Access = "page",
) -> Operation:
    body: Content = {URLENCODED: form} if form else {}
    return Operation(route, summary, PAGE, query=query, body=body, access=access)


def _pages() -> Iterable[Operation]:
    yield _page("GET /oauth", "a page: sign in, or your account: keys, limits, API tokens, what next")
    yield _page(
        "GET /oauth/start",
        "off to OpenRouter's consent page, to sign in or, where you are known already, to connect; `return_to` is a "
        "path on this site, `limit_usd`, `limit_reset` (`daily`, `weekly`, `monthly`), `expires_in_days` or "
        "`expires_at` are asked of the key",
        query=StartQuery,
    )
    yield _page(
        "GET /oauth/connect",
        "the same for a browser that may not know you yet: it asks for one of your API tokens first",
        query=ReturnTo,
    )
    yield _page("GET /oauth/callback", "where OpenRouter sends the browser back to", query=CallbackQuery)
    yield _page("GET /oauth/paste", "the same by pasting a code, where no callback can reach", query=StartQuery)
    yield _page("POST /oauth/paste", "the code that was pasted", form=PastedCode)
    yield _page("GET /oauth/link", "the page of a one-time link; its button signs in", query=LinkQuery)
    yield _page("POST /oauth/link", "signs a browser in with a one-time link", form=LinkQuery)
    yield _page("POST /oauth/token", "signs a browser in with an API token", form=TokenForm)
    yield _page("POST /oauth/tokens", "makes an API token on the page, shown this once", form=NewToken, access=OWN)
    yield _page("POST /oauth/tokens/revoke", "revokes one", form=ThingForm, access=OWN)
    yield _page(
        "POST /try",
        "makes the picture that the form on that page asks for, and shows it; $0.10 at most, and sent twice it is "
        "one picture",
        form=TryForm,
        access=OWN,
    )
    yield _page(
        "POST /oauth/unlink", "has an OpenRouter account sign in to its own account again", form=ThingForm, access=OWN
    )
    yield _page("POST /oauth/disconnect", "forgets the key", access=OWN)
    yield _page("POST /oauth/sign-out", "ends the session", access=OWN)


# Where the stack's owner keeps them for users.
CLOSED: Final = (Unauthenticated, InvalidToken)
OPENAPI: Final = Operation(
    "GET /openapi.json",
    "all of this as OpenAPI 3.1, for everybody unless the stack's owner says otherwise",
    {200: {JSON: "text"}},
    access="public",
    errors=CLOSED,
)
DOCS: Final = Operation(
    "GET /docs", "the same as a page to read", {200: {HTML: "text"}}, access="public", errors=CLOSED
)
PAGES: Final = {operation.route: operation for operation in _pages()}
"""By route."""
OPERATIONS: Final = (OPENAPI, DOCS, *PAGES.values())
