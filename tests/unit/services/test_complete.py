"""Plain chat becomes a job: what is checked, what is kept, what is sent, what is set aside."""

import base64
import json
from typing import Any

import pytest

from darkroom.errors import (
    CallerError,
    CostLimit,
    InvalidApiKey,
    InvalidParameter,
    NotFound,
    PriceUnknown,
    UrlRefused,
)
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.services.complete import MOST_INLINE
from darkroom.services.paid.settlement import SIMULATED
from darkroom.services.pricing.completion_survey import survey
from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.unit.services.completing import (
    BLIND,
    DEFAULT,
    FREE,
    SMALL_TALKER,
    TALKER,
    TERMS,
    asked,
    data_url,
    done,
    look,
    refused,
    sent_body,
    submit,
    tool,
)

CENT = 10_000


@pytest.fixture
def studio(studio_simulator: Simulator, clock: SteppingClock) -> Studio:
    studio_simulator.reset()
    studio = Studio(studio_simulator, clock, planner=DEFAULT)
    studio.connect("alice")
    return studio


def test_the_completion_is_had_paid_and_kept(studio: Studio) -> None:
    job = done(studio, asked("Hello", temperature=0.5))
    assert (job.op, job.status) == ("completion", JobStatus.SUCCEEDED)
    completion = json.loads(job.result["completion_text"])
    assert studio.images.outputs == {}
    assert completion["choices"][0]["message"]["content"]
    assert [job.cost.actual] == studio.charged("alice")
    assert (job.model_requested, job.model_used, job.generation_id) == (TALKER, TALKER, completion["id"])
    assert job.input == {"message_count": 1, "max_completion_tokens": 4096, "model": TALKER, "prompt": "Hello"}


def test_a_long_completion_is_kept_as_an_object(studio: Studio) -> None:
    studio.simulator.scenario("text_answer", path="/chat/completions", text="a" * 12_000)
    job = done(studio, asked())
    assert "completion_text" not in job.result
    completion = json.loads(studio.images.outputs[job.result["completion"]].data)
    assert completion["choices"][0]["message"]["content"] == "a" * 12_000


def test_what_is_sent_is_what_came(studio: Studio) -> None:
    schema = {"why": {"type": "string"}, "answer": {"type": "string"}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": schema}}}
    done(studio, asked(tools=[tool()], response_format=form, temperature=0, seed=None, top_p=0.9, user="u-1"))
    sent = sent_body(studio)
    assert sent == {
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [tool()],
        "response_format": form,
        "temperature": 0,
        "top_p": 0.9,
        "user": "u-1",
        "model": TALKER,
        "max_completion_tokens": 4096,
        "provider": {"max_price": {"prompt": "0.45", "completion": "3.75"}},
    }
    assert list(sent["response_format"]["json_schema"]["schema"]["properties"]) == ["why", "answer"]


def test_what_is_ours_is_not_sent(studio: Studio) -> None:
    ours: dict[str, Any] = {
        "max_cost_usd": 0.05,
        "webhook_url": "https://hooks.example/x?secret=1",
        "n": 1,
        "stream": True,
    }
    job = done(studio, asked(**ours, stream_options={"include_usage": True}, fallback_models=["gpt-4o-mini"]))
    sent = sent_body(studio)
    assert not sent.keys() & {*ours, "stream_options", "fallback_models"}
    assert sent["models"] == [TALKER, SMALL_TALKER]
    assert (job.webhook_url, studio.webhook_sender.checked) == (ours["webhook_url"], [ours["webhook_url"]])
    assert job.input["webhook_url"] == "https://hooks.example/x"
    assert job.cost.reserved <= 50_000


@pytest.mark.parametrize(
    ("given", "model", "models"),
    [
        ({"model": None}, TALKER, None),
        ({"model": None, "models": [SMALL_TALKER, TALKER]}, SMALL_TALKER, [SMALL_TALKER, TALKER]),
        ({"models": [TALKER, SMALL_TALKER]}, TALKER, [TALKER, SMALL_TALKER]),
        ({"fallback_models": [TALKER]}, TALKER, None),
    ],
)
def test_models_by_either_name_of_the_field(
    given: dict[str, Any], model: str, models: list[str] | None, studio: Studio
) -> None:
    job = done(studio, asked(**given))
    sent = sent_body(studio)
    assert (sent["model"], sent.get("models")) == (model, models)
    assert job.model_used == model
    assert DEFAULT.endswith(TALKER)


def test_where_its_model_is_gone_one_that_may_stand_in_answers(studio: Studio) -> None:
    job = done(studio, asked(model="nobody/gone", fallback_models=[SMALL_TALKER, TALKER]))
    sent = sent_body(studio)
    assert (sent["model"], sent["models"]) == (SMALL_TALKER, [SMALL_TALKER, TALKER])
    assert (job.model_requested, job.model_used, job.status) == ("nobody/gone", SMALL_TALKER, JobStatus.SUCCEEDED)
    assert job.warnings == (f"nobody/gone is not offered here; {SMALL_TALKER} is used instead.", SIMULATED)
    assert studio.charged("alice") == [job.cost.actual]
    assert (job.cost.actual or 0) <= job.cost.reserved


@pytest.mark.parametrize(
    ("given", "most"),
    [
        ({}, 4096),
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 8, "max_tokens": 7}, 8),
        ({"max_tokens": 16_384, "model": SMALL_TALKER}, 16_384),
    ],
)
def test_how_long_the_answer_may_be(given: dict[str, Any], most: int, studio: Studio) -> None:
    job = submit(studio, asked(**given)).job
    assert job.work is not None
    assert job.work.completion is not None
    assert job.work.completion.max_completion_tokens == most


def test_no_model_answers_longer_than_it_can(studio: Studio) -> None:
    error = refused(studio, asked(max_tokens=20_000, fallback_models=[SMALL_TALKER]))
    assert isinstance(error, InvalidParameter)
    assert (error.param, error.context) == ("max_tokens", {"model": SMALL_TALKER, "max": 16_384})


def test_a_picture_is_looked_at_by_who_can(studio: Studio) -> None:
    done(studio, asked(messages=look()))
    assert sent_body(studio)["messages"][0]["content"][1]["type"] == "image_url"
    studio.simulator.reset()
    studio.jobs.jobs.clear()
    studio.images.outputs.clear()
    error = refused(studio, asked(messages=look(), model=BLIND))
    assert "cannot look at pictures" in error.detail


_FORBIDDEN = {
    "http://example.com/a.png": "INVALID_PARAMETER",
    "file:///etc/passwd": "INVALID_PARAMETER",
    "https://127.0.0.1/a.png": "URL_REFUSED",
    "https://169.254.169.254/latest": "URL_REFUSED",
    "HTTPS://printer.local/a.png": "URL_REFUSED",
    "https://user:pw@example.com/a.png": "URL_REFUSED",
}


@pytest.mark.parametrize(("url", "code"), list(_FORBIDDEN.items()))
@pytest.mark.parametrize("form", ["object", "string", "video", "file", "assistant"])
def test_nobody_is_sent_where_nobody_may_go(url: str, code: str, form: str, studio: Studio) -> None:
    parts: dict[str, dict[str, Any]] = {
        "object": {"type": "image_url", "image_url": {"url": f" {url}"}},
        "string": {"type": "image_url", "image_url": url},
        "video": {"type": "video_url", "video_url": {"url": url}},
        "file": {"type": "file", "file": {"file_data": url}},
        "assistant": {"type": "image_url", "image_url": {"url": url}},
    }
    message: dict[str, Any] = {"role": "user", "content": [parts[form]]}
    if form == "assistant":
        message = {"role": "assistant", "content": "here", "images": [parts[form]]}
    error = refused(studio, asked(messages=[message], max_cost_usd=1))
    assert (error.code, error.param) == (code, "messages")


def test_base64_alone_is_no_url_of_a_picture(studio: Studio) -> None:
    assert refused(studio, asked(messages=look("aGVsbG8="))).code == "INVALID_PARAMETER"


def test_a_public_picture_is_the_providers_to_fetch() -> None:
    seen: list[str] = []
    body = asked(messages=look("https://example.com/a.png")).passed()
    assert survey(body, seen.append).pictures == (None,)
    assert seen == ["https://example.com/a.png"]


def test_pictures_count_by_their_size_and_not_by_their_bytes() -> None:
    large = survey(asked(messages=look(data_url((1000, 700)))).passed(), str)
    small = survey(asked(messages=look(data_url((10, 7)))).passed(), str)
    assert (large.pictures, small.pictures) == ((700_000,), (70,))
    assert large.text_bytes == small.text_bytes < 300
    for odd in ("data:image/png;base64,????", "data:image/png,x", "data:image/png;base64,aGVsbG8="):
        assert survey(asked(messages=look(odd)).passed(), str).pictures == (None,)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"plugins": [{"id": "web"}]}, "plugins"),
        ({"web_search_options": {"search_context_size": "high"}}, "web_search_options"),
        # Empty is how it is switched on.
        ({"web_search_options": {}}, "web_search_options"),
        # It is what its type says, whatever else it holds.
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "image_url": {"url": "data:,"}, "file": {}}]}]},
            "file",
        ),
        ({"tools": [{"type": "openrouter:web_search"}]}, "openrouter:web_search"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
        ({"preset": "mine"}, "preset"),
        ({"modalities": ["text", "audio"], "audio": {"voice": "x"}}, "audio"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}, "input_audio"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "data:,x"}}]}]}, "file"),
    ],
)
def test_what_nobody_prices_needs_a_limit(given: dict[str, Any], why: str, studio: Studio) -> None:
    error = refused(studio, asked(**given))
    assert isinstance(error, PriceUnknown)
    assert f"`{why}`" in error.detail
    assert why in error.context["unpriced"]
    job = submit(studio, asked(**given, max_cost_usd=0.05)).job
    assert (job.cost.estimated, job.cost.reserved) == (None, 50_000)


@pytest.mark.parametrize("given", [{"tools": [tool()]}, {"service_tier": "default"}, {"plugins": []}, {"audio": None}])
def test_what_is_priced_needs_none(given: dict[str, Any], studio: Studio) -> None:
    assert submit(studio, asked(**given)).job.cost.estimated is not None


def test_a_router_has_no_price(studio: Studio) -> None:
    error = refused(studio, asked(model="openrouter/auto"))
    assert isinstance(error, PriceUnknown)
    assert "published price" in error.fix


def test_what_costs_more_than_it_may(studio: Studio) -> None:
    error = refused(studio, asked(max_cost_usd=0.001))
    assert isinstance(error, CostLimit)
    assert error.param == "max_cost_usd"
    assert "max_completion_tokens" in error.fix
    assert error.context["limit_usd"] == 0.001
    assert submit(studio, asked(max_cost_usd=0.001, max_tokens=100)).job.cost.reserved <= 1000


def test_what_is_free_sets_nothing_aside(studio: Studio) -> None:
    job = done(studio, asked(model=FREE))
    assert (job.cost.reserved, job.cost.actual, job.status) == (0, 0, JobStatus.SUCCEEDED)
    assert "provider" not in sent_body(studio)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"prompt": "0.4"}, {"prompt": "0.4", "completion": "3.75"}),
        ({"prompt": 0.4, "completion": 99}, {"prompt": 0.4, "completion": "3.75"}),
        ({"completion": "nan", "audio": "1"}, {"prompt": "0.45", "completion": "3.75", "audio": "1"}),
        ({"completion": -1}, {"prompt": "0.45", "completion": "3.75"}),
        ("cheap", {"prompt": "0.45", "completion": "3.75"}),
    ],
)
def test_the_callers_own_price_may_be_lower(given: Any, sent: dict[str, Any], studio: Studio) -> None:
    done(studio, asked(provider={"zdr": True, "max_price": given}))
    assert sent_body(studio)["provider"] == {"zdr": True, "max_price": sent}


def test_the_same_request_is_the_same_job_however_it_is_to_travel(studio: Studio) -> None:
    keyed = TERMS.model_copy(update={"idempotency_key": "k"})
    first = submit(studio, asked(), terms=keyed)
    again = submit(studio, asked(stream=True, stream_options={"include_usage": True}), terms=keyed)
    assert (again.job.id, again.is_replayed) == (first.job.id, True)
    with pytest.raises(CallerError, match="another request"):
        submit(studio, asked(temperature=1), terms=keyed)


def test_who_pays_is_asked_first(studio: Studio) -> None:
    with pytest.raises(InvalidApiKey):
        submit(studio, asked(), user="bob")
    assert not studio.images.outputs


def test_a_webhook_that_will_never_be_called(studio: Studio) -> None:
    class Refusing(list[str]):
        def append(self, url: str) -> None:
            raise UrlRefused(f"{url} may not be called.", param="webhook_url")

    studio.webhook_sender.checked = Refusing()
    assert refused(studio, asked(webhook_url="https://x.example/")).param == "webhook_url"


def test_a_short_body_is_kept_in_its_job_s_row(studio: Studio) -> None:
    job = submit(studio, asked()).job
    assert studio.images.outputs == {}
    assert job.work is not None
    assert job.work.completion is not None
    assert job.work.completion.key is None
    assert json.loads(job.work.completion.text or "")["messages"] == [{"role": "user", "content": "Hello"}]


def test_a_long_body_is_kept_once_where_its_content_says(studio: Studio) -> None:
    messages = [{"role": "user", "content": "Hello" * MOST_INLINE}]
    jobs = [submit(studio, asked(messages=messages)).job for _ in range(2)]
    (key,) = studio.images.outputs
    assert key.startswith("inputs/alice/")
    assert {job.work.completion.key for job in jobs if job.work and job.work.completion} == {key}
    assert {job.work.completion.text for job in jobs if job.work and job.work.completion} == {None}
    assert json.loads(studio.images.outputs[key].data)["messages"] == messages


def test_a_job_shows_how_it_ends_and_not_the_whole_of_it(studio: Studio) -> None:
    messages = [{"role": "user", "content": "first"}, {"role": "assistant", "content": "yes"}, *look(text="y" * 900)]
    job = submit(studio, asked(messages=messages)).job
    assert job.input["message_count"] == 3
    assert job.input["prompt"] == "y" * 500
    assert "base64" not in json.dumps(job.input)


def test_a_picture_of_a_laptops_own_stack_is_handed_over_and_anothers_is_not(studio: Studio) -> None:
    picture = base64.b64decode(data_url().partition(",")[2])
    job_id = "job_01JABCDEFGHJKMNPQRSTVWXYZ0"
    key = f"outputs/alice/{job_id}/0.png"
    studio.images.write_output(key, picture, media_type="image/png", metadata={})
    image = StoredImage(key=key, media_type="image/png", width=64, height=48, bytes=len(picture), sha256="0" * 64)
    now = studio.clock()
    studio.jobs.add(
        Job(id=job_id, user="alice", op="edit", status=JobStatus.SUCCEEDED, created_at=now, images=(image,))
    )
    link = f"http://127.0.0.1:8000/v1/jobs/{job_id}/images/0"
    assert done(studio, asked(messages=look(link))).status is JobStatus.SUCCEEDED
    sent = sent_body(studio)["messages"][0]["content"][1]["image_url"]["url"]
    assert sent.startswith("data:image/png;")
    with pytest.raises(NotFound):
        submit(studio, asked(messages=look(link)), user="bob")
