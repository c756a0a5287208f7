"""OpenAI's Responses, as far as Darkroom reads and writes them. https://platform.openai.com/docs/api-reference/responses"""

from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.errors import Charged
from darkroom.http.operation import JSON, Answer, Operation
from darkroom.http.schemas.common import OPENROUTERS, PaidHeaders, Usd
from darkroom.http.schemas.jobs import Cost, JobReference
from darkroom.http.server_events import EVENTS


class ResponseOrder(BaseModel):
    """`POST /responses`. What chat has by the same name, and is not named here, is passed on as it came."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="allow")

    input: str | list[dict[str, Any]] | None = Field(
        None,
        repr=False,
        description="Text, or the items of a conversation: messages, tool calls, their outputs.",
    )
    instructions: str | None = Field(None, repr=False)
    model: str | None = Field(None, min_length=1, max_length=200, description="The stack's default when absent.")
    tools: list[dict[str, Any]] | None = Field(None, description="`function`, `custom` and `image_generation`.")
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: int | None = Field(
        None, ge=1, description="The most pictures that one response makes; 4 when absent."
    )
    text: dict[str, Any] | None = Field(
        None, description="`format` (`text`, `json_object`, `json_schema`), `verbosity`."
    )
    reasoning: dict[str, Any] | None = Field(None, description="`effort`, and `summary`.")
    include: list[str] | None = None
    max_output_tokens: int | None = Field(None, ge=1)
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    metadata: dict[str, Any] | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    store: bool | None = Field(None, description="Nothing is stored, whatever it says.")
    truncation: Literal["auto", "disabled"] | None = Field(None, description="Nothing is left out of a conversation.")
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None
    max_cost_usd: Decimal | None = Field(
        None, gt=0, le=1000, allow_inf_nan=False, description="Of the words and the pictures together."
    )


class ResponseStep(Answer):
    """A job that was carried out for a response."""

    job: JobReference
    cost: Cost
    model_requested: str | None
    model_used: str | None
    provider: str | None


class ResponseFacts(Answer):
    """What only Darkroom knows of a response."""

    steps: tuple[ResponseStep, ...] = Field(
        description="The words, where a model was asked for any; then each picture."
    )
    cost_usd: Usd | None = Field(description="Of all of them; null is not known yet.")
    charged: Charged
    warnings: tuple[str, ...]


class ResponseAnswer(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="allow")

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["completed", "incomplete"]
    model: str
    output: tuple[dict[str, Any], ...] = Field(
        description="`reasoning`, `message`, `function_call`, `custom_tool_call` and `image_generation_call`."
    )
    store: Literal[False] = False
    usage: dict[str, Any] | None
    darkroom: ResponseFacts = Field(description="What only Darkroom knows.")


RESPOND: Final = Operation(
    "POST /v1/responses",
    {200: {JSON: ResponseAnswer, EVENTS: "text"}, 303: {"text/plain": "text"}},
    body={JSON: ResponseOrder},
    headers=PaidHeaders,
    errors=OPENROUTERS,
)
