"""Responses streamed at the live door, as OpenAI's own SDK reads them: words and pictures while they are made."""

import base64
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from PIL import Image
from pydantic import BaseModel

from darkroom.application.live import LiveApplication
from darkroom.http.live import Live, Pace
from darkroom.http.routes.completions import routes
from tests.application import STREAMING, Studio
from tests.asgi_server import serving
from tests.unit.services.completing import TALKER

ROUTE = "POST /v1/responses"
LONG = "Hello there, and how is it going with you on this day? " * 3
PICTURES: Any = [{"type": "image_generation", "model": STREAMING, "quality": "low", "partial_images": 1}]


class Place(BaseModel):
    city: str


@dataclass
class Door:
    studio: Studio
    sdk: openai.OpenAI

    def scenario(self, name: str, **options: Any) -> None:
        self.studio.simulator.scenario(name, key=self.studio.vault.reveal("alice", "openrouter"), **options)

    def assert_books_agree(self, charges: int) -> None:
        charged = self.studio.charged("alice")
        receipts = self.studio.ledger.receipts("alice", limit=100).receipts
        assert sorted(receipt.actual or 0 for receipt in receipts) == sorted(charged)
        day = self.studio.budget("alice", "day")
        assert (day.spent, day.reserved, len(charged)) == (sum(charged), 0, charges)


@pytest.fixture
def door(studio: Studio) -> Iterator[Door]:
    app = LiveApplication(studio.deployment, studio)
    live = Live({ROUTE: lambda: routes(app)}, clock=studio.clock, api_url="", seconds=330, pace=Pace(begins_after=60.0))
    token = studio.token("alice")
    with (
        serving(live.application) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as sdk,
    ):
        yield Door(studio, sdk)
    studio.simulator.world.scenarios.clear()


def test_a_token_is_there_before_the_provider_sends_the_next(door: Door) -> None:
    door.scenario("held_stream", after=3)
    with door.sdk.responses.create(model=TALKER, input=LONG, stream=True) as stream:
        events = iter(stream)
        kinds: list[str] = []
        while not kinds or kinds[-1] != "response.output_text.delta":
            kinds.append(next(events).type)
        assert door.studio.charged("alice") == []
        door.studio.simulator.world.scenarios.release(None)
        rest = list(events)
    assert [event.type for event in rest].count("response.output_text.delta") > 2
    assert rest[-1].type == "response.completed"
    door.assert_books_agree(1)


def test_openais_helper_puts_the_answer_together(door: Door) -> None:
    with door.sdk.responses.stream(model=TALKER, input="The weather in Oslo, please", text_format=Place) as stream:
        final = stream.get_final_response()
    assert isinstance(final.output_parsed, Place)
    door.assert_books_agree(1)


def test_a_picture_has_first_impressions(door: Door) -> None:
    asked = door.sdk.responses.create(model=TALKER, input="Draw a picture of a fox", tools=PICTURES, stream=True)
    events = list(asked)
    kinds = [event.type.removeprefix("response.image_generation_call.") for event in events]
    assert [kind for kind in kinds if "." not in kind] == ["in_progress", "generating", "partial_image", "completed"]
    ended = events[-1]
    assert ended.type == "response.completed"
    (item,) = ended.response.output
    assert item.type == "image_generation_call"
    assert Image.open(io.BytesIO(base64.b64decode(item.result or "", validate=True))).size == (1024, 1024)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    door.assert_books_agree(2)


def test_who_hangs_up_in_the_middle_gets_the_answer_when_the_same_is_asked_again(door: Door) -> None:
    door.scenario("held_stream", after=3)
    with door.sdk.responses.create(model=TALKER, input=LONG, stream=True) as stream:
        next(iter(stream))
    (job,) = door.studio.of("alice").values()
    while [answer.state for answer in door.studio.answers.answers.values()] != ["free"]:
        threading.Event().wait(0.01)
    door.studio.simulator.world.scenarios.release(None)
    while not door.studio.job("alice", job.id).status.is_final:
        threading.Event().wait(0.01)
    again: Any = door.sdk.responses.create(model=TALKER, input=LONG)
    assert again.darkroom["steps"][0]["job"]["id"] == job.id
    assert LONG.strip()[:20] in again.output_text
    door.assert_books_agree(1)


def test_an_error_behind_the_first_token_says_what_is_known_of_the_charge(door: Door) -> None:
    door.scenario("stream_error", after=4, error_type="provider_unavailable", message="Broken", billed=True)
    stream = door.sdk.responses.create(model=TALKER, input=LONG, stream=True)
    with pytest.raises(openai.APIError) as raised:
        list(stream)
    error: Any = raised.value.body
    assert (error["code"], error["charged"]) == ("SERVICE_UNAVAILABLE", "unknown")
    assert len(door.studio.paid_requests()) == 1
