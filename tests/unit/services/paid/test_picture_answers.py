"""Answers that are kept as the picture that they are, where the picture is of no use, or is of use only later."""

import base64
import json
from typing import Any

import pytest

from darkroom.adapters.picture_answers import COLUMN
from darkroom.errors import DarkroomError, UnusableAnswer
from darkroom.models.job import Job, JobStatus
from darkroom.services.paid.calls import as_picture
from darkroom.services.paid.rereading import Rereading
from tests.unit.services.workshop import PRICE, USER, Workshop, failing

CUT_SHORT = b"\x89PNG\r\n\x1a\n" + b"no picture follows"


def _rereading(shop: Workshop) -> Rereading:
    return Rereading(shop.jobs, shop.raw_answers, shop.app.providers.get, shop.app.settlement)


def _body(picture: bytes) -> dict[str, Any]:
    return {"created": 1, "data": [{"b64_json": base64.b64encode(picture).decode()}], "usage": {"cost": 0.014}}


def _undecodable(shop: Workshop) -> Job:
    answer = {"status": 200, "headers": {"content-type": "application/json"}, "body": _body(CUT_SHORT)}
    shop.simulator.scenario("answer", parameters=answer)
    return shop.run(shop.admit())


def test_a_picture_that_cannot_be_decoded_is_kept_and_is_no_success(shop: Workshop) -> None:
    job = _undecodable(shop)
    assert job.error is not None
    assert (job.status, job.error["code"], job.images) == (JobStatus.FAILED, "UNUSABLE_ANSWER", ())
    ((key, kept),) = shop.images.outputs.items()
    assert (key, kept.data, shop.raw_answers.answers) == (f"outputs/{USER}/{job.id}/0.png", CUT_SHORT, {})
    answer = shop.raw_answers.read(USER, job.id, as_picture=as_picture(job))
    assert answer is not None
    assert json.loads(answer.body) == _body(CUT_SHORT)
    with pytest.raises(DarkroomError):
        _rereading(shop).run(USER, job.id)
    assert shop.now(job) == job


def test_it_goes_with_its_job(shop: Workshop) -> None:
    job = _undecodable(shop)
    if not job.cost.settled:
        shop.app.settlement.fail(job, UnusableAnswer("It cannot be used.", charged=False))
    shop.app.jobs.remove(USER, job.id, shop.app.settlement.cancel)
    assert (shop.images.outputs, shop.raw_answers.answers) == ({}, {})


def test_an_answer_that_is_a_picture_is_read_again_and_costs_nothing_more(shop: Workshop) -> None:
    job = shop.admit()
    with pytest.raises(MemoryError):
        shop.beside(failing("ledger", "close", MemoryError())).run(job)
    shop.app.settlement.fail(shop.now(job), UnusableAnswer("It cannot be used.", charged=True))
    ((key, kept),) = shop.images.outputs.items()
    assert COLUMN in kept.metadata
    read = _rereading(shop).run(USER, job.id)
    assert (read.status, [image.key for image in read.images], read.error) == (JobStatus.SUCCEEDED, [key], None)
    assert shop.images.outputs[key].data == kept.data
    assert (shop.requests, shop.invoice) == (1, PRICE)
