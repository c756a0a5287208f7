"""Plain chat: OpenAI's request and answer, as far as Darkroom reads them; all else is passed on."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.http.operation import JSON, Answer, Operation
from darkroom.http.schemas.common import OPENROUTERS, PaidHeaders
from darkroom.http.schemas.jobs import Cost, Job, JobReference
from darkroom.models.completion_body import CompletionBody


class CompletionChoice(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="allow")

    index: int
    message: dict[str, Any]
    logprobs: Any = None


class CompletionFacts(Answer):
    """What only Darkroom knows of a completion."""

    job: JobReference
    cost: Cost
    model_requested: str | None
    model_used: str | None
    provider: str | None
    warnings: tuple[str, ...]


class Completion(BaseModel):
    """The provider's answer, with every field that OpenAI's schema requires."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    object: Literal["chat.completion"] = "chat.completion"
    choices: tuple[CompletionChoice, ...]
    system_fingerprint: str
    darkroom: CompletionFacts = Field(description="What only Darkroom knows.")


COMPLETE: Final = Operation(
    "POST /v1/chat/completions",
    {200: {JSON: Completion, "text/event-stream": "text"}, 202: {JSON: Job}, 303: {"text/plain": "text"}},
    body={JSON: CompletionBody},
    headers=PaidHeaders,
    errors=OPENROUTERS,
)
