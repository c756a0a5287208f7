"""The segmenter: finds subjects, says when there is none, and refuses models by the reason."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from darkroom.adapters.segmenter import OnnxSegmenter, remembering, stretch
from darkroom.errors import LicenceNotAcknowledged, NoForeground, UnsupportedModel
from darkroom.models.segmentation import MODELS, lookup
from tests.photos import SUBJECTS, photo


@pytest.fixture(scope="module")
def segmenter(weights_dir: Path) -> OnnxSegmenter:
    return OnnxSegmenter(weights_dir, default="u2netp")


def each_model(segmenter: OnnxSegmenter) -> list[str]:
    """u2netp, and u2net where its weights are."""
    return [name for name in segmenter.available() if name in ("u2netp", "u2net")]


@pytest.mark.parametrize(("at_most", "looked"), [(0, "abacba"), (1, "abacba"), (2, "abcba"), (3, "abc")])
def test_of_the_pictures_it_saw_last_the_output_is_known(at_most: int, looked: str) -> None:
    seen: list[str] = []

    def network(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append("abc"[int(pixels[0, 0])])
        return pixels + 1

    run = remembering(network, at_most)
    for name in "abacba":
        pixels = np.full((2, 2), "abc".index(name), np.float32)
        assert (run(pixels) == pixels + 1).all()
    assert "".join(seen) == looked


# --- what is found ---------------------------------------------------------------------------------------------------


def test_the_mask_is_grey_at_the_models_size_and_uses_the_full_range(segmenter: OnnxSegmenter) -> None:
    mask = segmenter.mask(photo("astronaut"), "u2netp")
    assert (mask.mode, mask.size, mask.getextrema()) == ("L", (320, 320), (0, 255))


def test_finds_a_thing_where_it_is(segmenter: OnnxSegmenter) -> None:
    scene = Image.new("RGB", (800, 600), (240, 240, 235))
    ImageDraw.Draw(scene).ellipse((450, 150, 650, 350), fill=(200, 30, 40))
    found = np.asarray(segmenter.mask(scene, "u2netp").resize(scene.size)) > 127
    y, x = np.mgrid[:600, :800]
    truth = np.hypot(x - 550, y - 250) <= 100
    assert (found & truth).sum() / (found | truth).sum() > 0.95


@pytest.mark.parametrize("name", [*SUBJECTS, "camera", "horse", "motorcycle_left", "coins", "clock_motion"])
def test_no_photograph_with_a_subject_is_refused(segmenter: OnnxSegmenter, name: str) -> None:
    for model in each_model(segmenter) if name in SUBJECTS else ["u2netp"]:
        assert segmenter.mask(photo(name), model).getextrema() == (0, 255)


def test_a_grainy_photograph_is_no_noise(segmenter: OnnxSegmenter) -> None:
    grain = np.random.default_rng(4).normal(0, 50, (512, 512, 3))
    grainy = Image.fromarray((np.asarray(photo("astronaut")) + grain).clip(0, 255).astype(np.uint8))
    assert segmenter.mask(grainy, "u2netp").getextrema() == (0, 255)


def blanks() -> Iterator[Image.Image]:
    random = np.random.default_rng(3)
    for colour in ("white", "black", "grey", "red", "#e6dcd2"):
        yield Image.new("RGB", (400, 300), colour)
    for size in ((300, 400), (320, 320), (900, 1200)):
        yield Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8))
    yield Image.fromarray((128 + random.normal(0, 8, (300, 400, 3))).clip(0, 255).astype(np.uint8))
    ramp = Image.linear_gradient("L").resize((400, 300))
    yield Image.merge("RGB", (ramp, ramp, ramp))
    sideways = ramp.transpose(Image.Transpose.ROTATE_90).resize((400, 300))
    yield Image.merge("RGB", (sideways, sideways, Image.new("L", (400, 300), 200)))
    yield Image.new("RGB", (1, 1), "red")
    yield Image.new("RGB", (5000, 1), "olive")


def test_where_there_is_no_subject_it_says_so(segmenter: OnnxSegmenter) -> None:
    for model in each_model(segmenter):
        # The large model is slow, and the small one is the easier to fool.
        for blank in blanks() if model == "u2netp" else islice(blanks(), 3):
            with pytest.raises(NoForeground):
                segmenter.mask(blank, model)


def test_the_answer_that_decides_is_how_sure_the_network_is() -> None:
    unsure = np.linspace(0, 0.2, 16, dtype=np.float32).reshape(4, 4)
    for output in (unsure, np.full((4, 4), 0.9, np.float32), np.full((4, 4), np.nan, np.float32)):
        with pytest.raises(NoForeground):
            stretch(output)
    assert stretch(unsure * 4).getextrema() == (0, 255)


def test_threads_share_a_session(weights_dir: Path) -> None:
    shared = OnnxSegmenter(weights_dir, default="u2netp", threads=1)
    images = [photo(name) for name in SUBJECTS[:3]]
    with ThreadPoolExecutor(3) as pool:
        at_once = list(pool.map(lambda image: shared.mask(image, "u2netp").tobytes(), images))
    assert at_once == [shared.mask(image, "u2netp").tobytes() for image in images]


# --- which models ----------------------------------------------------------------------------------------------------


def directory(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / f"{name}.onnx").write_bytes(b"weights")
    return tmp_path


def test_lists_what_is_here_with_the_default_first(tmp_path: Path) -> None:
    weights = directory(tmp_path, "u2netp", "u2net", "silueta", "bria-rmbg", "something-else")
    assert OnnxSegmenter(weights, default="silueta").available() == ("silueta", "u2net", "u2netp")
    acknowledged = OnnxSegmenter(weights, default="u2net", acknowledged=frozenset({"bria-rmbg"}))
    assert acknowledged.available() == ("u2net", "u2netp", "silueta", "bria-rmbg")
    assert OnnxSegmenter(tmp_path / "nowhere", default="u2net").available() == ()


def test_refuses_an_unknown_model_and_lists_those_there_are(tmp_path: Path) -> None:
    segmenter = OnnxSegmenter(directory(tmp_path, "u2netp"), default="u2netp")
    for name in ("u2nett", "../u2netp", ""):
        with pytest.raises(UnsupportedModel) as refused:
            segmenter.mask(photo(), name)
        assert refused.value.context == {"available": ["u2netp"]}
        assert "u2netp" in refused.value.fix
        assert refused.value.param == "model"


def test_refuses_a_known_model_whose_weights_are_not_here(tmp_path: Path) -> None:
    segmenter = OnnxSegmenter(directory(tmp_path, "u2netp"), default="u2netp")
    for name in ("u2net", "birefnet-general"):
        with pytest.raises(UnsupportedModel, match="not installed") as refused:
            segmenter.mask(photo(), name)
        assert refused.value.context == {"available": ["u2netp"]}


def test_refuses_a_model_whose_licence_is_not_acknowledged(tmp_path: Path) -> None:
    segmenter = OnnxSegmenter(directory(tmp_path, "bria-rmbg", "u2net"), default="u2net")
    with pytest.raises(LicenceNotAcknowledged, match="NC") as refused:
        segmenter.mask(photo(), "bria-rmbg")
    assert refused.value.context == {"available": ["u2net"]}
    acknowledged = OnnxSegmenter(tmp_path / "empty", default="u2net", acknowledged=frozenset({"bria-rmbg"}))
    with pytest.raises(UnsupportedModel, match="not installed"):
        acknowledged.mask(photo(), "bria-rmbg")


def test_a_model_can_be_made_ready_before_the_first_picture(tmp_path: Path, weights_dir: Path) -> None:
    shutil.copy(weights_dir / "u2netp.onnx", tmp_path)
    segmenter = OnnxSegmenter(tmp_path, default="u2netp")
    segmenter.load("u2netp")
    (tmp_path / "u2netp.onnx").write_bytes(b"")  # it is in memory, and read no more
    assert segmenter.mask(photo(), "u2netp").size == (320, 320)


def test_what_is_known_of_each_model_is_complete() -> None:
    for name, model in MODELS.items():
        assert lookup(name) is model
        assert model.file == f"{name}.onnx"
        assert model.licence_note
        assert model.best_for
        assert model.sha256 or model.md5 or not model.sources
    assert [name for name, model in MODELS.items() if model.needs_acknowledgement] == ["bria-rmbg"]
    assert not MODELS["bria-rmbg"].commercial


def test_loads_nothing_heavy(weights_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from PIL import Image\n"
        "from darkroom.adapters.segmenter import OnnxSegmenter\n"
        "import darkroom.adapters.matter, darkroom.images.pipeline\n"
        f"OnnxSegmenter(Path({str(weights_dir)!r}), default='u2netp').load('u2netp')\n"
        "print(sorted({'rembg', 'pymatting', 'numba', 'scipy', 'skimage', 'boto3', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_layer_without_numpy_can_read_pictures_and_colours() -> None:
    code = (
        "import sys; sys.modules['numpy'] = sys.modules['isal'] = sys.modules['onnxruntime'] = None\n"
        "import darkroom.images.decode, darkroom.images.colour, darkroom.models.segmentation\n"
        "print(darkroom.images.colour.parse_background('linear-gradient(red, blue)')((3, 3)).size)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(3, 3)"
