"""Chat streamed at the live door: each token is passed on when it comes, and the money is that of any other chat.

Nothing here is told by a clock: the provider holds the rest of its answer back until the client has shown what it has.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openrouter import components

from darkroom.application import Application
from darkroom.application.live import LiveApplication
from darkroom.http.live import Live, Pace
from darkroom.http.routes.completions import routes
from darkroom.models.job import JobStatus
from tests.application import Studio
from tests.asgi_server import serving
from tests.unit.services.completing import TALKER, tool

ROUTE = "/v1/chat/completions"
PATIENT = Pace(begins_after=60.0)
LIVELY = Pace(begins_after=60.0, blank_every=0.01)
LONG = "Hello there, and how is it going with you on this day? " * 3


@dataclass
class Door:
    """The live door on a socket, and Alice, who asks there."""

    studio: Studio
    app: Application
    url: str
    token: str
    sdk: openai.OpenAI

    @contextmanager
    def asked(self, text: str = LONG, **fields: Any) -> Iterator[httpx.Response]:
        body = {"model": TALKER, "messages": [{"role": "user", "content": text}], "stream": True, **fields}
        headers = {"authorization": f"Bearer {self.token}"}
        with (
            httpx.Client(base_url=self.url, timeout=60, headers=headers) as client,
            client.stream("POST", ROUTE, json=body) as answer,
        ):
            yield answer

    def chunks(self, **fields: Any) -> list[dict[str, Any]]:
        with self.asked(**fields) as answer:
            return [json.loads(data) for data in _data(answer) if data != "[DONE]"]

    def scenario(self, name: str, **options: Any) -> None:
        self.studio.simulator.scenario(name, key=self.studio.vault.reveal("alice", "openrouter"), **options)

    def release(self) -> None:
        self.studio.simulator.world.scenarios.release(None)

    def assert_books_agree(self) -> None:
        """The ledger has what the invoice has."""
        charged = self.studio.charged("alice")
        receipts = self.studio.ledger.receipts("alice", limit=100).receipts
        assert [receipt.actual for receipt in reversed(receipts) if receipt.actual] == charged
        day = self.studio.budget("alice", "day")
        assert (day.spent, day.reserved) == (sum(charged), 0)


def _data(answer: httpx.Response) -> Iterator[str]:
    """The data of each event; the stream ends with `[DONE]`."""
    last = ""
    for line in answer.iter_lines():
        assert line == "" or line.startswith(("data: ", ": ")), line
        if line.startswith("data: "):
            last = line.removeprefix("data: ")
            yield last
    assert last == "[DONE]"


@pytest.fixture
def open_door(studio: Studio) -> Iterator[Callable[..., Door]]:
    app = LiveApplication(studio.deployment, studio)
    with ExitStack() as opened:

        def open_(pace: Pace = PATIENT) -> Door:
            live = Live({f"POST {ROUTE}": lambda: routes(app)}, clock=studio.clock, api_url="", seconds=330, pace=pace)
            url, token = opened.enter_context(serving(live.application)), studio.token("alice")
            sdk = opened.enter_context(openai.OpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0))
            return Door(studio, app, url, token, sdk)

        yield open_
        studio.simulator.world.scenarios.clear()


@pytest.fixture
def door(open_door: Callable[..., Door]) -> Door:
    return open_door()


def _words(chunks: list[dict[str, Any]]) -> str:
    return "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])


def test_a_token_is_there_before_the_provider_sends_the_next(door: Door) -> None:
    # Two comments and one piece of the text; the rest when the first has been read.
    door.scenario("held_stream", after=3)
    with door.asked() as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
        (job,) = door.studio.of("alice").values()
        assert answer.headers["location"] == f"/v1/jobs/{job.id}"
        data = _data(answer)
        first = json.loads(next(data))
        assert first["choices"][0]["delta"]["content"]
        assert door.studio.charged("alice") == []
        door.release()
        rest = [json.loads(each) for each in data if each != "[DONE]"]
    chunks = [first, *rest]
    stored = json.loads(door.studio.job("alice", job.id).result["completion_text"])
    assert _words(chunks) == stored["choices"][0]["message"]["content"]
    assert len([chunk for chunk in chunks if chunk["choices"][0]["delta"].get("content")]) > 3
    door.assert_books_agree()


@pytest.mark.parametrize("usage", [{}, {"stream_options": {"include_usage": True}}, {"usage": {"include": True}}])
def test_each_chunk_is_one_to_openai_and_openrouter_and_the_usage_comes_last_where_it_is_asked_for(
    door: Door, usage: dict[str, Any]
) -> None:
    chunks = door.chunks(**usage)
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
        components.ChatStreamChunk.model_validate(chunk)
        assert None not in chunk.values()
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    told = [chunk for chunk in chunks if "usage" in chunk]
    assert told == ([chunks[-1]] if usage else [])
    if usage:
        assert chunks.pop()["choices"] == []
    ends = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert ends == [None] * (len(chunks) - 1) + ["stop"]
    ours = chunks[-1]["darkroom"]
    assert (ours["cost"]["charged"], ours["cost"]["settled"]) == (True, True)
    assert [round(ours["cost"]["actual_usd"] * 1_000_000)] == door.studio.charged("alice")


def test_it_costs_what_it_costs_without_a_stream_and_the_job_has_the_same(door: Door) -> None:
    streamed = door.chunks(stream_options={"include_usage": True})
    with door.asked(stream=False) as answer:
        whole = json.loads(answer.read())
    ChatCompletion.model_validate(whole)
    assert whole["choices"][0]["message"]["content"] == _words(streamed)
    assert whole["usage"] == streamed[-1]["usage"]
    one, other = door.studio.of("alice").values()
    kept = [json.loads(job.result["completion_text"]) for job in (one, other)]
    assert [each["choices"][0]["message"]["content"] for each in kept] == [_words(streamed)] * 2
    assert (one.cost, one.model_used, one.status) == (other.cost, other.model_used, other.status)
    assert len(set(door.studio.charged("alice"))) == 1
    door.assert_books_agree()


def test_openais_helper_puts_a_streamed_call_of_a_tool_together(door: Door) -> None:
    tools: Any = [tool(city={"type": "string"})]
    asked: Any = [{"role": "user", "content": "The weather in Oslo, please"}]
    with door.sdk.chat.completions.stream(model=TALKER, messages=asked, tools=tools) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert calls is not None
    (call,) = calls
    assert (final.choices[0].finish_reason, call.function.name) == ("tool_calls", "get_weather")
    assert isinstance(json.loads(call.function.arguments), dict)
    door.assert_books_agree()


def test_an_error_before_the_first_token_has_its_status(door: Door) -> None:
    door.scenario("stream_error", after=2, code=429, message="Slow down")
    with door.asked() as answer:
        problem = json.loads(answer.read())
    assert (answer.status_code, problem["code"], problem["charged"]) == (429, "RATE_LIMIT", False)
    assert answer.headers["content-type"] == "application/problem+json"
    assert door.studio.charged("alice") == []


@pytest.mark.parametrize("billed", [False, True])
def test_an_error_behind_it_is_openais_and_says_what_is_known_of_the_charge(door: Door, billed: bool) -> None:
    door.scenario("stream_error", after=4, error_type="provider_unavailable", message="Broken", billed=billed)
    asked: Any = {"model": TALKER, "messages": [{"role": "user", "content": LONG}]}
    stream = door.sdk.chat.completions.create(**asked, stream=True)
    assert next(stream).choices[0].delta.content
    with pytest.raises(openai.APIError) as raised:
        list(stream)
    error: Any = raised.value.body
    assert (error["code"], error["charged"]) == ("SERVICE_UNAVAILABLE", "unknown")
    (job,) = door.studio.of("alice").values()
    assert job.status is JobStatus.UNCERTAIN
    # What a reader has seen the beginning of is not asked for once more.
    assert len(door.studio.paid_requests()) == 1


def test_what_failed_for_nothing_is_not_tried_again_once_a_reader_has_some_of_it(door: Door) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0}
    around = {"id": "gen-1", "object": "chat.completion.chunk", "created": 1, "model": TALKER}
    said = {**around, "choices": [{"index": 0, "delta": {"content": "Foxes"}, "finish_reason": None}]}
    wrong = {**around, "usage": usage, "error": {"code": 503, "message": "Overloaded"}, "choices": []}
    body = "".join(f"data: {json.dumps(each)}\n\n" for each in (said, wrong))
    door.scenario("answer", body=body, headers={"content-type": "text/event-stream"})
    events = door.chunks()
    assert _words(events[:1]) == "Foxes"
    assert (events[-1]["error"]["code"], events[-1]["error"]["charged"]) == ("SERVICE_UNAVAILABLE", False)
    assert len(door.studio.paid_requests()) == 1
    assert (door.studio.charged("alice"), door.studio.budget("alice", "day").reserved) == ([], 0)


def test_a_stream_that_is_cut_is_an_error_and_is_found_out(door: Door) -> None:
    door.scenario("cut_stream", after=4)
    events = door.chunks()
    assert _words(events[:-1])
    assert (events[-1]["error"]["code"], events[-1]["error"]["charged"]) == ("NETWORK_ERROR", "unknown")
    (job,) = door.studio.of("alice").values()
    assert (job.status, job.generation_id is not None) == (JobStatus.UNCERTAIN, True)


def test_who_hangs_up_in_the_middle_gets_the_answer_when_the_same_is_asked_again(door: Door) -> None:
    door.scenario("held_stream", after=3)
    with door.asked() as answer:
        next(_data(answer))
    (job,) = door.studio.of("alice").values()
    while [answer.state for answer in door.studio.answers.answers.values()] != ["free"]:
        threading.Event().wait(0.01)
    door.release()
    while not door.studio.job("alice", job.id).status.is_final:
        threading.Event().wait(0.01)
    chunks = door.chunks()
    assert chunks[-1]["darkroom"]["job"]["id"] == job.id
    assert _words(chunks)
    assert len(door.studio.charged("alice")) == 1
    door.assert_books_agree()


def test_a_provider_that_falls_silent_is_waited_for_with_signs_of_life(open_door: Callable[..., Door]) -> None:
    door = open_door(LIVELY)
    door.scenario("held_stream", after=3)
    with door.asked() as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        assert {next(lines) for _ in range(9)} == {": DARKROOM PROCESSING", ""}
        door.release()
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    assert len(data) > 3
    door.assert_books_agree()


def test_an_answer_that_its_provider_does_not_stream_is_a_stream_all_the_same(door: Door) -> None:
    message = {"role": "assistant", "content": "No stream."}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    whole = {"id": "gen-1", "object": "chat.completion", "created": 1, "model": TALKER, "choices": [choice]}
    door.scenario("answer", body={**whole, "usage": {"cost": 0.001, "prompt_tokens": 1, "completion_tokens": 1}})
    chunks = door.chunks()
    assert _words(chunks) == "No stream."
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    door.assert_books_agree()


def test_a_request_that_is_refused_is_refused_as_ever(door: Door) -> None:
    with door.asked(max_cost_usd=0.0000001) as answer:
        assert (answer.status_code, json.loads(answer.read())["code"]) == (402, "COST_LIMIT")
    assert door.studio.paid_requests() == []
