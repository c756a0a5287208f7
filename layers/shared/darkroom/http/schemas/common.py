"""What several resources have in their requests and answers."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from darkroom.errors import Charged
from darkroom.http.operation import JSON, Answer, absent

Usd = Annotated[float, Field(description="Dollars.")]
MicroUsdAmount = Annotated[int, Field(description="Micro-dollars: a sum of these is exact.")]
Moment = Annotated[
    datetime,
    PlainSerializer(datetime.isoformat, return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""A moment that is written with its offset (`+00:00`), where others have `Z`."""
Month = Annotated[str | None, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", description="In UTC.")]


class Page(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")


class PaidHeaders(BaseModel):
    """How a paid request wants to be answered."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    prefer: str | None = Field(
        None, alias="Prefer", description="`respond-async`, or `wait=10` for so many seconds, 25 at the most."
    )
    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="The same key and request again is the same job, for 48 hours.",
    )
    cancel_after: str | None = Field(
        None,
        alias="Cancel-After",
        pattern=r"^\d{1,5}[smh]?$",
        description="`90s`, `5m`, `1h`: canceled if it was not sent to its provider by then.",
    )


class ErrorDetails(BaseModel):
    """OpenAI's `error` object."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    message: str
    type: Literal["server_error", "invalid_request_error", "requests"]
    param: str | None
    code: str


class Problem(BaseModel):
    """RFC 9457 problem details, which carry OpenAI's `error` object, too. Some errors say more than is named here."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    type: str = Field(description="`urn:darkroom:error:{code}`")
    title: str
    status: int
    detail: str = Field(description="What was wrong.")
    instance: str | None = absent("The request, or the job.")
    fix: str | None = absent("What to do about it.")
    param: str | None = absent("The field at fault.")
    upstream: dict[str, Any] | None = absent("What the provider said, shortened and without secrets.")
    code: str
    retryable: bool = Field(description="Whether the same again makes sense; only of what cost nothing.")
    retry_after: int | None = Field(description="Seconds.")
    charged: Charged = Field(description="Whether money was spent; `unknown` while it is being found out.")
    error: ErrorDetails


class ErrorBody(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="allow")

    code: int = Field(description="The status.")
    message: str
    metadata: dict[str, Any] | None = None


class OpenRouterError(BaseModel):
    """An error as OpenRouter has it; beside it stand the fields of a problem."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    error: ErrorBody


OPENROUTERS: Final = {JSON: OpenRouterError}
"""How a route's errors go out to clients of OpenRouter."""


class SettledTogetherLine(Answer):
    """Several jobs of which it is known what they cost together, and not what each of them cost."""

    jobs: int
    total_usd: Usd
    total_micro_usd: MicroUsdAmount


class Removed(Answer):
    """What was removed."""

    id: str
    object: str
    deleted: Literal[True] = True
