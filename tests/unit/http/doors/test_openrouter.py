"""OpenRouter's door: what its clients send is one order, one charge and an answer of OpenRouter's own form."""

import base64
import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from openrouter import components
from PIL import Image

from darkroom.http.app import Api
from darkroom.http.doors import openrouter
from darkroom.http.routes import completions, models
from tests.application import KLEIN, STREAMING, Studio
from tests.events import Context, http_event
from tests.openapi import handled
from tests.unit.services.completing import PAINTER, TALKER, data_url

SDK = {"user-agent": "speakeasy-sdk/python 1.3.84 2.914.0 1.0.0 openrouter"}
OPENAI = {"user-agent": "OpenAI/Python 3.57.0"}


@dataclass
class Door:
    studio: Studio
    token: str

    def send(
        self, method: str, path: str, *, key: str = "", agent: dict[str, str] = SDK, **more: Any
    ) -> tuple[int, Any, dict[str, str]]:
        room: Any = openrouter
        room = completions if path.endswith("completions") else models if path.startswith("/v1/models") else room
        api: Api = room.routes(self.studio.app)
        headers = {**agent, **more.pop("headers", {})}
        event = http_event(method, path, token=self.token, headers=headers, **more)
        event["routeKey"] = event["requestContext"]["routeKey"] = f"{method} {key or path}"
        answer = handled(api.handle, event, Context())
        sent = {name.lower(): value for name, value in answer["headers"].items()}
        text = answer["body"]
        return answer["statusCode"], json.loads(text) if "json" in str(sent["content-type"]) else text, sent

    def chat(self, text: str = "A red fox", **fields: Any) -> tuple[int, Any, dict[str, str]]:
        headers = fields.pop("headers", {})
        body = {"messages": [{"role": "user", "content": text}], **fields}
        return self.send("POST", "/v1/chat/completions", body=body, headers=headers)

    def images(self, **fields: Any) -> tuple[int, Any, dict[str, str]]:
        return self.send("POST", "/v1/images", body={"prompt": "A red fox", "model": KLEIN, **fields})

    @property
    def charges(self) -> list[int]:
        return self.studio.charged("alice")


@pytest.fixture
def door(studio: Studio) -> Door:
    studio.job_queue.works = studio.app.worker
    return Door(studio, studio.token("alice"))


def opened(b64_json: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(b64_json, validate=True)))


def reference() -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url((96, 64))}}


class TestImages:
    def test_words_become_one_picture_and_one_charge(self, door: Door) -> None:
        status, body, headers = door.images()
        assert status == 200
        components.ImageGenerationResponse.model_validate(body)
        assert opened(body["data"][0]["b64_json"]).size == (1024, 1024)
        assert body["data"][0]["media_type"] == "image/jpeg"
        assert (door.charges, body["usage"]["cost"]) == ([14_000], 0.014)
        assert headers["location"] == f"/v1/jobs/{body['darkroom']['job']['id']}"

    def test_several_pictures_are_as_many_charges_as_they_are(self, door: Door) -> None:
        _, body, _ = door.images(n=3)
        assert len(body["data"]) == 3
        assert sum(door.charges) == 42_000
        assert len(door.charges) <= 3

    def test_the_same_key_is_one_charge(self, door: Door) -> None:
        body = {"prompt": "A red fox", "model": KLEIN}
        sent = [door.send("POST", "/v1/images", body=body, headers={"idempotency-key": "k"}) for _ in range(2)]
        assert sent[0][1]["data"] == sent[1][1]["data"]
        assert len(door.charges) == 1

    def test_references_are_worked_from(self, door: Door) -> None:
        status, body, _ = door.images(prompt="as a watercolor", input_references=[reference()])
        assert status == 200
        assert opened(body["data"][0]["b64_json"]).width / opened(body["data"][0]["b64_json"]).height == pytest.approx(
            96 / 64, rel=0.02
        )
        assert door.charges == [15_000]

    def test_a_stream_ends_with_the_picture(self, door: Door) -> None:
        status, text, _ = door.images(model=STREAMING, quality="low", stream=True)
        assert status == 200
        event = json.loads(text.split("\n\n")[0].partition("data: ")[2])
        done = components.ImageGenCompletedEvent.model_validate(event)
        assert opened(done.b64_json).size == (1024, 1024)
        assert [round(event["usage"]["cost"] * 1_000_000)] == door.charges

    @pytest.mark.parametrize(
        ("fields", "status", "code"),
        [
            ({"input_references": "x"}, 400, "INVALID_PARAMETER"),
            ({"input_references": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}, 400, "INVALID_PARAMETER"),
            ({"prompt": ""}, 400, "INVALID_PROMPT"),
            ({"model": "nobody/knows"}, 400, "UNSUPPORTED_MODEL"),
            ({"max_cost_usd": 0.001}, 402, "COST_LIMIT"),
        ],
    )
    def test_a_refusal_is_openrouters(self, door: Door, fields: dict[str, Any], status: int, code: str) -> None:
        got, body, headers = door.images(**fields)
        assert (got, body["error"]["code"], body["error"]["metadata"]["code"]) == (status, status, code)
        assert body["error"]["metadata"]["charged"] is False
        assert body["error"]["message"]
        assert headers["content-type"] == "application/json"
        assert door.charges == []


class TestChat:
    @pytest.mark.parametrize(
        "fields",
        [
            {"model": KLEIN},
            {"model": PAINTER},
            {"model": KLEIN, "modalities": ["image", "text"]},
            {"modalities": ["image"]},
        ],
    )
    def test_pictures_come_in_the_message_for_one_charge(self, door: Door, fields: dict[str, Any]) -> None:
        status, body, _ = door.chat(**fields)
        assert status == 200, body
        result = components.ChatResult.model_validate(body)
        images = result.choices[0].message.images
        assert images
        kind, _, data = images[0].image_url.url.partition(";base64,")
        assert kind in ("data:image/png", "data:image/jpeg")
        assert opened(data).size == (1024, 1024)
        assert len(door.charges) == 1
        assert body["usage"]["cost"] == door.charges[0] / 1_000_000 == body["darkroom"]["cost"]["actual_usd"]

    def test_words_alone_are_asked_for_and_got(self, door: Door) -> None:
        status, body, _ = door.chat(model=PAINTER, modalities=["text"])
        assert status == 200
        assert body["choices"][0]["message"]["content"]
        assert not body["choices"][0]["message"].get("images")

    def test_a_model_that_talks_answers_in_words(self, door: Door) -> None:
        _, body, _ = door.chat(model=TALKER)
        assert not body["choices"][0]["message"].get("images")

    def test_a_picture_of_the_message_is_worked_from(self, door: Door) -> None:
        content = [{"type": "text", "text": "as a watercolor"}, reference()]
        _, body, _ = door.chat(content, model=KLEIN)  # type: ignore[arg-type]  # parts instead of a text
        picture = opened(body["choices"][0]["message"]["images"][0]["image_url"]["url"].partition(",")[2])
        assert picture.width / picture.height == pytest.approx(96 / 64, rel=0.02)
        assert door.charges == [15_000]

    def test_an_answer_is_made_over_in_the_next_turn(self, door: Door) -> None:
        made = door.chat(model=KLEIN, image_config={"aspect_ratio": "16:9"})[1]["choices"][0]["message"]
        messages = [{"role": "user", "content": "A fox"}, made, {"role": "user", "content": "Make it winter"}]
        status, body, _ = door.send("POST", "/v1/chat/completions", body={"model": KLEIN, "messages": messages})
        assert status == 200
        picture = opened(body["choices"][0]["message"]["images"][0]["image_url"]["url"].partition(",")[2])
        assert picture.width / picture.height == pytest.approx(16 / 9, rel=0.02)
        assert len(door.charges) == 2

    def test_a_stream_has_them_too(self, door: Door) -> None:
        status, text, _ = door.chat(model=KLEIN, stream=True)
        assert status == 200
        events = [json.loads(each.removeprefix("data: ")) for each in text.split("\n\n")[:-2]]
        for each in events:
            components.ChatStreamChunk.model_validate(each)
        shown = [each["choices"][0]["delta"].get("images") for each in events]
        assert [len(images) for images in shown if images] == [1]
        assert len(door.charges) == 1

    def test_without_words_nothing_is_bought(self, door: Door) -> None:
        status, body, _ = door.chat("", model=KLEIN)
        assert (status, body["error"]["metadata"]["code"]) == (400, "INVALID_PROMPT")
        assert door.charges == []

    def test_the_same_key_is_one_charge(self, door: Door) -> None:
        sent = [door.chat(model=KLEIN, headers={"idempotency-key": "k"})[1] for _ in range(2)]
        assert sent[0]["choices"] == sent[1]["choices"]
        assert len(door.charges) == 1


class TestLists:
    def test_models_are_openrouters_for_its_clients_alone(self, door: Door) -> None:
        _, body, _ = door.send("GET", "/v1/models")
        found = components.ModelsListResponse.model_validate(body)
        talker = {model.id: model for model in found.data}[TALKER]
        assert float(talker.pricing.prompt) > 0
        assert talker.architecture.output_modalities == ["text"]
        assert KLEIN not in {model.id for model in found.data}
        _, others, _ = door.send("GET", "/v1/models", agent=OPENAI)
        assert others["object"] == "list"

    def test_a_prefix_says_it_too(self, door: Door) -> None:
        event = http_event("GET", "/v1/models", token=door.token)
        event["requestContext"]["http"]["path"] = "/api/v1/models"
        body = json.loads(handled(models.routes(door.studio.app).handle, event, Context())["body"])
        assert "architecture" in body["data"][0]

    def test_a_page_is_asked_for(self, door: Door) -> None:
        whole = door.send("GET", "/v1/models", query={"output_modalities": "all"})[1]
        part = door.send("GET", "/v1/models", query={"output_modalities": "all", "offset": "2", "limit": "3"})[1]
        assert part["data"] == whole["data"][2:5]
        assert part["total_count"] == len(whole["data"])
        status, body, _ = door.send("GET", "/v1/models", query={"offset": "x"})
        assert (status, body["error"]["code"]) == (400, 400)

    @pytest.mark.parametrize(("name", "form"), [("count", "count"), ("user", "data"), (f"{TALKER}/endpoints", "data")])
    def test_what_is_below_models(self, door: Door, name: str, form: str) -> None:
        status, body, _ = door.send("GET", f"/v1/models/{name}", key="/v1/models/{proxy+}")
        assert status == 200
        if form == "count":
            assert body["data"]["count"] == door.send("GET", "/v1/models")[1]["total_count"]
        elif name == "user":
            components.ModelsListResponse.model_validate(body)
        else:
            assert body["data"]["endpoints"][0]["pricing"]["prompt"]

    def test_image_models_and_their_sources(self, door: Door) -> None:
        found = components.ImageModelsListResponse.model_validate(door.send("GET", "/v1/images/models")[1])
        assert KLEIN in {model.id for model in found.data}
        path = "/v1/images/models/openai/gpt-image-2/endpoints"
        _, body, _ = door.send("GET", path, key="/v1/images/models/{proxy+}")
        prices = components.ImageModelEndpointsResponse.model_validate(body).endpoints[0].pricing
        assert ("output_image", "token", 0.00003) in [(each.billable, each.unit, each.cost_usd) for each in prices]


class TestAccount:
    def test_the_key_is_the_tokens(self, door: Door) -> None:
        door.images()
        limited = door.studio.app.tokens.create(user="alice", name="agent", day_limit=20_000)[1]
        mine = Door(door.studio, limited)
        mine.images(prompt="Another fox")
        data = mine.send("GET", "/v1/key")[1]["data"]
        assert (data["label"], data["limit"], data["limit_remaining"], data["limit_reset"]) == (
            "agent",
            0.02,
            0.006,
            "daily",
        )
        assert (data["usage"], data["usage_daily"], data["usage_weekly"], data["usage_monthly"]) == (0.014,) * 4

    def test_credits_are_the_months(self, door: Door) -> None:
        door.images()
        assert door.send("GET", "/v1/credits")[1] == {"data": {"total_credits": 50.0, "total_usage": 0.014}}

    def test_a_generation_is_found_by_either_id(self, door: Door) -> None:
        body = door.images()[1]
        job = body["darkroom"]["job"]["id"]
        generation = door.studio.job("alice", job).generation_id
        for wanted in (job, generation):
            data = door.send("GET", "/v1/generation", query={"id": str(wanted)})[1]["data"]
            components.GenerationResponseData.model_validate(data)
            assert (data["id"], data["total_cost"], data["model"]) == (wanted, 0.014, KLEIN)
        status, missing, _ = door.send("GET", "/v1/generation", query={"id": "gen-nothing"})
        assert (status, missing["error"]["code"]) == (404, 404)

    def test_without_a_token_the_refusal_is_openrouters(self, studio: Studio) -> None:
        status, body, _ = Door(studio, "dk_wrong").send("GET", "/v1/key")
        assert (status, body["error"]["code"]) == (401, 401)
