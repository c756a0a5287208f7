"""OpenAI's Responses: what its clients send is one order for the words and one for each picture, and no more."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from openai._models import construct_type
from openai.types.responses import Response, ResponseStreamEvent
from openrouter import components
from PIL import Image
from pydantic import TypeAdapter

from darkroom.http.routes import completions
from tests.application import KLEIN, STREAMING, Studio
from tests.events import Context, http_event
from tests.openapi import handled
from tests.unit.services.completing import PAINTER, TALKER, data_url

OPENROUTERS: TypeAdapter[Any] = TypeAdapter(components.StreamEvents)
DRAW = "Draw a picture of a red fox"
PICTURES = {"type": "image_generation", "model": KLEIN}


@dataclass
class Said:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def output(self) -> list[dict[str, Any]]:
        assert self.status == 200, self.text
        # OpenRouter has no such choice of a tool.
        components.OpenResponsesResult.model_validate({**self.json, "tool_choice": "auto"})
        found: list[dict[str, Any]] = self.json["output"]
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        assert self.headers["content-type"] == "text/event-stream"
        return list(_events(self.text))


def _events(text: str) -> Iterator[dict[str, Any]]:
    *events, rest = text.split("\n\n")
    assert rest == ""
    for number, event in enumerate(events):
        name, data = event.split("\n")
        value = json.loads(data.removeprefix("data: "))
        assert name == f"event: {value['type']}"
        assert value["sequence_number"] == number
        yield value


@dataclass
class Door:
    studio: Studio
    token: str

    def ask(self, given: Any = "Hello there", *, headers: dict[str, str] | None = None, **fields: Any) -> Said:
        api = completions.routes(self.studio.app)
        body = {"model": TALKER, "input": given, **fields}
        event = http_event("POST", "/v1/responses", token=self.token, headers=headers or {}, body=body)
        answer = handled(api.handle, event, Context())
        sent = {name.lower(): str(value) for name, value in answer["headers"].items()}
        return Said(answer["statusCode"], sent, answer["body"])

    def draw(self, text: Any = DRAW, *, headers: dict[str, str] | None = None, **fields: Any) -> Said:
        return self.ask(text, headers=headers, **{"tools": [PICTURES], **fields})

    @property
    def charges(self) -> list[int]:
        return self.studio.charged("alice")

    def sent(self) -> dict[str, Any]:
        """The latest chat that the provider was asked for."""
        rows = [row for row in self.studio.paid_requests() if "messages" in row["body"]]
        found: dict[str, Any] = rows[-1]["body"]
        return found


@pytest.fixture
def door(studio: Studio) -> Door:
    studio.job_queue.works = studio.app.worker
    return Door(studio, studio.token("alice"))


def size_of(item: dict[str, Any]) -> tuple[int, int]:
    return Image.open(io.BytesIO(base64.b64decode(item["result"], validate=True))).size


def look(text: str = "What is it?") -> list[dict[str, Any]]:
    parts = [{"type": "input_text", "text": text}, {"type": "input_image", "image_url": data_url((96, 64))}]
    return [{"role": "user", "content": parts}]


class TestMoney:
    def test_words_are_one_charge(self, door: Door) -> None:
        said = door.ask()
        (item,) = said.output
        assert "Hello there" in item["content"][0]["text"]
        assert len(door.charges) == 1
        facts = said.json["darkroom"]
        assert [round(facts["cost_usd"] * 1_000_000), facts["charged"]] == [*door.charges, True]
        assert float(said.headers["x-cost-usd"]) == facts["cost_usd"] == said.json["usage"]["cost"]

    def test_words_and_a_picture_are_two_charges_and_receipts(self, door: Door) -> None:
        said = door.draw()
        (item,) = said.output
        assert (item["type"], item["status"], size_of(item)) == ("image_generation_call", "completed", (1024, 1024))
        assert item["revised_prompt"]
        assert len(door.charges) == 2
        receipts = door.studio.ledger.receipts("alice", limit=10).receipts
        assert sorted(each.actual or 0 for each in receipts) == sorted(door.charges)
        assert round(said.json["darkroom"]["cost_usd"] * 1_000_000) == sum(door.charges)
        day = door.studio.budget("alice", "day")
        assert (day.spent, day.reserved) == (sum(door.charges), 0)

    def test_a_picture_that_is_wanted_whatever_is_one_charge(self, door: Door) -> None:
        (item,) = door.draw(tool_choice={"type": "image_generation"}).output
        assert size_of(item) == (1024, 1024)
        assert len(door.charges) == 1

    @pytest.mark.parametrize("model", [PAINTER, KLEIN, STREAMING])
    def test_a_model_that_makes_pictures_is_one_charge(self, door: Door, model: str) -> None:
        (item,) = door.ask("A red fox", model=model, tools=[{"type": "image_generation", "quality": "low"}][:0]).output
        assert size_of(item)[0] > 500
        assert len(door.charges) == 1

    def test_no_picture_is_made_that_no_model_called_for(self, door: Door) -> None:
        (item,) = door.draw("How is the weather?").output
        assert item["type"] == "message"
        assert len(door.charges) == 1
        assert door.draw(tool_choice="none").output[0]["type"] == "message"
        assert len(door.charges) == 2

    def test_the_same_key_is_no_further_charge(self, door: Door) -> None:
        first, second = (door.draw(headers={"idempotency-key": "k"}) for _ in range(2))
        assert first.output[0]["result"] == second.output[0]["result"]
        assert len(door.charges) == 2

    def test_a_retry_is_no_further_charge(self, door: Door) -> None:
        first = door.draw()
        again = door.draw(headers={"x-stainless-retry-count": "1"})
        assert first.output[0]["result"] == again.output[0]["result"]
        assert len(door.charges) == 2
        # Another request is another answer.
        door.draw()
        assert len(door.charges) == 4

    def test_a_picture_that_is_not_ready_is_waited_for_by_the_same_request(self, door: Door) -> None:
        works, door.studio.job_queue.works = door.studio.job_queue.works, None
        assert door.draw().json["code"] == "STILL_RUNNING"
        door.studio.carry_out()
        # The words are there now, the picture is not.
        late = door.draw()
        assert (late.status, late.json["code"], late.json["charged"]) == (503, "STILL_RUNNING", True)
        assert late.headers["x-should-retry"] == "true"
        assert len(door.charges) == 1
        door.studio.carry_out()
        door.studio.job_queue.works = works
        assert size_of(door.draw().output[0]) == (1024, 1024)
        assert len(door.charges) == 2

    def test_the_wall_holds_before_each_step(self, door: Door) -> None:
        refused = door.draw(max_cost_usd=0.0000011)
        assert (refused.status, refused.json["code"], door.charges) == (402, "COST_LIMIT", [])
        # Enough for words, and not for a picture.
        refused = door.draw(max_cost_usd=0.012)
        assert (refused.status, refused.json["code"], refused.json["charged"]) == (402, "COST_LIMIT", True)
        assert len(door.charges) == 1
        assert refused.headers["x-should-retry"] == "false"

    def test_what_is_wrong_with_a_picture_is_said_before_anything_is_paid(self, door: Door) -> None:
        refused = door.ask(DRAW, tools=[{**PICTURES, "size": "huge"}])
        assert (refused.status, refused.json["param"], door.charges) == (400, "size", [])

    def test_a_picture_that_the_provider_refuses(self, door: Door) -> None:
        door.studio.simulator.scenario("content_policy", path="/images")
        refused = door.draw()
        assert (refused.status, refused.json["code"]) == (422, "CONTENT_REFUSED")
        assert (refused.json["charged"], refused.json["retryable"]) == (True, False)
        assert len(door.charges) == 1


class TestPictures:
    def test_those_of_the_input_are_changed(self, door: Door) -> None:
        (item,) = door.draw(
            look("Change this picture to a watercolor"), tool_choice={"type": "image_generation"}
        ).output
        width, height = size_of(item)
        assert width / height == pytest.approx(96 / 64, rel=0.02)
        assert item["action"] == "edit"
        (item,) = door.draw(look(DRAW), tools=[{**PICTURES, "action": "generate"}]).output
        assert (item["action"], size_of(item)) == ("generate", (1024, 1024))

    def test_a_picture_that_was_made_is_gone_on_with(self, door: Door) -> None:
        (made,) = door.draw(tool_choice={"type": "image_generation"}).output
        talk = [{"role": "user", "content": DRAW}, made, {"role": "user", "content": "Now in winter"}]
        (item,) = door.draw(talk, tool_choice="required").output
        assert item["action"] == "edit"
        assert len(door.charges) == 2

    def test_what_is_set_is_kept_to(self, door: Door) -> None:
        tool = {"type": "image_generation", "model": STREAMING, "quality": "low", "size": "1536x1024"}
        (item,) = door.draw(tools=[tool], tool_choice="required").output
        assert (size_of(item), item["quality"], item["size"]) == ((1536, 1024), "low", "1536x1024")

    def test_beside_a_function_of_the_clients(self, door: Door) -> None:
        weather = {"type": "function", "name": "get_weather", "description": "The weather of a place", "parameters": {}}
        output = door.draw(f"{DRAW}, and how is the weather?", tools=[PICTURES, weather]).output
        assert sorted(item["type"] for item in output) == ["function_call", "image_generation_call"]
        assert len(door.charges) == 2


class TestWords:
    def test_a_conversation_comes_whole(self, door: Door) -> None:
        call = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": '{"city":"Oslo"}'}
        talk = [
            {"type": "message", "role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            call,
            {**call, "call_id": "c2"},
            {"type": "function_call_output", "call_id": "c1", "output": "Sun"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "Rain"}]},
        ]
        said = door.ask(talk, instructions="Be brief.")
        assert "Sun" in said.output[0]["content"][0]["text"]
        messages = door.sent()["messages"]
        assert [each["role"] for each in messages] == ["system", "system", "user", "assistant", "tool", "tool"]
        assert [each["id"] for each in messages[3]["tool_calls"]] == ["c1", "c2"]
        assert messages[3]["content"] == "I look."
        assert messages[5] == {"role": "tool", "tool_call_id": "c2", "content": "Rain"}

    def test_what_chat_has_by_another_name(self, door: Door) -> None:
        schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        said = door.ask(
            text={"format": {"type": "json_schema", "name": "place", "schema": schema, "strict": True}},
            reasoning={"effort": "low"},
            max_output_tokens=300,
            temperature=0.5,
            top_k=3,
        )
        assert "city" in json.loads(said.output[-1]["content"][0]["text"])
        sent = door.sent()
        assert sent["response_format"]["json_schema"]["name"] == "place"
        assert (sent["max_completion_tokens"], sent["reasoning_effort"], sent["top_k"]) == (300, "low", 3)
        assert said.json["text"]["format"]["name"] == "place"
        assert (said.json["temperature"], said.json["max_output_tokens"], said.json["store"]) == (0.5, 300, False)

    def test_a_function_is_called(self, door: Door) -> None:
        schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        tool = {"type": "function", "name": "get_weather", "description": "Weather", "parameters": schema}
        said = door.ask("Weather in Oslo?", tools=[tool], tool_choice={"type": "function", "name": "get_weather"})
        (item,) = said.output
        assert (item["type"], item["name"], item["status"]) == ("function_call", "get_weather", "completed")
        assert "city" in json.loads(item["arguments"])
        assert item["call_id"]
        parsed = construct_type(type_=Response, value=said.json)
        assert isinstance(parsed, Response)
        assert parsed.tools[0].type == "function"

    def test_it_looks_at_pictures(self, door: Door) -> None:
        assert door.ask(look()).status == 200
        (_, part) = door.sent()["messages"][0]["content"]
        assert part["image_url"]["url"].startswith("data:image/")

    def test_an_answer_that_is_cut_short(self, door: Door) -> None:
        said = door.ask("Tell me of all rivers of the world, " * 9, max_output_tokens=3)
        assert said.json["status"] == "incomplete"
        assert said.json["incomplete_details"] == {"reason": "max_output_tokens"}


class TestStream:
    def test_in_one_piece_where_the_way_carries_no_other(self, door: Door) -> None:
        events = door.ask(stream=True).events
        kinds = [event["type"] for event in events]
        assert kinds[:4] == [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
        ]
        assert kinds[-4:] == [
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
        text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
        response = events[-1]["response"]
        assert response["output"][0]["content"][0]["text"] == text
        assert round(response["darkroom"]["cost_usd"] * 1_000_000) == sum(door.charges)
        assert len({event["response"]["id"] for event in events if "response" in event}) == 1
        for event in events:
            read = construct_type(type_=ResponseStreamEvent, value=event)
            assert read.type == event["type"]  # type: ignore[attr-defined]
            OPENROUTERS.validate_python(event)

    def test_a_picture_and_a_call(self, door: Door) -> None:
        events = door.draw(stream=True).events
        kinds = [event["type"].removeprefix("response.") for event in events]
        assert kinds == [
            "created",
            "in_progress",
            "output_item.added",
            "image_generation_call.in_progress",
            "image_generation_call.generating",
            "image_generation_call.completed",
            "output_item.done",
            "completed",
        ]
        assert size_of(events[-1]["response"]["output"][0]) == (1024, 1024)
        assert len(door.charges) == 2


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"type": "computer_call"}]}, "input[0]"),
        ({"input": [{"type": "image_generation_call", "id": "ig_1"}]}, "input[0].result"),
        ({"input": [{"role": "king", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input[0].content"),
        ({"input": ""}, "input"),
        ({"input": None}, "input"),
        ({"input": 3}, "input.str"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "image_generation", "action": "edit"}]}, "input"),
        ({"tools": [{"type": "image_generation", "action": "x"}]}, "tools.image_generation.action"),
        ({"tool_choice": {"type": "file_search"}, "tools": [PICTURES]}, "tool_choice"),
        ({"reasoning": {"effort": "enormous"}}, "reasoning.effort"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": 10_000_000}, "max_output_tokens"),
    ],
)
def test_what_is_not_to_be_had(door: Door, fields: dict[str, Any], param: str) -> None:
    said = door.ask(**{"given": "Hello", **{"given" if k == "input" else k: v for k, v in fields.items()}})
    assert (said.status, said.json["charged"]) == (400, False)
    assert said.json["param"] == said.json["error"]["param"] == param
    assert said.json["fix"]
    assert door.charges == []


def test_reasoning_is_handed_back(door: Door) -> None:
    from darkroom.http.doors.responses_input import sealed

    details = [{"type": "reasoning.text", "text": "Hm", "signature": "s"}]
    talk = [
        {"role": "user", "content": "Hello"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed(details)},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "another's"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "Hello again"},
    ]
    assert door.ask(talk).status == 200
    assert door.sent()["messages"][1] == {"role": "assistant", "content": "Hi", "reasoning_details": details}
