"""Pictures as events: first impressions while they are made, what came of it, and the money of any other picture."""

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import openai
import pytest
from openai.types import (
    ImageEditCompletedEvent,
    ImageEditPartialImageEvent,
    ImageGenCompletedEvent,
    ImageGenPartialImageEvent,
)
from openrouter import components
from PIL import Image

from darkroom.application import Application
from darkroom.application.live import LiveApplication
from darkroom.http.live import Live, Pace
from darkroom.http.routes import edits, generations
from tests.application import KLEIN, STREAMING, Studio
from tests.asgi_server import serving
from tests.events import Context, http_event

ROUTE, EDITS = "/v1/images/generations", "/v1/images/edits"
PACE = Pace(begins_after=60.0, blank_every=0.01)


@dataclass
class Door:
    studio: Studio
    app: Application
    url: str
    token: str
    images: openai.resources.Images

    @contextmanager
    def asked(self, **fields: Any) -> Iterator[httpx.Response]:
        body = {"prompt": "A red fox", "model": STREAMING, "stream": True, **fields}
        headers = {"authorization": f"Bearer {self.token}"}
        with (
            httpx.Client(base_url=self.url, timeout=60, headers=headers) as client,
            client.stream("POST", ROUTE, json=body) as answer,
        ):
            yield answer

    def events(self, **fields: Any) -> list[dict[str, Any]]:
        with self.asked(**fields) as answer:
            return _events(answer.read().decode())

    def scenario(self, name: str, **options: Any) -> None:
        self.studio.simulator.scenario(name, key=self.studio.vault.reveal("alice", "openrouter"), **options)

    def made(self) -> list[bytes]:
        (job,) = self.studio.of("alice").values()
        return [self.studio.images.outputs[image.key].data for image in job.images]

    def assert_books_agree(self) -> None:
        charged = self.studio.charged("alice")
        receipts = self.studio.ledger.receipts("alice", limit=100).receipts
        assert [receipt.actual for receipt in receipts if receipt.actual] == charged
        assert self.studio.budget("alice", "day").spent == sum(charged)


def _events(text: str) -> list[dict[str, Any]]:
    *events, end, rest = [each for each in text.split("\n\n") if not each.startswith(":")]
    assert (end, rest) == ("data: [DONE]", "")
    found = []
    for each in events:
        *named, data = each.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert named in ([f"event: {found[-1]['type']}"], [] if found[-1]["type"] == "error" else None)
    return found


@pytest.fixture
def door(studio: Studio) -> Iterator[Door]:
    app = LiveApplication(studio.deployment, studio)
    makers = {f"POST {ROUTE}": lambda: generations.routes(app), f"POST {EDITS}": lambda: edits.routes(app)}
    live = Live(makers, clock=studio.clock, api_url="", seconds=330, pace=PACE)
    token = studio.token("alice")
    with (
        serving(live.application) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as client,
    ):
        yield Door(studio, app, url, token, client.images)
        studio.simulator.world.scenarios.clear()


def test_a_first_impression_is_there_before_the_picture_is_made(door: Door) -> None:
    # Two comments and the first impression; the picture when that was seen.
    door.scenario("held_stream", after=3)
    stream = door.images.generate(model=STREAMING, prompt="A red fox", stream=True, partial_images=2)
    first = next(stream)
    assert isinstance(first, ImageGenPartialImageEvent)
    ImageGenPartialImageEvent.model_validate(first.model_dump())
    components.ImageGenPartialImageEvent.model_validate(first.model_dump())
    assert Image.open(io.BytesIO(base64.b64decode(first.b64_json))).width < 1024
    assert door.studio.charged("alice") == []
    door.studio.simulator.world.scenarios.release(None)
    (last,) = stream
    assert isinstance(last, ImageGenCompletedEvent)
    ImageGenCompletedEvent.model_validate(last.model_dump())
    assert [base64.b64decode(last.b64_json)] == door.made()
    ours: Any = last.model_extra
    assert (ours["cost"]["charged"], ours["job"]["status"]) == (True, "succeeded")
    door.assert_books_agree()


def test_an_edit_has_events_of_its_own_name(door: Door) -> None:
    photo = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(photo, "PNG")
    stream = door.images.edit(
        model=STREAMING, image=("a.png", photo.getvalue()), prompt="Winter", stream=True, partial_images=1
    )
    first, last = stream
    ImageEditPartialImageEvent.model_validate(first.model_dump())
    ImageEditCompletedEvent.model_validate(last.model_dump())
    assert [base64.b64decode(last.b64_json)] == door.made()
    door.assert_books_agree()


def test_a_provider_that_falls_silent_is_waited_for_with_signs_of_life(door: Door) -> None:
    door.scenario("held_stream", after=3)
    with door.asked() as answer:
        pieces = answer.iter_text()
        text = next(pieces)
        while ": DARKROOM PROCESSING" not in text:
            text += next(pieces)
        door.studio.simulator.world.scenarios.release(None)
        *_, event = _events(text + "".join(pieces))
    assert event["type"] == "image_generation.completed"
    assert [base64.b64decode(event["b64_json"])] == door.made()
    door.assert_books_agree()


def test_a_model_without_impressions_gives_the_picture(door: Door) -> None:
    (event,) = door.events(model=KLEIN)
    assert event["type"] == "image_generation.completed"
    assert [base64.b64decode(event["b64_json"])] == door.made()
    door.assert_books_agree()


@pytest.mark.parametrize(("fields", "impressions"), [({}, 1), ({"partial_images": 0}, 0), ({"partial_images": 3}, 1)])
def test_no_more_impressions_than_are_wanted(door: Door, fields: dict[str, Any], impressions: int) -> None:
    kinds = [event["type"] for event in door.events(**fields)]
    assert kinds == ["image_generation.partial_image"] * impressions + ["image_generation.completed"]


def test_each_of_several_pictures_is_told_of(door: Door) -> None:
    one, other = door.events(n=2)
    assert [base64.b64decode(each["b64_json"]) for each in (one, other)] == door.made()
    assert "cost" not in one
    assert other["cost"]["charged"] is True
    door.assert_books_agree()


def test_links_where_links_are_asked_for(door: Door) -> None:
    (event,) = door.events(model=KLEIN, response_format="url")
    assert event["url"]
    assert "b64_json" not in event


def test_an_error_behind_an_impression_is_an_event_and_free(door: Door) -> None:
    door.scenario("stream_error", after=3, times=1)
    events = door.events()
    # What failed for nothing is made in another attempt: a first impression is no part of the picture.
    assert [event["type"] for event in events][-1] == "image_generation.completed"
    door.assert_books_agree()


def test_a_refusal_behind_an_impression_is_openais_error(door: Door) -> None:
    wrong = {"code": "moderation_blocked", "message": "Blocked", "type": "image_generation_user_error"}
    door.scenario("stream_error", after=3, **wrong)
    stream = door.images.generate(model=STREAMING, prompt="A red fox", stream=True)
    next(stream)
    with pytest.raises(openai.APIError) as raised:
        list(stream)
    error: Any = raised.value.body
    assert error["charged"] is False
    assert door.studio.charged("alice") == []


def test_the_same_request_without_a_stream_is_the_same_request(door: Door) -> None:
    headers = {"idempotency-key": "k"}
    fields: dict[str, Any] = {"prompt": "A red fox", "model": STREAMING}
    with httpx.Client(base_url=door.url, timeout=60, headers={"authorization": f"Bearer {door.token}"}) as client:
        streamed = client.post(ROUTE, json={**fields, "stream": True, "partial_images": 1}, headers=headers)
        plain = client.post(ROUTE, json=fields, headers=headers)
    assert plain.headers["idempotent-replayed"] == "true"
    assert plain.json()["data"][0]["b64_json"] == _events(streamed.text)[-1]["b64_json"]
    assert len(door.studio.charged("alice")) == 1


@pytest.mark.parametrize(("module", "name"), [(generations, "image_generation"), (edits, "image_edit")])
def test_where_an_answer_goes_out_in_one_piece_the_events_do(studio: Studio, module: Any, name: str) -> None:
    studio.job_queue.works = studio.app.worker
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(picture, "PNG")
    given = {"image": f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"}
    fields = {"prompt": "A red fox", "model": STREAMING, "stream": True, "partial_images": 3}
    path = ROUTE if module is generations else EDITS
    body = fields if module is generations else {**fields, **given}
    event = http_event("POST", path, token=studio.token("alice"), body=body)
    answer = module.routes(studio.app).handle(event, Context())
    headers = {each.lower(): value for each, value in answer["headers"].items()}
    assert (answer["statusCode"], headers["content-type"]) == (200, "text/event-stream")
    (told,) = _events(answer["body"])
    assert told["type"] == f"{name}.completed"
    (job,) = studio.of("alice").values()
    # Who follows the job sees what this answer cannot carry.
    assert len(job.partial_keys) == 3
