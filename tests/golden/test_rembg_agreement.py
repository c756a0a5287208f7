"""Agreement with unmodified rembg, on the same weights and real photographs: the oracle of what a mask should be."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from darkroom.adapters.matter import RembgMatter
from darkroom.adapters.pymatting_parts import skip_package_imports
from darkroom.adapters.segmenter import OnnxSegmenter
from darkroom.errors import UnsupportedModel
from darkroom.images.pipeline import remove_background
from darkroom.models.cutout import CutoutOptions
from darkroom.models.segmentation import MODELS, SegmentationModel
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
    return OnnxSegmenter(weights_dir, default="u2netp", remembered=8, threads=1)


@pytest.fixture(scope="module")
def rembg_remove(model: str, weights_dir: Path) -> Remove:
    """rembg.remove, with a session on our weights, which runs its network once for a picture."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("U2NET_HOME", str(weights_dir))
        # Several threads wait for one another by spinning, and the other tests for them.
        environment.setenv("OMP_NUM_THREADS", "1")
        skip_package_imports()  # half of which would be compiled for nothing
        import rembg

        session = rembg.new_session(model, providers=["CPUExecutionProvider"])
    predict, known = session.predict, dict[bytes, list[Image.Image]]()

    def predict_once(image: Image.Image, *arguments: Any, **options: Any) -> list[Image.Image]:
        pixels = image.tobytes()
        if pixels not in known:
            known[pixels] = predict(image, *arguments, **options)
        return [mask.copy() for mask in known[pixels]]

    session.predict = predict_once

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


def agrees(one: Image.Image, other: Image.Image) -> None:
    alpha, theirs = np.asarray(one), np.asarray(other)
    assert alpha.shape == theirs.shape
    assert iou(alpha, theirs) >= IOU
    assert mean_error(alpha, theirs) <= MEAN_ERROR


def unit(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image, np.float64) / 255


@pytest.mark.parametrize("name", SUBJECTS)
def test_alpha_agrees(name: str, model: str, segmenter: OnnxSegmenter, rembg_remove: Remove) -> None:
    data = jpeg(name, 0.5)
    agrees(ours(data, model, segmenter).getchannel("A"), rembg_remove(load(data), only_mask=True))


# How a mask is enlarged depends on neither subject nor model, and two removals of 24 megapixels take seconds of a core.
@pytest.mark.parametrize("model", ["u2netp"], indirect=True, scope="module")
@pytest.mark.parametrize("megapixels", [2, 24])
def test_alpha_agrees_at_any_size(
    megapixels: float, model: str, segmenter: OnnxSegmenter, rembg_remove: Remove
) -> None:
    data = jpeg(SUBJECTS[0], megapixels)
    agrees(ours(data, model, segmenter, channels="alpha"), rembg_remove(load(data), only_mask=True))


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


@pytest.mark.parametrize("model", ["u2netp"], indirect=True, scope="module")  # it is given a mask, and not a model
def test_matting_agrees_with_rembgs(segmenter: OnnxSegmenter, rembg_remove: Remove, model: str) -> None:
    # At a size at which both solve the same equations.
    data = jpeg("astronaut", 0.25)
    matte = unit(ours(data, model, segmenter, matting=True).getchannel("A"))
    theirs = unit(rembg_remove(load(data), alpha_matting=True).getchannel("A"))
    plain = unit(ours(data, model, segmenter).getchannel("A"))
    assert np.abs(matte - theirs).mean() < 0.006
    assert np.abs(matte - theirs).mean() < 0.6 * np.abs(plain - theirs).mean()


# rembg has no session of that size.
SESSION_OF = {"birefnet-512": "birefnet-general"}
MODELS_OF_REMBG = [model for model in MODELS.values() if model.name not in SESSION_OF]


def graph(model: SegmentationModel, path: Path) -> Path:
    """Writes a network of the model's form with random weights: the real ones of most are not to be had in a test.

    Where size, mean, deviation, the sigmoid or the stretching differ from rembg's, the masks do.
    """
    random = np.random.default_rng(int(hashlib.sha256(model.name.encode()).hexdigest()[:8], 16))
    scale = 0.5 if model.output == "logits" else 0.3
    weights = {
        "w": (random.normal(size=(1, 3, 3, 3)) * scale).astype(np.float32),
        "b": np.array([0.1], np.float32),
    }
    nodes = [helper.make_node("Conv", ["input", "w", "b"], ["raw"], pads=[1, 1, 1, 1])]
    if model.output == "mask":
        nodes.append(helper.make_node("Sigmoid", ["raw"], ["mask"]))
    size = model.size
    made = helper.make_graph(
        nodes,
        model.name,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, [1, 1, size, size])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def of_rembg(model: SegmentationModel, path: Path) -> Callable[[Image.Image], Image.Image]:
    """rembg's own session for the model, with the step that would download replaced by the path."""
    skip_package_imports()
    import onnxruntime as ort
    from rembg.sessions import sessions

    local = {"download_models": classmethod(lambda _class, *_args, **_kwargs: str(path))}
    session = type("LocalSession", (sessions[model.name],), local)(
        model.name, ort.SessionOptions(), providers=["CPUExecutionProvider"]
    )

    def mask(image: Image.Image) -> Image.Image:
        result: Image.Image = session.predict(image)[0]
        return result

    return mask


@pytest.mark.parametrize("model", MODELS_OF_REMBG, ids=lambda model: model.name)
def test_a_model_is_given_what_rembg_gives_it(model: SegmentationModel, tmp_path: Path) -> None:
    path = graph(model, tmp_path / model.file)
    # At the model's own size, so that nothing is scaled after it.
    picture = photo("coffee").resize((model.size, model.size))
    segmenter = OnnxSegmenter(
        tmp_path, default=model.name, acknowledged=frozenset({model.name}), threads=1, memory_mb=10_240
    )
    ours, theirs = segmenter.mask(picture, model.name), of_rembg(model, path)(picture)
    assert ours.size == theirs.size == (model.size, model.size)
    assert np.ptp(unit(ours)) == 1
    assert np.abs(unit(ours) - unit(theirs)).max() <= 0.01


def test_a_model_that_rembg_does_not_have_is_read_as_its_family(tmp_path: Path) -> None:
    for name, alike in SESSION_OF.items():
        same = ("mean", "std", "output", "licence")
        assert [getattr(MODELS[name], part) for part in same] == [getattr(MODELS[alike], part) for part in same]
        graph(MODELS[name], tmp_path / MODELS[name].file)
        mask = OnnxSegmenter(tmp_path, default=name, threads=1, memory_mb=10_240).mask(photo("coffee"), name)
        assert mask.size == (512, 512)


def test_a_model_that_needs_more_memory_than_there_is_is_refused_with_how_much(tmp_path: Path) -> None:
    graph(MODELS["birefnet-512"], tmp_path / "birefnet-512.onnx")
    segmenter = OnnxSegmenter(tmp_path, default="birefnet-512", threads=1, memory_mb=2_999)
    with pytest.raises(UnsupportedModel, match="needs 3000 MB of memory, and there are 2999") as refused:
        segmenter.mask(photo("coffee"), "birefnet-512")
    assert refused.value.context["needs_mb"] == 3_000
    assert segmenter.available() == ()
    assert OnnxSegmenter(tmp_path, default="birefnet-512", memory_mb=3_000).available() == ("birefnet-512",)
