"""Pictures asked for over HTTP: OpenAI's fields, and ours beside them."""

import unicodedata
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from darkroom.models.form_values import (
    file_format,
    given,
    lowered,
    provider_by_name,
    split_provider,
    switch,
    unfolded,
    whole_number,
)
from darkroom.models.generation import Routing
from darkroom.models.source import ImageSource

MOST_PROMPT = 32_000
MOST_INPUTS = 16
MOST_FALLBACKS = 3
# OpenAI's models that answer with a link unless told otherwise; all others answer with bytes.
_LINKED_BY_DEFAULT = ("dall-e-2", "dall-e-3")

Quality = Annotated[
    Literal["auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"], BeforeValidator(lowered)
]
Background = Annotated[Literal["auto", "transparent", "opaque"], BeforeValidator(lowered)]
OutputFormat = Annotated[Literal["png", "jpeg", "webp", "svg"], BeforeValidator(file_format)]
RASTER_FORMATS = ("png", "jpeg", "webp")
# Names that clients give to fields of ours.
_ALIASES = {"aspectRatio": "aspect_ratio", "image_model": "model", "edit_model": "model"}


def _words(value: Any) -> Any:
    value = unfolded(value)
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


class ImageRequest(BaseModel):
    """`POST /v1/images/generations`, and what it has in common with edits.

    What is None is left to the model; whether a model takes a value is checked against its own description.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", json_schema_extra=provider_by_name)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: Any) -> Any:
        """OpenAI's API takes null for what is not given. `provider` is a name, or an object with preferences."""
        if not isinstance(fields, dict):
            return fields
        said = given(fields, "prompt")
        for alias, name in _ALIASES.items():
            if alias in said and name not in said:
                said[name] = said.pop(alias)
        return split_provider(said)

    prompt: str = Field(min_length=1, max_length=MOST_PROMPT)

    @field_validator("prompt")
    @classmethod
    def _says_something(cls, prompt: str) -> str:
        if not any(letter.isalnum() or unicodedata.category(letter)[0] in "SP" for letter in prompt):
            raise ValueError("say what the picture is to show")
        return prompt

    @field_validator("seed")
    @classmethod
    def _any_seed(cls, seed: int | None) -> int | None:
        return None if seed == -1 else seed

    model: str | None = Field(None, min_length=1, max_length=200, description="The stack's default when absent.")
    n: int = Field(1, ge=1, le=10)
    size: str | None = Field(None, max_length=20, description="`auto`, `1536x1024` or `2K`; see aspect_ratio.")
    quality: Quality | None = Field(None, description="`standard` and `hd` are `medium` and `high`.")
    background: Background | None = None
    output_format: OutputFormat | None = None
    output_compression: int | None = Field(None, ge=0, le=100)
    response_format: Annotated[Literal["url", "b64_json"] | None, BeforeValidator(lowered)] = Field(
        None, description="A link, or the bytes; when absent what OpenAI's model of that name answers with."
    )
    # Ours.
    aspect_ratio: str | None = Field(None, max_length=10)
    resolution: str | None = Field(None, max_length=10)
    negative_prompt: str | None = Field(None, min_length=1, max_length=4000)
    seed: int | None = Field(
        None, ge=-(2**63), lt=2**63, description="-1 is none, as in Stable Diffusion's interfaces."
    )
    max_cost_usd: Decimal | None = Field(None, ge=Decimal("0.000001"), le=1000, allow_inf_nan=False)
    fallback_models: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field((), max_length=MOST_FALLBACKS)
    provider: Annotated[Routing | None, BeforeValidator(unfolded)] = None
    provider_name: str | None = Field(None, min_length=1, max_length=50, description="`provider`, where it is a name.")
    zdr: bool | None = Field(None, description="Only sources that keep nothing; the caller's setting when absent.")
    webhook_url: str | None = Field(None, max_length=2048)

    @property
    def wants_links(self) -> bool:
        """Whether the answer has links instead of bytes."""
        if self.response_format is not None:
            return self.response_format == "url"
        return (self.model or "").rpartition("/")[2].lower() in _LINKED_BY_DEFAULT

    # OpenAI's, that no model here has a use for. They are accepted, and a warning says that they do nothing.
    style: str | None = Field(None, max_length=50)
    moderation: str | None = Field(None, max_length=50)
    input_fidelity: str | None = Field(None, max_length=50)
    reasoning: Annotated[dict[str, Any] | None, BeforeValidator(unfolded)] = None
    user: str | None = Field(None, max_length=500)
    safety_identifier: str | None = Field(None, max_length=500)
    stream: Annotated[bool, BeforeValidator(switch)] = Field(False, description="The answer as OpenAI's events.")
    partial_images: Annotated[int | None, BeforeValidator(whole_number)] = Field(
        None,
        ge=0,
        le=3,
        description="How many partial pictures those who follow the job get, and who reads a `stream`; when absent, a "
        "stream has those that there are.",
    )

    def identity(self) -> dict[str, Any]:
        """All that makes two requests the same. How the answer travels makes no other request of it."""
        return {**self.model_dump(mode="json", exclude={"images", "mask"}), "stream": False, "partial_images": 0}


class EditRequest(ImageRequest):
    """`POST /v1/images/edits`. The first picture is the one that a mask is for."""

    images: tuple[ImageSource, ...] = Field(min_length=1, max_length=MOST_INPUTS)
    mask: ImageSource | None = None
