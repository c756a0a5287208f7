"""The HTTP edge of plain chat: OpenAI's request in, the provider's answer out, whole or as a stream of chunks.

At the live door a chunk is passed on when it comes. API Gateway carries an answer in one piece, so there a stream comes
when the work is over; it has OpenAI's form all the same, with its chunks, its usage and its `[DONE]`.
"""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import PayloadTooLarge
from darkroom.http.app import Api, answered, require_sendable, see_other, validated
from darkroom.http.completion_stream import Relay, stream
from darkroom.http.responder import Answering, terms_of
from darkroom.http.schemas.completions import COMPLETE, Completion
from darkroom.http.server_events import EVENTS
from darkroom.http.transport import Outlet
from darkroom.models.completion_body import CompletionBody
from darkroom.models.door import Door
from darkroom.models.job import Job
from darkroom.ports import ImageStore
from darkroom.services.jobs.jobs import long_answer_key

# Far more than any model writes.
_MOST_BYTES = 64_000_000


def routes(app: Application) -> Api:
    """The route by itself."""
    api = Api(app.callers, app.rates)
    complete_route(api, app)
    return api


def complete_route(api: Api, app: Application) -> None:
    """Puts `POST /v1/chat/completions` on the API."""
    app.load("chat_models", "complete", "durations", "jobs")
    answering = Answering(app)

    @api.serve(COMPLETE)
    def complete() -> Response[Any]:
        body = validated(CompletionBody, api.json_object)
        if _wants_pictures(app, body):
            from darkroom.http.doors.openrouter_pictures import painted_chat

            return painted_chat(api, app, body)
        relay = _relay(api.transport.outlet) if body.is_streamed else None
        terms = terms_of(api, relay)
        submission = app.complete.submit(api.caller, body, terms)

        def done(job: Job) -> Response[Any]:
            sent = _completion(app.ports.images, job)
            completion = {**complete_fields(sent), "darkroom": _ours(app, job)}
            if not body.is_streamed:
                return _sent(app.ports.images, job, answered(Completion.model_validate(completion)), terms.door)
            end = stream if relay is None else relay.end
            events = end(completion, shows_usage=body.shows_usage)
            return _sent(app.ports.images, job, Response(200, EVENTS, events, headers={}), terms.door)

        return answering.respond(api, submission, done, terms, what="The completion is")


def _wants_pictures(app: Application, body: CompletionBody) -> bool:
    """Whether the answer is to hold pictures: it says so, or says nothing and names a model that makes pictures."""
    modalities = {each.lower() for each in body.modalities or ()}
    return "image" in modalities or (
        not modalities and body.named is not None and app.chat_models.makes_pictures(body.named)
    )


def _relay(outlet: Outlet | None) -> Relay | None:
    """What passes the chunks on, where the door can carry them one by one."""
    return Relay(outlet.send) if outlet is not None and outlet.expect() else None


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


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _completion(images: ImageStore, job: Job) -> dict[str, Any]:
    """As the provider sent it."""
    text = job.result.get("completion_text")
    found: dict[str, Any] = json.loads(
        images.read_output(str(job.result["completion"]), max_bytes=_MOST_BYTES) if text is None else text
    )
    return found


def _ours(app: Application, job: Job) -> dict[str, Any]:
    """What only we know of a completion."""
    return {
        "job": {"id": job.id, "object": "job", "urls": {"get": f"/v1/jobs/{job.id}"}},
        "cost": app.jobs.show_cost(job),
        "model_requested": job.model_requested,
        "model_used": job.model_used,
        "provider": job.provider,
        "warnings": list(job.warnings),
    }
