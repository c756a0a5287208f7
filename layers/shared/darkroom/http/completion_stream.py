"""A completion as the chunks of a stream: passed on while its provider writes it, or made of one that is whole.

https://platform.openai.com/docs/api-reference/chat-streaming. How a choice ended is told when the job is settled, so
that the last chunk can say what it cost; the usage, for whom it matters, comes behind that.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from darkroom.http.server_events import DONE, event

_PIECE = 256
# Parts of a message that each have their own chunk; all others are sent unchanged in one.
_TOLD_APART = frozenset({"role", "content", "tool_calls"})
_APART = ("choices", "usage", "darkroom", "error", "object")

Send = Callable[[bytes], None]


class Relay:
    """Passes on the chunks of one answer. Implements ports.OnEvent.

    Args: send: takes the bytes for the client; called in the thread that reads the provider's answer.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._around: dict[str, Any] = {}
        self._begun: set[int] = set()

    @property
    def has_begun(self) -> bool:
        return bool(self._begun)

    def __call__(self, data: str) -> bool:
        """Args: data: a chunk of the provider's. One that is none, or that tells of an error, is not passed on."""
        try:
            frame = json.loads(data, parse_constant=lambda _name: None)
        except (ValueError, RecursionError):
            frame = None
        if isinstance(frame, dict) and not frame.get("error"):
            found = (self._choice(choice, number) for number, choice in enumerate(_objects(frame.get("choices"))))
            if choices := [choice for choice in found if choice is not None]:
                self._around = self._around or _around(frame)
                self._send(event({**self._around, "choices": choices}).encode())
        return self.has_begun

    def end(self, completion: Mapping[str, Any], *, shows_usage: bool) -> str:
        """What is left to be said when the job is over: everything, where nothing was passed on.

        Args: completion: the whole of it, as it is answered without a stream.
        """
        if not self.has_begun:
            return stream(completion, shows_usage=shows_usage)
        ends = [_end(choice, number) for number, choice in enumerate(_objects(completion.get("choices")))]
        return _written(self._around, ends, completion, shows_usage=shows_usage)

    def _choice(self, choice: Mapping[str, Any], number: int) -> dict[str, Any] | None:
        given = choice.get("index")
        index = given if isinstance(given, int) else number
        delta = choice.get("delta")
        said = {name: _without_nulls(value) for name, value in (delta if isinstance(delta, Mapping) else {}).items()}
        said = {name: value for name, value in said.items() if name != "role" and value not in (None, "", [], {})}
        if not said:
            return None
        if index not in self._begun:
            said = {"role": "assistant", "content": "", **said}
            self._begun.add(index)
        if isinstance(calls := said.get("tool_calls"), list):
            said["tool_calls"] = [{"index": place, **call} for place, call in enumerate(_objects(calls))]
        logprobs = choice.get("logprobs")
        told = {} if logprobs is None else {"logprobs": logprobs}
        return {"index": index, "delta": said, "finish_reason": None, **told}


def stream(completion: Mapping[str, Any], *, shows_usage: bool) -> str:
    """A completion as the events that a stream of it would have had.

    Args:
        shows_usage: `stream_options.include_usage`; then a chunk without choices tells it at the end.
    """
    chunks = [
        chunk for number, choice in enumerate(_objects(completion.get("choices"))) for chunk in _chunks(choice, number)
    ]
    return _written(_around(completion), chunks, completion, shows_usage=shows_usage)


def _around(completion: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in each chunk. What is unknown is left out: to OpenRouter's own SDK null is no text."""
    known = {name: value for name, value in completion.items() if name not in _APART and value not in (None, "")}
    return {**known, "object": "chat.completion.chunk"}


def _written(
    around: Mapping[str, Any], choices: list[dict[str, Any]], completion: Mapping[str, Any], *, shows_usage: bool
) -> str:
    """The choices, each a chunk, the last with what is ours; then the usage, if it is to be told, and the end."""
    chunks: list[dict[str, Any]] = [{**around, "choices": [choice]} for choice in choices]
    if chunks and "darkroom" in completion:
        chunks[-1]["darkroom"] = completion["darkroom"]
    if shows_usage:
        usage = completion.get("usage")
        chunks.append({**around, "choices": [], **({} if usage is None else {"usage": usage})})
    return "".join(map(event, chunks)) + DONE


def _chunks(choice: Mapping[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """One choice's: who speaks, what is said, which tools are called, how it ended."""
    index = choice.get("index", number)
    message = choice.get("message")
    logprobs = choice.get("logprobs")

    def chunk(delta: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        told = {name: value for name, value in more.items() if value is not None}
        return {"index": index, "delta": dict(delta), "finish_reason": None, **told}

    for delta in _deltas(message if isinstance(message, Mapping) else {}):
        # The tokens' probabilities belong to the words; they are told once.
        yield chunk(delta, logprobs=logprobs) if delta.get("content") else chunk(delta)
        logprobs = None if delta.get("content") else logprobs
    yield _end(choice, number)


def _end(choice: Mapping[str, Any], number: int) -> dict[str, Any]:
    """How a choice ended."""
    told_apart = ("index", "message", "logprobs", "delta")
    told = {name: value for name, value in choice.items() if name not in told_apart and value is not None}
    return {"index": choice.get("index", number), "delta": {}, "finish_reason": None, **told}


def _deltas(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": message.get("role") or "assistant", "content": ""}
    for name, value in message.items():
        if name not in _TOLD_APART and value not in (None, "", []):
            yield {name: value}
    content = message.get("content")
    if isinstance(content, str):
        for start in range(0, len(content), _PIECE):
            yield {"content": content[start : start + _PIECE]}
    elif content:
        yield {"content": content}
    for number, call in enumerate(_objects(message.get("tool_calls"))):
        yield from _call_deltas(call, call.get("index", number))


def _call_deltas(call: Mapping[str, Any], index: int) -> Iterator[dict[str, Any]]:
    """The call of a tool: its name first, then what it is called with."""
    function = call.get("function")
    if not isinstance(function, Mapping):
        yield {"tool_calls": [{**call, "index": index}]}
        return
    yield {"tool_calls": [{**call, "index": index, "function": {**function, "arguments": ""}}]}
    arguments = str(function.get("arguments") or "")
    for start in range(0, len(arguments), _PIECE):
        piece = {"index": index, "function": {"arguments": arguments[start : start + _PIECE]}}
        yield {"tool_calls": [piece]}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
