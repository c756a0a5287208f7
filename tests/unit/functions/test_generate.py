"""`POST /v1/images/generations`, with every service as it is and the simulator behind the worker."""

import base64
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from darkroom.http.routes.generations import routes
from darkroom.models.job import JobStatus
from darkroom.services.paid.settlement import SIMULATED
from tests.application import KLEIN, UNPRICED, Studio
from tests.events import Context, http_event
from tests.openapi import handled

ROUTE = "/v1/images/generations"
ASYNC = {"prefer": "respond-async"}
PRICE = 14_000

Answer = tuple[int, dict[str, Any], dict[str, str]]
Call = Callable[..., Answer]


class ShortContext(Context):
    """Whoever waits has no time for it."""

    def get_remaining_time_in_millis(self) -> int:
        return 2_000


@pytest.fixture
def token(studio: Studio) -> str:
    return studio.token("alice")


@pytest.fixture
def call(studio: Studio, token: str) -> Call:
    """The worker carries out a job before the order is answered, unless `works` is taken away from the queue."""
    studio.job_queue.works = studio.app.worker
    api = routes(studio.app)

    def ask(headers: dict[str, str] | None = None, *, by: str = token, context: Any = None, **fields: Any) -> Answer:
        body = {"prompt": "A red fox", "model": KLEIN, **fields}
        event = http_event("POST", ROUTE, token=by, headers=headers, body=body)
        answer = handled(api.handle, event, context or Context())
        said = {name.lower(): value for name, value in answer["headers"].items()}
        return answer["statusCode"], json.loads(answer["body"]), said

    return ask


def test_the_answer_is_openais_and_ours(call: Call, studio: Studio) -> None:
    status, body, headers = call()
    assert status == 200
    (image,) = body["data"]
    (job,) = studio.of("alice").values()
    stored = studio.images.outputs[job.images[0].key]
    assert base64.b64decode(image["b64_json"]) == stored.data
    assert image == {"b64_json": image["b64_json"], "media_type": "image/jpeg", "width": 1024, "height": 1024}
    assert body["job"]["output"]["images"][0]["url"] == f"https://outputs.example/{job.images[0].key}"
    assert (body["created"], body["size"]) == (int(studio.clock().timestamp()), "1024x1024")
    assert (body["model_requested"], body["model_used"]) == (KLEIN, KLEIN)
    assert (body["provider"], body["job"]["provider"]) == ("openrouter", "openrouter")
    assert headers["x-cost-usd"] == "0.014000"
    assert headers["location"] == f"/v1/jobs/{job.id}"
    assert studio.charged("alice") == [PRICE]


def test_where_the_model_is_gone_the_answer_says_which_one_made_it(call: Call, studio: Studio) -> None:
    status, body, headers = call(model="gone/one", fallback_models=[KLEIN])
    assert (status, body["model_requested"], body["model_used"]) == (200, "gone/one", KLEIN)
    assert body["warnings"] == [f"gone/one is not offered here; {KLEIN} is used instead.", SIMULATED]
    assert headers["x-cost-usd"] == "0.014000"
    assert studio.charged("alice") == [PRICE]


@pytest.mark.parametrize(
    ("model", "wanted", "key"),
    [
        (KLEIN, "url", "url"),
        (KLEIN, "b64_json", "b64_json"),
        (KLEIN, None, "b64_json"),
        ("dall-e-3", None, "url"),
        ("openai/dall-e-3", None, "url"),
        ("dall-e-2", None, "url"),
        ("dall-e-2", "b64_json", "b64_json"),
        ("gpt-image-1", None, "b64_json"),
        (None, None, "b64_json"),
    ],
)
def test_a_picture_is_a_link_or_bytes_and_never_both(
    call: Call, model: str | None, wanted: str | None, key: str
) -> None:
    status, body, _ = call(model=model, response_format=wanted)
    assert status == 200, body
    (image,) = body["data"]
    assert image.keys() & {"b64_json", "url"} == {key}
    assert None not in image.values()
    assert None not in [body[name] for name in ("background", "output_format", "quality", "size") if name in body]


class TestRoom:
    """What a Lambda function can answer with is less than some pictures are."""

    def test_pictures_that_are_too_large_are_made_smaller_and_the_links_keep_the_originals(
        self, call: Call, studio: Studio
    ) -> None:
        _, first, _ = call()
        job_id = first["job"]["id"]
        self._enlarge(studio, job_id, 4)
        _, body, _ = call({"x-stainless-retry-count": "1"})
        assert body["job"]["id"] == job_id
        pictures = [Image.open(io.BytesIO(base64.b64decode(each["b64_json"]))) for each in body["data"]]
        assert [picture.size for picture in pictures] == [(1024, 1024)] * 4
        kinds = [f"image/{str(picture.format).lower()}" for picture in pictures]
        assert [each["media_type"] for each in body["data"]] == kinds
        assert kinds[0] == "image/jpeg"
        assert sum(len(each["b64_json"]) for each in body["data"]) <= 6_000_000
        assert body["output_format"] == "jpeg"
        assert any("`job.output.images` links to the files as they were made" in each for each in body["warnings"])
        assert [each["media_type"] for each in body["job"]["output"]["images"]] == ["image/png"] * 4
        assert studio.charged("alice") == [PRICE]

    def test_what_stands_beside_a_picture_counts_as_much_as_it_takes(self, call: Call, studio: Studio) -> None:
        """A prompt of emoji is escaped twice in Lambda's answer, and was paid for by the time it did not fit."""
        prompt = "\N{FOX FACE}" * 32_000
        _, first, _ = call()
        job = studio.job("alice", first["job"]["id"])
        picture = Image.effect_noise((1500, 990), 90).convert("RGB")
        stored = io.BytesIO()
        picture.save(stored, "PNG", compress_level=0)
        data = stored.getvalue()
        assert 4_300_000 < len(data) <= 4_500_000
        studio.images.write_output(job.images[0].key, data, media_type="image/png", metadata={})
        image = job.images[0].model_copy(update={"media_type": "image/png", "bytes": len(data)})
        studio.jobs.jobs["alice", job.id] = job.model_copy(
            update={"images": (image,), "input": {**job.input, "prompt": prompt}}
        )
        status, body, _ = call({"x-stainless-retry-count": "1"})
        assert (status, body["job"]["id"], body["job"]["input"]["prompt"]) == (200, job.id, prompt)
        assert any("more than one answer can carry" in each for each in body["warnings"])
        assert len(json.dumps(json.dumps(body)).encode()) < 6_291_556
        assert studio.charged("alice") == [PRICE]

    @staticmethod
    def _enlarge(studio: Studio, job_id: str, count: int) -> None:
        """Puts noise, which hardly gets smaller, in place of the job's picture."""
        noise = io.BytesIO()
        Image.effect_noise((1024, 1024), 60).convert("RGB").save(noise, "PNG", compress_level=1)
        job = studio.job("alice", job_id)
        images = []
        for index in range(count):
            key = f"outputs/alice/{job_id}/{index}.png"
            studio.images.write_output(key, noise.getvalue(), media_type="image/png", metadata={})
            update = {"key": key, "media_type": "image/png", "bytes": len(noise.getvalue())}
            images.append(job.images[0].model_copy(update=update))
        studio.jobs.jobs["alice", job_id] = job.model_copy(update={"images": tuple(images)})

    @pytest.mark.parametrize(
        "fields",
        [
            {"n": 4, "size": "1024x1024"},
            {"n": 3, "size": "1536x1024"},
            {"n": 4, "size": "1024x1024", "response_format": "b64_json"},
        ],
    )
    def test_png_by_name_that_cannot_fit_is_refused_before_money_is_spent(
        self, call: Call, studio: Studio, fields: dict[str, Any]
    ) -> None:
        asked = {"model": "openai/gpt-image-1-mini", "quality": "low", "output_format": "png", **fields}
        status, problem, _ = call(**asked)
        assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", "response_format")
        assert problem["charged"] is False
        assert "response_format=url" in problem["fix"]
        assert studio.paid_requests() == []
        assert call(**{**asked, "response_format": "url"})[0] == 200
        assert call({"prefer": "respond-async"}, **asked)[0] in (200, 202)
        assert call(**{**asked, "output_format": "jpeg"})[0] == 200

    @pytest.mark.usefixtures("large_files")
    def test_one_in_four_k_is_as_large_as_an_answer_can_be(self, call: Call) -> None:
        status, body, _ = call(model="bytedance-seed/seedream-4.5", size="4K")
        assert status == 200, body
        assert len(body["data"][0]["b64_json"]) <= 6_000_000
        assert body["data"][0]["width"] == 4096


def test_who_does_not_want_to_wait_is_told_where_to_look(call: Call, studio: Studio) -> None:
    studio.job_queue.works = None
    status, job, headers = call(ASYNC)
    assert (status, job["object"], job["status"]) == (202, "job", "queued")
    assert headers["location"] == job["urls"]["get"] == f"/v1/jobs/{job['id']}"
    assert (headers["retry-after"], headers["preference-applied"]) == ("2", "respond-async")
    assert job["cost"] | {"estimated_usd": 0.014, "actual_usd": None, "settled": False} == job["cost"]
    assert studio.paid_requests() == []


def test_who_waits_a_while_is_answered_or_told_where_to_look(call: Call, studio: Studio) -> None:
    status, _, headers = call({"prefer": "wait=7"})
    assert (status, headers["preference-applied"]) == (200, "wait=7")
    studio.job_queue.works = None
    status, job, headers = call({"prefer": "wait=0.2"})
    assert (status, job["status"], headers["preference-applied"]) == (202, "queued", "wait=0.2")
    assert call({"prefer": "wait=9999"}, context=ShortContext())[2]["preference-applied"] == "wait=25"


def test_who_can_wait_no_longer_may_ask_again(call: Call, studio: Studio) -> None:
    studio.job_queue.works = None
    status, problem, headers = call(context=ShortContext())
    assert (status, problem["code"], problem["charged"]) == (503, "STILL_RUNNING", "unknown")
    assert (headers["retry-after"], headers["x-should-retry"]) == ("1", "true")
    # The same once more joins what is under way.
    again = call(context=ShortContext())
    assert again[1]["job"]["id"] == problem["job"]["id"]
    studio.carry_out()
    status, body, _ = call()
    assert (status, body["job"]["id"]) == (200, problem["job"]["id"])
    assert studio.charged() == [PRICE]
    # From then on it is a new order.
    studio.job_queue.works = studio.app.worker
    assert call()[1]["job"]["id"] != problem["job"]["id"]
    assert studio.charged() == [PRICE, PRICE]


def test_a_failure_is_the_jobs_own_and_says_which(call: Call, studio: Studio) -> None:
    studio.simulator.scenario("content_policy")
    status, problem, headers = call()
    assert (status, problem["code"], problem["charged"]) == (422, "CONTENT_REFUSED", False)
    assert headers["content-type"] == "application/problem+json"
    assert (headers["x-should-retry"], headers["x-cost-usd"]) == ("false", "0.000000")
    assert problem["instance"] == headers["location"] == problem["job"]["urls"]["get"]
    assert problem["job"]["status"] == "failed"


def test_what_is_not_decided_is_no_success_and_no_failure(call: Call, studio: Studio) -> None:
    studio.simulator.scenario("cut_body")
    status, problem, headers = call()
    assert (status, problem["code"], problem["charged"], problem["retryable"]) == (
        502,
        "NETWORK_ERROR",
        "unknown",
        False,
    )
    assert problem["job"]["status"] == "uncertain"
    assert "x-cost-usd" not in headers
    assert headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"prompt": ""}, 400, "INVALID_PROMPT", "prompt"),
        ({"prompt": " \n\t"}, 400, "INVALID_PROMPT", "prompt"),
        ({"prompt": "x" * 32_001}, 400, "INVALID_PROMPT", "prompt"),
        ({"prompt": None}, 400, "INVALID_PARAMETER", "prompt"),
        ({"n": 0}, 400, "INVALID_PARAMETER", "n"),
        ({"colour": "red"}, 400, "INVALID_PARAMETER", "colour"),
        ({"stream": "perhaps"}, 400, "INVALID_PARAMETER", "stream"),
        ({"stream": True, "partial_images": 4}, 400, "INVALID_PARAMETER", "partial_images"),
        ({"max_cost_usd": 0}, 400, "INVALID_PARAMETER", "max_cost_usd"),
        ({"max_cost_usd": "NaN"}, 400, "INVALID_PARAMETER", "max_cost_usd"),
        ({"max_cost_usd": 0.0139}, 402, "COST_LIMIT", "max_cost_usd"),
        ({"model": "nobody/nothing"}, 400, "UNSUPPORTED_MODEL", "model"),
        ({"model": UNPRICED}, 402, "PRICE_UNKNOWN", "max_cost_usd"),
        ({"size": "5000x5000"}, 400, "INVALID_DIMENSIONS", "size"),
    ],
)
def test_what_is_refused_is_refused_before_anything(
    call: Call, studio: Studio, fields: dict[str, Any], status: int, code: str, param: str
) -> None:
    answered, problem, _ = call(**fields)
    assert (answered, problem["code"], problem["param"], problem["charged"]) == (status, code, param, False)
    left_behind = (studio.jobs.jobs, studio.ledger.accounts, studio.ledger.keys, studio.job_queue.sent)
    assert not any(left_behind)
    assert studio.paid_requests() == []


def test_without_a_key_nothing_is_looked_at(call: Call, studio: Studio) -> None:
    status, problem, headers = call(by=studio.token("bob"), model="nobody/nothing")
    assert (status, problem["code"], problem["connect"]) == (401, "INVALID_API_KEY", "/oauth/connect")
    assert headers["www-authenticate"] == "Bearer"


def test_the_stacks_own_key_serves_who_has_none(studio: Studio) -> None:
    shared = Studio(studio.simulator, studio.clock, operator=studio.simulator.state.mint("operator"))
    shared.job_queue.works = shared.app.worker
    event = http_event("POST", ROUTE, token=shared.token("bob"), body={"prompt": "A fox", "model": KLEIN})
    assert handled(routes(shared.app).handle, event, Context())["statusCode"] == 200
    assert shared.charged() == [PRICE]


class TestCancelAfter:
    def test_what_was_not_begun_by_then_never_is(self, call: Call, studio: Studio) -> None:
        studio.job_queue.works = None
        _, job, _ = call({**ASYNC, "cancel-after": "30s"})
        studio.clock.step(timedelta(seconds=30))
        studio.carry_out()
        assert studio.job("alice", job["id"]).status is JobStatus.CANCELED
        assert studio.charged() == []
        assert studio.budget("alice", "day").remaining == 5_000_000

    @pytest.mark.parametrize("given", ["soon", "-1s", "1d", "999999s", ""])
    def test_a_time_that_is_none_is_refused(self, call: Call, given: str) -> None:
        status, problem, _ = call({"cancel-after": given})
        assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", "Cancel-After")


def test_a_token_that_may_not_connect_a_key_is_not_told_to(call: Call, studio: Studio) -> None:
    limited = studio.token("carol", day_limit=1_000_000)
    status, problem, _ = call(by=limited)
    assert (status, problem["code"]) == (401, "INVALID_API_KEY")
    assert "PUT /v1/keys" not in problem["fix"]
    assert "Use a token without limits" in problem["fix"]
