"""What a model cannot do is refused by name, with what it can, before anything is spent."""

from typing import Any

import pytest

from darkroom.errors import DarkroomError, InvalidDimensions, InvalidParameter
from darkroom.models.catalogue import ImageEndpoint, ImageModel, ParameterRange
from darkroom.models.generation import Routing
from darkroom.services.catalogue.capabilities import Candidate, allowed, shared
from tests.unit.services.quoting import between, candidate, enum, source

SEED = ParameterRange(type="boolean")
WHOLE: dict[str, Any] = {
    "n": between(1, 4),
    "aspect_ratio": enum("1:1", "16:9"),
    "resolution": enum("1K", "2K"),
    "quality": enum("low", "medium"),
    "background": enum("transparent"),
    "output_format": enum("png", "webp"),
    "output_compression": between(10, 90),
    "seed": SEED,
    "input_references": between(0, 3),
}
GOOD: dict[str, Any] = {
    "n": 4,
    "aspect_ratio": "16:9",
    "resolution": "2K",
    "quality": "medium",
    "background": "transparent",
    "output_format": "webp",
    "output_compression": 90,
    "seed": -7,
    "input_references": 3,
}


def _failure(subject: Candidate, **asked: Any) -> DarkroomError:
    with pytest.raises((InvalidParameter, InvalidDimensions)) as raised:
        subject.check(asked)
    assert raised.value.status == 400
    assert raised.value.charged is False
    assert raised.value.context["model"] == "acme/painter"
    return raised.value


def test_what_is_listed_is_taken() -> None:
    candidate(source(**WHOLE)).check(GOOD)


@pytest.mark.parametrize(
    ("name", "value", "param", "context"),
    [
        ("n", 5, "n", {"min": 1, "max": 4}),
        ("aspect_ratio", "4:3", "aspect_ratio", {"accepted": ["1:1", "16:9"]}),
        ("resolution", "4K", "resolution", {"accepted": ["1K", "2K"]}),
        ("quality", "high", "quality", {"accepted": ["low", "medium"]}),
        ("background", "opaque", "background", {"accepted": ["transparent"]}),
        ("output_format", "jpeg", "output_format", {"accepted": ["png", "webp"]}),
        ("output_compression", 91, "output_compression", {"min": 10, "max": 90}),
        ("output_compression", 9, "output_compression", {"min": 10, "max": 90}),
        ("input_references", 4, "image", {"min": 0, "max": 3}),
    ],
)
def test_another_value_is_refused_with_those_that_are_taken(
    name: str, value: object, param: str, context: dict[str, Any]
) -> None:
    error = _failure(candidate(source(**WHOLE)), **{name: value})
    assert error.param == param
    assert error.context == {"model": "acme/painter", **context}
    assert isinstance(error, InvalidDimensions) == (name in ("aspect_ratio", "resolution"))
    assert str(value) in error.detail
    assert error.fix


@pytest.mark.parametrize("name", GOOD)
def test_a_parameter_that_is_not_listed_takes_nothing(name: str) -> None:
    parameters = {each: found for each, found in WHOLE.items() if each != name}
    error = _failure(candidate(source(**parameters)), **{name: GOOD[name]})
    if name == "input_references":
        assert (error.param, error.context["max"]) == ("image", 0)
        assert "does not edit" in error.detail
    else:
        assert (error.param, error.context["accepted"]) == (name, [])


def test_nothing_but_a_prompt_is_good_for_any_model() -> None:
    candidate(source()).check({"n": 1, "input_references": 0})


def test_a_model_that_wants_a_picture_gets_none_without() -> None:
    subject = candidate(source(input_references=between(1, 1)))
    subject.check({"input_references": 1})
    error = _failure(subject, input_references=0)
    assert (error.param, error.context["min"]) == ("image", 1)


def test_one_source_has_to_take_all_of_it() -> None:
    wide = source("wide", resolution=enum("4K"), quality=enum("low"))
    fine = source("fine", resolution=enum("1K"), quality=enum("high"))
    subject = candidate(wide, fine)
    subject.check({"resolution": "4K", "quality": "low"})
    error = _failure(subject, resolution="4K", quality="high")
    assert (error.param, error.context["accepted"]) == ("quality", ["low"])


def test_the_models_own_description_counts_beside_the_sources() -> None:
    subject = candidate(source(quality=enum("low", "high")), parameters={"quality": enum("low")})
    subject.check({"quality": "low"})
    assert _failure(subject, quality="high").context["accepted"] == ["low"]


def test_without_sources_the_models_description_decides() -> None:
    subject = Candidate(ImageModel(id="acme/painter", name="", parameters={"quality": enum("low")}))
    subject.check({"quality": "low"})
    _failure(subject, quality="high")


def test_of_a_kind_that_is_not_understood_everything_is_taken() -> None:
    odd = ParameterRange(type="constellation")
    candidate(source(quality=odd)).check({"quality": "blue"})


def test_what_several_models_share() -> None:
    first = candidate(source(aspect_ratio=enum("16:9", "1:1", "4:3")))
    second = candidate(source(aspect_ratio=enum("1:1", "16:9")))
    assert shared([first, second], "aspect_ratio") == ("16:9", "1:1")
    assert shared([first, candidate(source())], "aspect_ratio") == ()


VERTEX = ImageEndpoint(source="Google", slug="google-vertex")
STUDIO = ImageEndpoint(source="Google AI Studio", slug="google-ai-studio")


@pytest.mark.parametrize(
    ("routing", "left"),
    [
        (None, {"google-vertex", "google-ai-studio"}),
        (Routing(), {"google-vertex", "google-ai-studio"}),
        (Routing(only=("google-vertex",)), {"google-vertex"}),
        (Routing(only=("Google AI Studio",)), {"google-ai-studio"}),
        (Routing(only=("google-vertex/us",)), {"google-vertex"}),
        (Routing(ignore=("google-vertex",)), {"google-ai-studio"}),
        (Routing(ignore=("google-vertex/us",)), {"google-vertex", "google-ai-studio"}),
        (Routing(only=("google-vertex", "google-ai-studio"), ignore=("google-vertex",)), {"google-ai-studio"}),
    ],
)
def test_routing_leaves_sources_out(routing: Routing | None, left: set[str]) -> None:
    model = ImageModel(id="acme/painter", name="")
    assert {each.slug for each in allowed(model, (VERTEX, STUDIO), routing).endpoints} == left


@pytest.mark.parametrize(
    ("routing", "param"),
    [
        (Routing(only=("nobody",)), "provider.only"),
        (Routing(ignore=("google-vertex", "google-ai-studio")), "provider.ignore"),
    ],
)
def test_routing_has_to_leave_a_source(routing: Routing, param: str) -> None:
    with pytest.raises(InvalidParameter) as raised:
        allowed(ImageModel(id="acme/painter", name=""), (VERTEX, STUDIO), routing)
    assert raised.value.param == param
    assert raised.value.context["accepted"] == ["google-ai-studio", "google-vertex"]


def test_a_model_without_sources_on_record_has_none_to_leave_out() -> None:
    assert allowed(ImageModel(id="meta/muse-image", name=""), (), Routing(only=("meta",))).endpoints == ()
