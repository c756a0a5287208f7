"""Functions that a chat may call, as OpenAI's API has them."""

import json
from typing import Any

import httpx
import pytest

from local.simulator import Simulator
from tests.unit.simulator.requests import charged, chat, events


def _tool(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


WEATHER = _tool("get_weather", "Current temperature of a city", city={"type": "string"})
STOCKS = _tool("get_price", "Price of a share", symbol={"type": "string"})


def _choice(api: httpx.Client, **given: Any) -> dict[str, Any]:
    answer = api.post("/chat/completions", json=chat(**given))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()["choices"][0]
    return found


def _names(choice: dict[str, Any]) -> list[str]:
    return [call["function"]["name"] for call in choice["message"].get("tool_calls", [])]


def test_a_tool_is_called_that_is_meant(api: httpx.Client, simulator: Simulator) -> None:
    choice = _choice(api, text="What is the weather in Oslo?", tools=[STOCKS, WEATHER])
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    (call,) = choice["message"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")
    assert isinstance(json.loads(call["function"]["arguments"])["city"], str)
    assert len(charged(simulator)) == 1


@pytest.mark.parametrize(
    ("text", "given", "names"),
    [
        ("Make it warmer", {}, []),
        ("The weather, please", {"tool_choice": "none"}, []),
        ("Make it warmer", {"tool_choice": "required"}, ["get_price"]),
        ("The weather", {"tool_choice": {"type": "function", "function": {"name": "get_price"}}}, ["get_price"]),
        ("The weather and the price", {}, ["get_price", "get_weather"]),
        ("The weather and the price", {"parallel_tool_calls": False}, ["get_price"]),
    ],
)
def test_the_caller_has_a_say(text: str, given: dict[str, Any], names: list[str], api: httpx.Client) -> None:
    choice = _choice(api, text=text, tools=[STOCKS, WEATHER], **given)
    assert _names(choice) == names
    assert bool(choice["message"]["content"]) is not bool(names)


def test_what_a_tool_gave_is_told(api: httpx.Client) -> None:
    asked = [{"role": "user", "content": "What is the weather?"}]
    called = _choice(api, text="What is the weather?", tools=[WEATHER])["message"]
    given = {"role": "tool", "tool_call_id": called["tool_calls"][0]["id"], "content": "4 degrees, rain"}
    choice = _choice(api, messages=[*asked, called, given], tools=[WEATHER])
    assert choice["message"]["content"] == "I looked it up: 4 degrees, rain"
    assert choice["finish_reason"] == "stop"


def test_tools_and_calls_are_read_and_paid_for(api: httpx.Client) -> None:
    plain = api.post("/chat/completions", json=chat(text="Hello")).json()["usage"]["prompt_tokens"]
    with_tools = api.post("/chat/completions", json=chat(text="Hello", tools=[WEATHER])).json()["usage"][
        "prompt_tokens"
    ]
    assert with_tools > plain + 20


def test_calls_are_streamed_in_pieces(api: httpx.Client) -> None:
    long = "weather " * 20
    answer = api.post("/chat/completions", json=chat(text=long, tools=[WEATHER], stream=True))
    chunks = list(events(answer))
    pieces = [part for chunk in chunks for part in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert pieces[0]["function"]["name"] == "get_weather"
    assert len(pieces) > 2
    assert json.loads("".join(piece["function"]["arguments"] for piece in pieces))
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("tools", ["x", [1], [{"type": "function"}], [{"function": {"name": "x"}}]])
def test_what_is_no_tool(tools: Any, api: httpx.Client, simulator: Simulator) -> None:
    assert api.post("/chat/completions", json=chat(tools=tools)).status_code == 400
    assert charged(simulator) == []


@pytest.mark.parametrize(
    ("limits", "status"),
    [({"prompt": "0.4"}, 404), ({"completion": 2}, 404), ({"prompt": "0.5", "completion": "3"}, 200)],
)
def test_a_price_that_is_too_high(limits: dict[str, Any], status: int, api: httpx.Client) -> None:
    answer = api.post("/chat/completions", json=chat(provider={"max_price": limits}))
    assert answer.status_code == status
