"""Answers as providers have really given them, word for word, and what a paid job or a turn makes of each."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.adapters.url_fetcher import HttpUrlFetcher
from darkroom.adapters.url_guard import UrlGuard
from darkroom.errors import Conflict
from darkroom.events.worker import handler_of
from darkroom.http.routes.generations import routes
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.paid.rereading import Rereading
from local.simulator import Simulator
from tests.application import KLEIN, STREAMING, Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.photos import photo, save
from tests.servers import LOOPBACK, answering, response, serving
from tests.unit.services.talking import Talk

CASES = Path(__file__).parent.parent / "cases" / "answers"
COST = 14_000


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / f"up_{name}.json").read_text())
    return {field: found[field] for field in ("status", "headers", "body")}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def studio(simulator: Simulator, clock: SteppingClock) -> Studio:
    simulator.reset()
    studio = Studio(simulator, clock)
    studio.connect("alice")
    return studio


def order(studio: Studio, model: str = KLEIN) -> tuple[int, dict[str, Any], Job]:
    studio.job_queue.works = studio.app.worker
    event = http_event(
        "POST", "/v1/images/generations", token=studio.token("alice"), body={"prompt": "x", "model": model}
    )
    answer = routes(studio.app).handle(event, Context())  # type: ignore[arg-type]
    (job,) = studio.of("alice").values()
    return answer["statusCode"], json.loads(answer["body"]), job


def paid_once(studio: Studio, job: Job) -> None:
    assert (job.cost.settled, job.cost.actual, studio.charged("alice")) == (True, COST, [COST])
    assert len(studio.paid_requests()) == 1


def test_base64_that_is_a_data_url_is_the_picture(studio: Studio) -> None:
    given = case("b64_is_data_url")
    studio.simulator.scenario("answer", parameters=given)
    status, _, job = order(studio)
    assert (status, job.status) == (200, JobStatus.SUCCEEDED)
    expected = base64.b64decode(given["body"]["data"][0]["b64_json"].partition(",")[2])
    assert studio.images.read_output(job.images[0].key, max_bytes=10**7) == expected
    paid_once(studio, job)


def _following(studio: Studio, port: int) -> None:
    """A client that may fetch from one port of this machine, beside what is public."""
    fetcher = HttpUrlFetcher(UrlGuard(also_allowed={(LOOPBACK, port)}), seconds=3.0, https_only=True)
    retries = Retries(sleep=lambda _seconds: None, uniform=lambda _low, _high: 0.0)
    studio.openrouter = OpenRouter(ProviderSettings(url=studio.simulator.url, fetcher=fetcher), retries=retries)


def test_a_picture_at_an_address_is_fetched_through_the_guard(studio: Studio) -> None:
    picture = save(photo("chelsea").resize((40, 30)), "PNG")
    given = case("image_https_url")
    with serving(answering(response(picture))) as server:
        _following(studio, server.port)
        given["body"]["data"][0]["url"] = f"http://{LOOPBACK}:{server.port}/x.png"
        studio.simulator.scenario("answer", parameters=given)
        status, _, job = order(studio)
    assert (status, job.status, job.images[0].width) == (200, JobStatus.SUCCEEDED, 40)
    assert studio.images.read_output(job.images[0].key, max_bytes=10**7) == picture
    paid_once(studio, job)


@pytest.mark.parametrize("url", ["http://169.254.169.254/x.png", "https://10.0.0.1/x.png", "http://127.0.0.1:1/x.png"])
def test_an_address_inside_is_not_gone_to_and_the_answer_is_kept(studio: Studio, url: str) -> None:
    given = case("image_https_url")
    with serving(answering(response(b"secret"))) as server:
        _following(studio, server.port)
        given["body"]["data"][0]["url"] = url
        studio.simulator.scenario("answer", parameters=given)
        status, problem, job = order(studio)
        assert server.accepted == 0
    assert (status, problem["code"], problem["charged"]) == (502, "UNUSABLE_ANSWER", True)
    paid_once(studio, job)
    kept = studio.raw_answers.read("alice", job.id)
    assert kept is not None
    assert url.encode() in kept.body


@pytest.mark.parametrize("name", ["200_error_content_policy_violation", "400_moderation_blocked"])
@pytest.mark.parametrize("model", [KLEIN, STREAMING])
def test_a_refusal_is_a_refusal_once(studio: Studio, name: str, model: str) -> None:
    given = case(name)
    studio.simulator.scenario("answer", parameters=given)
    status, problem, job = order(studio, model)
    assert (status, problem["code"], problem["charged"], problem["retryable"]) == (422, "CONTENT_REFUSED", False, False)
    assert problem["upstream"]["message"] == given["body"]["error"]["message"]
    assert (job.status, job.cost.actual, len(studio.paid_requests())) == (JobStatus.FAILED, 0, 1)


def test_an_error_that_is_a_text_is_told(studio: Studio) -> None:
    studio.simulator.scenario("answer", parameters=case("200_error_string"))
    status, problem, job = order(studio)
    assert (status, problem["code"], problem["charged"]) == (503, "SERVICE_UNAVAILABLE", False)
    assert problem["upstream"]["message"] == "Internal error"
    assert (job.status, job.cost.actual) == (JobStatus.FAILED, 0)


@pytest.mark.parametrize("model", [KLEIN, STREAMING])
def test_an_event_with_an_error_needs_no_type(studio: Studio, model: str) -> None:
    studio.simulator.scenario("answer", parameters=case("stream_error_without_type"))
    status, problem, job = order(studio, model)
    assert (status, problem["code"], problem["charged"]) == (429, "RATE_LIMIT", False)
    assert (job.status, job.cost.actual, studio.charged("alice")) == (JobStatus.FAILED, 0, [])


@pytest.mark.parametrize("temperature", ["20.0", '\\"20\\"'])
def test_a_plan_after_prose_is_read_without_a_second_paid_call(studio: Studio, temperature: str) -> None:
    given = case("planner_prose_before_json")
    given["body"] = json.loads(json.dumps(given["body"]).replace("20.0", temperature))
    studio.simulator.scenario("answer", path="/chat/completions", parameters=given)
    talk = Talk(studio).begin()
    turn = talk.say("make it warmer")
    assert turn.result["reply"] == "Done: warmer (20). I made it warmer."
    assert (turn.status, talk.now.current) == (JobStatus.SUCCEEDED, "v2")
    (step,) = talk.now.versions[1].steps
    assert step.operation == {"op": "color_temperature", "temperature": 20.0, "tint": 0.0}
    assert talk.posts() == ["chat"]


def _misunderstood(studio: Studio, url: str, **more: Any) -> Job:
    """A job whose paid answer names its picture by an address, for a client that does not follow any."""
    given = case("image_https_url")
    given["body"]["data"][0]["url"] = url
    given["body"].update(more)
    studio.simulator.scenario("answer", parameters={**given, "billed": True})
    return order(studio)[2]


def _mended(studio: Studio, port: int) -> Rereading:
    fetcher = HttpUrlFetcher(UrlGuard(also_allowed={(LOOPBACK, port)}), seconds=3.0, https_only=True)
    provider = OpenRouter(ProviderSettings(url=studio.simulator.url, fetcher=fetcher))
    return Rereading(studio.jobs, studio.raw_answers, lambda _name: provider, studio.app.settlement)


def test_an_answer_that_is_understood_later_is_no_second_charge(studio: Studio) -> None:
    picture = save(photo("chelsea").resize((40, 30)), "PNG")
    with serving(answering(response(picture))) as server:
        failed = _misunderstood(studio, f"http://{LOOPBACK}:{server.port}/x.png")
        assert failed.error is not None
        assert (failed.error["code"], failed.status) == ("UNUSABLE_ANSWER", JobStatus.FAILED)
        assert failed.expires_at is not None
        assert failed.error["answer_kept_until"] == failed.expires_at.isoformat()
        receipts, budget = studio.ledger.receipts("alice", limit=9), studio.budget("alice", "day")
        # As it was read before, it is what it was before.
        told = handler_of(studio.app)({"task": "reread", "user": "alice", "job": failed.id}, Context())
        assert (told["code"], studio.job("alice", failed.id)) == ("UNUSABLE_ANSWER", failed)
        job = _mended(studio, server.port).run("alice", failed.id)
    assert (job.status, job.error, job.images[0].width) == (JobStatus.SUCCEEDED, None, 40)
    assert studio.images.read_output(job.images[0].key, max_bytes=10**7) == picture
    assert (job.cost, studio.budget("alice", "day")) == (failed.cost, budget)
    assert studio.ledger.receipts("alice", limit=9) == receipts
    paid_once(studio, job)
    assert studio.raw_answers.read("alice", job.id) is None
    with pytest.raises(Conflict):
        _mended(studio, server.port).run("alice", job.id)


def test_one_whose_cost_is_still_being_found_out_is_settled_by_that(studio: Studio) -> None:
    with serving(answering(response(save(photo("chelsea").resize((40, 30)), "PNG")))) as server:
        uncertain = _misunderstood(studio, f"http://{LOOPBACK}:{server.port}/x.png", usage=None)
        assert (uncertain.status, uncertain.cost.settled) == (JobStatus.UNCERTAIN, False)
        job = _mended(studio, server.port).run("alice", uncertain.id)
    assert (job.status, job.cost.settled, len(job.images)) == (JobStatus.SUCCEEDED, False, 1)
    studio.app.sweep.run(Deadline(60))
    job = studio.job("alice", job.id)
    assert (job.cost.settled, [job.cost.actual]) == (True, studio.charged("alice"))


def test_only_an_answer_that_was_not_understood_is_read_again(studio: Studio) -> None:
    handle = handler_of(studio.app)
    refused = case("400_moderation_blocked")
    studio.simulator.scenario("answer", parameters=refused)
    _, _, job = order(studio)
    assert handle({"task": "reread", "user": "alice", "job": job.id}, Context())["code"] == "CONFLICT"
    for user, job_id in (("alice", "job_none"), ("bob", job.id)):
        assert handle({"task": "reread", "user": user, "job": job_id}, Context())["code"] == "NOT_FOUND"


def test_ten_thousand_pictures_are_one_job_and_no_more(studio: Studio) -> None:
    given = case("b64_is_data_url")
    given["body"]["data"] *= 10_000 // 10
    studio.simulator.scenario("answer", parameters=given)
    status, _, job = order(studio)
    assert (status, len(job.images)) == (200, 1)
    assert any("more than the 1" in warning for warning in job.warnings)
    paid_once(studio, job)
