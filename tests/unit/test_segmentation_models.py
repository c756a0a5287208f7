"""The registry of segmentation models: whose they are, and on what terms."""

import pytest

from darkroom.models.segmentation import MODELS, SegmentationModel


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_every_model_carries_its_licence(model: SegmentationModel) -> None:
    assert model.licence
    assert model.licence_note.endswith(".")
    # What its publisher forbids outright nobody uses by mistake.
    assert model.needs_acknowledgement or "NC" not in model.licence


def test_the_models_in_the_image_may_be_used_in_business() -> None:
    assert all(MODELS[name].commercial and MODELS[name].sha256 for name in ("u2net", "u2netp"))
