"""OpenRouter's door for conversations, for those who speak OpenAI's language themselves: passed through as it is.

    POST /chat/completions
    {"model":"openai/gpt-4o-mini","models":["openai/gpt-4o-mini","…"],"max_completion_tokens":4096,
     "messages":[…],"tools":[…],…}                                                        the caller's, but for these

The fields keep their order, for a model follows that of a schema. The answer is given back as it came, and one that is
streamed as it would have come without that; what it cost,
who served it and whether it failed are read as in `_chat`. A refusal, an answer without words and a call of a tool are
answers like any other.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from darkroom.models.chat import CompletionRequest
from darkroom.models.generation import Usage
from darkroom.providers import _wire
from darkroom.providers._assembled import assembled, usage_in
from darkroom.providers._chat import Reply, failed
from darkroom.providers._errors import Asked, broken
from darkroom.providers._http import Answer, BrokenOff
from darkroom.providers._images import unusable, whole_json

# What is not the caller's to say: it is said anew, or not at all.
_OURS = frozenset({"model", "models", "max_completion_tokens", "max_tokens", "stream", "stream_options"})
# What a model makes beside words. That it made some of it, a reply that failed may have been paid for.
_MADE = ("tool_calls", "function_call", "reasoning", "reasoning_details", "audio")


class Completion(Struct, frozen=True):
    body: dict[str, Any]
    usage: Usage
    model: str | None
    source: str | None


def body(request: CompletionRequest) -> dict[str, Any]:
    """The request on the wire."""
    fallbacks = {"models": [request.model, *request.fallback_models]} if request.fallback_models else {}
    return {
        **{name: value for name, value in request.body.items() if name not in _OURS},
        "model": request.model,
        **fallbacks,
        "max_completion_tokens": request.max_completion_tokens,
        # The last chunk tells the usage, whether or not it is asked for.
        **({"stream": True} if request.stream else {}),
    }


def read(answer: Answer, asked: Asked) -> Completion:
    """The completion in a 200.

    Raises:
        DarkroomError: it failed, or holds no choice.
    """
    value, sent = completion_in(answer, asked)
    reply = Reply()
    choice = reply.take_frame(value)
    message = _wire.mapping(choice.get("message"))
    reply.take_message(message)
    reply.parts += [message[name] for name in _MADE if message.get(name)]
    if reply.error or reply.finish_reason == "error":
        raise failed(reply, asked)
    if not choice:
        raise unusable(asked, "It holds no choice.", reply.usage)
    return Completion(sent, reply.usage or Usage(), reply.model, reply.source)


def completion_in(answer: Answer, asked: Asked) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The completion in a 200, whole or streamed: as it is read here, and as it is passed on.

    Nothing is counted with the numbers of the second, which are as JSON has them.

    Raises:
        DarkroomError: it broke off before its end, or is something else.
    """
    if not answer.is_events:
        value = whole_json(answer, asked)
        sent: dict[str, Any] = _wire.plain_json(answer.body)
        return value, sent
    whole = assembled(answer)
    ends = [choice["finish_reason"] for choice in whole.get("choices", ())]
    if "error" not in whole and (not ends or None in ends):
        raise broken(answer.broken or BrokenOff("the stream ended before the reply", sent=True), asked)
    return {**whole, "usage": usage_in(answer)}, whole
