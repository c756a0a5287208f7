"""Hints that a model lacks are left out with a warning, and what would cost more than was asked for is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from darkroom.errors import InvalidParameter
from darkroom.services.pricing import hints
from darkroom.services.pricing.quotes import Quotes
from local.simulator import Simulator
from local.simulator.catalogue import load
from tests.unit.services.quoting import candidate, enum, quote, quotes, source

KLEIN = "black-forest-labs/flux.2-klein-4b"
GEMINI = "google/gemini-2.5-flash-image"
OPENAI = "openai/gpt-image-2"
MINI = "openai/gpt-image-1-mini"
QWEN = "qwen/qwen-image-3"
RECRAFT = "recraft/recraft-v4.1"
PUBLISHED_IDS = [model.id for model in load().painters() if model.image and not model.image.unpublished]


@pytest.fixture(scope="module")
def quoting() -> Iterator[Quotes]:
    with Simulator() as simulator:
        yield quotes(simulator)


@pytest.mark.parametrize("quality", ["low", "medium", "high", "xhigh", "max", "standard", "hd"])
@pytest.mark.parametrize("model", [KLEIN, GEMINI, RECRAFT, QWEN])
def test_a_quality_is_ignored_by_models_that_know_none(model: str, quality: str, quoting: Quotes) -> None:
    made, without = quote(quoting, model, quality=quality), quote(quoting, model)
    assert made.request == without.request
    assert (made.estimate, made.reserve) == (without.estimate, without.reserve)
    assert made.warnings == ("`quality` was ignored: the model has no such parameter.",)


def test_a_lower_one_than_there_is_would_cost_more_and_is_refused() -> None:
    fine = candidate(source("acme", quality=enum("medium", "high")))
    assert hints.quality("low", [fine]).value == "low"
    with pytest.raises(InvalidParameter):
        fine.check({"quality": "low"})


def test_it_is_not_left_to_a_model_that_knows_it_because_another_does_not(quoting: Quotes) -> None:
    with pytest.raises(InvalidParameter) as raised:
        quote(quoting, OPENAI, quality="low", fallback_models=[KLEIN])
    assert (raised.value.param, raised.value.context["model"], raised.value.charged) == ("quality", KLEIN, False)


def test_a_seed_is_refused_where_there_is_none(quoting: Quotes) -> None:
    """Whoever sends one wants the same picture again, which is not to be had then."""
    for model, others in ((GEMINI, []), (KLEIN, [GEMINI])):
        with pytest.raises(InvalidParameter) as refused:
            quote(quoting, model, seed=7, fallback_models=others)
        assert (refused.value.param, refused.value.context["model"], refused.value.charged) == ("seed", GEMINI, False)
    assert quote(quoting, KLEIN, seed=7).request.seed == 7
    assert quote(quoting, GEMINI, seed=-1).request.seed is None


@pytest.mark.parametrize(("model", "given"), [(GEMINI, "png"), (GEMINI, "jpeg"), (KLEIN, "webp"), (RECRAFT, "png")])
def test_a_format_that_the_model_does_not_make_is_written_here(model: str, given: str, quoting: Quotes) -> None:
    made = quote(quoting, model, output_format=given)
    assert (made.request.output_format, made.warnings) == (None, ())


@pytest.mark.parametrize("given", [{"output_compression": 40}, {"output_compression": 40, "output_format": "png"}])
@pytest.mark.parametrize("model", [KLEIN, GEMINI, MINI])
def test_compression_is_ignored_where_nothing_is_compressed(model: str, given: dict[str, Any], quoting: Quotes) -> None:
    made = quote(quoting, model, **given)
    assert made.request.output_compression is None
    assert made.warnings == ("`output_compression` was ignored: the model has no such parameter.",)
    assert quote(quoting, model, **{**given, "output_compression": 100}).warnings == ()


@pytest.mark.parametrize("model", PUBLISHED_IDS)
def test_every_hint_of_openais_at_once_costs_no_more_than_none(model: str, quoting: Quotes) -> None:
    given: dict[str, Any] = {"quality": "auto", "size": "auto", "background": "auto", "moderation": "low", "n": 1}
    given |= {"output_compression": 100, "style": "vivid", "input_fidelity": "high", "response_format": "b64_json"}
    made, without = quote(quoting, model, **given), quote(quoting, model)
    assert (made.estimate, made.reserve) == (without.estimate, without.reserve)


def test_a_name_that_clients_give_a_field_is_that_field(quoting: Quotes) -> None:
    assert quote(quoting, GEMINI, aspectRatio="3:2").request.aspect_ratio == "3:2"
    # What is said by its own name stands.
    with pytest.raises(ValidationError):
        quote(quoting, GEMINI, aspectRatio="3:2", aspect_ratio="1:1")
