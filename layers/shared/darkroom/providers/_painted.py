"""Pictures out of an answer, and what they cost by its counts; for providers that are asked directly."""

from collections.abc import Mapping, Sequence
from typing import Any

from darkroom.errors import InvalidParameter
from darkroom.models.generation import GeneratedImage, GenerationRequest, Reference, Usage
from darkroom.providers._errors import Asked
from darkroom.providers._images import Pictures, no_image, unusable
from darkroom.providers._openai_like_errors import failed
from darkroom.providers._pictures import NotAPicture, decode, reference_type
from darkroom.providers._token_costs import Counts, picture_cost


def usage_of(request: GenerationRequest, counts: Counts, asked: Asked, *, made: int) -> Usage:
    rates = request.rates.get(asked.model or request.model)
    return Usage(
        prompt_tokens=counts.all_in,
        completion_tokens=counts.all_out,
        image_tokens=counts.images_out,
        cost=picture_cost(rates, counts, made=made, shown=len(request.references)),
    )


def painted(
    encoded: Sequence[object], usage: Usage, asked: Asked, context: Mapping[str, Any] | None = None
) -> Pictures:
    """The pictures, each in base64.

    Raises:
        NoImage, UnusableAnswer: there is none, or none that can be read.
    """
    images: list[GeneratedImage] = []
    warnings: list[str] = []
    for each in encoded:
        try:
            images.append(decode(each))
        except NotAPicture as error:
            warnings.append(f"A picture {error}.")
    if images:
        return Pictures(tuple(images), usage, tuple(warnings))
    if warnings:
        raise unusable(asked, " ".join(warnings), usage)
    raise no_image(asked, usage, context)


def check(value: Mapping[str, Any], asked: Asked, usage: Usage) -> None:
    """Raises the error that came in place of pictures, within a 200."""
    if value.get("error"):
        raise failed(value, asked, usage)


def file_of(reference: Reference, title: str) -> tuple[str, bytes]:
    """A reference's media type, told from its bytes, and these.

    Raises:
        InvalidParameter: it is no picture that models look at, or not here.
    """
    if reference.data is None:
        raise InvalidParameter(
            f"{title} does not fetch pictures.", fix="Send the picture itself.", param="input_references"
        )
    return reference_type(reference.data), reference.data
