"""`background: transparent` of a model that does not have it, as callers see it in answers and jobs."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from darkroom.http.app import Api
from darkroom.http.routes.edits import routes as edit_routes
from darkroom.http.routes.generations import routes as generate_routes
from darkroom.http.routes.jobs import routes as jobs_routes
from darkroom.models.deadline import Deadline
from darkroom.models.job import CUTOUT_TIME
from darkroom.models.source import ImageSource
from tests.application import KLEIN, LONG, Studio
from tests.events import Context, http_event
from tests.fakes.prompt_queues import PromptRenderQueue
from tests.integration.users import picture
from tests.openapi import handled

PRICE = 14_000
SAID = f"{KLEIN} makes no transparent background: what it makes is cut out of its background here, which costs nothing."
NOT_DONE = "The background could not be removed, so the picture is as the model made it. It took too long."

Answer = tuple[int, dict[str, Any], dict[str, str]]
Call = Callable[..., Answer]
Show = Callable[..., Answer]


class ShortContext(Context):
    """The waiting request has no time for it."""

    def get_remaining_time_in_millis(self) -> int:
        return 2_000


@pytest.fixture
def renders(studio: Studio) -> PromptRenderQueue:
    """Cuts out at once, unless `works` is taken away."""
    studio.render_queue = queue = PromptRenderQueue()
    queue.works = studio.app.cutout_worker
    return queue


@pytest.fixture
def token(studio: Studio) -> str:
    return studio.token("alice")


@pytest.fixture
def call(studio: Studio, renders: PromptRenderQueue, token: str) -> Call:
    studio.job_queue.works = studio.app.worker
    studio.simulator.scenario("small_picture")
    apis = {"generations": generate_routes(studio.app), "edits": edit_routes(studio.app)}

    def ask(
        route: str = "generations", headers: dict[str, str] | None = None, *, context: Any = None, **fields: Any
    ) -> Answer:
        body = {"prompt": "A red fox", "model": KLEIN, "background": "transparent", **fields}
        if route == "edits":
            body["image"] = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"
        event = http_event("POST", f"/v1/images/{route}", token=token, headers=headers, body=body)
        return _answer(apis[route], event, context or Context())

    return ask


@pytest.fixture
def show(studio: Studio, token: str) -> Show:
    api = jobs_routes(studio.app)

    def ask(method: str, path: str) -> Answer:
        return _answer(api, http_event(method, path, token=token), Context())

    return ask


def _answer(api: Api, event: dict[str, Any], context: Any) -> Answer:
    answer = handled(api.handle, event, context)
    said = {name.lower(): value for name, value in answer["headers"].items()}
    return answer["statusCode"], json.loads(answer["body"]), said


def _alpha_of_the_corners(data: bytes) -> list[int]:
    picture = Image.open(io.BytesIO(data))
    assert picture.mode == "RGBA"
    right, bottom = picture.width - 1, picture.height - 1
    alpha = picture.getchannel("A")
    return [int(str(alpha.getpixel(at))) for at in ((0, 0), (right, 0), (0, bottom), (right, bottom))]


@pytest.mark.parametrize("route", ["generations", "edits"])
def test_the_answer_has_the_cut_out_and_says_how_it_was_made(route: str, call: Call, studio: Studio) -> None:
    status, body, headers = call(route)
    assert status == 200, body
    (image,) = body["data"]
    data = base64.b64decode(image["b64_json"])
    assert (image["media_type"], body["output_format"], body["background"]) == ("image/png", "png", "transparent")
    assert _alpha_of_the_corners(data) == [0] * 4
    assert SAID in body["warnings"]
    assert body["job"]["output"]["images"][0]["url"].endswith("/0-cut.png")
    assert (body["cost"]["charged"], headers["x-cost-usd"]) == (True, f"{body['cost']['actual_usd']:f}")
    assert [round(body["cost"]["actual_usd"] * 1e6)] == studio.charged("alice")


def test_links_lead_to_it_too(call: Call) -> None:
    _, body, _ = call(response_format="url", output_format="webp", n=2)
    assert [each["url"].rpartition("/")[2] for each in body["data"]] == ["0-cut.webp", "1-cut.webp"]
    assert [each["media_type"] for each in body["data"]] == ["image/webp"] * 2


def test_who_does_not_wait_sees_it_run_until_it_is_there(
    call: Call, show: Show, renders: PromptRenderQueue, studio: Studio
) -> None:
    renders.works = None
    status, ordered, _ = call(headers={"prefer": "respond-async"})
    assert status == 202
    path = f"/v1/jobs/{ordered['id']}"
    _, job, _ = show("GET", path)
    assert (job["status"], job["output"]["images"], job["completed_at"]) == ("running", [], None)
    assert (job["cost"]["settled"], job["cost"]["charged"]) == (True, True)
    assert [each["status"] for each in show("GET", "/v1/jobs")[1]["data"]] == ["running"]
    studio.app.cutout_worker.run("alice", job["id"], Deadline(LONG))
    _, over, _ = show("GET", path)
    assert (over["status"], over["output"]["images"][0]["media_type"]) == ("succeeded", "image/png")
    assert over["output"]["images"][0]["url"].endswith("/0-cut.png")


def test_who_has_no_time_left_is_told_that_it_runs_and_gets_it_for_nothing_later(
    call: Call, renders: PromptRenderQueue, studio: Studio
) -> None:
    renders.works = None
    assert call(context=ShortContext())[0] == 503
    status, problem, _ = call(context=ShortContext())
    assert (status, problem["code"], problem["charged"]) == (503, "STILL_RUNNING", True)
    assert (problem["job"]["status"], problem["job"]["cost"]["charged"]) == ("running", True)
    job_id = problem["job"]["id"]
    studio.app.cutout_worker.run("alice", job_id, Deadline(LONG))
    status, body, _ = call()
    assert (status, body["job"]["id"]) == (200, job_id)
    assert studio.charged("alice") == [PRICE]


def test_a_cut_out_that_never_comes_gives_way_to_the_picture(
    call: Call, show: Show, renders: PromptRenderQueue, studio: Studio
) -> None:
    renders.works = None
    _, job, _ = call(headers={"prefer": "respond-async", "idempotency-key": "fox"})
    studio.clock.step(CUTOUT_TIME)
    status, body, _ = call(headers={"idempotency-key": "fox"})
    assert (status, body["background"], body["output_format"]) == (200, "opaque", "png")
    assert NOT_DONE in body["warnings"]
    _, shown, _ = show("GET", f"/v1/jobs/{job['id']}")
    assert (shown["status"], shown["warnings"][-1]) == ("succeeded", NOT_DONE)
    assert shown["output"]["images"][0]["url"].endswith("/0.png")
    assert studio.charged("alice") == [PRICE]


def test_a_jpeg_is_refused_before_anything_is_spent(call: Call, studio: Studio) -> None:
    status, problem, _ = call(output_format="jpeg")
    assert (status, problem["code"], problem["charged"]) == (400, "INVALID_PARAMETER", False)
    assert (problem["param"], problem["accepted"]) == ("output_format", ["png", "webp"])
    assert studio.of("alice") == {}


def test_a_removed_job_takes_both_pictures_along(call: Call, show: Show, studio: Studio) -> None:
    _, body, _ = call()
    job_id = body["job"]["id"]
    assert len([key for key in studio.images.outputs if job_id in key]) == 2
    assert show("DELETE", f"/v1/jobs/{job_id}")[0] == 200
    assert [key for key in studio.images.outputs if job_id in key] == []


def test_the_picture_of_the_job_is_handed_over_as_its_owner_sees_it(call: Call, studio: Studio) -> None:
    _, body, _ = call()
    job_id = body["job"]["id"]
    data = studio.app.sources.read("alice", ImageSource("image", job_id=job_id))
    assert _alpha_of_the_corners(data) == [0] * 4
