"""Answers that did not reach anybody, so that a paid picture is neither lost nor paid for again.

Whoever sends a request without an Idempotency-Key and gets no answer cannot know whether it was carried out. So the
job's answer is kept for its request for 15 minutes:

- held while somebody waits for it,
- free when they went away without it: the next identical request of the same user gets it,
- told once it was given. Only what the openai SDK marks as a retry, or what has the same mark, may have it once more,
  and soon.

Two identical requests that are both answered, or made at the same time, stay two.
"""

from datetime import datetime, timedelta
from typing import Any

from darkroom.errors import AnswerPending, DarkroomFault
from darkroom.models.admission import PendingAnswer, Terms
from darkroom.models.job import Job, JobStatus
from darkroom.ports import AnswerStore, Clock, JobStore

KEPT = timedelta(minutes=15)
# Longer than a caller waits at API Gateway; who waits longer elsewhere holds it again.
HELD = timedelta(seconds=30)
# An SDK's retries come within seconds of what they repeat.
TOLD = timedelta(seconds=60)


class Answers:
    def __init__(self, store: AnswerStore, jobs: JobStore, clock: Clock) -> None:
        self._store = store
        self._jobs = jobs
        self._clock = clock

    def pending(self, job: Job, request_sha256: str, terms: Terms) -> PendingAnswer:
        """What to keep for a new job: who is answered at once where to find it has been told."""
        now = self._clock()
        return PendingAnswer(
            user=job.user,
            request_sha256=request_sha256,
            job_id=job.id,
            mark=terms.mark,
            state="told" if terms.is_async else "held",
            held_until=now + _held(terms),
            changed_at=now,
            expires_at=now + KEPT,
        )

    def claim(self, user: str, request_sha256: str, terms: Terms) -> tuple[Job, PendingAnswer] | None:
        """A job that this request may join instead of becoming one of its own."""
        now = self._clock()
        for seen in self._candidates(user, request_sha256, terms, now):
            try:
                job = self._jobs.find(user, seen.job_id)
            except DarkroomFault as fault:
                raise unanswered(seen.job_id) from fault
            if job is None or job.removed_at or not self._is_worth_having(job, seen, now):
                continue
            held = seen.model_copy(update={"state": "held", "held_until": now + _held(terms), "changed_at": now})
            if self._is_taken(seen, held):
                return job, held
        return None

    def _is_taken(self, seen: PendingAnswer, held: PendingAnswer) -> bool:
        """Where it is not known, yes: two callers with one picture do no harm, one who pays for two does."""
        try:
            return self._store.change(seen, to=held)
        except DarkroomFault:
            return True

    def let_go(self, held: PendingAnswer) -> bool:
        """The caller who waited goes away without it; unless somebody else has come to wait for it meanwhile.

        Returns:
            Whether the same request gets it from now on.
        """
        now = self._clock()
        if self._store.change(held, to=held.model_copy(update={"state": "free", "changed_at": now})):
            return True
        # `held` may not have been written after all: what is there counts.
        seen = self._store.find(held.user, held.request_sha256, held.job_id)
        return seen is not None and seen.state == "free"

    def hold(self, held: PendingAnswer) -> PendingAnswer:
        """The caller goes on waiting: as it is held from now on, unless somebody else has come to wait for it."""
        now = self._clock()
        longer = held.model_copy(update={"held_until": now + HELD, "changed_at": now})
        return longer if self._store.change(held, to=longer) else held

    def told(self, held: PendingAnswer) -> None:
        """It is being given to whoever waited."""
        seen: PendingAnswer | None = held
        while seen is not None and seen.state != "told":
            if self._store.change(seen, to=seen.model_copy(update={"state": "told", "changed_at": self._clock()})):
                return
            seen = self._store.find(held.user, held.request_sha256, held.job_id)

    def _candidates(self, user: str, request_sha256: str, terms: Terms, now: datetime) -> list[PendingAnswer]:
        rows = self._store.of_request(user, request_sha256)
        free = [row for row in rows if row.is_free(now)]
        again = [row for row in rows if terms.is_retry or (terms.mark is not None and row.mark == terms.mark)]
        # Each of several retries has a job of its own, if there are several; then whatever there is.
        held = [row for row in again if row.state == "held" and not row.is_free(now)]
        return [*free, *held, *(row for row in reversed(again) if row.state == "told")]

    @staticmethod
    def _is_worth_having(job: Job, seen: PendingAnswer, now: datetime) -> bool:
        if not job.status.is_final:
            return True
        if seen.state == "told" and seen.changed_at + TOLD < now:
            return False
        # What failed and cost nothing may as well be tried anew.
        return job.status is JobStatus.SUCCEEDED or job.cost.charged is not False


def _held(terms: Terms) -> timedelta:
    """For as long as somebody may be waiting; a request after that is to have it."""
    return HELD if terms.deadline is None else min(HELD, timedelta(seconds=terms.deadline.left()))


def unanswered(job_id: str) -> AnswerPending:
    """For a request that has this job, of which nothing else could be found out."""
    return AnswerPending(
        "The request has a job already, of which nothing can be found out at this moment.",
        fix="Send the same request again, which costs nothing more, or look at the job.",
        retry_after=2,
        charged="unknown",
        context={"job": reference(job_id)},
    )


def reference(job_id: str) -> dict[str, Any]:
    """As much of a job as can be shown without having read it."""
    return {"id": job_id, "object": "job", "urls": {"get": f"/v1/jobs/{job_id}"}}
