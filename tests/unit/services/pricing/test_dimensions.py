"""Sizes in pixels become what models take, or are refused with what they do take."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import InvalidDimensions
from darkroom.models.image_request import ImageRequest
from darkroom.models.quote import InputShape
from darkroom.services.catalogue.capabilities import Candidate
from darkroom.services.pricing.dimensions import MOST_SIDE, TIERS, Shape, shape
from tests.unit.services.quoting import candidate, enum, source

RATIOS = enum("1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "2.35:1", "auto")
PLAIN = candidate(source(aspect_ratio=RATIOS))
TIERED = candidate(source(aspect_ratio=RATIOS, resolution=enum("1K", "2K")))
OPENAI = candidate(source(aspect_ratio=RATIOS), model="openai/gpt-image-2")
SHAPELESS = candidate(source())


def _shape(*candidates: Candidate, masked: bool = False, first: tuple[int, int] | None = None, **fields: Any) -> Shape:
    inputs = [InputShape(width=first[0], height=first[1])] if first else []
    return shape(ImageRequest(prompt="A fox", **fields), candidates or (TIERED,), inputs, masked=masked)


def _refusal(*candidates: Candidate, **fields: Any) -> InvalidDimensions:
    with pytest.raises(InvalidDimensions) as raised:
        _shape(*candidates, **fields)
    assert (raised.value.param, raised.value.charged, raised.value.status) == ("size", False, 400)
    assert raised.value.code == "INVALID_DIMENSIONS"
    assert raised.value.fix
    return raised.value


@pytest.mark.parametrize(
    ("size", "ratio", "tier"),
    [
        ("1024x1024", "1:1", "1K"),
        ("1792x1024", "16:9", "2K"),
        ("1024X1792", "9:16", "2K"),
        ("1024 × 768", "4:3", "1K"),
        ("1920x1080", "16:9", "2K"),
        ("1000x1000", "1:1", "1K"),
        ("256x256", "1:1", "1K"),
        ("1880x800", "2.35:1", "2K"),
        ("1024x1000", "1:1", "1K"),
    ],
)
def test_pixels_become_the_nearest_ratio_and_the_smallest_tier_with_room(size: str, ratio: str, tier: str) -> None:
    made = _shape(size=size)
    assert (made.size, made.aspect_ratio, made.resolution) == (None, ratio, tier)
    assert bool(made.warnings) == (size != "1024x1024")


def test_the_warning_says_what_is_asked_for_instead() -> None:
    (warning,) = _shape(size="1792x1024").warnings
    assert "Not 1792x1024 but 16:9 at 2K" in warning
    (warning,) = _shape(PLAIN, size="1792x1024").warnings
    assert "16:9 at about a megapixel" in warning


def test_what_comes_out_exactly_is_not_warned_of() -> None:
    assert _shape(OPENAI, size="1024x1536") == Shape(aspect_ratio="2:3")
    assert _shape(PLAIN, size="1024x1536").warnings
    assert _shape(size="2048x2048") == Shape(aspect_ratio="1:1", resolution="2K")


@pytest.mark.parametrize("size", [None, "auto", " AUTO "])
def test_no_size_is_left_to_the_model(size: str | None) -> None:
    assert _shape(size=size) == Shape()
    assert _shape(size=size, aspect_ratio="3:2", resolution="2k") == Shape(aspect_ratio="3:2", resolution="2K")


@pytest.mark.parametrize(("size", "tier"), [("2K", "2K"), ("2k", "2K"), ("0.5K", "512"), ("512", "512")])
def test_a_tier_is_a_size_too(size: str, tier: str) -> None:
    assert _shape(size=size, aspect_ratio="3:2") == Shape(aspect_ratio="3:2", resolution=tier)


def test_a_side_beyond_every_tier_names_the_tiers() -> None:
    error = _refusal(size="5000x5000")
    assert error.context == {"accepted": ["1K", "2K"], "max_side": 2048}
    assert "5000" in error.detail


@pytest.mark.parametrize(
    ("size", "ratio"), [("2049x1152", "16:9"), ("3840x2160", "16:9"), ("2160x3840", "9:16"), ("2560x1440", "16:9")]
)
def test_a_size_that_openai_makes_becomes_the_largest_that_there_is(size: str, ratio: str) -> None:
    made = _shape(size=size)
    assert (made.aspect_ratio, made.resolution) == (ratio, "2K")
    assert f"Not {size} but {ratio} at 2K" in made.warnings[0]
    (warning,) = _shape(PLAIN, size=size).warnings
    assert f"{ratio} at about a megapixel" in warning


@pytest.mark.parametrize(
    ("size", "ratio"), [("1792x1024", "3:2"), ("1920x1080", "3:2"), ("1024x1792", "2:3"), ("1280x1024", "3:2")]
)
def test_a_shape_that_is_not_made_becomes_the_nearest(size: str, ratio: str) -> None:
    fixed = candidate(source(aspect_ratio=enum("1:1", "3:2", "2:3")), model="openai/gpt-image-1-mini")
    made = _shape(fixed, size=size)
    assert (made.size, made.aspect_ratio, made.resolution) == (None, ratio, None)
    assert f"Not {size} but {ratio}" in made.warnings[0]


def test_without_tiers_a_megapixel_is_all_there_is() -> None:
    assert _shape(PLAIN, size="1920x1080").resolution is None
    error = _refusal(PLAIN, size="4096x4096")
    assert error.context["max_side"] == MOST_SIDE
    assert error.context["accepted"] == [each for each in RATIOS.values if each != "auto"]
    assert "16:9" in error.fix
    assert str(MOST_SIDE) in error.fix


@pytest.mark.parametrize("asked", [{"size": "1K"}, {"resolution": "1k"}, {"size": "1k", "resolution": "1K"}])
def test_a_megapixel_is_what_models_without_tiers_make(asked: dict[str, Any]) -> None:
    assert _shape(PLAIN, **asked) == Shape()


@pytest.mark.parametrize("size", ["2K", "4k"])
def test_a_tier_is_no_size_of_a_model_without_tiers(size: str) -> None:
    error = _refusal(PLAIN, size=size)
    assert "16:9" in error.context["accepted"]
    assert error.context["max_side"] == MOST_SIDE


def test_a_shape_that_no_ratio_is_near_to_is_refused() -> None:
    error = _refusal(size="1024x200")
    assert "16:9" in error.context["accepted"]
    assert "auto" not in error.context["accepted"]


def test_a_model_that_takes_no_ratios_makes_squares() -> None:
    made = _shape(SHAPELESS, size="1000x1000")
    assert (made.aspect_ratio, made.resolution) == (None, None)
    assert made.warnings
    assert _refusal(SHAPELESS, size="1536x1024").context["accepted"] == ["1:1"]
    assert _refusal(SHAPELESS, size="5000x5000").context["accepted"] == ["1:1"]


@pytest.mark.parametrize(
    ("fields", "accepted"),
    [
        ({"size": "1024x1024", "aspect_ratio": "16:9"}, [each for each in RATIOS.values if each != "auto"]),
        ({"size": "1024x1024", "resolution": "2K"}, ["1K", "2K"]),
        ({"size": "2K", "resolution": "1K"}, ["1K", "2K"]),
    ],
)
def test_what_contradicts_itself_is_refused(fields: dict[str, Any], accepted: list[str]) -> None:
    error = _refusal(**fields)
    assert "contradicts" in error.detail
    assert error.context["accepted"] == accepted


SIZES = st.one_of(
    st.tuples(st.integers(1, 9000), st.integers(1, 9000)).map(lambda sides: f"{sides[0]}x{sides[1]}"),
    st.sampled_from(["large", "8K", "2K", "512"]),
)


@given(
    st.sampled_from([(PLAIN,), (TIERED,), (OPENAI,), (SHAPELESS,), (TIERED, PLAIN), (PLAIN, SHAPELESS)]),
    SIZES,
    st.none() | st.sampled_from(["1:1", "16:9", "auto"]),
    st.none() | st.sampled_from(["1K", "2K"]),
)
def test_whatever_size_is_refused_there_is_one_that_is_made(
    models: tuple[Candidate, ...], size: str, ratio: str | None, tier: str | None
) -> None:
    refused = None
    try:
        _shape(*models, size=size, aspect_ratio=ratio, resolution=tier)
    except InvalidDimensions as error:
        refused = error
    assert refused is None or refused.context["accepted"]


@pytest.mark.parametrize(
    "fields",
    [
        {"size": "1792x1024", "aspect_ratio": "16:9"},
        {"size": "1792x1024", "resolution": "2K"},
        {"size": "1792x1024", "resolution": "2K", "aspect_ratio": "auto"},
    ],
)
def test_what_says_the_same_twice_is_taken(fields: dict[str, Any]) -> None:
    made = _shape(**fields)
    assert (made.aspect_ratio, made.resolution) == ("16:9", "2K")
    assert _shape(size="2K", resolution="2k") == Shape(resolution="2K")


@pytest.mark.parametrize("size", ["large", "0x0", "0x100", "1024", "1024x", "-1x5", "1e3x1e3", "8K"])
def test_what_is_no_size_is_refused(size: str) -> None:
    assert "2K" in _refusal(size=size).context["accepted"]


def test_a_model_that_takes_pixels_gets_them() -> None:
    exact = candidate(source(size=enum("1000x500", "500x500")))
    assert _shape(exact, size="1000 X 500") == Shape(size="1000x500")
    for size in ("1000x501", "5000x5000"):
        error = _refusal(exact, size=size)
        assert error.context["accepted"] == ["1000x500", "500x500"]
        assert "The sizes it takes are 1000x500, 500x500" in error.fix


def test_with_fallback_models_it_is_what_all_of_them_take() -> None:
    assert _shape(TIERED, PLAIN, size="1792x1024").resolution is None
    narrow = candidate(source(aspect_ratio=enum("1:1", "3:2"), resolution=enum("2K", "4K")))
    assert _shape(TIERED, narrow, size="1024x1024").resolution == "2K"
    assert _shape(TIERED, narrow, size="1792x1024").aspect_ratio == "3:2"
    assert _refusal(TIERED, narrow, size="2400x1024").context["accepted"] == ["1:1", "3:2"]


FIXED = candidate(source(aspect_ratio=enum("1:1", "3:2", "2:3")))


@pytest.mark.parametrize(("first", "ratio"), [((1500, 1000), "3:2"), ((100, 4000), "2:3"), ((640, 600), "1:1")])
def test_under_a_mask_the_shape_is_the_inputs(first: tuple[int, int], ratio: str) -> None:
    assert _shape(FIXED, masked=True, first=first) == Shape(aspect_ratio=ratio)
    assert _shape(FIXED, first=first) == Shape()


def test_under_a_mask_what_was_said_of_the_shape_stands() -> None:
    assert _shape(FIXED, masked=True, first=(1500, 1000), aspect_ratio="1:1").aspect_ratio == "1:1"
    assert _shape(FIXED, masked=True, first=(1500, 1000), size="1000x1000").aspect_ratio == "1:1"


def test_under_a_mask_a_model_that_follows_the_input_is_left_to_it() -> None:
    assert _shape(PLAIN, masked=True, first=(1500, 1000)) == Shape()
    assert _shape(SHAPELESS, masked=True, first=(1500, 1000)) == Shape()


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_what_is_chosen_has_room_and_nearly_the_shape(width: int, height: int) -> None:
    try:
        made = _shape(size=f"{width}x{height}")
    except InvalidDimensions:
        return
    across, _, down = str(made.aspect_ratio).partition(":")
    times = (width / height) / (float(across) / float(down))
    assert TIERS[str(made.resolution)] >= min(2048, max(width, height))
    assert 1 / 1.36 < times < 1.36
    assert made.warnings or 1 / 1.07 < times < 1.07
