"""A job followed by events: what it is doing against what its model takes, its partial pictures, what came of it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from darkroom.application.live import LiveApplication
from darkroom.errors import NotFound, ServiceUnavailable
from darkroom.http.live import Live, Pace
from darkroom.http.routes import generations, jobs
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobStatus
from tests.application import KLEIN, STREAMING, Studio
from tests.asgi_server import serving
from tests.events import Context, http_event
from tests.fakes.memory import MemoryJobStore

ROUTE = "GET /v1/jobs/{job_id}/events"
PAINT = "/v1/images/generations"
ASYNC = Terms(route=f"POST {PAINT}", is_async=True)
# Looks as often as the machine can.
PACE = Pace(look_every=0.0)

Told = tuple[dict[str, str], dict[str, Any]]


def _ordered(studio: Studio, **fields: Any) -> str:
    request = ImageRequest(prompt="A red fox", **{"model": KLEIN, **fields})
    return studio.app.generate.submit(Caller(user="alice"), request, ASYNC).job.id


def _told(text: str) -> list[Told]:
    """Of each event its other fields, and its data."""
    events = []
    for block in text.rstrip("\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "data" in fields:
            events.append((fields, json.loads(fields.pop("data"))))
    return events


class Looks(MemoryJobStore):
    """Counts looks at jobs, the one of the request itself among them; what `then` has for a look is done before it."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.then: dict[int, Any] = {}

    def find(self, user: str, job_id: str) -> Job | None:
        self.count += 1
        # Looks are taken in several threads: one that was passed over is due, too.
        for due in [number for number in self.then if number <= self.count]:
            self.then.pop(due)()
        return super().find(user, job_id)


@pytest.fixture
def looks(studio: Studio) -> Looks:
    found = studio.jobs = Looks()
    return found


@contextmanager
def _door(studio: Studio, user: str = "alice") -> Iterator[httpx.Client]:
    live = _live(studio)
    headers = {"authorization": f"Bearer {studio.token(user)}"}
    with serving(live.application) as url, httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        yield client


def _live(studio: Studio, pace: Pace = PACE) -> Live:
    app = LiveApplication(studio.deployment, studio)
    routes = {ROUTE: lambda: jobs.routes(app), f"POST {PAINT}": lambda: generations.routes(app)}
    return Live(routes, clock=studio.clock, api_url="", seconds=330, pace=pace)


def _behind_api_gateway(studio: Studio, job_id: str, user: str = "alice", last: str | None = None) -> dict[str, Any]:
    event = http_event("GET", f"/v1/jobs/{job_id}/events", token=studio.token(user))
    event["routeKey"] = ROUTE
    event["headers"] |= {"last-event-id": last} if last else {}
    return jobs.routes(studio.app).handle(event, Context())  # type: ignore[arg-type]


def _after(studio: Studio, looks: Looks, number: int) -> None:
    """Has the worker do its work at a later look."""
    looks.then[looks.count + number] = studio.carry_out


def test_it_is_followed_to_its_end(studio: Studio, looks: Looks) -> None:
    job_id = _ordered(studio)
    _after(studio, looks, 4)
    with _door(studio) as client:
        answer = client.get(f"/v1/jobs/{job_id}/events")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    assert (answer.headers["x-accel-buffering"], '"user"' in answer.headers["ratelimit"]) == ("no", True)
    *progress, (fields, job) = _told(answer.text)
    assert [(each["event"], told["status"]) for each, told in progress] == [("progress", "queued")] * 3
    assert all(told["seconds"] == 0 and told["expected_seconds"] is None for _, told in progress)
    assert (fields["event"], fields["id"], job["status"], job["cost"]["charged"]) == ("job", "over", "succeeded", True)


def test_how_long_it_has_taken_stands_beside_what_its_model_takes(studio: Studio, looks: Looks) -> None:
    done = _ordered(studio)
    studio.carry_out()
    assert studio.job("alice", done).status.is_final
    job_id = _ordered(studio)
    running = studio.job("alice", job_id).model_copy(
        update={"status": JobStatus.RUNNING, "started_at": studio.clock.now}
    )
    studio.jobs.jobs["alice", job_id] = running
    looks.then = {looks.count + 2: lambda: studio.clock.step(timedelta(seconds=7))}
    with _door(studio) as client, client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        text = "".join(piece for piece, _ in zip(answer.iter_text(), range(2), strict=False))
    told = [data for _, data in _told(text)]
    assert [(data["status"], data["seconds"]) for data in told[:2]] == [("running", 0.0), ("running", 7.0)]
    median = studio.statistics.of([KLEIN])[KLEIN].median_seconds
    assert {data["expected_seconds"] for data in told} == {median}


def test_a_request_follows_for_some_minutes_at_the_most(studio: Studio, looks: Looks) -> None:
    job_id = _ordered(studio)

    def passes() -> None:
        studio.waited += 100

    looks.then = {looks.count + number: passes for number in (2, 3, 4, 5)}
    with _door(studio) as client:
        text = client.get(f"/v1/jobs/{job_id}/events").text
    assert len(looks.then) == 1
    assert [data["status"] for _, data in _told(text)] == ["queued"] * 4
    assert text.startswith("retry: 2000\n\n")


def test_a_look_that_fails_is_taken_again(studio: Studio, looks: Looks) -> None:
    job_id = _ordered(studio)

    def away() -> None:
        raise ServiceUnavailable("The table is away.")

    looks.then[looks.count + 2] = away
    _after(studio, looks, 3)
    with _door(studio) as client:
        text = client.get(f"/v1/jobs/{job_id}/events").text
    assert ": DARKROOM PROCESSING" in text
    assert [fields["event"] for fields, _ in _told(text)] == ["progress", "job"]


def test_a_job_that_is_removed_meanwhile_ends_it(studio: Studio, looks: Looks) -> None:
    job_id = _ordered(studio)
    looks.then[looks.count + 2] = lambda: studio.jobs.jobs.pop(("alice", job_id))
    with _door(studio) as client:
        text = client.get(f"/v1/jobs/{job_id}/events").text
    _, (_, told) = _told(text.removesuffix("data: [DONE]\n\n"))
    assert told["error"]["code"] == NotFound.code


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
    answer = _behind_api_gateway(studio, job_id)
    ((fields, told),) = _told(answer["body"])
    assert (fields["event"], told["status"]) == (("job", "succeeded") if is_over else ("progress", "queued"))
    assert ("retry: 2000" in answer["body"]) is not is_over


# Partial pictures.


@contextmanager
def _painting(studio: Studio) -> Iterator[None]:
    """A worker is at work, and its provider has sent a partial picture and goes on when the block is over."""
    # Two comments and the partial picture.
    studio.simulator.scenario("held_stream", after=3, key=studio.vault.reveal("alice", "openrouter"))
    worker = threading.Thread(target=studio.carry_out)
    worker.start()
    try:
        yield
    finally:
        studio.simulator.world.scenarios.release(None)
        worker.join()
        studio.simulator.world.scenarios.clear()


def _until_stored(studio: Studio, job_id: str) -> bytes:
    key, pause = f"outputs/alice/{job_id}/partial/0", threading.Event()
    for _ in range(4000):
        if key in studio.images.outputs:
            break
        pause.wait(0.005)
    stored = studio.images.outputs[key]
    assert (stored.media_type, stored.keep_days) == ("image/png", 1)
    return stored.data


def test_a_partial_picture_is_there_before_the_picture_is_made_and_paid_for(studio: Studio) -> None:
    job_id = _ordered(studio, model=STREAMING, partial_images=2)
    with _door(studio) as client, _painting(studio):
        seen: list[Told] = []
        with client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
            for text in answer.iter_text():
                seen += _told(text)
                if seen[-1][0]["event"] == "progress" and any(each["event"] == "partial_image" for each, _ in seen):
                    break
        assert studio.charged("alice") == []
        partial = _until_stored(studio, job_id)
    ((fields, told),) = [each for each in seen if each[0]["event"] == "partial_image"]
    assert (fields["id"], told["id"], told["partial_image_index"]) == ("partial-0", job_id, 0)
    assert told["url"] == f"https://outputs.example/outputs/alice/{job_id}/partial/0"
    assert partial.startswith(b"\x89PNG")
    job = studio.job("alice", job_id)
    assert (job.status, len(job.images)) == (JobStatus.SUCCEEDED, 1)
    assert studio.charged("alice") == [job.cost.actual]


def test_behind_api_gateway_each_is_told_of_once(studio: Studio) -> None:
    job_id = _ordered(studio, model=STREAMING, partial_images=1)
    with _painting(studio):
        _until_stored(studio, job_id)
        first = _told(_behind_api_gateway(studio, job_id)["body"])
        again = _told(_behind_api_gateway(studio, job_id, last="partial-0")["body"])
        assert _behind_api_gateway(studio, job_id, user="mallory")["statusCode"] == NotFound.status
    assert [fields["event"] for fields, _ in first] == ["partial_image", "progress"]
    assert [fields["event"] for fields, _ in again] == ["progress"]
    # Who comes late has them, too.
    late = _told(_behind_api_gateway(studio, job_id)["body"])
    assert [fields["event"] for fields, _ in late] == ["partial_image", "job"]


@pytest.mark.parametrize("wanted", [None, 0])
def test_none_is_kept_where_none_is_asked_for(studio: Studio, wanted: int | None) -> None:
    job_id = _ordered(studio, model=STREAMING, partial_images=wanted)
    studio.carry_out()
    assert [key for key in studio.images.outputs if "/partial/" in key] == []
    assert studio.job("alice", job_id).status is JobStatus.SUCCEEDED


def test_they_are_removed_with_the_job(studio: Studio) -> None:
    job_id = _ordered(studio, model=STREAMING, partial_images=3)
    studio.carry_out()
    _until_stored(studio, job_id)
    studio.app.jobs.remove("alice", job_id, studio.app.settlement.cancel)
    assert studio.images.outputs == {}


def test_the_picture_that_is_paid_for_does_not_wait_for_one_that_cannot_be_kept(studio: Studio) -> None:
    write, is_over, is_refused = studio.images.write_output, threading.Event(), threading.Event()

    def away(key: str, data: bytes, **given: Any) -> None:
        if "/partial/" in key:
            is_over.wait()
            is_refused.set()
            raise ServiceUnavailable("The bucket is away.")
        write(key, data, **given)

    studio.images.write_output = away  # type: ignore[method-assign]
    job_id = _ordered(studio, model=STREAMING, partial_images=1)
    studio.carry_out()
    job = studio.job("alice", job_id)
    assert (job.status, [job.cost.actual]) == (JobStatus.SUCCEEDED, studio.charged("alice"))
    is_over.set()
    assert is_refused.wait(10)
    assert _told(_behind_api_gateway(studio, job_id)["body"])[0][0]["event"] == "job"


# Many followers.


class Reader:
    """A client of the application itself, without a socket. `text` is what it has of the answer; `hang_up` ends it."""

    def __init__(self, live: Live, method: str, path: str, token: str, body: bytes = b"") -> None:
        self.status, self.text, self.is_begun = 0, "", asyncio.Event()
        self._gone = asyncio.Event()
        self._bodies = [body]
        headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
        }
        scope |= {"query_string": b"", "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
        self.task = asyncio.ensure_future(live.application(scope, self._receive, self._send))

    async def hang_up(self) -> None:
        self._gone.set()
        await self.task

    async def _receive(self) -> dict[str, Any]:
        if self._bodies:
            return {"type": "http.request", "body": self._bodies.pop(), "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"").decode()
        if self.text:
            self.is_begun.set()


def test_five_hundred_followers_hold_up_no_paid_request_and_share_their_looks(studio: Studio, looks: Looks) -> None:
    job_id, token = _ordered(studio), studio.token("alice")
    live = _live(studio, Pace(look_every=0.2))

    async def run() -> tuple[int, int]:
        followers = [Reader(live, "GET", f"/v1/jobs/{job_id}/events", token) for _ in range(500)]
        await asyncio.gather(*(each.is_begun.wait() for each in followers))
        before = threading.active_count()
        paid = Reader(live, "POST", PAINT, token, json.dumps({"prompt": "A red fox", "model": KLEIN}).encode())
        await paid.task
        assert (paid.status, json.loads(paid.text)["cost"]["charged"]) == (200, True)
        assert not any(each.task.done() for each in followers)
        looked = looks.count
        _after(studio, looks, 1)
        await asyncio.gather(*(each.task for each in followers))
        assert all(each.text.endswith("\n\n") and "id: over" in each.text for each in followers)
        return before, looks.count - looked

    threads, looked = asyncio.run(run())
    # 64 of requests, four of looks, and those that the tests have.
    assert threads < 100
    assert looked < 500


def test_a_follower_that_hangs_up_is_looked_for_no_more(studio: Studio, looks: Looks) -> None:
    job_id, token = _ordered(studio), studio.token("alice")
    live = _live(studio)

    async def run() -> None:
        follower = Reader(live, "GET", f"/v1/jobs/{job_id}/events", token)
        await follower.is_begun.wait()
        await asyncio.wait_for(follower.hang_up(), 10)
        assert live._followers._subjects == {}

    asyncio.run(run())
