"""Plain chat, passed through: OpenAI's request to the provider and its answer back, as they are."""

from typing import Any

from pydantic import Field

from darkroom.models.generation import Call, Usage
from darkroom.models.provider import RatesByModel
from darkroom.models.value import Value


class CompletionRequest(Value):
    """A checked body of `POST /chat/completions`; `model` is a live id."""

    model: str
    fallback_models: tuple[str, ...] = ()
    body: dict[str, Any] = Field(repr=False, description="Without model, stream and what only Darkroom reads.")
    max_completion_tokens: int = Field(ge=1)
    stream: bool = Field(False, description="Whether a reader follows the answer while it is written.")
    zdr: bool = Field(False, description="Only sources that keep nothing.")
    rates: RatesByModel = Field(default_factory=dict, description="For a provider whose answers do not tell the cost.")


class CompletionResult(Value):
    body: dict[str, Any] = Field(repr=False, description="As the provider sent it; one that was streamed is whole.")
    usage: Usage
    call: Call
    warnings: tuple[str, ...] = ()
