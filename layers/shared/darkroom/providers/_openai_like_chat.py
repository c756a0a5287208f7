"""Conversations with providers that speak OpenAI's language, each in its dialect.

    POST /chat/completions
    {"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"text","text":"Warmer."},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,…"}}]}],"max_completion_tokens":4096,
     "response_format":{"type":"json_schema","json_schema":{"name":"plan","schema":{…},"strict":false}}}

    {"id":"chatcmpl-…","model":"gpt-4o-mini-2024-07-18",
     "choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"…","refusal":null}}],
     "usage":{"prompt_tokens":21,"completion_tokens":60,"total_tokens":81,
              "completion_tokens_details":{"reasoning_tokens":40}}}

Where a provider takes no schema for its answers, the model is made to call a tool whose parameters have it, and what it
calls it with is the answer. Our own conversations are not streamed: there is no generation's id to be known sooner by
that. A caller's may be, and then they end with a chunk that has the usage and no choice.
"""

from decimal import Decimal
from typing import Any

from msgspec import Struct

from darkroom.models.chat import ChatRequest, CompletionRequest, JsonSchema
from darkroom.models.generation import Usage
from darkroom.models.rates import Rates
from darkroom.providers import _wire
from darkroom.providers._chat import Reply, wire_format, wire_message
from darkroom.providers._completions import Completion, completion_in
from darkroom.providers._errors import Asked, plain
from darkroom.providers._http import Answer
from darkroom.providers._images import content_refused, unusable, whole_json
from darkroom.providers._openai_like_errors import failed
from darkroom.providers._token_costs import Counts, chat_cost

# What is not the caller's to say: it is said anew, or not at all.
_OURS = frozenset({"model", "models", "max_completion_tokens", "max_tokens", "stream", "stream_options"})
OPENROUTERS = (
    "provider",
    "plugins",
    "transforms",
    "route",
    "session_id",
    "usage",
    "image_config",
    "reasoning",
    "trace",
)
"""Fields that OpenRouter alone knows; others refuse what they do not know."""
_SHOWN_TEXT = 2000
_EFFORT = "reasoning_effort"
# OpenRouter's words that others do not have, as the nearest of theirs.
_EFFORTS = {"none": "minimal", "xhigh": "high", "max": "high"}
_ZERO = Decimal(0)


class Dialect(Struct, frozen=True):
    """How a provider's language differs from OpenAI's.

    Args:
        limit: the field for the answer's largest number of tokens.
        schema_by_tool: whether answers follow a schema only as a tool's parameters.
        takes: which fields it knows that may be left out.
        most_temperature: what it goes up to.
    """

    limit: str = "max_completion_tokens"
    schema_by_tool: bool = False
    takes: frozenset[str] = frozenset({"temperature", "seed", "user"})
    most_temperature: float = 2.0

    def left_out(self, request: ChatRequest) -> tuple[str, ...]:
        """The fields of our own conversations that it knows nothing of."""
        thinks = request.reasoning
        return () if thinks is None or (thinks.effort and _EFFORT in self.takes) else ("reasoning",)


def body(request: ChatRequest, name: str, dialect: Dialect) -> dict[str, Any]:
    """The request on the wire.

    Raises:
        InvalidParameter: a picture is none that models look at.
    """
    temperature = None if request.temperature is None else min(request.temperature, dialect.most_temperature)
    effort = request.reasoning.effort if request.reasoning else None
    optional = {"temperature": temperature, "seed": request.seed, "user": request.user}
    optional[_EFFORT] = _EFFORTS.get(effort, effort) if effort else None
    return {
        "model": name,
        "messages": [wire_message(message) for message in request.messages],
        dialect.limit: request.max_completion_tokens,
        **{field: value for field, value in optional.items() if value is not None and field in dialect.takes},
        **_shape(request, dialect),
    }


def _shape(request: ChatRequest, dialect: Dialect) -> dict[str, Any]:
    schema = request.json_schema
    if schema is None:
        return {}
    if not dialect.schema_by_tool:
        return {"response_format": wire_format(request)}
    function = {"name": schema.name, "description": "Gives the answer.", "parameters": schema.schema_}
    choice = {"type": "function", "function": {"name": schema.name}}
    return {"tools": [{"type": "function", "function": function}], "tool_choice": choice}


def completion_body(request: CompletionRequest, name: str, dialect: Dialect) -> dict[str, Any]:
    """The caller's request on the wire, in the caller's order."""
    left_out = _OURS.union(OPENROUTERS)
    return {
        **{field: value for field, value in request.body.items() if field not in left_out},
        "model": name,
        dialect.limit: request.max_completion_tokens,
        **({"stream": True, "stream_options": {"include_usage": True}} if request.stream else {}),
    }


def left_out(request: CompletionRequest) -> list[str]:
    """The caller's fields that others than OpenRouter do not know."""
    # The most that a source may take is added for every caller; whoever chooses among sources says more than that.
    is_ours = _wire.mapping(request.body.get("provider")).keys() == {"max_price"}
    return [name for name in OPENROUTERS if name in request.body and not (name == "provider" and is_ours)]


def read(answer: Answer, asked: Asked, request: ChatRequest) -> Reply:
    """The reply in a 200.

    Raises:
        DarkroomError: it failed, or was refused.
    """
    value = whole_json(answer, asked)
    reply, message = _reply(value, asked, request.rates.get(asked.model or request.model))
    if reply.was_refused:
        text = plain((reply.refusal or reply.text)[:_SHOWN_TEXT], asked.secrets)
        raise content_refused(asked, reply.usage or Usage(), {"text": text} if text else {}, reply.finish_reason)
    if request.json_schema is not None and (said := _called(message, request.json_schema)) is not None:
        reply.text, reply.finish_reason = said, "stop" if reply.finish_reason == "tool_calls" else reply.finish_reason
    return reply


def read_completion(answer: Answer, asked: Asked, rates: Rates | None) -> Completion:
    """The completion in a 200; a refusal, and a call of a tool, are answers like any other.

    Raises:
        DarkroomError: it failed, or holds no choice.
    """
    value, sent = completion_in(answer, asked)
    reply, message = _reply(value, asked, rates)
    if reply.error and reply.finish_reason is None:
        # It came in the middle of a stream.
        raise failed(value, asked, reply.usage or Usage(), is_begun=bool(message.get("content")) or len(message) > 2)
    return Completion(sent, reply.usage or Usage(), reply.model, None)


def usage_of(value: Any, rates: Rates | None) -> Usage:
    """What a call took, and what that costs.

    Thinking is paid for as output. Gemini's counts leave it out of `completion_tokens` and have it in the total alone.
    """
    found = _wire.mapping(value)
    prompt, said = _wire.number(found.get("prompt_tokens")), _wire.number(found.get("completion_tokens"))
    reasoning = _wire.number(_wire.mapping(found.get("completion_tokens_details")).get("reasoning_tokens"))
    if prompt is None or said is None:
        return Usage(prompt_tokens=prompt, completion_tokens=said)
    total = _wire.number(found.get("total_tokens")) or _ZERO
    output = max(said, reasoning or _ZERO, total - prompt)
    cost = chat_cost(rates, Counts(all_in=prompt, all_out=output, reasoning=reasoning))
    return Usage(prompt_tokens=prompt, completion_tokens=output, cost=cost)


def _reply(value: Any, asked: Asked, rates: Rates | None) -> tuple[Reply, Any]:
    reply = Reply()
    choice = reply.take_frame(value)
    usage = reply.usage = usage_of(value.get("usage"), rates)
    message = _wire.mapping(choice.get("message"))
    reply.take_message(message)
    if reply.error and not choice:
        raise failed(value, asked, usage)
    if not choice:
        raise unusable(asked, "It holds no choice.", usage)
    return reply, message


def _called(message: Any, schema: JsonSchema) -> str | None:
    """What the tool that stands for the schema was called with."""
    for call in map(_wire.mapping, _wire.sequence(message.get("tool_calls"))):
        function = _wire.mapping(call.get("function"))
        if function.get("name") == schema.name:
            return _wire.text(function.get("arguments"))
    return None
