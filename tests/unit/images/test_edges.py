"""Edge color, on composites of which the foreground and the alpha are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from darkroom.images.cutout import cut_out
from darkroom.images.edges import Edges, fog
from darkroom.images.picture import Picture
from darkroom.models.cutout import CutoutOptions
from tests.composites import KINDS, Composite, composite

EDGED = [kind for kind in KINDS if kind != "glass"]


def colors(one: Composite, edges: str, **options: object) -> NDArray[np.float64]:
    asked = CutoutOptions.model_validate({"edges": edges, **options})
    cut = cut_out(Picture(one.picture, None, (), "PNG"), one.alpha, asked)
    return np.asarray(cut.pixels, np.float64)


def error(one: Composite, edges: str) -> float:
    """Of the color that is seen at the edge on white, in levels of 255."""
    alpha = np.asarray(one.alpha, np.float64) / 255
    at_edge = (alpha > 0.04) & (alpha < 0.96)
    seen = np.abs(colors(one, edges)[..., :3] - one.foreground) * alpha[..., np.newaxis]
    return float(seen[at_edge].mean())


def test_a_third_of_straight_colors_error_is_left_at_most() -> None:
    ones = [composite(kind, seed, (640, 480)) for kind in EDGED for seed in range(1)]
    straight = sum(error(each, "raw") for each in ones)
    clean = sum(error(each, "clean") for each in ones)
    assert straight / len(ones) > 8
    assert clean <= straight / 3


@given(st.sampled_from(EDGED), st.integers(0, 10_000), st.sampled_from([(320, 240), (200, 300), (900, 500)]))
@settings(max_examples=12, deadline=None)
def test_no_true_edge_is_worse_and_nothing_else_changes(kind: str, seed: int, size: tuple[int, int]) -> None:
    one = composite(kind, seed, size)
    assert error(one, "clean") <= error(one, "raw")
    raw, clean = colors(one, "raw"), colors(one, "clean")
    alpha = np.asarray(one.alpha)
    assert (clean[..., 3] == alpha).all()
    untouched = (alpha == 0) | (alpha >= 254)
    assert (clean[untouched] == raw[untouched]).all()


def test_a_cut_that_is_cropped_has_the_colors_of_the_whole() -> None:
    one = composite("hair", 3, (900, 700))
    whole, part = colors(one, "clean"), colors(one, "clean", crop=True)
    top, left = np.argwhere(np.asarray(one.alpha) >= 32).min(axis=0)
    inside = whole[top : top + part.shape[0], left : left + part.shape[1]]
    assert np.abs(inside - part).max() <= 2


def test_fog_is_left_as_it_is() -> None:
    shown = Image.effect_noise((320, 240), 60).convert("RGB")
    mask = Image.new("L", (320, 240))
    mask.paste(255, (20, 20, 140, 220))
    mask.paste(120, (180, 20, 300, 220))  # a model that cannot decide
    assert fog(np.asarray(mask))[120, 240]
    assert not fog(np.asarray(mask))[120, 140]
    band = np.dstack((np.asarray(shown), np.asarray(mask)))
    cleaned = band.copy()
    Edges(shown, mask).clean(cleaned, 0, 0)
    assert (cleaned[60:180, 200:280] == band[60:180, 200:280]).all()


def test_what_was_transparent_already_keeps_its_colors() -> None:
    one = composite("plain", 1)
    opened = one.picture.copy()
    opened.putalpha(Image.new("L", opened.size, 255))
    opened.putpixel((0, 0), (0, 0, 0, 0))
    asked = CutoutOptions(edges="clean")
    cut = cut_out(Picture(opened, None, (), "PNG"), one.alpha, asked)
    assert (np.asarray(cut.pixels) == colors(one, "raw")).all()
    opened.putalpha(255)
    opaque = cut_out(Picture(opened, None, (), "PNG"), one.alpha, asked)
    assert (np.asarray(opaque.pixels) == colors(one, "clean")).all()


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 700), (5, 4)])
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    picture = Picture(Image.new("RGB", size, "red"), None, (), "PNG")
    cut = cut_out(picture, Image.new("L", (320, 320), 128), CutoutOptions())
    assert cut.pixels.size == size
    assert cut.pixels.getpixel((0, 0)) == (255, 0, 0, 128)
