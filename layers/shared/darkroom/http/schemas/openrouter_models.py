"""Models as OpenRouter lists them, for its clients."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from darkroom.http.operation import Answer


class _Open(BaseModel):
    """What OpenRouter may say more of."""

    model_config = ConfigDict(defer_build=True, extra="allow")


class ImageModelLine(_Open):
    id: str
    name: str
    description: str
    created: int
    architecture: dict[str, Any]
    supported_parameters: dict[str, Any]
    supports_streaming: bool
    endpoints: str


class ImageModels(Answer):
    data: tuple[ImageModelLine, ...]


class ImageModelEndpoints(Answer):
    id: str
    endpoints: tuple[dict[str, Any], ...]


class PublishedModel(_Open):
    id: str
    canonical_slug: str
    name: str
    created: int
    description: str
    context_length: int | None
    architecture: dict[str, Any]
    pricing: dict[str, str]
    top_provider: dict[str, Any]
    per_request_limits: dict[str, Any] | None
    supported_parameters: tuple[str, ...]
    default_parameters: dict[str, Any]
    supported_voices: tuple[str, ...] | None
    links: dict[str, str]


class PublishedModels(Answer):
    """`GET /models` for clients of OpenRouter."""

    data: tuple[PublishedModel, ...]
    total_count: int
    links: dict[str, str | None]


class ModelCount(Answer):
    data: dict[str, int]


class ModelEndpoints(Answer):
    data: dict[str, Any]
