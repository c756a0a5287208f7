"""A job followed by events: what it is doing against what its model takes, and what came of it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from darkroom.application.live import LiveApplication
from darkroom.errors import NotFound
from darkroom.http.live import Live
from darkroom.http.routes import jobs
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import JobStatus
from tests.application import KLEIN, Studio
from tests.asgi_server import serving
from tests.events import Context, http_event

ROUTE = "GET /v1/jobs/{job_id}/events"
ASYNC = Terms(route="POST /v1/images/generations", is_async=True)


def _ordered(studio: Studio) -> str:
    request = ImageRequest(prompt="A red fox", model=KLEIN)
    return studio.app.generate.submit(Caller(user="alice"), request, ASYNC).job.id


def _told(text: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Of each event its other fields, and its data."""
    events = []
    for block in text.rstrip("\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        if "data" in fields:
            events.append((fields, json.loads(fields.pop("data"))))
    return events


class Waiting:
    """What `Studio.sleep` is while a job is followed: at the third look the worker has done its work."""

    def __init__(self, studio: Studio) -> None:
        self.looks = 0
        self._studio = studio

    def __call__(self, seconds: float) -> None:
        self.looks += 1
        self._studio.waited += seconds
        self._studio.clock.step(timedelta(seconds=seconds))
        if self.looks == 3:
            self._studio.carry_out()


@contextmanager
def _door(studio: Studio, user: str = "alice") -> Iterator[httpx.Client]:
    app = LiveApplication(studio.deployment, studio)
    live = Live({ROUTE: lambda: jobs.routes(app)}, clock=studio.clock, api_url="", seconds=330)
    headers = {"authorization": f"Bearer {studio.token(user)}"}
    with serving(live.application) as url, httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        yield client


def test_it_is_followed_to_its_end(studio: Studio) -> None:
    job_id = _ordered(studio)
    waiting = studio.sleep = Waiting(studio)  # type: ignore[method-assign]
    with _door(studio) as client:
        answer = client.get(f"/v1/jobs/{job_id}/events")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    *progress, (fields, job) = _told(answer.text)
    assert [(each["event"], told["status"]) for each, told in progress] == [("progress", "queued")] * waiting.looks
    assert all(told["seconds"] == 0 and told["expected_seconds"] is None for _, told in progress)
    assert (fields["event"], fields["id"], job["status"], job["cost"]["charged"]) == ("job", "over", "succeeded", True)


def test_how_long_it_has_taken_stands_beside_what_its_model_takes(studio: Studio) -> None:
    done = _ordered(studio)
    studio.carry_out()
    assert studio.job("alice", done).status.is_final
    job_id = _ordered(studio)
    running = studio.job("alice", job_id).model_copy(
        update={"status": JobStatus.RUNNING, "started_at": studio.clock.now}
    )
    studio.jobs.jobs["alice", job_id] = running

    def sleep(seconds: float) -> None:
        studio.clock.step(timedelta(seconds=seconds))
        threading.Event().wait(0.01)

    studio.sleep = sleep  # type: ignore[method-assign]
    with _door(studio) as client, client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        text = "".join(piece for piece, _ in zip(answer.iter_text(), range(2), strict=False))
    told = [data for _, data in _told(text)]
    assert [data["status"] for data in told] == ["running"] * len(told)
    assert told[-1]["seconds"] >= len(told) - 1
    median = studio.statistics.of([KLEIN])[KLEIN].median_seconds
    assert {data["expected_seconds"] for data in told} == {median}


def test_a_request_follows_for_some_minutes_at_the_most(studio: Studio) -> None:
    job_id = _ordered(studio)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        studio.waited += 100

    studio.sleep = sleep  # type: ignore[method-assign]
    with _door(studio) as client:
        text = client.get(f"/v1/jobs/{job_id}/events").text
    assert len(waited) == 3
    assert _told(text)[-1][1]["status"] == "queued"
    assert "retry: 2000" in text


def test_a_reader_that_saw_the_end_is_sent_away(studio: Studio) -> None:
    job_id = _ordered(studio)
    studio.carry_out()
    with _door(studio) as client:
        answer = client.get(f"/v1/jobs/{job_id}/events", headers={"last-event-id": "over"})
    assert (answer.status_code, answer.content) == (204, b"")


def test_anothers_job_is_none(studio: Studio) -> None:
    job_id = _ordered(studio)
    with _door(studio, "mallory") as client:
        answer = client.get(f"/v1/jobs/{job_id}/events")
    assert (answer.status_code, answer.json()["code"]) == (NotFound.status, NotFound.code)


@pytest.mark.parametrize("is_over", [False, True])
def test_behind_api_gateway_it_is_the_present_state_and_when_to_ask_again(studio: Studio, is_over: bool) -> None:
    job_id = _ordered(studio)
    if is_over:
        studio.carry_out()
    event = http_event("GET", f"/v1/jobs/{job_id}/events", token=studio.token("alice"))
    event["routeKey"] = ROUTE
    answer = jobs.routes(studio.app).handle(event, Context())  # type: ignore[arg-type]
    ((fields, told),) = _told(answer["body"])
    assert (fields["event"], told["status"]) == (("job", "succeeded") if is_over else ("progress", "queued"))
    assert ("retry: 2000" in answer["body"]) is not is_over
