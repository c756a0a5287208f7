"""OpenRouter's door for conversations, for those who speak OpenAI's language themselves: passed through as it is.

    POST /chat/completions
    {"model":"openai/gpt-4o-mini","models":["openai/gpt-4o-mini","…"],"max_completion_tokens":4096,
     "messages":[…],"tools":[…],…}                                                        the caller's, but for these

The fields keep their order, for a model follows that of a schema. The answer is given back as it came; what it cost,
who served it and whether it failed are read as in `_chat`. A refusal, an answer without words and a call of a tool are
answers like any other.
"""

from dataclasses import dataclass
from typing import Any

from darkroom.models.completion import CompletionRequest
from darkroom.models.generation import Usage
from darkroom.providers import _wire
from darkroom.providers._chat import Reply, failed
from darkroom.providers._errors import Asked
from darkroom.providers._http import Answer
from darkroom.providers._images import unusable, whole_json

# What is not the caller's to say: it is said anew, or not at all.
_OURS = frozenset({"model", "models", "max_completion_tokens", "max_tokens", "stream", "stream_options"})
# What a model makes beside words. That it made some of it, a reply that failed may have been paid for.
_MADE = ("tool_calls", "function_call", "reasoning", "reasoning_details", "audio")


@dataclass(frozen=True, slots=True)
class Completion:
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
    }


def read(answer: Answer, asked: Asked) -> Completion:
    """The completion in a 200.

    Raises:
        DarkroomError: it failed, or holds no choice.
    """
    value = whole_json(answer, asked)
    reply = Reply()
    choice = reply.take_frame(value)
    message = _wire.mapping(choice.get("message"))
    reply.take_message(message)
    reply.parts += [message[name] for name in _MADE if message.get(name)]
    if reply.error or reply.finish_reason == "error":
        raise failed(reply, asked)
    if not choice:
        raise unusable(asked, "It holds no choice.", reply.usage)
    return Completion(as_sent(answer.body), reply.usage or Usage(), reply.model, reply.source)


def as_sent(content: bytes) -> dict[str, Any]:
    """The answer for somebody else's reader: numbers as numbers are, for nothing is counted with these, except what
    is no number in JSON."""
    found: dict[str, Any] = _wire.plain_json(content)
    return found
