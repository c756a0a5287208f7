"""The HTTP edge of paid pictures: what a request's headers ask for, and OpenAI's answer with ours around it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.api import Api, json_response, retry_header, validated
from darkroom.bootstrap import AnswerServices
from darkroom.errors import InvalidParameter, StillRunning
from darkroom.image_body import image_body
from darkroom.models.admission import Terms
from darkroom.models.deadline import Deadline
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobStatus
from darkroom.models.money import in_dollars
from darkroom.services.paid.admission import Submission
from darkroom.services.paid.waiting import is_answer, wait_for

LONGEST_WAIT = 25.0
# What putting the answer together takes, at the end of an invocation.
_AFTERWARDS = 2.5
_SECONDS = {"s": 1, "m": 60, "h": 3600, "": 1}
_WAIT = re.compile(r"wait=\"?(\d{1,4}(?:\.\d{1,3})?)\"?")
_AFTER = re.compile(r"(\d{1,5})\s*([smh]?)")
_QUOTED = re.compile(r'"(.*)"')


def terms_of(api: Api) -> Terms:
    """Raises InvalidParameter for a header that cannot be understood."""
    headers = api.headers
    preferences = [part.strip().lower() for part in headers.get("prefer", "").split(",")]
    waits = [found[1] for found in map(_WAIT.fullmatch, preferences) if found]
    return validated(
        Terms,
        {
            "route": api.route,
            "idempotency_key": _idempotency_key(headers),
            "is_async": "respond-async" in preferences,
            "wait": min(LONGEST_WAIT, float(waits[0])) if waits else None,
            "is_retry": _is_retry(headers.get("x-stainless-retry-count", "")),
            "cancel_after": _cancel_after(headers),
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


@dataclass(frozen=True, slots=True)
class Answering:
    """How a submission becomes an answer: at once, after some waiting, or with the way to it."""

    behind: AnswerServices

    def answer(
        self, submission: Submission, request: ImageRequest, terms: Terms, *, seconds_left: float
    ) -> Response[Any]:
        """Pictures; raises as respond does."""
        return self.respond(
            submission,
            lambda job: json_response(image_body(self.behind, job, request)),
            terms,
            seconds_left=seconds_left,
            what="The picture is",
        )

    def respond(
        self,
        submission: Submission,
        done: Callable[[Job], Response[Any]],
        terms: Terms,
        *,
        seconds_left: float,
        what: str,
    ) -> Response[Any]:
        """Raises StillRunning when the caller wants to wait, and no longer can.

        Args:
            done: the answer for a job that has succeeded; headers are put beside its own.
            what: what is waited for, with its verb.
        """
        job = submission.job
        limit = LONGEST_WAIT if terms.wait is None else terms.wait
        if not terms.is_async or is_answer(job):
            job = wait_for(self.behind.jobs, job, Deadline(min(limit, max(0.0, seconds_left - _AFTERWARDS))))
        headers = self._headers(job, submission, terms)
        if is_answer(job):
            self._told(submission)
            return self._over(job, submission, done, headers)
        if terms.is_async or terms.wait is not None:
            self._told(submission)
            return json_response(self.behind.shown.show(job), 202, {**headers, "retry-after": "2"})
        if submission.answer is not None:
            self.behind.answers.let_go(submission.answer)
        raise StillRunning(
            f"{what} not finished yet; the work goes on.",
            fix="Send the same request again to wait on, or look at the job.",
            retry_after=1,
            charged="unknown",
            context={"job": self.behind.shown.show(job)},
        )

    def _told(self, submission: Submission) -> None:
        if submission.answer is not None:
            self.behind.answers.told(submission.answer)

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
            answer.headers.update(headers)
            return answer
        problem = {**(job.error or {}), "instance": f"/v1/jobs/{job.id}", "job": self.behind.shown.show(job)}
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
