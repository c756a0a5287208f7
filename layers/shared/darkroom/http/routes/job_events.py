"""GET /v1/jobs/{job_id}/events: what becomes of a job, as events.

    event: progress
    data: {"id": "job_…", "status": "running", "seconds": 4, "expected_seconds": 12.5}

    id: partial-0
    event: partial_image
    data: {"id": "job_…", "partial_image_index": 0, "url": "https://…"}

    id: over
    event: job
    data: {"id": "job_…", "object": "job", "status": "succeeded", "cost": {"charged": true, …}, …}

A partial picture is a link, as a job's pictures are: three in base64 may be more than API Gateway carries, and each of
many followers would be sent all of them.

Behind API Gateway, which carries an answer in one piece, a request has what there is now, and readers that follow the
standard ask again after `retry` with the id that they saw last. One that has seen the end is answered with 204, on
which it asks no more.
"""

import re
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response
from msgspec import Struct

from darkroom.application import Application
from darkroom.http.app import Api
from darkroom.http.server_events import EVENTS, HEADERS, event
from darkroom.http.transport import Following
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job
from darkroom.services.paid.waiting import is_answer

_OVER: Final = "over"
_PARTIAL: Final = re.compile(r"partial-(\d)")
_RETRY: Final = "retry: 2000\n\n"
# Seconds for which one request follows a job at the most, and of the door's time what is left then.
_MAX_SECONDS: Final = 240.0
_AFTERWARDS: Final = 3.0


class _Seen(Struct, frozen=True):
    """A job at one moment, as events. Args: partials: one for each partial picture. now: its progress, or its end."""

    partials: tuple[str, ...]
    now: str
    is_over: bool


class _Reader:
    """One follower. Args: last: the id of the last event that it has, with an earlier request."""

    def __init__(self, last: str) -> None:
        found = _PARTIAL.fullmatch(last)
        self._partials = int(found[1]) + 1 if found else 0

    def told(self, seen: _Seen) -> tuple[str, bool]:
        new, self._partials = seen.partials[self._partials :], max(self._partials, len(seen.partials))
        return "".join((*new, seen.now)), seen.is_over


def follow(app: Application, api: Api, job_id: str) -> Response[Any]:
    """Raises NotFound: the caller has no such job."""
    user, last = api.user, api.headers.get("last-event-id", "")

    def look(before: _Seen | None) -> _Seen:
        return _seen(app, app.jobs.as_shown(app.jobs.find(user, job_id)), before)

    job = app.jobs.as_shown(app.jobs.find(user, job_id))
    if last == _OVER and is_answer(job):
        return Response(204, EVENTS, "", headers={})
    reader, outlet = _Reader(last), api.transport.outlet
    told, is_over = reader.told(_seen(app, job, None))
    if outlet is not None and not is_over:
        ends = Deadline(min(_MAX_SECONDS, api.seconds_left - _AFTERWARDS), clock=app.ports.stopwatch)
        outlet.follow(Following((user, job_id), look, reader.told, ends))
    return Response(200, EVENTS, told if is_over else _RETRY + told, headers={**HEADERS})


def _seen(app: Application, job: Job, before: _Seen | None) -> _Seen:
    partials = () if before is None else before.partials
    for index, key in enumerate(job.partial_keys if job.dispatched_at else ()):
        if index < len(partials):
            continue
        if not app.ports.images.has_output(key):
            break
        shown = {"id": job.id, "partial_image_index": index, "url": app.ports.images.link_output(key)}
        partials = (*partials, f"id: partial-{index}\n{event(shown, 'partial_image')}")
    if is_answer(job):
        return _Seen(partials, f"id: {_OVER}\n{event(app.jobs.show(job), 'job')}", True)
    return _Seen(partials, _progress(app, job), False)


def _progress(app: Application, job: Job) -> str:
    begun = job.started_at
    seconds = 0.0 if begun is None else (app.ports.clock() - begun).total_seconds()
    told = {"id": job.id, "status": job.status.value, "seconds": round(max(0.0, seconds), 1)}
    return event({**told, "expected_seconds": app.durations.expected(job)}, "progress")
