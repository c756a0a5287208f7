"""What a provider's answer came to: pictures, usage and cost."""

import io
from collections.abc import Mapping

from PIL import Image

from darkroom.models.generation import Call, GeneratedImage, GenerationResult, Usage
from tests.unit.services.workshop import MODEL


def png(size: tuple[int, int] = (3, 4), colour: str = "teal") -> bytes:
    return encoded(Image.new("RGBA", size, colour))


def encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def result_of(
    *pictures: bytes, cost: int | None = 14_000, tokens: Mapping[str, float] | None = None
) -> GenerationResult:
    return GenerationResult(
        images=tuple(GeneratedImage(data=data, media_type="image/png") for data in pictures or (png(),)),
        usage=Usage.model_validate({"cost": cost, **(tokens or {})}),
        call=Call(provider="openrouter", model_requested=MODEL, model_used="a/b-2", generation_id="gen-1"),
        warnings=("A warning.",),
    )
