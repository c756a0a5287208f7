"""GET /v1/jobs/{job_id}/events: what becomes of a job, as events.

    event: progress
    data: {"id": "job_…", "status": "running", "seconds": 4, "expected_seconds": 12.5}

    id: over
    event: job
    data: {"id": "job_…", "object": "job", "status": "succeeded", "cost": {"charged": true, …}, …}

Behind API Gateway, which carries an answer in one piece, a request has one of the two, and readers that follow the
standard ask again after `retry`. One that has seen the end is answered with 204, on which it asks no more.
"""

from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api
from darkroom.http.server_events import EVENTS, event
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job
from darkroom.services.paid.waiting import is_answer

_OVER: Final = "over"
_RETRY: Final = "retry: 2000\n\n"
# Seconds: between two looks, and for which one request follows a job at the most.
_PAUSE: Final = 1.0
_MAX_SECONDS: Final = 240.0
_AFTERWARDS: Final = 3.0


def follow(app: Application, api: Api, job_id: str) -> Response[Any]:
    """Raises NotFound: the caller has no such job."""
    job = app.jobs.as_shown(app.jobs.find(api.user, job_id))
    if api.headers.get("last-event-id") == _OVER and is_answer(job):
        return Response(204, EVENTS, "", headers={})
    outlet = api.transport.outlet
    if outlet is not None and outlet.expect():
        outlet.open({})
        expected = app.durations.expected(job)
        ends = Deadline(min(_MAX_SECONDS, api.seconds_left - _AFTERWARDS), clock=app.ports.stopwatch)
        while not (is_answer(job) or ends.is_over or api.transport.has_hung_up()):
            outlet.send(_progress(app, job, expected).encode())
            app.ports.sleep(_PAUSE)
            job = app.jobs.as_shown(app.jobs.find(api.user, job_id))
    return Response(200, EVENTS, _end(app, job), headers={})


def _end(app: Application, job: Job) -> str:
    if is_answer(job):
        return f"id: {_OVER}\n{event(app.jobs.show(job), 'job')}"
    return _RETRY + _progress(app, job, None)


def _progress(app: Application, job: Job, expected: float | None) -> str:
    """Args: expected: seconds that the model takes at the median."""
    begun = job.started_at
    seconds = 0.0 if begun is None else (app.ports.clock() - begun).total_seconds()
    told = {"id": job.id, "status": job.status.value, "seconds": round(max(0.0, seconds), 1)}
    return event({**told, "expected_seconds": expected}, "progress")
