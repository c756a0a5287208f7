"""Pictures out of an answer, and what they cost by its counts; for providers that are asked directly."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from darkroom.errors import InvalidParameter
from darkroom.models.generation import GenerationRequest, Reference, Usage
from darkroom.providers._errors import Asked
from darkroom.providers._gather import claims_in, read_claims
from darkroom.providers._images import Pictures, pictures_of
from darkroom.providers._openai_like_errors import failed
from darkroom.providers._pictures import follow, reference_type
from darkroom.providers._said import error_within
from darkroom.providers._token_costs import Counts, picture_cost


def usage_of(request: GenerationRequest, counts: Counts, asked: Asked, *, made: int) -> Usage:
    rates = request.rates.get(asked.model or request.model)
    return Usage(
        prompt_tokens=counts.all_in,
        completion_tokens=counts.all_out,
        image_tokens=counts.images_out,
        cost=picture_cost(rates, counts, made=made, shown=len(request.references)),
    )


def claimed(value: Any, most: int) -> tuple[tuple[str, ...], ...]:
    """What claims to be a picture in an answer: as many as were asked for, and some in reserve."""
    return tuple(islice(claims_in(value), most + 10))


def painted(
    claims: Iterable[tuple[str, ...]],
    value: Mapping[str, Any],
    usage: Usage,
    asked: Asked,
    *,
    most: int,
    said: Mapping[str, Any] | None = None,
) -> Pictures:
    """The pictures in a 200.

    Args:
        claims: as `claimed` finds them.
        most: how many were asked for.
        said: what the model wrote in place of a picture.

    Raises:
        DarkroomError: there is none, or none that can be read; or an error came in its place.
    """
    found = read_claims(claims, most=most, fetch=follow(asked.fetcher))
    if not found.images and error_within(value):
        raise failed(value, asked, usage)
    return pictures_of(found, [value], usage, asked, said)


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
