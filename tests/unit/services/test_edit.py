"""From an edit's request to what the admission is given."""

import hashlib
from typing import Any

import pytest
from PIL import Image

from darkroom.errors import IdempotencyKeyReused, ImageTooLarge, InvalidParameter, NotFound
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.image_request import EditRequest
from darkroom.models.source import ImageSource
from tests.application import KLEIN, Studio
from tests.integration.users import mask, picture
from tests.photos import save

ALICE = Caller(user="alice")
TERMS = Terms(route="POST /v1/images/edits", idempotency_key="k")


def _request(*pictures: bytes, mask: bytes | None = None, **fields: Any) -> EditRequest:
    images = tuple(ImageSource(f"image[{index}]", data=data) for index, data in enumerate(pictures))
    masking = ImageSource("mask", data=mask) if mask else None
    return EditRequest.model_validate({"prompt": "A hat", "model": KLEIN, "images": images, "mask": masking, **fields})


def test_its_pictures_are_kept_and_named_in_the_job(studio: Studio) -> None:
    job = studio.app.edit.submit(ALICE, _request(picture("red"), picture("teal")), TERMS).job
    assert job.work is not None
    assert job.work.request is not None
    assert (job.op, len(job.work.inputs), job.work.mask) == ("edit", 2, None)
    assert all(image.key.startswith("inputs/alice/") for image in job.work.inputs)
    assert {image.key for image in job.work.inputs} == set(studio.images.outputs)
    assert [parent.sha256 for parent in job.lineage] == [
        hashlib.sha256(picture(colour)).hexdigest() for colour in ("red", "teal")
    ]
    # The bytes are in the bucket, and in nothing that is shown.
    assert "data" not in job.input
    assert "images" not in job.input


def test_where_its_model_is_gone_one_that_may_stand_in_makes_it_over(studio: Studio) -> None:
    job = studio.app.edit.submit(ALICE, _request(picture(), model="gone/one", fallback_models=[KLEIN]), TERMS).job
    assert job.work is not None
    assert job.work.request is not None
    assert (job.model_requested, job.work.request.model, job.work.request.fallback_models) == ("gone/one", KLEIN, ())
    assert job.warnings == (f"gone/one is not offered here; {KLEIN} is used instead.",)


def test_pictures_that_take_too_long_together_are_refused_before_anything_is_spent(studio: Studio) -> None:
    large = save(Image.new("1", (5000, 4900)), "PNG")
    with pytest.raises(ImageTooLarge, match="together") as refused:
        studio.app.edit.submit(ALICE, _request(*[large] * 7), TERMS)
    assert (refused.value.param, refused.value.charged) == ("image[6]", False)
    assert (studio.images.outputs, studio.jobs.jobs) == ({}, {})


def test_with_a_mask_words_say_where_to_look(studio: Studio) -> None:
    job = studio.app.edit.submit(ALICE, _request(picture(), mask=mask()), TERMS).job
    assert job.work is not None
    assert job.work.request is not None
    assert job.work.mask is not None
    assert job.work.request.prompt.startswith("A hat\n")
    assert job.input["prompt"] == "A hat"
    assert [parent.role for parent in job.lineage] == ["image", "mask"]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (_request(picture(), mask=mask((64, 64))), InvalidParameter),
        (EditRequest(prompt="x", images=(ImageSource("image", job_id="job_x"),)), NotFound),
        (EditRequest(prompt="x", images=(ImageSource("image", upload_id="upl_x"),)), NotFound),
    ],
)
def test_what_cannot_be_read_leaves_nothing(studio: Studio, request_: EditRequest, error: type[Exception]) -> None:
    with pytest.raises(error):
        studio.app.edit.submit(ALICE, request_, TERMS)
    assert not studio.jobs.jobs
    assert not studio.images.outputs


@pytest.mark.parametrize(
    "changed",
    [
        _request(picture("red")),
        _request(picture(), picture()),
        _request(picture(), mask=mask()),
        _request(picture(), seed=1),
        EditRequest(prompt="A hat", model=KLEIN, images=(ImageSource("image", upload_id="upl_x"),)),
    ],
)
def test_another_picture_is_another_request(studio: Studio, changed: EditRequest) -> None:
    first = studio.app.edit.submit(ALICE, _request(picture()), TERMS)
    assert studio.app.edit.submit(ALICE, _request(picture()), TERMS).job.id == first.job.id
    with pytest.raises(IdempotencyKeyReused):
        studio.app.edit.submit(ALICE, changed, TERMS)
