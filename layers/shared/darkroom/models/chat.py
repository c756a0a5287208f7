"""A conversation with a model: text, pictures to look at, and pictures from models that paint while they talk.

Beside it plain chat, which is passed through: OpenAI's request to the provider and its answer back, as they are.
"""

from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from darkroom.models.generation import Call, GeneratedImage, Reference, Routing, Usage
from darkroom.models.rates import RatesByModel
from darkroom.models.value import StrictValue, Value


class ChatMessage(StrictValue):
    """One turn. Pictures belong to the user: several models refuse them in an assistant's turn."""

    role: Literal["system", "user", "assistant"]
    text: str = ""
    images: tuple[Reference, ...] = ()

    @model_validator(mode="after")
    def _pictures_are_the_users(self) -> Self:
        if self.images and self.role != "user":
            raise ValueError("only a user's message holds pictures; repeat a model's picture in the next user message")
        return self


class JsonSchema(BaseModel):
    """The shape an answer has to have."""

    # By its alias, or it could not be read again from a job's row.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", serialize_by_alias=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool = True


class Reasoning(StrictValue):
    """How much a model is to think before it answers; what is None is left to it. OpenRouter's words."""

    effort: Literal["max", "xhigh", "high", "medium", "low", "minimal", "none"] | None = None
    max_tokens: int | None = Field(None, ge=0, le=100_000, description="Of thought.")
    enabled: bool | None = None
    exclude: bool | None = Field(None, description="Whether the thoughts stay out of the answer.")
    summary: Literal["auto", "concise", "detailed"] | None = None

    @property
    def is_off(self) -> bool:
        return self.enabled is False or self.effort == "none" or self.max_tokens == 0

    @property
    def tokens(self) -> int:
        """How many tokens of thought there is to be room for."""
        if self.is_off:
            return 0
        return self.max_tokens or _THOUGHT[self.effort or "medium"]


# Tokens of thought by effort. Sources give thought a share of the answer's length (OpenRouter: from a tenth for
# `minimal` to nearly all for `max`), so that it has to be allowed for.
_THOUGHT: Final = {"minimal": 500, "low": 1000, "medium": 2500, "high": 6000, "xhigh": 10_000, "max": 16_000}


class ChatRequest(StrictValue):
    model: str = Field(min_length=1, max_length=200)
    messages: tuple[ChatMessage, ...] = Field(min_length=1)
    max_completion_tokens: int = Field(
        ge=1, description="Always sent: without it the provider sets the model's largest answer aside, and may refuse."
    )
    paints: Literal["no", "only", "also"] = Field(
        "no", description="`only`: the model's output is pictures alone; `also`: text and pictures."
    )
    image_config: dict[str, Any] = Field(default_factory=dict)
    json_schema: JsonSchema | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    seed: int | None = None
    reasoning: Reasoning | None = None
    routing: Routing | None = Field(None, description="Which of the provider's own sources may serve.")
    zdr: bool = Field(False, description="Only sources that keep nothing.")
    max_price: dict[str, str] = Field(default_factory=dict, description="Dollars, by `prompt`, `completion`, `image`.")
    session: str | None = Field(None, max_length=256, description="Keeps a conversation with one source.")
    user: str | None = None
    cache_seconds: int | None = Field(
        None, ge=1, le=86400, description="An identical request in that time is answered from memory, at no cost."
    )
    stream: bool | None = Field(None, description="None: whenever a picture may come.")
    fallback_models: tuple[str, ...] = ()
    rates: RatesByModel = Field(default_factory=dict, description="For a provider whose answers do not tell the cost.")

    @property
    def streams(self) -> bool:
        return self.paints != "no" if self.stream is None else self.stream


class ChatResult(Value):
    text: str
    images: tuple[GeneratedImage, ...] = ()
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    from_cache: bool = False
    usage: Usage
    call: Call
    warnings: tuple[str, ...] = ()

    @property
    def is_cut_short(self) -> bool:
        """The answer ended because its tokens ran out; with thinking models there may be no text at all."""
        return self.finish_reason == "length"


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
