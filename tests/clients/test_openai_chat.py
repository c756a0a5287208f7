"""Plain chat for clients of OpenAI: the official SDK and the Agents SDK, unmodified, through the gateway.

All that is set is where they go and with which token. Charges are counted at the simulator, by the key of each user.
"""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionToolParam
from PIL import Image
from pydantic import BaseModel

from tests.integration.users import People, User

TALKER = "google/gemini-2.5-flash"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there"}]
WEATHER: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Current weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


@pytest.fixture
def user(people: People) -> User:
    return people.new("chat")


@pytest.fixture
def client(user: User) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{user.stack.url}/v1", api_key=user.token) as client:
        yield client


def _paid(user: User) -> None:
    """Everything on the invoice has a receipt of the same amount, and nothing else has."""
    assert user.charges() == [receipt["actual_micro_usd"] for receipt in reversed(user.receipts())]


def _content(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


class TestSdk:
    def test_an_answer(self, client: OpenAI, user: User) -> None:
        answer = client.chat.completions.create(model=TALKER, messages=HELLO, max_completion_tokens=200)
        assert answer.choices[0].message.content
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage is not None
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
        assert answer.model_extra is not None
        ours = answer.model_extra["darkroom"]
        assert (ours["model_used"], ours["provider"], ours["cost"]["charged"]) == (TALKER, "openrouter", True)
        assert len(user.charges()) == 1
        _paid(user)

    def test_a_stream(self, client: OpenAI, user: User) -> None:
        options: Any = {"include_usage": True}
        with client.chat.completions.create(
            model=TALKER, messages=HELLO, stream=True, stream_options=options
        ) as stream:
            chunks = list(stream)
        assert chunks[0].choices[0].delta.role == "assistant"
        assert "Hello there" in _content(chunks)
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.total_tokens > 0
        assert len(user.charges()) == 1

    def test_the_helper_for_streams(self, client: OpenAI) -> None:
        with client.chat.completions.stream(model=TALKER, messages=HELLO, tools=WEATHER) as stream:
            for _ in stream:
                pass
            final = stream.get_final_completion()
        assert final.choices[0].message.content

    def test_a_picture_is_looked_at(self, client: OpenAI) -> None:
        buffer = io.BytesIO()
        Image.new("RGB", (64, 48), "red").save(buffer, "PNG")
        url = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        parts: Any = [{"type": "text", "text": "What do you see?"}, {"type": "image_url", "image_url": {"url": url}}]
        answer = client.chat.completions.create(model=TALKER, messages=[{"role": "user", "content": parts}])
        assert "red picture of 64 by 48" in (answer.choices[0].message.content or "")

    @pytest.mark.parametrize("streamed", [False, True])
    def test_a_tool_is_called_and_its_answer_used(self, streamed: bool, client: OpenAI, user: User) -> None:
        messages: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
        if streamed:
            with client.chat.completions.stream(model=TALKER, messages=messages, tools=WEATHER) as stream:
                first: Any = stream.get_final_completion()
        else:
            first = client.chat.completions.create(model=TALKER, messages=messages, tools=WEATHER)
        message = first.choices[0].message
        (call,) = message.tool_calls
        assert (first.choices[0].finish_reason, call.function.name) == ("tool_calls", "get_weather")
        assert json.loads(call.function.arguments)["city"]
        result = {"role": "tool", "tool_call_id": call.id, "content": "4 degrees"}
        messages += [message.model_dump(exclude_none=True), result]
        second = client.chat.completions.create(model=TALKER, messages=messages, tools=WEATHER)
        assert second.choices[0].message.content == "I looked it up: 4 degrees"
        assert len(user.charges()) == 2
        _paid(user)

    def test_an_answer_in_a_shape(self, client: OpenAI) -> None:
        class Verdict(BaseModel):
            reply: str
            score: float

        parsed = client.chat.completions.parse(model=TALKER, messages=HELLO, response_format=Verdict)
        assert isinstance(parsed.choices[0].message.parsed, Verdict)

    @pytest.mark.parametrize(
        ("given", "kind", "code"),
        [
            ({"model": "nobody/nothing"}, openai.BadRequestError, "UNSUPPORTED_MODEL"),
            ({"n": 2}, openai.BadRequestError, "INVALID_PARAMETER"),
            ({"max_tokens": 10**6}, openai.BadRequestError, "INVALID_PARAMETER"),
            ({"extra_body": {"max_cost_usd": 0.000001}}, openai.APIStatusError, "COST_LIMIT"),
            ({"extra_body": {"plugins": [{"id": "web"}]}}, openai.APIStatusError, "PRICE_UNKNOWN"),
        ],
    )
    @pytest.mark.parametrize("streamed", [False, True])
    def test_a_refusal_is_the_right_exception_and_costs_nothing(
        self, given: dict[str, Any], kind: type[openai.APIStatusError], code: str, streamed: bool, client: OpenAI,
        user: User,
    ) -> None:  # fmt: skip
        with pytest.raises(kind) as refused:
            client.chat.completions.create(**{"model": TALKER, "messages": HELLO, "stream": streamed, **given})
        assert refused.value.code == code
        assert user.paid_requests() == []

    def test_what_may_have_been_charged_is_never_sent_again(self, client: OpenAI, user: User) -> None:
        user.scenario("cut_body")
        with pytest.raises(openai.InternalServerError) as failed:
            client.chat.completions.create(model=TALKER, messages=HELLO)
        assert failed.value.code == "NETWORK_ERROR"
        assert len(user.paid_requests()) == 1


class TestAgents:
    """https://openai.github.io/openai-agents-python/"""

    def test_an_agent_uses_its_tool(self, user: User) -> None:
        agents = pytest.importorskip("agents")

        async def run() -> Any:
            async with _agent(agents, user) as (agent, settings):
                return await agents.Runner.run(agent, "What is the weather in Oslo?", run_config=settings)

        result = asyncio.run(run())
        assert result.final_output == "I looked it up: 4 degrees in Oslo"
        assert result.context_wrapper.usage.requests == len(user.charges()) == 2
        assert result.context_wrapper.usage.total_tokens > 0
        _paid(user)

    def test_an_agent_streams(self, user: User) -> None:
        agents = pytest.importorskip("agents")

        async def run() -> tuple[Any, list[str]]:
            async with _agent(agents, user) as (agent, settings):
                result = agents.Runner.run_streamed(agent, "What is the weather in Oslo?", run_config=settings)
                return result, [event.type async for event in result.stream_events()]

        result, events = asyncio.run(run())
        assert result.final_output == "I looked it up: 4 degrees in Oslo"
        assert {"raw_response_event", "run_item_stream_event"} <= set(events)
        assert len(user.charges()) == 2


@asynccontextmanager
async def _agent(agents: Any, user: User) -> AsyncIterator[tuple[Any, Any]]:
    """An agent that can look the weather up, and settings with which it reports to nobody."""

    def get_weather(city: str) -> str:
        """Current weather of a city."""
        assert city
        return "4 degrees in Oslo"

    async with AsyncOpenAI(base_url=f"{user.stack.url}/v1", api_key=user.token) as client:
        agent = agents.Agent(
            name="Weather",
            instructions="Be brief.",
            model=agents.OpenAIChatCompletionsModel(model=TALKER, openai_client=client),
            tools=[agents.function_tool(get_weather)],
        )
        yield agent, agents.RunConfig(tracing_disabled=True)
