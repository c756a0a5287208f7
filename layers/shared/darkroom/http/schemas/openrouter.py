"""OpenRouter's routes, as its own document declares them. https://openrouter.ai/docs/api-reference/overview"""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from darkroom.http.operation import JSON, Answer, Operation, json_of
from darkroom.http.schemas.common import OPENROUTERS, PaidHeaders
from darkroom.http.schemas.completions import CompletionFacts
from darkroom.http.schemas.jobs import Job
from darkroom.http.schemas.openrouter_models import ImageModelEndpoints, ImageModels
from darkroom.http.server_events import EVENTS


class ImageOrder(BaseModel):
    """`POST /images`: pictures from words and from other pictures; fields of ours (`max_cost_usd`, …), too."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    prompt: str
    model: str | None = None
    input_references: list[dict[str, Any]] | None = Field(
        None, description="`image_url` parts, as in a chat: https or data URLs, up to 16."
    )


class PaintedImage(Answer):
    b64_json: str
    media_type: str


class PaintedImages(Answer):
    created: int
    data: tuple[PaintedImage, ...]
    usage: dict[str, Any] = Field(description="Tokens, and `cost` in dollars; null is not known yet.")
    darkroom: CompletionFacts


class KeyAnswer(Answer):
    """The token that is called with: its tightest limit, and what was spent with it."""

    data: dict[str, Any]


class Credits(Answer):
    data: dict[str, float] = Field(
        description="`total_credits`: the month's limit; `total_usage`: what is spent of it."
    )


class GenerationQuery(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    id: str = Field(min_length=1, max_length=200, description="OpenRouter's id of the generation, or the job's.")


class Generation(Answer):
    data: dict[str, Any]


PAINT: Final = Operation(
    "POST /v1/images",
    {200: {JSON: PaintedImages, EVENTS: "text"}, 202: {JSON: Job}},
    body={JSON: ImageOrder},
    headers=PaidHeaders,
    errors=OPENROUTERS,
)
LIST_IMAGE_MODELS: Final = Operation("GET /v1/images/models", json_of(ImageModels), errors=OPENROUTERS)
SHOW_IMAGE_ENDPOINTS: Final = Operation(
    "GET /v1/images/models/{proxy+}", json_of(ImageModelEndpoints), errors=OPENROUTERS
)
SHOW_KEY: Final = Operation("GET /v1/key", json_of(KeyAnswer), errors=OPENROUTERS)
SHOW_CREDITS: Final = Operation("GET /v1/credits", json_of(Credits), errors=OPENROUTERS)
SHOW_GENERATION: Final = Operation("GET /v1/generation", json_of(Generation), query=GenerationQuery, errors=OPENROUTERS)
