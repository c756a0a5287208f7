"""What is to be estimated: a request as it would be sent, or what it comes to, so and so many times."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from darkroom.models.value import StrictValue

Kind = Literal["generate", "edit", "chat", "turn", "remove"]
MOST_ITEMS: Final = 100
MOST_TIMES: Final = 1_000_000


class Repeated(BaseModel):
    """What an estimate is told beside the request."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore", populate_by_name=True)

    task: Kind | None = Field(None, alias="for", description="Told from the fields when absent.")
    times: int = Field(1, ge=1, le=MOST_TIMES)
    references: int | None = Field(None, ge=0, le=16, description="Pictures to work from, instead of the pictures.")


class TurnSize(StrictValue):
    """A chat, by what it comes to."""

    prompt_tokens: int = Field(ge=0, le=10_000_000)
    completion_tokens: int = Field(0, ge=0, le=10_000_000)
    pictures: int = Field(0, ge=0, le=100, description="That it is shown, each of a megapixel.")
    model: str | None = Field(None, min_length=1, max_length=200)
    fallback_models: tuple[str, ...] = Field((), max_length=3)
    provider: dict[str, Any] | None = Field(None, description="OpenRouter's routing preferences.")
    provider_name: str | None = Field(None, min_length=1, max_length=50, description="`provider`, where it is a name.")

    @model_validator(mode="before")
    @classmethod
    def _named_provider(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and isinstance(fields.get("provider"), str):
            return {**without(fields, "provider"), "provider_name": fields["provider"]}
        return fields


class Turn(StrictValue):
    """A turn of a conversation: its planning, and a painting where there is one."""

    model: str | None = Field(None, min_length=1, max_length=200, description="The planner; the caller's when absent.")
    paint: bool = False
    image_model: str | None = Field(None, min_length=1, max_length=200, description="The painter, likewise.")


class Removal(StrictValue):
    """A background removal. What it gives is of no matter: here it costs nothing, and at remove.bg one credit."""

    model: str | None = Field(None, min_length=1, max_length=200)
    provider: str | None = Field(None, min_length=1, max_length=50, description="`removebg`; absent: as is set.")


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
