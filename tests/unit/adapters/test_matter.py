"""Matting: the edge gets finer, the rest stays; and numba's cache is found where it was copied to."""

import os
import subprocess
import sys
from pathlib import Path

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


COMPILED = """
from numba import njit

@njit("f8(f8)", cache=True)
def twice(x):
    return 2 * x
"""


def run(code: str, packages: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    done = subprocess.run(
        [sys.executable, "-c", "import os\nfrom pathlib import Path\nfrom darkroom.adapters.matter import *\n" + code],
        env=environment | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_baked_cache_is_hit_in_another_directory_and_process(tmp_path: Path) -> None:
    packages, baked, writable = tmp_path / "packages", tmp_path / "baked", tmp_path / "tmp" / "cache"
    packages.mkdir()
    (packages / "compiled.py").write_text(COMPILED)
    report = "import compiled; print(sum(compiled.twice.stats.cache_hits.values()), compiled.twice(21.0))"
    assert run(f"prepare_numba_cache(None, Path({str(baked)!r})); {report}", packages) == "0 42.0"
    for path in (*baked.rglob("*"), baked):
        path.chmod(0o555 if path.is_dir() else 0o444)  # as in an image
    hit = run(f"prepare_numba_cache(Path({str(baked)!r}), Path({str(writable)!r})); {report}", packages)
    assert hit == "1 42.0"
    # The next process finds the copy.
    assert run(f"prepare_numba_cache(Path({str(baked)!r}), Path({str(writable)!r})); {report}", packages) == "1 42.0"
    assert all(path.stat().st_mode & 0o200 for path in (writable, *writable.iterdir()))
    for path in (baked, *baked.rglob("*")):
        path.chmod(0o755)


def test_without_a_directory_numba_is_left_alone() -> None:
    code = "RembgMatter().prepare(); print([name for name in os.environ if name.startswith('NUMBA')])"
    assert run(code, Path()) == "[]"


def test_a_cache_that_is_there_is_not_copied_again(tmp_path: Path) -> None:
    baked, cache = tmp_path / "baked", tmp_path / "cache"
    for directory, content in ((baked, "new"), (cache, "old")):
        directory.mkdir()
        (directory / "index.nbi").write_text(content)
    code = f"prepare_numba_cache(Path({str(baked)!r}), Path({str(cache)!r})); print(os.environ['NUMBA_CPU_NAME'])"
    assert run(code, Path()) == "generic"
    assert (cache / "index.nbi").read_text() == "old"
    assert run(f"prepare_numba_cache(Path('/nowhere'), Path({str(tmp_path / 'made')!r}))", Path()) == ""
    assert (tmp_path / "made").is_dir()
