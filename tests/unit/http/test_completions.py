"""`POST /v1/chat/completions`: the provider's answer with ours beside it, whole and as a stream; and what OpenAI's own
SDK makes of that stream."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openrouter import components

from darkroom.http.app import Api
from darkroom.http.completion_stream import stream
from darkroom.http.routes.completions import complete_route
from darkroom.http.schemas.completions import COMPLETE
from darkroom.services.paid.settlement import SIMULATED
from tests.application import Studio
from tests.events import Context, http_event
from tests.openapi import handled
from tests.unit.services.completing import TALKER, tool

ASYNC = {"prefer": "respond-async"}


class ShortContext(Context):
    """Whoever waits has no time for it."""

    def get_remaining_time_in_millis(self) -> int:
        return 2_000


@dataclass(frozen=True)
class Said:
    """An answer of the edge."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def chunks(self) -> list[dict[str, Any]]:
        assert self.headers["content-type"] == "text/event-stream"
        return list(_events(self.text))


def _events(text: str) -> Iterator[dict[str, Any]]:
    """A stream's chunks, every one of which OpenAI's SDK has to understand."""
    *events, end, rest = text.split("\n\n")
    assert (end, rest) == ("data: [DONE]", "")
    for event in events:
        chunk = json.loads(event.removeprefix("data: "))
        ChatCompletionChunk.model_validate(chunk)
        components.ChatStreamChunk.model_validate(chunk)
        # To OpenRouter's SDK for JavaScript null is no text; only how a choice ended may be null.
        assert None not in chunk.values()
        assert all(
            value is not None
            for choice in chunk["choices"]
            for name, value in choice.items()
            if name != "finish_reason"
        )
        assert chunk["object"] == "chat.completion.chunk"
        yield chunk


def _joined(chunks: list[dict[str, Any]], index: int = 0) -> dict[str, Any]:
    """The message that the chunks are one of, put together as clients do."""
    message: dict[str, Any] = {}
    calls: dict[int, dict[str, Any]] = {}
    choices = [choice for chunk in deepcopy(chunks) for choice in chunk["choices"] if choice["index"] == index]
    for delta in (choice["delta"] for choice in choices):
        for part in delta.pop("tool_calls", []):
            call = calls.setdefault(part["index"], {**part, "function": {**part["function"], "arguments": ""}})
            call["function"]["arguments"] += part["function"]["arguments"]
        if "content" in delta:
            message["content"] = message.get("content", "") + delta.pop("content")
        message |= delta
    if calls:
        message["tool_calls"] = list(calls.values())
    return message


@dataclass
class Edge:
    studio: Studio
    api: Api
    token: str

    def __call__(
        self, headers: dict[str, str] | None = None, *, context: Any = None, text: str = "Hello", **fields: Any
    ) -> Said:
        body = {"model": TALKER, "messages": [{"role": "user", "content": text}], **fields}
        return self.send(http_event("POST", COMPLETE.path, token=self.token, headers=headers, body=body), context)

    def send(self, event: dict[str, Any], context: Any = None) -> Said:
        answer = handled(self.api.handle, event, context or Context())
        assert not answer.get("isBase64Encoded")
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        return Said(answer["statusCode"], headers, answer["body"])


@pytest.fixture
def edge(studio: Studio) -> Edge:
    """The worker carries out a job before the order is answered, unless `works` is taken away from the queue."""
    studio.job_queue.works = studio.app.worker
    api = Api(studio.app.callers, studio.app.rates)
    complete_route(api, studio.app)
    return Edge(studio, api, studio.token("alice"))


def test_the_answer_is_the_providers_and_ours_beside_it(edge: Edge) -> None:
    said = edge()
    assert said.status == 200
    (job,) = edge.studio.of("alice").values()
    stored = json.loads(job.result["completion_text"])
    ours = said.json["darkroom"]
    # What OpenRouter requires and OpenAI takes no null for.
    assert stored.pop("system_fingerprint") is None
    assert stored.pop("service_tier") is None
    assert said.json == {**stored, "system_fingerprint": "", "darkroom": ours}
    ChatCompletion.model_validate(said.json)
    components.ChatResult.model_validate(said.json)
    assert said.json["choices"][0]["message"]["content"]
    assert said.json["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert ours["job"] == {"id": job.id, "object": "job", "urls": {"get": f"/v1/jobs/{job.id}"}}
    assert (ours["model_requested"], ours["model_used"], ours["warnings"]) == (TALKER, TALKER, [SIMULATED])
    assert [round(ours["cost"]["actual_usd"] * 1_000_000)] == edge.studio.charged("alice")
    assert said.headers["location"] == f"/v1/jobs/{job.id}"
    assert float(said.headers["x-cost-usd"]) == ours["cost"]["actual_usd"]


def test_a_stream_says_the_same(edge: Edge) -> None:
    whole = edge(text="Hello there").json
    chunks = edge(text="Hello there", stream=True).chunks
    assert _joined(chunks)["content"] == whole["choices"][0]["message"]["content"]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        (chunks[0]["id"], chunks[0]["created"], TALKER)
    }
    assert not any("usage" in chunk for chunk in chunks)
    assert chunks[-1]["darkroom"]["model_used"] == TALKER


def test_a_stream_tells_its_usage_to_whom_it_matters(edge: Edge) -> None:
    chunks = edge(stream=True, stream_options={"include_usage": True}).chunks
    assert not any("usage" in chunk for chunk in chunks[:-1])
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] > 0
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


def test_the_call_of_a_tool_is_streamed(edge: Edge) -> None:
    tools = [tool(city={"type": "string"}), tool("get_price")]
    asked: dict[str, Any] = {"text": "The weather and the price, please " * 12, "tools": tools}
    whole, chunks = edge(**asked).json, edge(**asked, stream=True).chunks
    wanted, joined = whole["choices"][0]["message"]["tool_calls"], _joined(chunks)["tool_calls"]
    assert [call["function"] for call in joined] == [call["function"] for call in wanted]
    assert [(call["index"], call["type"]) for call in joined] == [(0, "function"), (1, "function")]
    assert len({call["id"] for call in joined}) == 2
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def _completion(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    choices = [
        {"index": index, "finish_reason": "stop", "native_finish_reason": "STOP", "message": message, **more}
        for index, message in enumerate(messages)
    ]
    around = {"id": "gen-1", "object": "chat.completion", "created": 1, "model": "a/b", "provider": "Acme"}
    return {**around, "choices": choices, "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}


def test_what_is_beside_the_words_is_streamed_as_it_is() -> None:
    message = {
        "role": "assistant",
        "content": "Yes. " * 100,
        "refusal": None,
        "reasoning": "Hm.",
        "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}],
        "annotations": [{"type": "url_citation", "url_citation": {"url": "https://x.example"}}],
    }
    logprobs: dict[str, Any] = {
        "content": [{"token": "Yes.", "logprob": -0.5, "bytes": None, "top_logprobs": []}],
        "refusal": None,
    }
    chunks = list(_events(stream(_completion(message, logprobs=logprobs), shows_usage=False)))
    assert _joined(chunks) == {name: each for name, each in message.items() if each is not None}
    told = [chunk["choices"][0].get("logprobs") for chunk in chunks]
    assert [each for each in told if each] == [logprobs]
    assert chunks[-1]["choices"][0]["native_finish_reason"] == "STOP"
    assert chunks[0]["provider"] == "Acme"


def test_a_refusal_is_streamed() -> None:
    chunks = list(
        _events(stream(_completion({"role": "assistant", "content": None, "refusal": "No."}), shows_usage=True))
    )
    assert _joined(chunks) == {"role": "assistant", "content": "", "refusal": "No."}


@pytest.mark.parametrize("choices", [[], None, [{}], [{"message": None}], [7], "x"])
def test_a_strange_answer_is_a_stream_all_the_same(choices: Any) -> None:
    text = stream({**_completion(), "choices": choices}, shows_usage=True)
    assert text.endswith("data: [DONE]\n\n")
    assert json.loads(text.split("\n\n")[-3].removeprefix("data: "))["choices"] == []


@given(
    texts=st.lists(st.text(max_size=700), min_size=1, max_size=3),
    arguments=st.lists(st.text(max_size=600), max_size=3),
    shows_usage=st.booleans(),
)
def test_nothing_is_lost_in_a_stream(texts: list[str], arguments: list[str], shows_usage: bool) -> None:
    calls = [
        {"index": number, "id": f"c{number}", "type": "function", "function": {"name": "f", "arguments": given}}
        for number, given in enumerate(arguments)
    ]
    messages = [{"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})} for text in texts]
    sent = stream(_completion(*messages), shows_usage=shows_usage)
    for index, message in enumerate(messages):
        assert _joined(list(_events(sent)), index) == message


def test_who_does_not_want_to_wait_is_told_where_to_look(edge: Edge) -> None:
    edge.studio.job_queue.works = None
    said = edge({**ASYNC, "idempotency-key": "k"}, stream=True)
    assert (said.status, said.json["op"], said.json["status"]) == (202, "completion", "queued")
    assert said.headers["preference-applied"] == "respond-async"
    edge.studio.carry_out()
    # The completion itself is had by the same request again.
    again = edge({"idempotency-key": "k"})
    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")
    assert again.json["darkroom"]["job"]["id"] == said.json["id"]
    assert len(edge.studio.charged("alice")) == 1


def test_who_can_wait_no_longer_may_ask_again(edge: Edge) -> None:
    edge.studio.job_queue.works = None
    said = edge(context=ShortContext(), stream=True)
    assert (said.status, said.json["code"], said.headers["x-should-retry"]) == (503, "STILL_RUNNING", "true")
    assert said.json["detail"].startswith("The completion is not finished yet")
    edge.studio.carry_out()
    assert edge(stream=True).chunks
    assert len(edge.studio.charged("alice")) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_failure_is_a_problem_with_its_own_status(streamed: bool, edge: Edge) -> None:
    edge.studio.simulator.scenario("out_of_credit")
    said = edge(stream=streamed)
    assert (said.status, said.json["code"], said.json["charged"]) == (402, "INSUFFICIENT_CREDITS", False)
    assert said.headers["content-type"] == "application/problem+json"
    assert said.json["error"]["type"] == "invalid_request_error"
    assert edge.studio.charged("alice") == []


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"messages": []}, 400, "INVALID_PARAMETER", "messages"),
        ({"n": 2}, 400, "INVALID_PARAMETER", "n"),
        ({"model": "nobody/nothing"}, 400, "UNSUPPORTED_MODEL", "model"),
        ({"max_cost_usd": 0.00001}, 402, "COST_LIMIT", "max_cost_usd"),
        ({"plugins": [{"id": "web"}]}, 402, "PRICE_UNKNOWN", "max_cost_usd"),
    ],
)
def test_a_refusal_costs_nothing(fields: dict[str, Any], status: int, code: str, param: str, edge: Edge) -> None:
    said = edge(**fields)
    assert (said.status, said.json["code"], said.json["param"]) == (status, code, param)
    assert edge.studio.paid_requests() == []


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("[1]", "application/json", 400),
        ("{", "application/json", 400),
        ("", "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        ("hello", "text/plain", 415),
        ("a=b", "application/x-www-form-urlencoded", 415),
    ],
)
def test_what_is_no_json(body: str | bytes, content_type: str, status: int, edge: Edge) -> None:
    event = http_event("POST", COMPLETE.path, token=edge.token, body=body, content_type=content_type)
    assert edge.send(event).status == status


def test_what_the_query_says_is_not_passed_on(edge: Edge) -> None:
    body = {"model": TALKER, "messages": [{"role": "user", "content": "Hello"}]}
    event = http_event("POST", COMPLETE.path, token=edge.token, body=body, query={"temperature": "2"})
    assert edge.send(event).status == 200
    assert "temperature" not in edge.studio.paid_requests()[0]["body"]


def test_who_may_not_is_told_before_anything(edge: Edge) -> None:
    assert edge.send(http_event("POST", COMPLETE.path, body={"messages": []})).status == 401
