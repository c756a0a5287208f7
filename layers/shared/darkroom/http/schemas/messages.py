"""What a message to a conversation says beside its words."""

from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from darkroom.http.schemas.images import File, Picture
from darkroom.models.chat import Reasoning
from darkroom.models.form_values import given, provider_by_name, split_provider, switch, unfolded
from darkroom.models.generation import Routing
from darkroom.models.job import TurnChoices
from darkroom.models.value import StrictValue

Name = Annotated[str, Field(min_length=1, max_length=200)]
# What the settings, and OpenAI, call what has another name here.
_ALIASES: Final = {"edit_model": "image_model"}
_EFFORT: Final = "reasoning_effort"


class NewMessage(StrictValue):
    """How long it may be is said by the turn that it begins."""

    model_config = ConfigDict(json_schema_extra=provider_by_name)

    content: str
    model: Name | None = Field(None, description="The planner, for this message.")
    fallback_models: Annotated[tuple[Name, ...], Field(max_length=3), BeforeValidator(unfolded)] = ()
    image_model: Name | None = Field(None, description="The painter, for this message; `edit_model`, too.")
    provider: Annotated[Routing | None, BeforeValidator(unfolded)] = None
    provider_name: Annotated[str, Field(min_length=1, max_length=50)] | None = Field(
        None, description="`provider`, where it is a name."
    )
    reasoning: Annotated[Reasoning | None, BeforeValidator(unfolded)] = Field(
        None, description="How much the planner thinks first, in OpenRouter's words; `reasoning_effort`, too."
    )
    zdr: Annotated[bool | None, BeforeValidator(switch)] = Field(None, description="Only sources that keep nothing.")
    max_cost_usd: Annotated[Decimal, Field(ge=Decimal("0.000001"), le=1000, allow_inf_nan=False)] | None = Field(
        None, description="Of the message in all: its planning and what it paints."
    )
    base: Annotated[str, Field(min_length=1, max_length=20)] | None = Field(
        None, description="The version that it is about; the shown one when absent. What comes of it is a branch."
    )
    dry_run: Annotated[bool, BeforeValidator(switch)] = Field(
        False, description="Plan it, say what carrying the plan out would cost, and do none of it."
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: Any) -> Any:
        """`provider` is a name, or an object with preferences among OpenRouter's sources."""
        if not isinstance(fields, dict):
            return fields
        said = split_provider(given(fields, "content"))
        for alias, name in _ALIASES.items():
            if alias in said and name not in said:
                said[name] = said.pop(alias)
        if _EFFORT in said and "reasoning" not in said:
            said["reasoning"] = {"effort": said.pop(_EFFORT)}
        return said

    @property
    def choices(self) -> TurnChoices:
        """What it says for itself beside its words."""
        return TurnChoices(
            model=self.model,
            fallback_models=self.fallback_models,
            image_model=self.image_model,
            provider=self.provider_name,
            routing=self.provider,
            reasoning=self.reasoning,
            zdr=self.zdr,
            max_cost=None if self.max_cost_usd is None else int(self.max_cost_usd * 1_000_000),
            base=self.base,
            dry_run=self.dry_run,
        )

    @field_validator("content", mode="before")
    @classmethod
    def _joined(cls, content: Any) -> Any:
        """A list of texts, as chats have it, is one text."""
        texts = [part.get("text") for part in content if _is_text(part)] if isinstance(content, list) else []
        return "\n".join(texts) if texts and len(texts) == len(content) else content


class NewMessageBody(NewMessage):
    mask: Picture | None = Field(
        None, description="As large as the picture, transparent where it may change; the rest stays, to the pixel."
    )


class NewMessageForm(NewMessage):
    mask: File | None = Field(None, description="Transparent where the picture may change.")


class NewEstimate(NewMessage):
    """A message that is not said."""

    content: str = "Make it warmer."


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type", "text") == "text" and isinstance(part.get("text"), str)
