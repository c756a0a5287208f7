"""Each kind of price line, and that what is not known is not guessed at."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.models.catalogue import ImageEndpoint, PriceLine
from darkroom.models.generation import GenerationRequest, Routing
from darkroom.models.quote import InputShape
from darkroom.services.pricing import pricing, token_counts
from tests.unit.services.quoting import SQUARE, candidate, enum, line, source

LARGE = InputShape(width=4000, height=3000)


def _estimate(
    *prices: PriceLine, model: str = "acme/painter", inputs: tuple[InputShape, ...] = (), **asked: Any
) -> int | None:
    parameters = asked.pop("parameters", {})
    request = GenerationRequest(model=model, prompt=asked.pop("prompt", "A red fox"), **asked)
    candidates = [candidate(source("acme", *prices, **parameters), model=model)]
    most, likely = pricing.bound(request, candidates, inputs), pricing.estimate(request, candidates, inputs)
    # Whatever is asked: what is likely is never above what is possible, and unknown together with it.
    assert likely == most or (likely is not None and most is not None and likely < most)
    return most


@pytest.mark.parametrize(
    ("prices", "asked", "expected"),
    [
        ([line("0.04")], {}, 40_000),
        ([line("0.04")], {"n": 3}, 120_000),
        ([line("0.04", unit="request")], {"n": 3}, 120_000),
        ([line("0.014", unit="megapixel")], {}, 14_000),
        ([line("0.014", unit="megapixel")], {"resolution": "512"}, 14_000),
        ([line("0.014", unit="megapixel")], {"resolution": "2K", "aspect_ratio": "16:9"}, 56_000),
        ([line("0.014", unit="megapixel")], {"size": "2048x1024"}, 28_000),
        ([line("0.014", unit="megapixel")], {"size": "1025x1024"}, 28_000),
        ([line("0.00001", unit="token")], {}, 81_920),
        ([line(0)], {}, 0),
        # What goes in is of no matter while nothing does, and fonts never are.
        ([line("0.04"), line("1", "input_image"), line("1", "input_font"), line("9", "input_smell")], {}, 40_000),
        ([line("0.04"), line(None, "input_image", "furlong")], {}, 40_000),
        # The same thing in two units is paid for twice.
        ([line("0.04"), line("0.01", unit="megapixel")], {}, 50_000),
    ],
)
def test_a_line_is_for_so_many_of_a_unit(prices: list[PriceLine], asked: dict[str, Any], expected: int) -> None:
    assert _estimate(*prices, **asked) == expected


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([line("0.04"), line("0.01", "input_image")], 60_000),
        ([line("0.04"), line("0.003", "input_reference")], 46_000),
        ([line("0.04"), line("0.001", "input_image", "megapixel")], 53_000),
        ([line("0.04"), line("0.000001", "input_image", "token")], None),
        ([line("0.04"), line("0.5", "input_image", "request")], 540_000),
        # Without a line: a tenth of what is made, for each megapixel that is looked at where these are priced.
        ([line("0.04")], 48_000),
        ([line("0.01", unit="megapixel")], 60_000),
    ],
)
def test_pictures_to_work_from_cost(prices: list[PriceLine], expected: int | None) -> None:
    found = _estimate(*prices, inputs=(SQUARE, LARGE))
    if expected is None:
        shown = 4096 + 12 * 4096
        expected = 40_000 + shown + token_counts.text("A red fox")
    assert found == expected


def test_who_may_paint_anew_for_each_picture_may_be_shown_the_references_anew() -> None:
    prices = (line("0.04"), line("0.01", "input_image"))
    assert _estimate(*prices, inputs=(SQUARE,), n=3) == 150_000
    assert _estimate(*prices, inputs=(SQUARE,), n=3, model="openai/gpt-image-2") == 130_000


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"quality": "low", "resolution": "1K"}, 40_000),
        ({"quality": "medium", "resolution": "2K"}, 80_000),
        ({"quality": "medium", "resolution": "1K"}, 60_000),
        ({"resolution": "1K"}, 60_000),
        ({"quality": "low"}, 60_000),
        ({}, 80_000),
        ({"quality": "auto"}, 80_000),
        # For none of them there is a line; then any may be meant.
        ({"resolution": "4K"}, 80_000),
    ],
)
def test_a_variant_counts_unless_it_is_certainly_another(asked: dict[str, Any], expected: int) -> None:
    prices = [
        line("0.04", variant="low_1k"),
        line("0.06", variant="low_2k"),
        line("0.06", variant="medium_1k"),
        line("0.08", variant="medium_2k"),
    ]
    assert _estimate(*prices, **asked) == expected


def test_a_variant_that_is_not_understood_always_counts() -> None:
    prices = (line("0.045"), line("0.09", variant="on_sundays"))
    assert _estimate(*prices, resolution="1K", quality="low") == 90_000


@pytest.mark.parametrize("variant", ["high_resolution", "High-Res", "highresolution"])
@pytest.mark.parametrize(("tier", "expected"), [("1K", 45_000), ("512", 45_000), ("2K", 90_000), (None, 90_000)])
def test_a_high_resolution_is_every_tier_above_the_first(variant: str, tier: str | None, expected: int) -> None:
    assert _estimate(line("0.045"), line("0.09", variant=variant), resolution=tier) == expected


def test_a_plain_line_counts_beside_variants() -> None:
    prices = (line("0.13"), line("0.15", variant="2k"), line("0.17", variant="4k"))
    assert [_estimate(*prices, resolution=tier) for tier in ("1K", "2K", "4K")] == [130_000, 150_000, 170_000]
    assert _estimate(*prices) == 170_000


@pytest.mark.parametrize(
    "prices",
    [
        [],
        [line("0.01", "input_text", "token")],
        [line(None)],
        [line("NaN")],
        [line("-0.01")],
        [line("Infinity")],
        [line("0.04"), line(None, variant="high_resolution")],
        [line("0.04", unit="furlong")],
        [line("0.04"), line("0.01", "input_text", "furlong")],
        [line("0.04"), line(None, "input_text", "token")],
        [line("0.04"), line("0.01", "output_smell", "token")],
    ],
)
def test_what_nobody_says_is_unknown(prices: list[PriceLine]) -> None:
    assert _estimate(*prices) is None


@pytest.mark.parametrize("prices", [[line(None, "input_image")], [line("0.1", "input_image", "furlong")]])
def test_an_input_without_a_price_is_unknown_once_there_is_one(prices: list[PriceLine]) -> None:
    assert _estimate(line("0.04"), *prices, inputs=(SQUARE,)) is None


def test_nobody_who_serves_is_unknown() -> None:
    assert pricing.bound(GenerationRequest(model="a/b", prompt="x"), [candidate()]) is None


def test_the_dearest_source_and_the_dearest_model_count() -> None:
    request = GenerationRequest(model="a/b", prompt="x")
    cheap, dear = candidate(source("a", line("0.01")), source("b", line("0.02"))), candidate(source("c", line("0.03")))
    assert pricing.bound(request, [cheap]) == 20_000
    assert pricing.bound(request, [cheap, dear]) == 30_000
    assert pricing.bound(request, [cheap, candidate(source("d"))]) is None
    assert pricing.bound(request, [candidate(source("a", line("0.01")), source("b"))]) is None


@pytest.mark.parametrize(
    ("model", "asked", "tokens"),
    [
        ("google/gemini-2.5-flash-image", {}, 1290),
        ("google/gemini-3.1-flash-image", {}, 1120),
        ("google/gemini-3.1-flash-image", {"resolution": "512"}, 747),
        ("google/gemini-3.1-flash-image", {"resolution": "2K"}, 1680),
        ("google/gemini-3.1-flash-image", {"resolution": "4K"}, 2520),
        ("openai/gpt-image-2", {"quality": "low"}, 408),
        ("openai/gpt-image-2", {"quality": "medium", "stream": True}, 1860),
        ("openai/gpt-image-2", {"quality": "medium", "stream": True, "partial_images": 3}, 2060),
        ("openai/gpt-image-2", {"quality": "high"}, 7040),
        ("openai/gpt-image-2", {}, 7040),
        ("openai/gpt-image-2", {"quality": "auto", "parameters": {"quality": enum("auto", "low", "max")}}, 28_160),
        ("openai/gpt-image-2", {"quality": "high", "size": "3840x2160"}, 42_240),
        ("acme/painter", {"resolution": "2K"}, 32_768),
        ("acme/painter", {"parameters": {"resolution": enum("1K", "2K")}}, 32_768),
    ],
)
def test_a_picture_is_so_many_tokens(model: str, asked: dict[str, Any], tokens: int) -> None:
    assert _estimate(line("0.000001", unit="token"), model=model, **asked) == tokens


def test_an_edit_may_come_out_as_large_as_what_it_is_made_from() -> None:
    prices = (line("0.01", unit="megapixel"), line(0, "input_image"))
    assert _estimate(*prices, inputs=(LARGE,)) == 40_000
    assert _estimate(*prices, inputs=(LARGE,), aspect_ratio="1:1") == 10_000


def test_words_cost_by_their_line_or_like_pictures_that_are_shown() -> None:
    words = token_counts.text("word " * 300)
    output = line("0.001")
    assert _estimate(output, line("0.000005", "input_text", "token"), prompt="word " * 300) == 1000 + 5 * words
    assert _estimate(output, line("0.000005", "input_image", "token"), prompt="word " * 300) == 1000 + 5 * words
    assert _estimate(output, prompt="word " * 300) == 1000


@pytest.mark.parametrize("prompt", ["a" * 300, "狐" * 300, "🦊" * 300])
def test_words_are_no_fewer_tokens_than_such_scripts_have(prompt: str) -> None:
    assert token_counts.text(prompt) >= (len(prompt) / 4 if prompt.isascii() else len(prompt) * 2)


def _with_fonts(*prices: PriceLine, **options: Any) -> int | None:
    endpoint = ImageEndpoint(source="Acme", slug="acme", prices=prices)
    request = GenerationRequest(model="acme/painter", prompt="x", routing=Routing(options={"acme": options}))
    return pricing.bound(request, [candidate(endpoint)])


def test_options_that_cost_extra_are_paid_for_or_unknown() -> None:
    font = line("0.03", "input_font", "request")
    assert _with_fonts(line("0.04"), font, font_inputs=[{"text": "a"}, {"text": "b"}]) == 100_000
    assert _with_fonts(line("0.04"), font, steps=4) == 40_000
    assert _with_fonts(line("0.04"), font_inputs=[{"text": "a"}]) is None
    assert _with_fonts(line("0.04"), super_resolution_references=["https://example.org/a.png"]) is None


@given(st.integers(0, 10**12))
def test_the_reserve_is_a_tenth_more_rounded_up(amount: int) -> None:
    reserve = pricing.reserve(amount)
    assert reserve is not None
    assert Decimal(amount) * Decimal("1.1") <= reserve < Decimal(amount) * Decimal("1.1") + 1


def test_of_nothing_a_tenth_more_is_nothing_and_the_unknown_stays_so() -> None:
    assert pricing.reserve(0) == 0
    assert pricing.reserve(None) is None


@given(
    st.lists(st.decimals(0, 10, places=6), min_size=1, max_size=4),
    st.integers(1, 10),
    st.lists(st.sampled_from([None, "1k", "2k", "high_resolution", "low_2k"]), min_size=4, max_size=4),
)
def test_another_line_or_picture_never_makes_it_cheaper(
    amounts: list[Decimal], n: int, variants: list[str | None]
) -> None:
    prices = [line(amount, variant=variant) for amount, variant in zip(amounts, variants, strict=False)]
    whole, fewer = _estimate(*prices, n=n), _estimate(*prices[:1], n=n)
    assert whole is not None
    assert fewer is not None
    assert whole >= fewer
    assert n == 10 or (_estimate(*prices, n=n + 1) or 0) >= whole
