"""The registry of segmentation models: whose they are, and on what terms."""

import re
from pathlib import Path

import pytest

from darkroom.models.segmentation import MODELS, SegmentationModel

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_every_model_carries_its_licence(model: SegmentationModel) -> None:
    assert model.licence
    assert model.licence_note.endswith(".")
    # What its publisher forbids outright nobody uses by mistake.
    assert model.needs_acknowledgement or "NC" not in model.licence


def test_the_models_in_the_image_may_be_used_in_business() -> None:
    assert all(model.commercial and model.sha256 for model in MODELS.values() if model.shipped)


def test_those_that_are_shipped_are_what_the_image_fetches() -> None:
    build = (ROOT / "functions" / "remove_background" / "Dockerfile").read_text(encoding="utf-8")
    (fetched,) = re.findall(r"fetch_weights\.py /opt/weights ([\w -]+?) &&", build)
    assert fetched.split() == [name for name, model in MODELS.items() if model.shipped]
