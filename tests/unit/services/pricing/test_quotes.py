"""Quotes against a real catalogue: what is sent, what it may cost at most, and that nothing is spent."""

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from PIL import Image

from darkroom.errors import DarkroomError, InvalidDimensions, InvalidParameter, UnusableAnswer
from darkroom.models.generation import Reference
from darkroom.models.quote import InputShape, Quote
from darkroom.services.pricing.quotes import Quotes
from local.simulator import Simulator
from local.simulator.catalogue import load
from tests.paid_calls import paid_call
from tests.unit.services.quoting import SQUARE, provider, quote, quotes

KLEIN = "black-forest-labs/flux.2-klein-4b"
GROK = "x-ai/grok-imagine-image-2.0"
GEMINI = "google/gemini-2.5-flash-image"
GEMINI_PRO = "google/gemini-3-pro-image"
OPENAI = "openai/gpt-image-2"
MINI = "openai/gpt-image-1-mini"
QWEN = "qwen/qwen-image-3"
RECRAFT = "recraft/recraft-v4.1"
VECTOR = "recraft/recraft-v4.1-vector"
MUSE = "meta/muse-image"

PUBLISHED = [model for model in load().painters() if model.image and not model.image.unpublished]
WIDE = InputShape(width=1600, height=900)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def quoting(simulator: Simulator) -> Quotes:
    return quotes(simulator)


def _refusal(quoting: Quotes, model: str, **given: Any) -> DarkroomError:
    with pytest.raises((InvalidParameter, InvalidDimensions)) as raised:
        quote(quoting, model, **given)
    assert (raised.value.status, raised.value.charged) == (400, False)
    assert raised.value.fix
    return raised.value


def test_a_quote_asks_for_no_picture(simulator: Simulator) -> None:
    simulator.reset()
    quoting = quotes(simulator)
    quote(quoting, KLEIN)
    quote(quoting, OPENAI, n=10, quality="high")
    quote(quoting, inputs=[SQUARE], masked=True)
    quote(quoting, KLEIN, n=2)
    assert {entry["method"] for entry in simulator.world.log.entries()} == {"GET"}
    assert simulator.state.invoice() == []


def test_with_pictures_to_work_from_it_is_an_edit(quoting: Quotes) -> None:
    assert quote(quoting).request.model == KLEIN
    made = quote(quoting, inputs=[SQUARE])
    assert (made.request.model, made.model_requested, made.request.references) == (GEMINI, GEMINI, ())


@pytest.mark.parametrize(
    ("model", "given", "param", "context"),
    [
        (GEMINI, {"output_format": "svg"}, "output_format", {"accepted": []}),
        (VECTOR, {"output_format": "webp"}, "output_format", {"accepted": ["svg"]}),
        (VECTOR, {"background": "transparent"}, "background", {"accepted": []}),
        (GEMINI_PRO, {"resolution": "512"}, "resolution", {"accepted": ["1K", "2K", "4K"]}),
        (KLEIN, {"resolution": "2K"}, "resolution", {"accepted": []}),
        (RECRAFT, {"aspect_ratio": "2:3"}, "aspect_ratio", {"accepted": ["1:1", "4:3", "3:4", "16:9", "9:16", "auto"]}),
        (MUSE, {"aspect_ratio": "1:1"}, "aspect_ratio", {"accepted": []}),
        (RECRAFT, {"inputs": [SQUARE] * 2}, "image", {"min": 0, "max": 1}),
        (MUSE, {"inputs": [SQUARE]}, "image", {"min": 0, "max": 0}),
    ],
)
def test_what_a_model_does_not_take_is_refused(
    model: str, given: dict[str, Any], param: str, context: dict[str, Any], quoting: Quotes
) -> None:
    error = _refusal(quoting, model, **given)
    assert error.param == param
    assert error.context == {"model": model, **context}


def test_a_picture_larger_than_any_is_refused(quoting: Quotes) -> None:
    error = _refusal(quoting, GROK, size="5000x5000")
    assert (error.code, error.context["accepted"]) == ("INVALID_DIMENSIONS", ["1K", "2K"])
    assert _refusal(quoting, KLEIN, size="5000x5000").code == "INVALID_DIMENSIONS"


@pytest.mark.parametrize("model", [KLEIN, GEMINI, RECRAFT, MUSE])
def test_what_goes_without_saying_is_not_said(model: str, quoting: Quotes) -> None:
    made = quote(quoting, model, n=1, size="auto", quality="auto", background="auto", aspect_ratio="auto")
    assert made.request.model_dump(include={"size", "quality", "background"}) == dict.fromkeys(
        ("size", "quality", "background")
    )
    assert quote(quoting, model, background="opaque").request.background is None


def test_what_a_model_has_a_word_for_is_said(quoting: Quotes) -> None:
    made = quote(quoting, OPENAI, quality="auto", background="opaque", aspect_ratio="auto").request
    assert (made.quality, made.background, made.aspect_ratio) == ("medium", "opaque", "auto")


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        (OPENAI, None, "medium"),
        (OPENAI, "standard", "medium"),
        (OPENAI, "hd", "high"),
        (OPENAI, "low", "low"),
        (GROK, None, "medium"),
        (GROK, "standard", "medium"),
    ],
)
def test_quality_is_said_in_the_models_words(model: str, given: str | None, sent: str, quoting: Quotes) -> None:
    made = quote(quoting, model, quality=given)
    assert (made.request.quality, made.warnings) == (sent, ())


@pytest.mark.parametrize("model", [OPENAI, MINI, GROK])
@pytest.mark.parametrize("inputs", [[], [SQUARE]])
def test_quality_auto_is_medium_and_costs_as_if_it_were_left_out(
    model: str, inputs: list[InputShape], quoting: Quotes
) -> None:
    auto, without = (quote(quoting, model, inputs=inputs, quality=given) for given in ("auto", None))
    assert auto.request == without.request
    assert (auto.estimate, auto.bound, auto.reserve) == (without.estimate, without.bound, without.reserve)
    assert auto.warnings == ("`quality` auto is asked for as medium, so that its price is known.",)


@pytest.mark.parametrize(
    ("model", "given", "sent"), [(GROK, "hd", "medium"), (GROK, "high", "medium"), (OPENAI, "max", "high")]
)
def test_a_quality_that_is_not_there_becomes_the_next_lower_one(
    model: str, given: str, sent: str, quoting: Quotes
) -> None:
    made = quote(quoting, model, quality=given)
    assert made.request.quality == sent
    assert made.warnings == (f"`quality` {given} is asked for as {sent}: the model has nothing nearer.",)


@pytest.mark.parametrize(
    ("model", "given", "streams"),
    [(OPENAI, {}, True), (OPENAI, {"n": 2}, False), (KLEIN, {}, False), (OPENAI, {"fallback_models": [KLEIN]}, False)],
)
def test_it_streams_where_it_can(model: str, given: dict[str, Any], streams: bool, quoting: Quotes) -> None:
    assert quote(quoting, model, **given).request.stream is streams


def test_the_old_sizes_still_work(quoting: Quotes) -> None:
    made = quote(quoting, "dall-e-3", size="1792x1024", quality="hd", style="vivid", user="u1", response_format="url")
    sent = made.request
    assert (sent.model, sent.aspect_ratio, sent.size, sent.quality, sent.user) == (OPENAI, "16:9", None, "high", None)
    assert len(made.warnings) == 3


def test_each_fallback_model_has_to_take_it(quoting: Quotes) -> None:
    error = _refusal(quoting, KLEIN, inputs=[SQUARE] * 4, fallback_models=[GEMINI])
    assert (error.param, error.context["model"]) == ("image", GEMINI)
    assert GEMINI in error.detail


def test_routing_narrows_what_can_be_asked_for(quoting: Quotes) -> None:
    assert quote(quoting, GEMINI_PRO, resolution="4K").request.resolution == "4K"
    error = _refusal(quoting, GEMINI_PRO, resolution="4K", provider={"only": ["google"]})
    assert error.context["accepted"] == ["1K", "2K"]
    assert _refusal(quoting, GEMINI_PRO, provider={"only": ["nobody"]}).param == "provider.only"
    assert quote(quoting, GEMINI_PRO, provider={"ignore": ["google"]}).request.routing is not None


class TestFormats:
    def test_a_jpeg_is_never_transparent(self, quoting: Quotes) -> None:
        error = _refusal(quoting, MINI, background="transparent", output_format="jpeg")
        assert (error.param, error.context["accepted"]) == ("output_format", ["png", "webp"])
        assert quote(quoting, MINI, background="transparent").request.output_format == "png"

    def test_compression_is_for_what_can_be_compressed(self, quoting: Quotes) -> None:
        assert quote(quoting, MINI, output_format="webp", output_compression=40).request.output_compression == 40

    def test_a_vector_is_had_where_it_is_made(self, quoting: Quotes) -> None:
        assert quote(quoting, VECTOR, output_format="svg").request.output_format == "svg"
        assert _refusal(quoting, OPENAI, output_format="svg").param == "output_format"


class TestMasks:
    def test_the_mask_is_applied_here_and_the_format_is_ours(self, quoting: Quotes) -> None:
        made = quote(quoting, MINI, inputs=[WIDE], masked=True, output_format="webp", output_compression=40)
        assert (made.request.output_format, made.request.output_compression) == (None, None)
        assert any("compositing" in warning for warning in made.warnings)
        # Also of a model whose own pictures are of another format.
        assert quote(quoting, GEMINI, inputs=[WIDE], masked=True, output_format="png").request.output_format is None

    @pytest.mark.parametrize("output_format", ["jpeg", "svg"])
    def test_what_holds_no_mask_is_refused(self, output_format: str, quoting: Quotes) -> None:
        error = _refusal(quoting, MINI, inputs=[WIDE], masked=True, output_format=output_format)
        assert (error.param, error.context["accepted"]) == ("output_format", ["png", "webp"])

    def test_a_vector_cannot_be_masked(self, quoting: Quotes) -> None:
        assert _refusal(quoting, VECTOR, inputs=[WIDE], masked=True).param == "mask"

    def test_the_shape_is_the_first_inputs(self, quoting: Quotes) -> None:
        assert quote(quoting, GEMINI, inputs=[WIDE, SQUARE], masked=True).request.aspect_ratio == "16:9"
        assert quote(quoting, GEMINI, inputs=[WIDE, SQUARE]).request.aspect_ratio is None
        assert quote(quoting, KLEIN, inputs=[WIDE], masked=True).request.aspect_ratio is None


class TestOptions:
    def test_what_to_avoid_goes_into_the_prompt(self, quoting: Quotes) -> None:
        made = quote(quoting, KLEIN, negative_prompt="hounds")
        assert made.request.prompt == "A red fox\n\nAvoid: hounds"
        assert len(made.warnings) == 1

    def test_moderation_is_passed_on_where_it_is_taken(self, quoting: Quotes) -> None:
        made = quote(quoting, OPENAI, moderation="low")
        assert made.request.routing is not None
        assert made.request.routing.options == {"openai": {"moderation": "low"}}
        assert made.warnings == ()

    def test_the_callers_own_option_stands(self, quoting: Quotes) -> None:
        own = {"options": {"openai": {"moderation": "auto"}}, "sort": "price"}
        routing = quote(quoting, OPENAI, moderation="low", provider=own).request.routing
        assert routing is not None
        assert (routing.options, routing.sort) == ({"openai": {"moderation": "auto"}}, "price")

    @pytest.mark.parametrize("name", ["style", "moderation", "input_fidelity"])
    def test_what_does_nothing_is_said_to(self, name: str, quoting: Quotes) -> None:
        given: dict[str, Any] = {name: "high"}
        made = quote(quoting, KLEIN, **given)
        assert made.request.routing is None
        (warning,) = made.warnings
        assert f"`{name}` was ignored" in warning

    def test_names_of_persons_are_dropped_silently(self, quoting: Quotes) -> None:
        made = quote(quoting, KLEIN, user="u1", safety_identifier="s1")
        assert (made.warnings, made.request.user) == ((), None)

    def test_options_have_to_be_the_sources(self, quoting: Quotes) -> None:
        options = {"black-forest-labs": {"steps": 4}}
        assert quote(quoting, KLEIN, provider={"options": options}).request.routing is not None
        error = _refusal(quoting, KLEIN, provider={"options": {"black-forest-labs": {"stepz": 4}}})
        assert (error.param, error.context["accepted"]) == (
            "provider.options",
            ["guidance", "safety_tolerance", "steps"],
        )
        error = _refusal(quoting, KLEIN, provider={"options": {"openai": {"steps": 4}}})
        assert error.context["accepted"] == ["black-forest-labs"]


def test_a_price_that_is_not_published_is_unknown(quoting: Quotes) -> None:
    made = quote(quoting, MUSE)
    assert (made.estimate, made.reserve) == (None, None)
    assert quote(quoting, KLEIN, fallback_models=[MUSE]).reserve is None


def test_the_dearest_of_the_fallback_models_is_reserved(quoting: Quotes) -> None:
    assert quote(quoting, KLEIN, fallback_models=[GEMINI_PRO]).reserve == quote(quoting, GEMINI_PRO).reserve


def _picture() -> Reference:
    stream = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(stream, "JPEG")
    return Reference(data=stream.getvalue())


PICTURE = _picture()


def _requests(model: str) -> list[dict[str, Any]]:
    """A spread of requests that the model takes, with one from each of its tiers and qualities."""
    image = load().models[model].image
    assert image is not None
    tiers, qualities = [*(set(image.resolutions) - {"4K"})], [each for each in image.qualities if each != "auto"]
    found: list[dict[str, Any]] = [{}, {"size": "1024x1024"}, {"references": 2 if image.references > 1 else 1}]
    found += [{"aspect_ratio": ratio} for ratio in image.ratios[1:2]]
    explicit: list[dict[str, Any]] = [{"resolution": tier, "aspect_ratio": image.ratios[2]} for tier in tiers] or [{}]
    explicit = [{**each, "quality": quality} for each in explicit for quality in qualities] or explicit
    found += [{**each, "explicit": True} for each in explicit]
    found += [{**explicit[0], "n": 2, "references": 1}] if image.n > 1 else []
    return found


def _paid(simulator: Simulator, made: Quote, references: int) -> int:
    simulator.reset()
    # What is made of the answer is another matter: it has been paid for.
    with suppress(UnusableAnswer):
        provider(simulator).generate(
            made.request.model_copy(update={"references": (PICTURE,) * references}),
            paid_call(simulator.key, seconds=30),
        )
    (charge,) = simulator.state.invoice()
    return int(charge["micro_usd"])


@pytest.mark.parametrize("model", [model.id for model in PUBLISHED])
def test_nothing_costs_more_than_was_reserved_for_it(model: str, quoting: Quotes, simulator: Simulator) -> None:
    for asked in _requests(model):
        explicit, references = asked.pop("explicit", False), asked.pop("references", 0)
        inputs = [InputShape(width=640, height=480)] * references
        made = quote(quoting, model, inputs=inputs, **asked)
        paid = _paid(simulator, made, references)
        assert made.reserve is not None, asked
        assert paid <= made.reserve, asked
        # Nor is much more reserved than it costs, once nothing is left to the model.
        assert not explicit or made.reserve <= 3 * paid, asked


def test_a_source_that_was_chosen_serves_within_its_price(quoting: Quotes, simulator: Simulator) -> None:
    made = quote(quoting, GEMINI_PRO, resolution="1K", provider={"only": ["google-ai-studio"]})
    assert made.reserve is not None
    assert _paid(simulator, made, 0) <= made.reserve


@pytest.mark.parametrize(("model", "n", "calls"), [(KLEIN, 1, ()), (KLEIN, 4, (1, 1, 1, 1)), (OPENAI, 10, ())])
def test_a_model_is_asked_as_often_as_it_takes_and_is_never_another(
    model: str, n: int, calls: tuple[int, ...], quoting: Quotes
) -> None:
    made = quote(quoting, model, n=n)
    assert (made.request.model, made.request.n, made.calls) == (model, n, calls)


def test_several_calls_cost_what_each_of_them_does(quoting: Quotes) -> None:
    one, four = quote(quoting, KLEIN), quote(quoting, KLEIN, n=4)
    assert one.estimate
    assert four.estimate == 4 * one.estimate


def test_a_default_gives_no_way_to_a_dearer_model_for_the_number(quoting: Quotes) -> None:
    one, four = quote(quoting), quote(quoting, n=4)
    assert four.request.model == one.request.model
