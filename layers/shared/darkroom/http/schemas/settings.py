"""A user's settings: what comes in and goes out."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from darkroom.http.operation import Answer, Operation, absent, fields, json_of
from darkroom.models.form_values import lowered, switch, unfolded, whole_number

# Dollars.
Usd = Annotated[Decimal, Field(ge=0, le=100_000, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
ONLY_SHOWN: Final = ("object", "source", "set", "effective", "warnings")
Origin = Literal["user", "stack", "built-in"]


def _switch(value: Any) -> Any:
    """A switch has two positions, and this one a third."""
    value = switch(lowered(value))
    return {True: "always", False: "never"}[value] if isinstance(value, bool) else value


def _names(value: Any) -> Any:
    """As JSON text in a form, or with commas between them."""
    value = unfolded(value)
    return tuple(word for part in value.split(",") if (word := part.strip())) if isinstance(value, str) else value


class ChangedSettings(BaseModel):
    """What is named is changed; null returns a setting to the stack's default."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _as_shown(cls, given: Any) -> Any:
        """What is shown can be sent back: what only tells is passed over."""
        if not isinstance(given, dict):
            return given
        kept = {name: value for name, value in given.items() if name not in ONLY_SHOWN}
        british = kept.pop("favourite_models", None)
        return kept if british is None else {"favorite_models": british, **kept}

    image_generation_model: Name | None = None
    image_edit_model: Name | None = None
    ai_chat_model: Name | None = None
    ai_provider: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    max_cost_per_request: Usd | None = None
    max_cost_per_conversation: Usd | None = None
    max_cost_per_day: Usd | None = None
    max_cost_per_month: Usd | None = None
    warn_at_percent: Annotated[int, Field(ge=1, le=100)] | None = None
    warn_at_cost: Usd | None = None
    credit_usd: Annotated[Decimal, Field(ge=Decimal("0.000001"), le=1000, allow_inf_nan=False)] | None = None
    enable_image_generation: bool | None = None
    enable_background_removal: bool | None = None
    preferred_manipulation_method: Annotated[
        Literal["local", "generative", "hybrid"] | None, BeforeValidator(lowered)
    ] = None
    favorite_models: Annotated[tuple[Name, ...] | None, Field(max_length=100), BeforeValidator(_names)] = Field(
        None, description="`favourite_models` is read, too."
    )
    background_model: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    use_cloud_removal: Annotated[Literal["never", "fallback", "always"] | None, BeforeValidator(_switch)] = None
    retention_days: Annotated[int | None, Field(ge=1, le=3650), BeforeValidator(whole_number)] = Field(
        None, description="1, 3, 7 or 14."
    )
    zero_data_retention: bool | None = None
    webhook_url: Annotated[str, Field(min_length=1, max_length=2048)] | None = None


class EffectiveModel(Answer):
    model: str
    source: Origin


class EffectiveModels(Answer):
    """Which model serves what names none; null where none can, or the lists cannot be had."""

    generate: EffectiveModel | None
    edit: EffectiveModel | None
    chat: EffectiveModel | None
    paint: EffectiveModel | None = Field(description="Of conversations; null where painting is switched off.")


class FavoriteModel(Answer):
    object: Literal["model.favorite"] = "model.favorite"
    id: str
    favorite: bool
    favorite_models: tuple[str, ...]


class SettingsView(Answer):
    """What applies to the caller; `source` says for each where it comes from."""

    object: Literal["settings"] = "settings"
    max_cost_per_request: float | None
    max_cost_per_conversation: float | None
    max_cost_per_day: float | None
    max_cost_per_month: float | None
    image_generation_model: str
    image_edit_model: str
    ai_chat_model: str
    ai_provider: str
    warn_at_percent: int
    warn_at_cost: float
    credit_usd: float
    enable_image_generation: bool
    enable_background_removal: bool
    preferred_manipulation_method: Literal["local", "generative", "hybrid"]
    favorite_models: tuple[str, ...]
    background_model: str
    use_cloud_removal: Literal["never", "fallback", "always"]
    retention_days: int
    zero_data_retention: bool
    webhook_url: str | None = Field(description="Without its query, which can be a credential.")
    source: dict[str, Origin]
    set: dict[str, Any] = Field(description="What you have set, as you have; the rest comes from elsewhere.")
    effective: EffectiveModels
    warnings: tuple[str, ...] | None = absent("What to know about a change.")


ADD_FAVORITE: Final = Operation("PUT /v1/models/{proxy+}", json_of(FavoriteModel))
REMOVE_FAVORITE: Final = Operation("DELETE /v1/models/{proxy+}", json_of(FavoriteModel))
SHOW_SETTINGS: Final = Operation("GET /v1/settings", json_of(SettingsView))
CHANGE_SETTINGS: Final = Operation("PATCH /v1/settings", json_of(SettingsView), body=fields(ChangedSettings))
