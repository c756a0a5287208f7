"""PNGs asked for by name that an answer has no room for are refused before anything is spent."""

import pytest

from darkroom.errors import InvalidParameter
from darkroom.models.generation import GenerationRequest
from darkroom.models.image_request import ImageRequest
from darkroom.models.quote import Quote
from darkroom.services.pricing.answer_sizes import require_room

MEGAPIXEL = 1024 * 1024


def quoted(pixels: int) -> Quote:
    request = GenerationRequest(model="a/b", prompt="A fox")
    return Quote(request=request, model_requested="a/b", estimate=1, bound=1, reserve=1, pixels=pixels)


@pytest.mark.parametrize(
    ("pixels", "fields"),
    [
        (MEGAPIXEL, {"n": 4}),
        (1536 * 1024, {"n": 3}),
        (4096 * 4096, {"n": 1}),
        (MEGAPIXEL, {"n": 3, "model": "gpt-image-1", "response_format": "b64_json"}),
    ],
)
def test_png_by_name(pixels: int, fields: dict[str, object]) -> None:
    request = ImageRequest.model_validate({"prompt": "A fox", "output_format": "png", **fields})
    with pytest.raises(InvalidParameter, match=r"The answer has room for 4\.5 MB") as raised:
        require_room(request, quoted(pixels))
    assert (raised.value.charged, raised.value.param) == (False, "response_format")
    for other in ({"output_format": None}, {"output_format": "webp"}, {"response_format": "url"}):
        require_room(request.model_copy(update=other), quoted(pixels))


@pytest.mark.parametrize(("pixels", "n"), [(MEGAPIXEL, 1), (MEGAPIXEL, 2), (1536 * 1024, 1), (512 * 512, 8)])
def test_png_that_fits(pixels: int, n: int) -> None:
    require_room(ImageRequest(prompt="A fox", output_format="png", n=n), quoted(pixels))


def test_a_model_that_answers_with_links() -> None:
    require_room(ImageRequest(prompt="A fox", output_format="png", n=10, model="dall-e-2"), quoted(MEGAPIXEL))
