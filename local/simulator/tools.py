"""Tools that a chat may call: which of them, and with what. No model, only words."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from local.simulator import errors
from local.simulator.chat_request import text_of
from local.simulator.intents import intents
from local.simulator.schema import Filler

_WORD = re.compile(r"[a-z]{4,}")
_PLAIN = frozenset(
    {"with", "from", "this", "that", "your", "have", "what", "when", "which", "returns", "given", "tool"}
)
_SHOWN = 500

Tool = Mapping[str, Any]


def functions(data: Mapping[str, Any]) -> list[Tool]:
    """The functions among the tools; others run at the service itself.

    Raises:
        Refusal: a tool is none.
    """
    tools = data.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) and "type" in tool for tool in tools):
        raise errors.zod("Invalid input: expected array", "tools", code="invalid_type")
    found = [tool.get("function") for tool in tools if tool["type"] == "function"]
    for function in found:
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise errors.zod("Invalid input: expected object", "tools", "function", code="invalid_type")
    return [function for function in found if isinstance(function, dict)]


def calls(data: Mapping[str, Any], tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The calls that the model makes, in place of words; none if it would rather talk."""
    choice = data.get("tool_choice") or "auto"
    messages = data["messages"]
    if not tools or choice == "none" or messages[-1].get("role") == "tool":
        return []
    text = next((text_of(each) for each in reversed(messages) if each.get("role") == "user"), "")
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name")
        chosen = [tool for tool in tools if tool["name"] == name]
        if not chosen:
            raise errors.zod(f"Tool choice {name} is none of the tools", "tool_choice", code="custom")
    else:
        chosen = [tool for tool in tools if _is_meant(tool, text)] or (list(tools[:1]) if choice == "required" else [])
    if data.get("parallel_tool_calls") is False:
        chosen = chosen[:1]
    return [_call(number, tool, text) for number, tool in enumerate(chosen)]


def told(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """What the last tools gave, in words; None if none was just called."""
    if messages[-1].get("role") != "tool":
        return None
    results = []
    for message in reversed(messages):
        if message.get("role") != "tool":
            break
        results.append(text_of(message).strip())
    return f"I looked it up: {' '.join(reversed(results))[:_SHOWN]}"


def _is_meant(tool: Tool, text: str) -> bool:
    about = _words(f"{tool['name'].replace('_', ' ')} {tool.get('description') or ''}")
    return bool(about & _words(text))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower())) - _PLAIN


def _call(number: int, tool: Tool, text: str) -> dict[str, Any]:
    schema = tool.get("parameters") or {"type": "object", "properties": {}}
    arguments = Filler(schema, intents(text), reply=text, text=text).fill()
    return {
        "index": number,
        "id": f"call_{secrets.token_hex(12)}",
        "type": "function",
        "function": {"name": tool["name"], "arguments": json.dumps(arguments, ensure_ascii=False)},
    }
