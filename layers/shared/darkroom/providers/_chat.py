"""OpenRouter's door for conversations: text, pictures to look at, and models that paint while they talk.

    POST /chat/completions
    {"model":"google/gemini-3.1-flash-image","messages":[{"role":"user","content":[{"type":"text","text":"Warmer."},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,…"}}]}],
     "modalities":["image","text"],"max_completion_tokens":4096}

    {"id":"gen-1790981500-l5h7VODZTF86JTVhf4Of","model":"…","provider":"Google AI Studio",
     "choices":[{"finish_reason":"stop","native_finish_reason":"STOP","message":{"role":"assistant","content":"",
       "images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,…"}}]}}],"usage":{"cost":0.0387036,…}}

and with `"stream":true` in chunks with `delta` in place of `message`, the usage in the last, and then `data: [DONE]`.
An error may come within a 200: in place of the choices, in a choice, or in a chunk. Models whose output is pictures
alone want the modalities to be exactly `["image"]`. The body is written in one way only, so that an identical request
is found in the provider's cache. A call that fails without any output is not billed.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from darkroom.errors import Charged, DarkroomError, ServiceUnavailable
from darkroom.models.chat import ChatMessage, ChatRequest
from darkroom.models.generation import GeneratedImage, Usage
from darkroom.providers import _wire
from darkroom.providers._errors import Asked, broken, fix_for, plain
from darkroom.providers._gather import Gathered, claims_in, gather
from darkroom.providers._http import Answer, BrokenOff
from darkroom.providers._images import content_refused, no_image, picture_part, stream_events, unusable, whole_json
from darkroom.providers._images import preferences as chosen_sources
from darkroom.providers._openrouter_complaint import Complaint
from darkroom.providers._openrouter_errors import translate
from darkroom.providers._pictures import follow, reference_url
from darkroom.providers._said import error_within
from darkroom.providers._vocabulary import is_refusal

_MAX_PARTS = 1000
# Models that talk and paint do both unless they are told not to.
_MODALITIES = {"no": ["text"], "only": ["image"], "also": ["image", "text"]}
_SHOWN_TEXT = 2000
MAX_PICTURES = 10
"""A conversation names no number of pictures; this is what a request for pictures may ask for."""
MAX_TEXT = 60_000
"""Characters of a reply that are kept: a job's row has to hold them."""


class Reply(Struct):
    """What a model said, gathered from one message or from many chunks."""

    pieces: list[str] = field(default_factory=list)
    parts: list[Any] = field(default_factory=list)
    refusal: str = ""
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    error: Any = None
    usage: Usage | None = None
    model: str | None = None
    source: str | None = None
    images: tuple[GeneratedImage, ...] = ()
    warnings: tuple[str, ...] = ()

    def take_frame(self, frame: Mapping[str, Any]) -> Mapping[str, Any]:
        """Takes what stands around the choices; gives the first choice."""
        self.model = _wire.label(frame.get("model")) or self.model
        self.source = _wire.label(frame.get("provider")) or self.source
        self.error = error_within(frame) or self.error
        if isinstance(frame.get("usage"), dict):
            self.usage = _wire.usage(frame["usage"])
        choice = next((_wire.mapping(each) for each in _wire.sequence(frame.get("choices"))), {})
        self.error = choice.get("error") or self.error
        self.finish_reason = _wire.label(choice.get("finish_reason")) or self.finish_reason
        self.native_finish_reason = _wire.label(choice.get("native_finish_reason")) or self.native_finish_reason
        return choice

    def take_message(self, message: Mapping[str, Any]) -> None:
        content = message.get("content")
        self._say(content)
        for part in map(_wire.mapping, _wire.sequence(content)):
            self._say(part.get("text"))
        if len(self.parts) < _MAX_PARTS and any(True for _ in claims_in(message)):
            self.parts.append(message)
        self.refusal = (self.refusal + (_wire.text(message.get("refusal")) or ""))[:_SHOWN_TEXT]

    def _say(self, said: Any) -> None:
        if found := _wire.text(said):
            self.pieces.append(found)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @text.setter
    def text(self, said: str) -> None:
        self.pieces = [said]

    @property
    def has_output(self) -> bool:
        return bool(self.pieces or self.parts)

    @property
    def charged(self) -> Charged:
        """Whether a reply that failed was paid for: without output and without a cost it was not."""
        if self.usage is not None and self.usage.cost is not None:
            return self.usage.charged
        return "unknown" if self.has_output else False

    @property
    def was_refused(self) -> bool:
        reasons = (self.finish_reason, self.native_finish_reason)
        return any(map(is_refusal, reasons)) or (bool(self.refusal) and not self.has_output)


def body(request: ChatRequest) -> dict[str, Any]:
    """The request on the wire.

    Raises:
        InvalidParameter: a picture is none that models look at.
    """
    preferences = {
        **(chosen_sources(request.routing) if request.routing else {}),
        **({"zdr": True} if request.zdr else {}),
        **({"max_price": request.max_price} if request.max_price else {}),
    }
    optional = {
        "models": [request.model, *request.fallback_models] if request.fallback_models else None,
        "modalities": _MODALITIES[request.paints],
        "image_config": request.image_config or None,
        "response_format": wire_format(request),
        "reasoning": request.reasoning.model_dump(exclude_none=True) if request.reasoning else None,
        "temperature": request.temperature,
        "seed": request.seed,
        "provider": preferences or None,
        "session_id": request.session,
        "user": request.user,
        "stream": request.streams or None,
    }
    return {
        "model": request.model,
        "messages": [wire_message(message) for message in request.messages],
        "max_completion_tokens": request.max_completion_tokens,
        **{name: value for name, value in optional.items() if value is not None},
    }


def headers(request: ChatRequest) -> dict[str, str]:
    # What is remembered is kept.
    if request.cache_seconds is None or request.zdr:
        return {}
    return {"X-OpenRouter-Cache": "true", "X-OpenRouter-Cache-TTL": str(request.cache_seconds)}


def wire_message(message: ChatMessage) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    text = [{"type": "text", "text": message.text}] if message.text else []
    return {"role": message.role, "content": [*text, *(picture_part(reference_url(each)) for each in message.images)]}


def wire_format(request: ChatRequest) -> dict[str, Any] | None:
    if request.json_schema is None:
        return None
    return {"type": "json_schema", "json_schema": request.json_schema.model_dump(by_alias=True)}


def read(answer: Answer, asked: Asked, *, paints: bool) -> Reply:
    """The reply in a 200.

    Raises:
        DarkroomError: it failed, was refused, or has no picture although one was asked for.
    """
    reply = _of_events(answer, asked) if answer.is_events else _of_json(answer, asked)
    if reply.error or reply.finish_reason == "error":
        raise failed(reply, asked)
    usage = reply.usage or Usage()
    found = _pictures(reply, asked, paints=paints)
    reply.images, reply.warnings = found.images, found.warnings
    if reply.was_refused and not reply.images:
        raise content_refused(asked, usage, _said(reply, asked), reply.native_finish_reason or reply.finish_reason)
    if paints and not reply.images:
        if reply.warnings:
            raise unusable(asked, " ".join(reply.warnings), usage)
        raise no_image(asked, usage, _said(reply, asked))
    return reply


def _of_json(answer: Answer, asked: Asked) -> Reply:
    value = whole_json(answer, asked)
    reply = Reply()
    choice = reply.take_frame(value)
    reply.take_message(_wire.mapping(choice.get("message")))
    if not choice and not reply.error:
        raise unusable(asked, "It holds no choice.", reply.usage)
    return reply


def _of_events(answer: Answer, asked: Asked) -> Reply:
    reply = Reply()
    for chunk in stream_events(answer)[0]:
        choice = reply.take_frame(chunk)
        reply.take_message(_wire.mapping(choice.get("delta")))
    if reply.error or reply.finish_reason == "error":
        return reply
    if reply.finish_reason is None:
        raise broken(answer.broken or BrokenOff("the stream ended before the reply", sent=True), asked)
    return reply


def failed(reply: Reply, asked: Asked) -> DarkroomError:
    """The error that a 200 stands for which tells of one."""
    cost = reply.usage.cost if reply.usage else None
    if not reply.error:
        return ServiceUnavailable(
            "The model broke off its reply.",
            fix=fix_for(reply.charged, "Try again in a moment."),
            charged=reply.charged,
            retryable=True,
            upstream=asked.upstream(cost=cost),
        )
    complaint = Complaint.within(reply.error)
    return translate(complaint, asked, charged=reply.charged, cost=cost)


def _pictures(reply: Reply, asked: Asked, *, paints: bool) -> Gathered:
    """Where no picture was asked for, one that came all the same is taken, but no address is opened for it."""
    if not paints:
        return gather(reply.parts, most=MAX_PICTURES, fetch=None)
    return gather(reply.parts, most=MAX_PICTURES, fetch=follow(asked.fetcher), said=reply.text)


def _said(reply: Reply, asked: Asked) -> dict[str, Any]:
    """What the model wrote in place of a picture, for its reader."""
    text = plain((reply.refusal or reply.text)[:_SHOWN_TEXT], asked.secrets)
    reason = plain(reply.native_finish_reason or reply.finish_reason, asked.secrets)
    return {**({"text": text} if text else {}), **({"finish_reason": reason} if reason else {})}
