"""The HTTP edge of paid pictures: what a request's headers ask for, and OpenAI's answer with ours around it."""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.event_handler import Response
from msgspec import Struct
from msgspec.structs import replace

from darkroom.application import Application
from darkroom.errors import (
    AnswerNotGiven,
    AnswerPending,
    Charged,
    DarkroomError,
    DarkroomFault,
    InvalidParameter,
    StillRunning,
)
from darkroom.http.app import Api, answered, json_response, validated
from darkroom.http.image_body import image_body
from darkroom.http.image_stream import PictureStream
from darkroom.http.problems import retry_header
from darkroom.http.schemas.jobs import Job as JobView
from darkroom.http.server_events import EVENTS
from darkroom.http.transport import require_sendable
from darkroom.models.admission import Terms
from darkroom.models.deadline import Deadline
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobStatus
from darkroom.models.money import in_dollars
from darkroom.observability import note
from darkroom.services.paid.admission import Submission
from darkroom.services.paid.answers import reference
from darkroom.services.paid.at_hand import job_at_hand
from darkroom.services.paid.waiting import is_answer, wait_for

# What putting the answer together takes, at the end of an invocation.
_AFTERWARDS = 2.5
# While a job is carried out here: between two looks whether somebody listens, and before its answer is held again.
_LISTENS = 0.2
_RENEWED = 15.0
_SECONDS = {"s": 1, "m": 60, "h": 3600, "": 1}
_WAIT = re.compile(r"wait=\"?(\d{1,4}(?:\.\d{1,3})?)\"?")
_AFTER = re.compile(r"(\d{1,5})\s*([smh]?)")
_QUOTED = re.compile(r'"(.*)"')


def terms_of(api: Api, on_event: Callable[[str], bool] | None = None) -> Terms:
    """Raises InvalidParameter for a header that cannot be understood.

    Args: on_event: hears a streamed answer while it comes.
    """
    headers = api.headers
    preferences = [part.strip().lower() for part in headers.get("prefer", "").split(",")]
    waits = [found[1] for found in map(_WAIT.fullmatch, preferences) if found]
    return validated(
        Terms,
        {
            "route": api.route,
            "idempotency_key": _idempotency_key(headers),
            "is_async": "respond-async" in preferences,
            "wait": min(api.transport.door.max_wait, float(waits[0])) if waits else None,
            "is_retry": _is_retry(headers.get("x-stainless-retry-count", "")),
            "cancel_after": _cancel_after(headers),
            "deadline": Deadline(api.seconds_left),
            "door": api.transport.door,
            "on_event": on_event,
        },
    )


def _is_retry(count: str) -> bool:
    return count.strip().isdecimal() and int(count) > 0


def _idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Bare, or as a quoted string. https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/"""
    given = headers.get("idempotency-key")
    if given is None:
        return None
    quoted = _QUOTED.fullmatch(given.strip())
    key = quoted[1] if quoted else given.strip()
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise InvalidParameter(
            "The Idempotency-Key is not 1 to 255 printable ASCII characters.",
            fix="Use a UUID.",
            param="Idempotency-Key",
        )
    return key


def _cancel_after(headers: Mapping[str, str]) -> timedelta | None:
    given = headers.get("cancel-after")
    if given is None:
        return None
    found = _AFTER.fullmatch(given.strip().lower())
    if found is None:
        raise InvalidParameter(
            "Cancel-After cannot be understood.", fix="Give a time such as 30s, 5m or 1h.", param="Cancel-After"
        )
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


class Answering(Struct, frozen=True):
    """How a submission becomes an answer: at once, after some waiting, or with the way to it."""

    app: Application

    def wait(self, job: Job, seconds: float, gives_up: Callable[[], bool] = lambda: False) -> Job:
        """The job as its owner sees it, when it is over, or as it was last seen after that number of seconds."""
        app, ports = self.app, self.app.ports
        return wait_for(
            ports.jobs,
            job,
            Deadline(seconds, clock=ports.stopwatch),
            ports.sleep,
            as_shown=app.jobs.as_shown,
            gives_up=gives_up,
            expected=None if is_answer(job) else app.durations.expected(job),
        )

    def answer(
        self, api: Api, submission: Submission, request: ImageRequest, terms: Terms, stream: PictureStream | None
    ) -> Response[Any]:
        """Pictures; raises as respond does."""

        def done(job: Job) -> Response[Any]:
            if stream is None:
                return answered(image_body(self.app, job, request, terms.door))
            # OpenAI's events have bytes, whatever the model is called.
            given = request.model_copy(update={"response_format": request.response_format or "b64_json"})
            body = image_body(self.app, job, given, terms.door).model_dump(mode="json")
            return Response(200, EVENTS, stream.end(body), headers={})

        return self.respond(api, submission, done, terms, what="The picture is")

    def respond(
        self,
        api: Api,
        submission: Submission,
        done: Callable[[Job], Response[Any]],
        terms: Terms,
        *,
        what: str,
    ) -> Response[Any]:
        """Raises StillRunning when the caller wants to wait, and no longer can.

        Whatever else goes wrong from here on, until the answer has left, is told with the job, and with what is known
        of its cost: see undelivered.

        Args:
            done: the answer for a job that has succeeded; headers that it does not have are put beside its own.
            what: what is waited for, with its verb.
        """
        note(job=submission.job.id)
        if api.transport.outlet is not None:
            api.transport.outlet.open({"location": f"/v1/jobs/{submission.job.id}"})
        api.on_error(lambda error: self.undelivered(error, submission, terms))
        submission, job = self.awaited(api, submission, terms)
        headers = self._headers(job, submission, terms)
        if is_answer(job):
            answer = self._over(job, submission, done, headers)
            require_sendable(answer, terms.door)
            self.told(submission)
            return answer
        if terms.is_async or terms.wait is not None:
            answer = answered(JobView.model_validate(self.app.jobs.show(job)), 202, {**headers, "retry-after": "2"})
            self.told(submission)
            return answer
        self.leave(submission)
        raise StillRunning(
            f"{what} not finished yet; the work goes on.",
            fix="Send the same request again to wait on, or look at the job.",
            retry_after=1,
            # What was bought may be waited for while it is cut out of its background.
            charged=self.charged(job),
            context={"job": self.app.jobs.show(job)},
        )

    def awaited(self, api: Api, submission: Submission, terms: Terms) -> tuple[Submission, Job]:
        """The submission, and its job: over, or as it was last seen when its caller could wait no longer."""
        job = self.app.jobs.as_shown(submission.job)
        limit = terms.door.max_wait if terms.wait is None else terms.wait
        if not terms.is_async or is_answer(job):
            ends = Deadline(min(limit, max(0.0, api.seconds_left - _AFTERWARDS)), clock=self.app.ports.stopwatch)
            if submission.running is not None:
                submission = self._in_place(api, submission, submission.running, ends)
                # What this process has ended is known.
                job = job_at_hand(job.id) or self._as_it_is(submission.job)
            job = self.wait(job, ends.left(), api.transport.has_hung_up)
        return submission, job

    def _in_place(self, api: Api, submission: Submission, running: "Future[None]", ends: Deadline) -> Submission:
        """Waits while this process carries the job out, and as long as somebody listens; raises what it raised."""
        renew = Deadline(_RENEWED, clock=self.app.ports.stopwatch)
        while not ends.is_over and not api.transport.has_hung_up():
            if wait((running,), timeout=min(_LISTENS, ends.left())).done:
                running.result()
                break
            if renew.is_over and submission.answer is not None:
                renew = Deadline(_RENEWED, clock=self.app.ports.stopwatch)
                with suppress(DarkroomFault):
                    submission = replace(submission, answer=self.app.answers.hold(submission.answer))
        return submission

    def undelivered(self, error: DarkroomError, submission: Submission, terms: Terms) -> DarkroomError:
        """What is said in the error's place to whoever has a job already: never that nothing was charged, try again.

        The answer is set free, so that the same request gets it for nothing; where that cannot be done, nobody is told
        to send it again.
        """
        if error.joins:
            return error
        job = self._as_it_is(submission.job)
        charged = self.charged(job)
        shown = self._shown(job, charged)
        is_free = terms.idempotency_key is not None or self._let_go(submission)
        if error.status < 500:
            # The same would come of it each time.
            error.charged, error.retryable, error.retry_after = charged, False, None
            error.context["job"] = shown
            return error
        detail = f"The work has its job, but the answer could not be given: {error.detail}"
        if is_free:
            return AnswerPending(
                detail,
                fix="Send the same request again, which costs nothing more, or look at the job.",
                retry_after=2,
                charged=charged,
                context={"job": shown},
            )
        return AnswerNotGiven(
            detail,
            fix="Look at the job, which goes on; the same request sent again might be another one, and be paid for.",
            charged=charged,
            context={"job": shown},
        )

    def charged(self, job: Job) -> Charged:
        """As it is shown: a turn that goes on is settled itself, and its parts are not."""
        cost = self.app.jobs.show_cost(job)
        charged: Charged = cost["charged"] if cost["settled"] else "unknown"
        return charged

    def _as_it_is(self, job: Job) -> Job:
        try:
            return self.app.ports.jobs.find(job.user, job.id) or job
        except DarkroomFault:
            return job

    def _shown(self, job: Job, charged: Charged) -> dict[str, Any]:
        try:
            shown = self.app.jobs.show(job)
        except DarkroomFault:
            return reference(job.id)
        return {**shown, "cost": {**shown["cost"], "charged": charged}}

    def leave(self, submission: Submission) -> None:
        """Lets the same request have the answer that comes. Raises DarkroomFault: it would not, see undelivered."""
        if submission.answer is not None:
            self.app.answers.let_go(submission.answer)

    def _let_go(self, submission: Submission) -> bool:
        """Whether the same request gets the answer from now on, without becoming another job."""
        if submission.answer is None:
            return False
        try:
            return self.app.answers.let_go(submission.answer)
        except DarkroomFault:
            return False

    def told(self, submission: Submission) -> None:
        """Notes that the answer is being given. It is given in any case: it is there, and was paid for."""
        try:
            if submission.answer is not None:
                self.app.answers.told(submission.answer)
        except DarkroomFault as fault:
            self.app.ports.alarm("NOT_NOTED_DOWN", job=submission.job.id, detail=fault.detail)

    def _headers(self, job: Job, submission: Submission, terms: Terms) -> dict[str, str]:
        headers = {"location": f"/v1/jobs/{job.id}"}
        if terms.wait is not None and not terms.is_async:
            headers["preference-applied"] = f"wait={terms.wait:g}"
        elif terms.is_async:
            headers["preference-applied"] = "respond-async"
        if submission.is_replayed:
            headers["idempotent-replayed"] = "true"
        if job.cost.actual is not None and (job.turn is None or job.status.is_final):
            headers["x-cost-usd"] = f"{in_dollars(job.cost.actual):f}"
        return headers

    def _over(
        self, job: Job, submission: Submission, done: Callable[[Job], Response[Any]], headers: dict[str, str]
    ) -> Response[Any]:
        if job.status is JobStatus.SUCCEEDED:
            answer = done(job)
            answer.headers = {**headers, **answer.headers}
            return answer
        problem = {**(job.error or {}), "instance": f"/v1/jobs/{job.id}", "job": self.app.jobs.show(job)}
        if submission.is_replayed and problem.get("retryable"):
            # The key stands for this failure now: with it, nothing else will ever come.
            problem |= {"retryable": False, "retry_after": None, "fix": "Send it again with a new Idempotency-Key."}
        retry_after = problem.get("retry_after")
        return json_response(
            problem,
            int(problem.get("status", 500)),
            {
                **headers,
                **retry_header(retryable=bool(problem.get("retryable"))),
                **({"retry-after": str(retry_after)} if retry_after is not None else {}),
            },
            media_type="application/problem+json",
        )
