"""Two pictures beside each other, and the figure that says how alike they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter
from skimage.metrics import structural_similarity

from darkroom.images.compare import GAP, TALLEST, WIDEST, side_by_side, similarity
from darkroom.images.picture import Picture
from tests.photos import load, photo, swapped_rgb_profile

CAT = photo("chelsea")


def of(pixels: Image.Image, icc: bytes | None = None) -> Picture:
    return Picture(pixels, icc, (), "PNG")


def flat(size: tuple[int, int], colour: str = "red", mode: str = "RGB") -> Picture:
    return of(Image.new(mode, size, colour))


# ── How alike ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["chelsea", "rocket", "coffee"])
def test_the_same_pixels_are_exactly_one(name: str) -> None:
    assert similarity(of(photo(name)), of(photo(name).copy())) == 1.0


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from(["RGB", "RGBA"]))
def test_any_picture_is_like_itself_and_the_figure_is_the_same_both_ways(
    width: int, height: int, seed: int, mode: str
) -> None:
    random = np.random.default_rng(seed)
    a, b = (of(Image.frombytes(mode, (width, height), random.bytes(width * height * len(mode)))) for _ in range(2))
    assert similarity(a, a) == 1.0
    assert 0 <= similarity(a, b) == similarity(b, a) <= 1


def test_less_alike_is_less() -> None:
    brighter = [ImageEnhance.Brightness(CAT).enhance(factor) for factor in (1.02, 1.2, 1.8)]
    blurred = [CAT.filter(ImageFilter.GaussianBlur(radius)) for radius in (0.5, 2, 8)]
    for row in (brighter, blurred):
        found = [similarity(of(CAT), of(each)) for each in row]
        assert 1 > found[0] > found[1] > found[2] > 0
    assert similarity(of(CAT), of(photo("rocket"))) < 0.5
    assert similarity(flat((9, 9), "black"), flat((9, 9), "white")) < 0.25


def test_colour_counts_too() -> None:
    # Of the same luminance, 75.
    red, green = flat((32, 32), "#fa0000"), flat((32, 32), "#008000")
    assert red.pixels.convert("L").getpixel((0, 0)) == green.pixels.convert("L").getpixel((0, 0))
    assert similarity(red, green) < 0.85


@pytest.mark.parametrize("change", ["brighter", "blurred", "noisy"])
def test_it_is_near_what_others_call_structural_similarity(change: str) -> None:
    """Of luminance, in windows that overlap; ours has colour in it and windows that do not."""
    noise = Image.effect_noise(CAT.size, 60).convert("RGB")
    other = {
        "brighter": ImageEnhance.Brightness(CAT).enhance(1.4),
        "blurred": CAT.filter(ImageFilter.GaussianBlur(2)),
        "noisy": Image.blend(CAT, noise, 0.2),
    }[change]
    theirs = structural_similarity(  # type: ignore[no-untyped-call]
        np.asarray(CAT.convert("L")), np.asarray(other.convert("L"))
    )
    assert similarity(of(CAT), of(other)) == pytest.approx(float(theirs), abs=0.15)


def test_another_size_of_the_same_is_nearly_the_same() -> None:
    assert similarity(of(CAT), of(CAT.resize((200, 133), Image.Resampling.LANCZOS))) > 0.95
    assert similarity(of(CAT), of(photo("chelsea", 4))) > 0.9


def test_what_is_compared_is_what_is_seen() -> None:
    hidden = CAT.convert("RGBA")
    hidden.putalpha(0)
    other = photo("coffee").resize(CAT.size).convert("RGBA")
    other.putalpha(0)
    assert similarity(of(hidden), of(other)) == 1.0
    orange, teal = flat((32, 32), "#f08020"), flat((32, 32), "#80f020")
    assert similarity(orange, of(teal.pixels, swapped_rgb_profile())) > 0.95 > 0.85 > similarity(orange, teal)


# ── Side by side ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_both_stand_at_the_same_height_with_a_gap_between_them() -> None:
    shown = load(side_by_side(flat((30, 20), "red"), flat((10, 40), "blue")))
    assert (shown.mode, shown.size) == ("RGBA", (60 + GAP + 10, 40))
    assert shown.getpixel((30, 20)) == (255, 0, 0, 255)
    assert shown.getpixel((60 + GAP // 2, 20)) == (0, 0, 0, 0)
    assert shown.getpixel((60 + GAP + 5, 20)) == (0, 0, 255, 255)


def test_what_is_transparent_stays_so() -> None:
    shown = load(side_by_side(flat((9, 9), "#00000000", "RGBA"), flat((9, 9))))
    assert (shown.getpixel((4, 4)), shown.getpixel((9 + GAP + 4, 4))) == ((0, 0, 0, 0), (255, 0, 0, 255))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((1, 1), (1, 1)),
        ((4000, 6000), (6000, 4000)),
        ((8000, 1), (1, 8000)),
        ((8000, 1), (8000, 1)),
        ((5000, 400), (9, 9)),
    ],
)
def test_it_is_never_larger_than_a_screen_can_show(a: tuple[int, int], b: tuple[int, int]) -> None:
    width, height = load(side_by_side(flat(a), flat(b))).size
    assert 1 <= height <= TALLEST
    assert 2 + GAP <= width <= WIDEST


def test_the_same_pictures_give_the_same_file() -> None:
    assert side_by_side(of(CAT), of(photo("rocket"))) == side_by_side(of(CAT), of(photo("rocket")))
