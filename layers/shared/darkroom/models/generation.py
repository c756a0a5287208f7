"""Pictures asked of a provider, and what it gave. Words a provider uses stay plain strings: its lists grow."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from darkroom.errors import Charged
from darkroom.models.money import MicroUsd
from darkroom.models.rates import RatesByModel
from darkroom.models.value import StrictValue, Value


class Reference(StrictValue):
    """A picture to work from: the bytes, or a public URL for the provider to fetch."""

    data: bytes | None = Field(None, repr=False)
    url: str | None = Field(None, pattern=r"^https://\S+$", max_length=2048, repr=False)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.data is None) == (self.url is None):
            raise ValueError("give a reference as data or as url")
        return self


Slug = Annotated[str, Field(min_length=1, max_length=100)]
# By which base64 each kind of picture begins.
_BEGINNINGS = {"iVBOR": "image/png", "/9j/": "image/jpeg", "UklGR": "image/webp"}
_MOST_OPTIONS = 8000


class Routing(StrictValue):
    """Which of the provider's own sources may serve; None leaves it to the provider."""

    only: tuple[Slug, ...] = Field((), max_length=20)
    order: tuple[Slug, ...] = Field((), max_length=20)
    ignore: tuple[Slug, ...] = Field((), max_length=20)
    sort: str | None = Field(None, max_length=50)
    allow_fallbacks: bool | None = None
    options: dict[str, dict[str, Any]] = Field(default_factory=dict, description="Flat, by source: passed through.")

    @field_validator("options")
    @classmethod
    def _small(cls, options: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        if len(json.dumps(options, default=str)) > _MOST_OPTIONS:
            raise ValueError(f"the options take more than {_MOST_OPTIONS} characters")
        return options


class GenerationRequest(StrictValue):
    """A picture to make, or with references to make over. What is None is left to the model."""

    model: str = Field(min_length=1, max_length=200)
    prompt: str = Field(min_length=1)
    n: int = Field(1, ge=1, le=10)
    size: str | None = Field(None, description='`2K`, or pixels: `"2048x2048"`.')
    aspect_ratio: str | None = None
    resolution: str | None = None
    quality: str | None = None
    output_format: str | None = None
    output_compression: int | None = Field(None, ge=0, le=100)
    background: str | None = None
    seed: int | None = None
    references: tuple[Reference, ...] = Field((), max_length=16)
    routing: Routing | None = None
    user: str | None = Field(None, description="Tells the provider end users apart; never a name.")
    stream: bool = Field(
        False,
        description="Whether the model offers streaming. It is used for one picture at a time: then the generation's "
        "id is known before the picture is paid for.",
    )
    partial_images: int = Field(
        0,
        ge=0,
        le=3,
        description="That a follower of the job is to see, where a provider is asked for a number.",
    )
    fallback_models: tuple[str, ...] = Field((), description="Tried in turn, while nothing has been billed.")
    zdr: bool = Field(False, description="Only sources that keep nothing.")
    rates: RatesByModel = Field(default_factory=dict, description="For a provider whose answers do not tell the cost.")


class PartialImage(Value):
    """A picture as far as it is made, as an event of OpenAI's form has it; base64."""

    index: int
    b64_json: str

    @classmethod
    def of(cls, data: str) -> "PartialImage | None":
        """Args: data: of any event of a stream. None if it has none."""
        if '"partial_image_index"' not in data:
            return None
        try:
            told = json.loads(data)
            return cls(index=told["partial_image_index"], b64_json=told["b64_json"])
        except (ValueError, LookupError, TypeError, RecursionError):
            return None

    @property
    def media_type(self) -> str:
        """Told from the first bytes; PNG, which most send, where these tell nothing."""
        return next((kind for begins, kind in _BEGINNINGS.items() if self.b64_json.startswith(begins)), "image/png")


class Usage(Value):
    """What a call took. Token counts may be fractions; None is unknown, never zero."""

    prompt_tokens: Decimal | None = None
    completion_tokens: Decimal | None = None
    image_tokens: Decimal | None = None
    cost: MicroUsd | None = Field(None, description="What the provider took for the call.")
    is_byok: bool = Field(False, description="Served with a key of the user's at the source; `cost` is the fee alone.")
    upstream_cost: MicroUsd | None = Field(None, description="With is_byok: what the source takes, beside `cost`.")

    @property
    def charged(self) -> Charged:
        """Whether it cost money; unknown where the provider does not say."""
        if self.cost is None:
            return "unknown"
        return self.cost > 0 or (self.is_byok and self.upstream_cost != 0)


class GeneratedImage(Value):
    data: bytes = Field(repr=False)
    media_type: str = Field(description="Told from the bytes.")


class Call(Value):
    """How an answer came about."""

    provider: str
    model_requested: str
    model_used: str
    source: str | None = Field(None, description="Who served it, where the provider is an intermediary.")
    generation_id: str | None = None
    request_id: str | None = None
    attempts: int = Field(1, ge=1, description="Requests sent or tried, over all models.")
    streamed: bool = False
    is_simulated: bool = Field(
        False, description="Whether a simulator on this machine has answered, as it says itself."
    )


class GenerationResult(Value):
    images: tuple[GeneratedImage, ...] = Field(min_length=1)
    usage: Usage
    call: Call
    warnings: tuple[str, ...] = ()


class GenerationRecord(Value):
    """What the provider's books say of one call, some minutes later."""

    id: str
    model: str | None = None
    source: str | None = None
    cost: MicroUsd | None = None
    created_at: datetime | None = None
    cancelled: bool | None = None
    finish_reason: str | None = None


class Dispatch(Value):
    """A request that is about to be sent; from here on it may cost money."""

    model: str
    attempt: int = Field(ge=1, description="Counted over all models of the request.")
    streamed: bool


class KeptPicture(Value):
    """The picture that an answer is kept as: its job's first, under the name that it has there."""

    key: str
    sha256: str


class RawAnswer(Value):
    """An answer as it came, before anybody tried to understand it."""

    body: bytes = Field(repr=False)
    media_type: str
    generation_id: str | None = None
    model: str | None = Field(None, description="That it was asked of.")
    complete: bool = Field(description="False if it broke off.")
    picture: KeptPicture | None = Field(None, description="The picture that it is kept as; None if it lies by itself.")
