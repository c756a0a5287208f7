"""`background: transparent` of models that have it and of models that do not: what is sent, and what it costs."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from darkroom.errors import InvalidParameter
from darkroom.models.image_request import ImageRequest
from darkroom.models.quote import InputShape
from darkroom.services.generate import prepared
from darkroom.services.pricing import hints
from darkroom.services.pricing.quotes import Quotes
from local.simulator import Simulator
from tests.unit.services.quoting import SQUARE, candidate, enum, quote, quotes, source

KLEIN = "black-forest-labs/flux.2-klein-4b"
GEMINI = "google/gemini-2.5-flash-image"
GROK = "x-ai/grok-imagine-image-2.0"
MINI = "openai/gpt-image-1-mini"
VECTOR = "recraft/recraft-v4.1-vector"
OPAQUE = (KLEIN, GEMINI, GROK)


@pytest.fixture(scope="module")
def quoting() -> Iterator[Quotes]:
    with Simulator() as simulator:
        yield quotes(simulator)


@pytest.mark.parametrize("model", OPAQUE)
@pytest.mark.parametrize(("inputs", "masked"), [((), False), ((SQUARE,), False), ((SQUARE,), True)])
def test_a_model_without_it_is_asked_for_what_it_makes_and_for_its_usual_price(
    model: str, inputs: Sequence[InputShape], masked: bool, quoting: Quotes
) -> None:
    plain = quote(quoting, model, inputs=inputs, masked=masked)
    made = quote(quoting, model, inputs=inputs, masked=masked, background="transparent")
    assert made.cutout_format == "png"
    assert plain.cutout_format is None
    assert made.request.background is None
    assert made.request.model_copy(update={"output_format": None}) == plain.request
    assert (made.estimate, made.bound, made.reserve, made.calls) == (
        plain.estimate,
        plain.bound,
        plain.reserve,
        plain.calls,
    )
    assert made.warnings == (
        *plain.warnings,
        f"{model} makes no transparent background: what it makes is cut out of its background here, "
        "which costs nothing.",
    )


@pytest.mark.parametrize("model", OPAQUE)
@pytest.mark.parametrize(("given", "cut_out"), [(None, "png"), ("png", "png"), ("webp", "webp")])
def test_the_format_of_the_cut_out_is_the_one_that_was_asked_for(
    model: str, given: str | None, cut_out: str, quoting: Quotes
) -> None:
    made = quote(quoting, model, background="transparent", output_format=given)
    assert made.cutout_format == cut_out
    # Of a model that does not make WebP, what loses nothing.
    assert made.request.output_format in (None, "png", cut_out)
    request = ImageRequest(prompt="A red fox", model=model, background="transparent")
    assert prepared(request, made, keep=lambda: None).work.cutout_format == cut_out


@pytest.mark.parametrize("model", [*OPAQUE, MINI])
def test_a_jpeg_is_refused_whoever_would_make_it_transparent(model: str, quoting: Quotes) -> None:
    with pytest.raises(InvalidParameter) as raised:
        quote(quoting, model, background="transparent", output_format="jpeg")
    error = raised.value
    assert (error.status, error.charged, error.param) == (400, False, "output_format")
    assert error.context["accepted"] == ["png", "webp"]


@pytest.mark.parametrize(
    ("model", "given"), [(VECTOR, {}), (VECTOR, {"output_format": "svg"}), (KLEIN, {"output_format": "svg"})]
)
def test_what_is_drawn_in_vectors_is_not_cut_out(model: str, given: dict[str, Any], quoting: Quotes) -> None:
    with pytest.raises(InvalidParameter) as raised:
        quote(quoting, model, background="transparent", **given)
    assert (raised.value.status, raised.value.charged) == (400, False)
    assert raised.value.fix


def test_a_model_that_has_it_makes_it_itself(quoting: Quotes) -> None:
    made = quote(quoting, MINI, background="transparent")
    assert (made.request.background, made.request.output_format, made.cutout_format) == ("transparent", "png", None)
    assert made.warnings == ()


@pytest.mark.parametrize("models", [(MINI, KLEIN), (KLEIN, MINI)])
def test_if_one_of_several_models_lacks_it_the_picture_is_cut_out_whichever_serves(
    models: tuple[str, str], quoting: Quotes
) -> None:
    made = quote(quoting, models[0], fallback_models=[models[1]], background="transparent")
    assert (made.request.background, made.cutout_format) == (None, "png")


@pytest.mark.parametrize("background", [None, "auto", "opaque"])
def test_nothing_is_cut_out_that_is_not_to_be_transparent(background: str | None, quoting: Quotes) -> None:
    assert quote(quoting, KLEIN, background=background).cutout_format is None


def test_one_model_that_draws_in_vectors_alone_is_enough_to_refuse() -> None:
    painter, drawer = source(output_format=enum("png", "jpeg")), source(output_format=enum("svg"))
    request = ImageRequest(prompt="A red fox", background="transparent")
    assert hints.cutout(request, [candidate(painter)]).value == "png"
    assert hints.cutout(request, [candidate(painter), candidate(drawer, model="acme/drawer")]).value is None
