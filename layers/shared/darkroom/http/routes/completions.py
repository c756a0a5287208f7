"""The HTTP edge of plain chat: OpenAI's request in, the provider's answer out, whole or as a stream of chunks.

No answer of a Lambda function is sent piece by piece, so a stream comes in one piece when the work is over. It has
OpenAI's form all the same: what speaks to it gets its chunks, its usage and its `[DONE]`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import PayloadTooLarge
from darkroom.http.app import Api, json_response, require_sendable, see_other, validated
from darkroom.http.responder import Answering, terms_of
from darkroom.http.schemas.completions import COMPLETE
from darkroom.models.completion_body import CompletionBody
from darkroom.models.door import Door
from darkroom.models.job import Job
from darkroom.ports import ImageStore
from darkroom.services.jobs.jobs import long_answer_key

EVENTS = "text/event-stream"
# Far more than any model writes.
_MOST_BYTES = 64_000_000
_PIECE = 256
# What is said of a message in chunks of its own; everything else in it goes out as it is.
_TOLD_APART = frozenset({"role", "content", "tool_calls"})


def routes(app: Application) -> Api:
    """The route by itself."""
    api = Api(app.callers, app.rates)
    complete_route(api, app)
    return api


def complete_route(api: Api, app: Application) -> None:
    """Puts `POST /v1/chat/completions` on the API."""
    app.load("complete", "durations", "jobs")
    answering = Answering(app)

    @api.serve(COMPLETE)
    def complete() -> Response[Any]:
        terms = terms_of(api)
        body = validated(CompletionBody, api.json_object)
        submission = app.complete.submit(api.caller, body, terms)

        def done(job: Job) -> Response[Any]:
            sent = _completion(app.ports.images, job)
            completion = {**complete_fields(sent), "darkroom": _ours(app, job)}
            if not body.is_streamed:
                return _sent(app.ports.images, job, json_response(completion), terms.door)
            events = stream(completion, shows_usage=body.shows_usage)
            return _sent(app.ports.images, job, Response(200, EVENTS, events, headers={}), terms.door)

        return answering.respond(api, submission, done, terms, what="The completion is")


def _sent(images: ImageStore, job: Job, answer: Response[Any], door: Door) -> Response[Any]:
    """The answer, or the way to it where the door could not carry it; HTTP clients follow that by themselves."""
    try:
        require_sendable(answer, door)
    except PayloadTooLarge:
        kind, key = str(answer.content_type), long_answer_key(job)
        images.write_output(key, str(answer.body).encode(), media_type=kind, metadata={"job": job.id})
        return see_other(images.link_output(key), {})
    return answer


def complete_fields(completion: Mapping[str, Any]) -> dict[str, Any]:
    """A completion with every field that a schema of OpenAI's or OpenRouter's requires, whichever provider it is from.

    `system_fingerprint` is required by OpenRouter's and no null in OpenAI's, so an unknown one is the empty text.
    """
    choices = [
        {
            "logprobs": None,
            **choice,
            "index": choice.get("index", number),
            "message": {"content": None, "refusal": None, **_object(choice.get("message")), "role": "assistant"},
        }
        for number, choice in enumerate(_objects(completion.get("choices")))
    ]
    given = {name: value for name, value in completion.items() if value is not None}
    return {"system_fingerprint": "", **given, "object": "chat.completion", "choices": choices}


def stream(completion: Mapping[str, Any], *, shows_usage: bool) -> str:
    """A completion as the events that a stream of it would have had.

    https://platform.openai.com/docs/api-reference/chat-streaming. What is ours goes with the last chunk of a choice.

    Args:
        shows_usage: `stream_options.include_usage`; then a chunk without choices tells it at the end.
    """
    apart = ("choices", "usage", "darkroom")
    # A chunk of a stream leaves out what is unknown: to OpenRouter's own SDK null is no text.
    around = {name: value for name, value in completion.items() if name not in apart and value not in (None, "")}
    around["object"] = "chat.completion.chunk"
    chunks = [
        {**around, "choices": [chunk]}
        for number, choice in enumerate(_objects(completion.get("choices")))
        for chunk in _chunks(choice, number)
    ]
    if chunks and "darkroom" in completion:
        chunks[-1]["darkroom"] = completion["darkroom"]
    if shows_usage:
        usage = completion.get("usage")
        chunks.append({**around, "choices": [], **({} if usage is None else {"usage": usage})})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


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
    told_apart = ("index", "message", "logprobs", "delta")
    yield chunk({}, **{name: value for name, value in choice.items() if name not in told_apart})


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


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _completion(images: ImageStore, job: Job) -> dict[str, Any]:
    """As the provider sent it."""
    found: dict[str, Any] = json.loads(images.read_output(str(job.result["completion"]), max_bytes=_MOST_BYTES))
    return found


def _ours(app: Application, job: Job) -> dict[str, Any]:
    """What only we know of a completion."""
    return {
        "job": {"id": job.id, "urls": {"get": f"/v1/jobs/{job.id}"}},
        "cost": app.jobs.show_cost(job),
        "model_requested": job.model_requested,
        "model_used": job.model_used,
        "provider": job.provider,
        "warnings": list(job.warnings),
    }
