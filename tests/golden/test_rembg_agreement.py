"""Agreement with unmodified rembg, on the same weights and real photographs: the oracle of what a mask should be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from darkroom.adapters.matter import RembgMatter
from darkroom.adapters.pymatting_parts import skip_package_imports
from darkroom.adapters.rembg_segmenter import load_with_rembg
from darkroom.adapters.segmenter import OnnxSegmenter
from darkroom.images.pipeline import remove_background
from darkroom.models.cutout import CutoutOptions
from darkroom.models.segmentation import lookup
from tests.photos import SUBJECTS, jpeg, load, photo

IOU, MEAN_ERROR = 0.99, 0.005

Remove = Callable[..., Image.Image]


@pytest.fixture(scope="module", params=["u2netp", pytest.param("u2net", marks=pytest.mark.large)])
def model(request: pytest.FixtureRequest, weights_dir: Path) -> str:
    name = str(request.param)
    if not (weights_dir / f"{name}.onnx").is_file():
        pytest.skip(
            f"{weights_dir}/{name}.onnx is not there: python functions/remove_background/fetch_weights.py gets it"
        )
    return name


@pytest.fixture(scope="module")
def segmenter(weights_dir: Path) -> OnnxSegmenter:
    return OnnxSegmenter(weights_dir, default="u2netp", remembered=8)


@pytest.fixture(scope="module")
def rembg_remove(model: str, weights_dir: Path) -> Remove:
    """rembg.remove, with a session on our weights."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("U2NET_HOME", str(weights_dir))
        # Several threads wait for one another by spinning, and the other tests for them.
        environment.setenv("OMP_NUM_THREADS", "1")
        skip_package_imports()  # half of which would be compiled for nothing
        import rembg

        session = rembg.new_session(model, providers=["CPUExecutionProvider"])

    def remove(image: Image.Image, **options: Any) -> Image.Image:
        result: Image.Image = rembg.remove(image, session=session, **options)
        return result

    return remove


def ours(data: bytes, model: str, segmenter: OnnxSegmenter, **options: Any) -> Image.Image:
    cutout = remove_background(
        data,
        CutoutOptions(**options),
        segmenter=segmenter,
        matter=RembgMatter(),
        default_model=model,
        max_megapixels=25,
    )
    return load(cutout.data)


def iou(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return int(np.sum((one > 127) & (other > 127))) / int(np.sum((one > 127) | (other > 127)))


def mean_error(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float((np.maximum(one, other) - np.minimum(one, other)).mean() / 255)


def unit(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image, np.float64) / 255


# How a mask is enlarged does not depend on the subject, and two removals of 24 megapixels take seconds of a core.
@pytest.mark.parametrize(
    ("name", "megapixels"), [*((name, 0.5) for name in SUBJECTS), *((SUBJECTS[0], size) for size in (2, 12, 24))]
)
def test_alpha_agrees(name: str, megapixels: float, model: str, segmenter: OnnxSegmenter, rembg_remove: Remove) -> None:
    data = jpeg(name, megapixels)
    alpha = np.asarray(ours(data, model, segmenter).getchannel("A"))
    theirs = np.asarray(rembg_remove(load(data), only_mask=True))
    assert alpha.shape == theirs.shape
    assert iou(alpha, theirs) >= IOU
    assert mean_error(alpha, theirs) <= MEAN_ERROR


@pytest.mark.parametrize("name", SUBJECTS)
def test_edges_have_the_colour_of_the_photograph_and_no_dark_halo(
    name: str, model: str, segmenter: OnnxSegmenter, rembg_remove: Remove
) -> None:
    data = jpeg(name, 0.5)
    pixels, original = ours(data, model, segmenter, edges="raw"), unit(load(data))
    theirs = rembg_remove(load(data))
    alpha = unit(pixels.getchannel("A"))
    edge = (alpha > 0.1) & (alpha < 0.9)
    assert edge.sum() > 500
    assert (unit(pixels)[edge][:, :3] == original[edge]).all()
    # On white: what shines through is white, and nothing of it is lost.
    ideal = original * alpha[..., np.newaxis] + 1 - alpha[..., np.newaxis]
    white = Image.new("RGBA", pixels.size, "white")
    error = {
        who: (unit(Image.alpha_composite(white, image).convert("RGB")) - ideal)[edge].mean() * 255
        for who, image in (("ours", pixels), ("rembg", theirs))
    }
    assert abs(error["ours"]) < 1
    assert error["rembg"] < -5  # rembg stores colours multiplied with alpha: darker


def test_matting_agrees_with_rembgs(segmenter: OnnxSegmenter, rembg_remove: Remove, model: str) -> None:
    # At a size at which both solve the same equations.
    data = jpeg("astronaut", 0.25)
    matte = unit(ours(data, model, segmenter, matting=True).getchannel("A"))
    theirs = unit(rembg_remove(load(data), alpha_matting=True).getchannel("A"))
    plain = unit(ours(data, model, segmenter).getchannel("A"))
    assert np.abs(matte - theirs).mean() < 0.006
    assert np.abs(matte - theirs).mean() < 0.6 * np.abs(plain - theirs).mean()


def test_models_that_rembg_runs_give_its_mask_and_fetch_nothing(weights_dir: Path, tmp_path: Path) -> None:
    run = load_with_rembg(weights_dir / "u2netp.onnx", lookup("u2netp"))
    theirs = run(photo("coffee"))
    mask = OnnxSegmenter(weights_dir, default="u2netp").mask(photo("coffee"), "u2netp")
    assert (theirs.mode, theirs.size) == ("L", (320, 320))
    assert np.abs(unit(theirs) - unit(mask)).max() <= 0.01
    # Where the file is missing rembg would download it; here it is an error, with sockets closed or not.
    with pytest.raises(Exception, match=r"nowhere\.onnx"):
        load_with_rembg(tmp_path / "nowhere.onnx", lookup("u2netp"))
