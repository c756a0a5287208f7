"""A streamed answer of chat, put together to the answer that it would have been without streaming.

    data: {"id":"gen-1","object":"chat.completion.chunk","model":"…","choices":[{"index":0,"delta":{"content":"Hel"},
           "finish_reason":null}]}
    data: {…,"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}
    data: {…,"choices":[],"usage":{…}}                          OpenAI's; OpenRouter repeats the last choice in it
    data: [DONE]

Texts are joined, calls of tools by their `index`, and lists put behind each other; of anything else the last counts.
"""

from collections.abc import Mapping
from typing import Any

from darkroom.providers import _wire
from darkroom.providers._http import Answer
from darkroom.providers._images import event_data
from darkroom.providers._said import error_within

# Of a choice, beside its message.
_CHOICE = ("index", "delta", "message")
# By which the parts of a list are told apart that come in pieces.
_INDEXED = frozenset({"tool_calls", "reasoning_details"})
_JOINED = frozenset({"content", "refusal", "reasoning", "reasoning_content", "arguments", "text", "summary", "data"})
_JOINED_WITHIN = frozenset({"function", "audio", "function_call"})
_MAX_INDEX = 10_000


def assembled(answer: Answer) -> dict[str, Any]:
    """The completion, its numbers as `plain_json` reads them. `error` is in it where a chunk told of one.

    A choice has a `finish_reason` that is None where the stream ended before it.
    """
    whole: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for data in event_data(answer):
        try:
            chunk = _wire.mapping(_wire.plain_json(data))
        except ValueError:
            continue
        whole |= {name: value for name, value in chunk.items() if name != "choices" and value is not None}
        if error := error_within(chunk):
            whole["error"] = error
        for each in _wire.sequence(chunk.get("choices")):
            if isinstance(each, dict):
                index = _index(each, 0)
                _take_choice(choices.setdefault(index, _empty(index)), each)
    for choice in choices.values():
        message = choice["message"]
        if message.get("content") == "" and message.get("tool_calls"):
            # As it is without a stream; in chunks every provider begins with an empty text.
            message["content"] = None
    if choices:
        whole |= {"object": "chat.completion", "choices": [choices[index] for index in sorted(choices)]}
    return whole


def usage_in(answer: Answer) -> Any:
    """What the stream says last of what it took, its numbers exact; None where it says nothing."""
    found = None
    for data in event_data(answer):
        if '"usage"' in data:
            try:
                found = _wire.mapping(_wire.parse_json(data)).get("usage") or found
            except ValueError:
                continue
    return found


def _empty(index: int) -> dict[str, Any]:
    return {"index": index, "finish_reason": None, "message": {"role": "assistant", "content": None}}


def _take_choice(choice: dict[str, Any], given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if name in _CHOICE or value is None:
            continue
        if name == "logprobs":
            _take(choice, name, value)
        else:
            choice[name] = value
    # Some send the whole message in the last chunk, in place of a part of it.
    if not given.get("delta") and isinstance(given.get("message"), dict):
        choice["message"] = dict(given["message"])
        return
    for name, value in _wire.mapping(given.get("delta")).items():
        if value is not None:
            _take(choice["message"], name, value)


def _take(into: dict[str, Any], name: str, value: Any) -> None:
    """Puts a part of a field behind what there is of it."""
    known = into.get(name)
    if isinstance(value, str) and isinstance(known, str) and name in _JOINED:
        into[name] = known + value
    elif isinstance(value, list) and name in _INDEXED:
        into[name] = _merged(list(known) if isinstance(known, list) else [], value)
    elif isinstance(value, list) and isinstance(known, list):
        into[name] = [*known, *value]
    elif isinstance(value, dict) and (isinstance(known, dict) or name in _JOINED_WITHIN or name == "logprobs"):
        within = dict(known) if isinstance(known, dict) else {}
        for inner, part in value.items():
            if part is not None or inner not in within:
                _take(within, inner, part)
        into[name] = within
    else:
        into[name] = value


def _merged(known: list[Any], given: list[Any]) -> list[Any]:
    """Parts of the same index are one: of a call its name and then, in pieces, what it is called with."""
    places = {_place(each, place): place for place, each in enumerate(known)}
    for part in given:
        here = _place(part, len(known))
        if not isinstance(part, dict) or here not in places:
            places[here] = len(known)
            known.append(part)
            continue
        whole = dict(known[places[here]])
        for name, value in part.items():
            if value is not None:
                _take(whole, name, value)
        known[places[here]] = whole
    return known


def _place(part: Any, otherwise: int) -> tuple[int, str]:
    """Thoughts that are written and those that are sealed may count for themselves; a call says its type only once."""
    kind = str(_wire.mapping(part).get("type") or "")
    return _index(part, otherwise), kind if kind.startswith("reasoning.") else ""


def _index(value: Any, otherwise: int) -> int:
    found = _wire.mapping(value).get("index")
    return found if isinstance(found, int) and 0 <= found < _MAX_INDEX else otherwise
