"""A body of `POST /v1/chat/completions` as a caller sends it: OpenAI's fields, and ours beside them."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from darkroom.models.form_values import is_nothing, provider_by_name, whole_number

MOST_FALLBACKS = 3
# What servers on a laptop (llama.cpp, LM Studio) take for no limit.
_NO_LIMIT: Final = -1


class StreamOptions(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

    include_usage: bool = False


class CompletionBody(BaseModel):
    """What is understood here. Everything else (tools, response_format, temperature, …) is passed on as it came."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="allow", json_schema_extra=provider_by_name)

    messages: list[dict[str, Any]] = Field(min_length=1, repr=False)
    model: str | None = Field(None, min_length=1, max_length=200, description="The stack's default when absent.")
    models: tuple[str, ...] = Field((), max_length=MOST_FALLBACKS + 1, description="OpenRouter's fallback_models.")
    max_completion_tokens: int | None = Field(None, ge=1)
    max_tokens: int | None = Field(None, ge=1, description="The old name of max_completion_tokens.")
    n: Annotated[Literal[1] | None, BeforeValidator(whole_number)] = None
    modalities: tuple[str, ...] | None = None
    provider: dict[str, Any] | None = Field(None, description="OpenRouter's routing preferences.")
    provider_name: str | None = Field(None, min_length=1, max_length=50, description="`provider`, where it is a name.")
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    # Ours.
    max_cost_usd: Decimal | None = Field(None, gt=0, le=1000, allow_inf_nan=False)
    fallback_models: tuple[str, ...] = Field((), max_length=MOST_FALLBACKS)
    webhook_url: str | None = Field(None, max_length=2048)
    zdr: bool | None = Field(None, description="Only sources that keep nothing; the caller's setting when absent.")

    @model_validator(mode="before")
    @classmethod
    def _as_given(cls, fields: Any) -> Any:
        """Of the fields that are read here, those that say nothing are absent. `provider` is a name, or an object."""
        if not isinstance(fields, dict):
            return fields
        given = {name: value for name, value in fields.items() if not (name in _OPTIONAL and is_nothing(value))}
        for name in ("max_tokens", "max_completion_tokens"):
            if given.get(name) == _NO_LIMIT:
                del given[name]
        if isinstance(given.get("provider"), str):
            given["provider_name"] = given.pop("provider")
        return given

    @property
    def is_streamed(self) -> bool:
        return bool(self.stream)

    @property
    def shows_usage(self) -> bool:
        """Whether a stream is to end with a chunk that tells the usage, asked for as at OpenAI or as at OpenRouter."""
        asked = (self.model_extra or {}).get("usage")
        is_openrouters = isinstance(asked, dict) and asked.get("include") is True
        return is_openrouters or (self.stream_options is not None and self.stream_options.include_usage)

    @property
    def most_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def keeps_nothing(self) -> bool | None:
        """`zdr`, by either name; None where it is not said."""
        preferred = (self.provider or {}).get("zdr")
        return self.zdr if self.zdr is not None or not isinstance(preferred, bool) else preferred

    @property
    def named(self) -> str | None:
        return self.model or next(iter(self.models), None)

    @property
    def others(self) -> tuple[str, ...]:
        """The models that may stand in, by either name of the field."""
        given = (*self.models, *self.fallback_models)
        return tuple(each for each in dict.fromkeys(given) if each != self.named)

    def passed(self) -> dict[str, Any]:
        """What the provider is told as it came, in the caller's order: a model writes by a schema's order, too."""
        optional = {"modalities": None if self.modalities is None else list(self.modalities), "provider": self.provider}
        given = {name: value for name, value in optional.items() if value is not None}
        return {"messages": self.messages, **(self.model_extra or {}), **given}


# Beside these there is what is passed on, which is not for us to read.
_OPTIONAL: Final = frozenset(CompletionBody.model_fields) - {"messages"}
