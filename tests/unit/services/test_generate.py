"""From a request to what the admission is given."""

from decimal import Decimal
from typing import Any

import pytest

from darkroom.errors import UnsupportedModel, UrlRefused
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.image_request import ImageRequest
from darkroom.services.generate import Generate, most, shown
from tests.application import KLEIN, Studio

ALICE = Caller(user="alice")
TERMS = Terms(route="POST /v1/images/generations")
HOOK = "https://example.com/hook?key=CANARY"


def _request(**fields: Any) -> ImageRequest:
    return ImageRequest.model_validate({"prompt": "A red fox", "model": KLEIN, **fields})


def test_what_is_sent_is_what_was_priced(studio: Studio) -> None:
    job = studio.app.generate.submit(ALICE, _request(size="1024x1536", seed=7), TERMS).job
    assert job.work is not None
    assert job.work.request is not None
    assert (job.op, job.model_requested, job.work.request.model) == ("generation", KLEIN, KLEIN)
    assert (job.work.request.seed, job.work.request.prompt) == (7, "A red fox")
    assert (job.cost.estimated, job.lineage, job.work.inputs) == (14_000, (), ())


def test_an_alias_is_told_as_it_was_said(studio: Studio) -> None:
    job = studio.app.generate.submit(ALICE, _request(model="dall-e-3", max_cost_usd="0.1"), TERMS).job
    assert job.model_requested == "dall-e-3"
    assert job.work is not None
    assert job.work.request is not None
    assert job.work.request.model.startswith("openai/")
    assert any("dall-e-3" in warning for warning in job.warnings)


def test_without_a_model_it_is_the_stacks(studio: Studio) -> None:
    job = studio.app.generate.submit(ALICE, ImageRequest(prompt="A red fox"), TERMS).job
    assert job.work is not None
    assert job.work.request is not None
    assert job.work.request.model == KLEIN


def test_a_webhook_is_checked_before_the_price_is_asked(studio: Studio) -> None:
    def refuse(url: str) -> None:
        raise UrlRefused(url.partition("?")[0], param="webhook_url")

    generate = Generate(studio.app.admission, studio.app.quotes, refuse)
    with pytest.raises(UrlRefused):
        generate.submit(ALICE, _request(webhook_url=HOOK, model="nobody/nothing"), TERMS)
    with pytest.raises(UnsupportedModel):
        generate.submit(ALICE, _request(model="nobody/nothing"), TERMS)
    assert not studio.jobs.jobs


def test_the_job_shows_what_was_set_and_no_secret() -> None:
    request = _request(seed=7, webhook_url=HOOK, max_cost_usd="0.05")
    assert shown(request) == {
        "prompt": "A red fox",
        "model": KLEIN,
        "seed": 7,
        "max_cost_usd": "0.05",
        "webhook_url": "https://example.com/hook",
    }


def test_the_job_keeps_the_whole_address(studio: Studio) -> None:
    job = studio.app.generate.submit(ALICE, _request(webhook_url=HOOK), TERMS).job
    assert job.webhook_url == HOOK
    assert studio.webhook_sender.checked == [HOOK]
    assert "CANARY" not in str(studio.app.jobs.show(job))


@pytest.mark.parametrize(
    ("given", "expected"), [(None, None), ("0.05", 50_000), ("0.0000019", 1), ("0.000001", 1), ("1000", 10**9)]
)
def test_a_cap_is_rounded_down(given: str | None, expected: int | None) -> None:
    assert most(_request(max_cost_usd=None if given is None else Decimal(given))) == expected
