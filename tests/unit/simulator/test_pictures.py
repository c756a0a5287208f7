"""The painter: what somebody would see, measured."""

import io
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from local.simulator import pictures
from local.simulator.mark import WORD, marked

SIZE = (192, 192)
SUBJECTS = ["a sunset", "a forest", "a city", "a portrait", "a cat", "a mountain", "the sea", "something abstract"]


def thumbnail(picture: Image.Image) -> NDArray[Any]:
    return np.asarray(picture.convert("RGB").resize((32, 32)), np.float32) / 255


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(thumbnail(one) - thumbnail(other)).mean())


def likeness(one: Image.Image, other: Image.Image) -> float:
    """How alike the outlines are."""
    first, second = (np.asarray(each.convert("L").resize((96, 96))) for each in (one, other))
    return float(structural_similarity(first, second))  # type: ignore[no-untyped-call]


def red_less_blue(picture: Image.Image) -> float:
    pixels = thumbnail(picture)
    return float((pixels[..., 0] - pixels[..., 2]).mean())


def test_subjects_look_different() -> None:
    painted = [pictures.paint(subject, SIZE, 1) for subject in SUBJECTS]
    assert min(difference(one, other) for one, other in combinations(painted, 2)) > 0.08


def test_what_is_asked_for_is_seen() -> None:
    sunset, sea, forest = (thumbnail(pictures.paint(f"a {word}", SIZE, 1)) for word in ("sunset", "sea", "forest"))
    assert sunset[8:16, :, 0].mean() > sunset[8:16, :, 2].mean() + 0.2
    assert sea[:20, :, 2].mean() > sea[:20, :, 0].mean() + 0.2
    assert forest[..., 1].mean() > max(forest[..., 0].mean(), forest[..., 2].mean())
    assert thumbnail(pictures.paint("a city at night", SIZE, 1)).mean() < 0.25


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_same_request_gives_the_same_picture(subject: str) -> None:
    one, same, other = (pictures.make(subject, SIZE, seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other


@pytest.mark.parametrize("size", [(64, 512), (512, 64), (300, 200), (17, 23)])
def test_every_shape(size: tuple[int, int]) -> None:
    for subject in SUBJECTS:
        assert pictures.paint(subject, size, 3).size == size


def test_a_colour_that_is_named() -> None:
    ball = thumbnail(pictures.paint("a blue ball", SIZE, 1))
    assert ball[16, 14, 2] > ball[16, 14, 0] + 0.2


@pytest.mark.parametrize(
    "prompt",
    [
        "as a watercolour",
        "at night",
        "with snow",
        "make it red",
        "a pencil sketch",
        "vintage",
        "black and white",
        "better",
    ],
)
@pytest.mark.parametrize("subject", ["a portrait", "a mountain"])
def test_an_edit_is_seen_and_the_picture_is_still_there(subject: str, prompt: str) -> None:
    before = pictures.paint(subject, (256, 192), 4)
    after = pictures.edit(prompt, [before], (256, 192), 4)
    unrelated = pictures.edit(prompt, [pictures.paint("a city", (256, 192), 4)], (256, 192), 4)
    assert difference(before, after) > 0.03
    assert likeness(before, after) > likeness(before, unrelated)


def test_edits_do_what_they_say() -> None:
    before = pictures.paint("a mountain", SIZE, 4)

    def after(prompt: str) -> Image.Image:
        return pictures.edit(prompt, [before], SIZE, 4)

    assert red_less_blue(after("warmer")) > red_less_blue(before) > red_less_blue(after("cooler"))
    assert thumbnail(after("at night")).mean() < thumbnail(before).mean() / 2
    assert np.ptp(thumbnail(after("black and white")), axis=2).max() < 0.01


def test_something_is_added_in_one_place() -> None:
    before = pictures.paint("the sea", SIZE, 4)
    changed = np.abs(thumbnail(before) - thumbnail(pictures.edit("add a red balloon", [before], SIZE, 4))).mean(axis=2)
    assert changed.max() > 0.3
    assert 0.005 < (changed > 0.05).mean() < 0.2


def test_a_second_picture_is_put_in() -> None:
    before, other = pictures.paint("the sea", SIZE, 4), Image.new("RGB", (50, 50), "#ff00ff")
    corner = np.asarray(pictures.edit("combine them", [before, other], SIZE, 4))[160, 160]
    assert corner[1] < 120 < corner[0]


def test_transparency() -> None:
    cut = Image.open(io.BytesIO(pictures.make("a cat", SIZE, 1, transparent=True)))
    assert cut.mode == "RGBA"
    assert (cut.getpixel((0, 0)), cut.getpixel((96, 96))) != (None, None)
    alpha = np.asarray(cut)[..., 3]
    assert (alpha[0, 0], alpha[96, 96]) == (0, 255)


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_files(form: str) -> None:
    data = pictures.make("a forest", SIZE, 1, form=form)
    assert Image.MIME[Image.open(io.BytesIO(data)).format or ""] == pictures.MEDIA_TYPES[form]
    # Like the real ones, they carry content credentials, except WebP.
    assert (b"content credentials" in data) == (form != "webp")


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("transparent", [False, True])
def test_every_picture_says_that_it_is_simulated(form: str, transparent: bool) -> None:
    """The same word in the same place, whatever is painted around it, in letters that contrast with their ground."""
    size, prompts = (1024, 768), ("snow", "night")
    made = [pictures.make(prompt, size, 1, form=form, transparent=transparent, detail=64) for prompt in prompts]
    words = [np.asarray(Image.open(io.BytesIO(data)).convert("L"), np.int16)[-50:, :240] for data in made]
    apart = np.abs(words[0] - words[1])
    assert apart.max() < 60
    assert apart.mean() < 3
    bright, dark = (words[0] > 200).mean(), (words[0] < 60).mean()
    assert 0.1 < bright < 0.5 < dark


def test_a_picture_too_small_for_letters_is_left_as_it_is() -> None:
    small = Image.new("RGB", (32, 32), "red")
    assert marked(small) is small


def test_drawings() -> None:
    drawing = pictures.make("a <sunset>", SIZE, 1, form="svg").decode()
    assert drawing.startswith('<svg xmlns="http://www.w3.org/2000/svg" width="192"')
    assert "&lt;sunset&gt;" in drawing
    assert f">{WORD}</text>" in drawing
