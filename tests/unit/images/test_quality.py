"""What a mask tells of its cut-out, on masks that are drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from darkroom.images.quality import assess
from darkroom.images.regions import regions


def disc(*boxes: tuple[int, int, int, int], value: int = 255, blur: float = 1.0) -> Image.Image:
    mask = Image.new("L", (320, 320))
    for box in boxes:
        ImageDraw.Draw(mask).ellipse(box, fill=value)
    return mask.filter(ImageFilter.GaussianBlur(blur))


def test_a_subject_with_a_sharp_edge_is_clean() -> None:
    found = assess(disc((80, 60, 240, 260)))
    assert (found.score, found.reasons, found.box, found.is_clean) == (1, (), None, True)


def test_fog_is_told_and_located() -> None:
    mask = disc((80, 60, 240, 260))
    mask.paste(128, (120, 170, 180, 240))
    few = assess(mask)
    mask.paste(128, (90, 120, 230, 260))
    much = assess(mask)
    assert 0.5 > few.score > much.score
    assert few.reasons == ("fog",)
    assert few.box is not None
    assert few.box == pytest.approx((122 / 320, 172 / 320, 178 / 320, 238 / 320), abs=2 / 320)


def test_several_subjects_and_a_border_are_told_and_cost_nothing() -> None:
    found = assess(disc((20, 100, 140, 220), (180, 100, 300, 220)))
    assert (found.score, found.reasons) == (1, ("several_subjects",))
    found = assess(disc((100, 200, 220, 420)))
    assert (found.score, found.reasons) == (1, ("touching_border",))
    crumbs = assess(disc((20, 60, 220, 260), (280, 40, 300, 60)))
    assert crumbs.reasons == ()


def test_hardly_anything_is_worth_a_look() -> None:
    found = assess(disc((160, 160, 168, 168)))
    assert not found.is_clean
    assert found.reasons == ("small_subject",)
    assert found.box is not None


@pytest.mark.parametrize("size", [(1, 1), (1024, 1024), (1000, 10), (3, 900)])
def test_masks_of_any_size(size: tuple[int, int]) -> None:
    assert assess(Image.new("L", size, 255)).score == 1
    assert not assess(Image.new("L", size, 0)).is_clean


@given(st.integers(0, 10_000), st.integers(1, 14), st.integers(1, 14), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_regions_are_what_a_flood_fills(seed: int, height: int, width: int, density: float) -> None:
    where = np.random.default_rng(seed).random((height, width)) < density
    labels, sizes = regions(where)
    assert ((labels > 0) == where).all()
    assert sizes.tolist() == np.bincount(labels.ravel(), minlength=len(sizes)).tolist()
    for row, column in np.argwhere(where):
        reached, waiting = set(), [(int(row), int(column))]
        while waiting:
            at = waiting.pop()
            inside = 0 <= at[0] < height and 0 <= at[1] < width
            if at in reached or not inside or not where[at]:
                continue
            reached.add(at)
            waiting += [(at[0] + 1, at[1]), (at[0] - 1, at[1]), (at[0], at[1] + 1), (at[0], at[1] - 1)]
        assert {(int(y), int(x)) for y, x in np.argwhere(labels == labels[row, column])} == reached
