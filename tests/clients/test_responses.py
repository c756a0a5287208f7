"""OpenAI's Responses API by the clients that call it unless told otherwise, unmodified, over a socket.

Each has an address and a token, and nothing else. What they ask for is charged once: the words, and each picture.
"""

import asyncio
import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from PIL import Image
from pydantic import BaseModel

from tests.integration.users import KLEIN, People, User, picture

TALKER = "google/gemini-2.5-flash"
DRAW = "Draw a picture of a red fox"
PICTURES: Any = {"type": "image_generation", "model": KLEIN}
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Current weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Place(BaseModel):
    city: str


@pytest.fixture
def user(people: People) -> User:
    return people.new("responses")


@pytest.fixture
def client(user: User) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{user.stack.url}/v1", api_key=user.token) as client:
        yield client


@pytest.fixture
def environment(user: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """The variables of which OpenAI's SDK, and what stands on it, read address and key."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{user.stack.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", user.token)
    return user


def paid(user: User, times: int) -> None:
    """As many charges as there were answers and pictures, and the receipts say the same."""
    assert len(user.charges()) == times
    assert sorted(user.charges()) == sorted(receipt["actual_micro_usd"] for receipt in user.receipts())


def opened(result: str | None) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(result or "", validate=True)))


class TestOpenAI:
    def test_words_in_every_way(self, client: OpenAI, user: User) -> None:
        said = client.responses.create(model=TALKER, input="Hello there", instructions="Be kind.", store=False)
        assert "Hello there" in said.output_text
        assert (said.status, said.object) == ("completed", "response")
        assert said.usage is not None
        assert said.usage.total_tokens == said.usage.input_tokens + said.usage.output_tokens > 0
        parsed = client.responses.parse(model=TALKER, input="A city", text_format=Place, reasoning={"effort": "low"})
        assert isinstance(parsed.output_parsed, Place)
        with client.responses.stream(model=TALKER, input="Hello there") as stream:
            kinds = [event.type for event in stream]
            assert stream.get_final_response().output_text == said.output_text
        assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
        parts: Any = [{"type": "input_text", "text": "What is it?"}]
        url = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"
        look: Any = [{"role": "user", "content": [*parts, {"type": "input_image", "image_url": url}]}]
        seen = client.responses.create(model=TALKER, input=look)
        assert seen.output_text
        paid(user, 4)

    def test_a_function_and_what_came_of_it(self, client: OpenAI, user: User) -> None:
        asked: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
        first = client.responses.create(model=TALKER, input=asked, tools=[WEATHER])
        (call,) = first.output
        assert call.type == "function_call"
        assert call.name == "get_weather"
        asked += [*first.output, {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"}]
        second = client.responses.create(model=TALKER, input=asked, tools=[WEATHER])
        assert second.output_text == "I looked it up: 4 degrees"
        paid(user, 2)

    def test_pictures_and_changes_of_them(self, client: OpenAI, user: User) -> None:
        drawn = client.responses.create(model=TALKER, input=DRAW, tools=[PICTURES])
        (item,) = drawn.output
        assert item.type == "image_generation_call"
        assert opened(item.result).size == (1024, 1024)
        paid(user, 2)
        talk: Any = [{"role": "user", "content": DRAW}, *drawn.output, {"role": "user", "content": "Now in winter"}]
        changed = client.responses.create(
            model=TALKER, input=talk, tools=[PICTURES], tool_choice={"type": "image_generation"}
        )
        (item,) = changed.output
        assert item.type == "image_generation_call"
        assert (item.status, opened(item.result).size) == ("completed", (1024, 1024))
        paid(user, 3)
        facts: Any = (changed.model_extra or {})["darkroom"]
        assert round(facts["cost_usd"] * 1_000_000) == user.charges()[-1]

    @pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
    def test_what_is_refused_is_the_right_exception_and_costs_nothing(self, client: OpenAI, user: User) -> None:
        for given in (
            {"previous_response_id": "resp_1"},
            {"background": True},
            {"tools": [{"type": "web_search"}]},
            {"model": "nobody/nothing"},
        ):
            with pytest.raises(openai.BadRequestError) as refused:
                client.responses.create(**{"model": TALKER, "input": "Hello", **given})  # type: ignore[call-overload]
            assert refused.value.code in ("INVALID_PARAMETER", "UNSUPPORTED_MODEL")
        for call in (
            lambda: client.responses.retrieve("resp_1"),
            lambda: client.embeddings.create(model="text-embedding-3-small", input="x"),
            lambda: client.moderations.create(input="x"),
            lambda: client.files.list(),
            lambda: client.audio.speech.create(model="tts-1", voice="alloy", input="x"),
            lambda: client.completions.create(model="gpt-3.5-turbo-instruct", prompt="x"),
            lambda: client.batches.list(),
            lambda: client.vector_stores.list(),
            lambda: client.images.create_variation(image=picture()),
        ):
            with pytest.raises(openai.NotFoundError) as missing:
                call()
            assert missing.value.code == "NO_SUCH_ROUTE"
            assert len(str(missing.value)) > 60
        paid(user, 0)

    def test_azures_client(self, user: User) -> None:
        with AzureOpenAI(azure_endpoint=user.stack.url, api_key=user.token, api_version="2025-04-01-preview") as azure:
            messages: Any = [{"role": "user", "content": "Hello there"}]
            said = azure.chat.completions.create(model=TALKER, messages=messages)
            assert "Hello there" in (said.choices[0].message.content or "")
            with azure.chat.completions.create(model=TALKER, messages=messages, stream=True) as stream:
                assert "Hello" in "".join(each.choices[0].delta.content or "" for each in stream if each.choices)
            made = azure.images.generate(model=KLEIN, prompt="A fox")
            changed = azure.images.edit(model=KLEIN, image=picture(), prompt="A fox")
            for answer in (made, changed):
                assert answer.data is not None
                assert opened(answer.data[0].b64_json).size
            assert azure.responses.create(model=TALKER, input="Hello there").output_text
            with pytest.raises(openai.NotFoundError) as missing:
                azure.embeddings.create(model="ada", input="x")
            assert missing.value.code == "NO_SUCH_ROUTE"
        paid(user, 5)


class TestAgents:
    """https://openai.github.io/openai-agents-python/, whose default is the Responses API."""

    def test_an_agent_uses_its_tool_and_streams(self, user: User) -> None:
        import agents

        def get_weather(city: str) -> str:
            """Current weather of a city."""
            return f"4 degrees in {city and 'Oslo'}"

        async def run() -> tuple[Any, Any, list[str]]:
            async with AsyncOpenAI(base_url=f"{user.stack.url}/v1", api_key=user.token) as client:
                model = agents.OpenAIResponsesModel(model=TALKER, openai_client=client)
                agent = agents.Agent("Weather", instructions="Be brief.", model=model,
                                     tools=[agents.function_tool(get_weather)])  # fmt: skip
                settings = agents.RunConfig(tracing_disabled=True)
                plain = await agents.Runner.run(agent, "What is the weather in Oslo?", run_config=settings)
                streamed = agents.Runner.run_streamed(agent, "What is the weather in Oslo?", run_config=settings)
                return plain, streamed, [event.type async for event in streamed.stream_events()]

        plain, streamed, events = asyncio.run(run())
        assert plain.final_output == streamed.final_output == "I looked it up: 4 degrees in Oslo"
        assert {"raw_response_event", "run_item_stream_event"} <= set(events)
        paid(user, 4)

    def test_an_agent_has_a_picture_made(self, environment: User) -> None:
        import agents

        async def run() -> Any:
            # By the two variables; the SDK would make the same one itself, and never close it.
            async with AsyncOpenAI() as client:
                agents.set_default_openai_client(client, use_for_tracing=False)
                tools: list[Any] = [agents.ImageGenerationTool(tool_config=PICTURES)]
                agent = agents.Agent("Painter", model="gpt-4o-mini", tools=tools)
                return await agents.Runner.run(agent, DRAW, run_config=agents.RunConfig(tracing_disabled=True))

        result = asyncio.run(run())
        calls = [item.raw_item for item in result.new_items if item.raw_item.type == "image_generation_call"]
        assert [opened(call.result).size for call in calls] == [(1024, 1024)]
        # The SDK asks once more, with the picture in what it sends, for it ends with words alone.
        paid(environment, 3)


class TestLangChain:
    def test_chat(self, environment: User) -> None:
        from langchain_openai import ChatOpenAI

        chat_tool = {"type": "function", "function": {key: WEATHER[key] for key in WEATHER if key != "type"}}
        model = ChatOpenAI(model=TALKER)
        assert "Hello there" in str(model.invoke("Hello there").content)
        assert "Hello there" in "".join(str(chunk.content) for chunk in model.stream("Hello there"))
        assert isinstance(model.with_structured_output(Place).invoke("A city"), Place)
        (call,) = model.bind_tools([chat_tool]).invoke("What is the weather in Oslo?").tool_calls
        assert call["name"] == "get_weather"
        paid(environment, 4)

    def test_responses(self, environment: User) -> None:
        from langchain_openai import ChatOpenAI

        model = ChatOpenAI(model=TALKER, use_responses_api=True)
        assert "Hello there" in model.invoke("Hello there").text
        assert "Hello there" in "".join(chunk.text for chunk in model.stream("Hello there"))
        assert isinstance(model.with_structured_output(Place).invoke("A city"), Place)
        drawn = model.bind_tools([PICTURES]).invoke(DRAW)
        blocks: Any = drawn.content
        (made,) = [block for block in blocks if block["type"] == "image_generation_call"]
        assert opened(made["result"]).size == (1024, 1024)
        paid(environment, 5)


def test_pydantic_ai(environment: User) -> None:
    """By its default, `openai:`, which is the Responses API, and by chat."""
    calls = Path(__file__).with_name("pydantic_ai_calls.py")
    done = subprocess.run([sys.executable, calls], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert "Hello there" in found["text"]
    assert "Hello there" in found["chat"]
    assert found["used"] == "I looked it up: 4 degrees in Oslo"
    assert found["place"]
    paid(environment, 5)
