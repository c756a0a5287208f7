"""The HTTP edge of plain chat: OpenAI's request in, the provider's answer out, whole or as a stream of chunks.

At the live door a chunk is passed on when it comes. API Gateway carries an answer in one piece, so there a stream comes
when the work is over; it has OpenAI's form all the same, with its chunks, its usage and its `[DONE]`.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, answered, validated
from darkroom.http.completion_answer import complete_fields, completion_of, sent_or_linked, wants_pictures
from darkroom.http.completion_stream import Relay, stream
from darkroom.http.responder import Answering, terms_of
from darkroom.http.schemas.azure import SERVE_AZURE
from darkroom.http.schemas.completions import COMPLETE, Completion
from darkroom.http.schemas.responses import RESPOND
from darkroom.http.server_events import EVENTS
from darkroom.http.transport import Outlet
from darkroom.models.completion_body import CompletionBody
from darkroom.models.job import Job


def routes(app: Application) -> Api:
    """The route by itself."""
    api = Api(app.callers, app.rates)
    complete_route(api, app)
    return api


def complete_route(api: Api, app: Application) -> None:
    """Puts `POST /v1/chat/completions` and `POST /v1/responses` on the API, and both by the paths of Azure."""
    app.load("chat_models", "complete", "durations", "jobs")

    @api.serve(COMPLETE)
    def complete() -> Response[Any]:
        return completed(api, app, api.json_object)

    @api.serve(RESPOND)
    def respond() -> Response[Any]:
        from darkroom.http.doors.responses import responded

        return responded(api, app, {})

    @api.serve(SERVE_AZURE)
    def serve_azure() -> Response[Any]:
        from darkroom.http.routes.azure import served

        return served(api, app)


def completed(api: Api, app: Application, fields: Mapping[str, Any]) -> Response[Any]:
    """The answer to a chat."""
    body = validated(CompletionBody, fields)
    if wants_pictures(app, body):
        from darkroom.http.doors.openrouter_pictures import painted_chat

        return painted_chat(api, app, body)
    relay = _relay(api.transport.outlet) if body.is_streamed else None
    terms = terms_of(api, relay)
    submission = app.complete.submit(api.caller, body, terms)

    def done(job: Job) -> Response[Any]:
        sent = completion_of(app.ports.images, job)
        completion = {**complete_fields(sent), "darkroom": _ours(app, job)}
        if not body.is_streamed:
            whole = answered(Completion.model_validate(completion))
            return sent_or_linked(app.ports.images, job, whole, terms.door)
        end = stream if relay is None else relay.end
        events = end(completion, shows_usage=body.shows_usage)
        return sent_or_linked(app.ports.images, job, Response(200, EVENTS, events, headers={}), terms.door)

    return Answering(app).respond(api, submission, done, terms, what="The completion is")


def _relay(outlet: Outlet | None) -> Relay | None:
    """What passes the chunks on, where the door can carry them one by one."""
    return Relay(outlet.send) if outlet is not None and outlet.expect() else None


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
