"""Matting: the edge gets finer, the rest stays."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from darkroom.adapters.matter import RembgMatter
from tests.photos import photo

SIZE = (480, 360)


def scene() -> tuple[Image.Image, Image.Image]:
    """A red disc with spikes before a green ground, and its true alpha."""
    truth = Image.new("L", (SIZE[0] * 4, SIZE[1] * 4))
    draw = ImageDraw.Draw(truth)
    draw.ellipse((560, 320, 1360, 1120), fill=255)
    for x in range(600, 1340, 60):
        draw.line((x, 720, x + (x - 960) // 3, 240), fill=255, width=10)
    truth = truth.resize(SIZE, Image.Resampling.BOX)
    noise = np.random.default_rng(5).normal(0, 4, (SIZE[1], SIZE[0], 3))
    alpha = np.asarray(truth)[..., np.newaxis] / 255
    pixels = alpha * (200, 40, 50) + (1 - alpha) * (60, 170, 80) + noise
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), truth


def coarse(mask: Image.Image) -> Image.Image:
    """What a network would know of it: smooth and without the spikes."""
    blurred = mask.resize((40, 30), Image.Resampling.BOX).resize((320, 320), Image.Resampling.BICUBIC)
    return blurred.point([min(max((value - 64) * 2, 0), 255) for value in range(256)])


def error(found: Image.Image, truth: Image.Image) -> float:
    return float(np.abs(np.asarray(found, float) - np.asarray(truth, float)).mean())


def test_the_edge_gets_finer() -> None:
    image, truth = scene()
    mask = coarse(truth)
    refined = RembgMatter().refine(image, mask)
    assert (refined.mode, refined.size) == ("L", SIZE)
    assert error(refined, truth) < 0.6 * error(mask.resize(SIZE, Image.Resampling.LANCZOS), truth)


def test_far_from_the_edge_nothing_changes() -> None:
    image, truth = scene()
    mask = coarse(truth)
    large = image.resize((1920, 1440))
    refined = np.asarray(RembgMatter(longest=400).refine(large, mask), int)
    before = np.asarray(mask.resize(large.size, Image.Resampling.LANCZOS), int)
    assert (np.abs(refined - before) > 10).any()
    for far in (np.s_[:40, :], np.s_[:, :200], np.s_[:, 1700:], np.s_[850:950, 900:1000]):
        assert np.abs(refined[far] - before[far]).max() <= 1


@pytest.mark.parametrize("value", [0, 255, 128])
def test_a_mask_without_an_edge_is_only_scaled(value: int) -> None:
    refined = RembgMatter().refine(photo("coffee"), Image.new("L", (320, 320), value))
    assert refined.size == photo("coffee").size
    assert refined.getextrema() == (value, value)


def test_the_smallest_pictures() -> None:
    mask = Image.linear_gradient("L")
    for size in ((1, 1), (40, 1), (1, 40)):
        assert RembgMatter().refine(Image.new("RGB", size, "red"), mask).size == size


def test_the_terminal_stays_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    image, truth = scene()
    RembgMatter().refine(image, coarse(truth))
    assert capsys.readouterr().out == ""
