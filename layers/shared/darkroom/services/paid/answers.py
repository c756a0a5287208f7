"""Answers that did not reach anybody, so that a paid picture is neither lost nor paid for again.

Whoever sends a request without an Idempotency-Key and gets no answer cannot know whether it was carried out. So the
job's answer is kept for its request for 15 minutes:

- held while somebody waits for it,
- free when they went away without it: the next identical request of the same user gets it,
- told once it was given. Only what the openai SDK marks as a retry may have it once more, and soon.

Two identical requests that are both answered, or made at the same time, stay two.
"""

from datetime import datetime, timedelta

from darkroom.models.admission import PendingAnswer, Terms
from darkroom.models.job import Job, JobStatus
from darkroom.ports import AnswerStore, Clock, JobStore

KEPT = timedelta(minutes=15)
# Longer than an HTTP function can wait.
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
            state="told" if terms.is_async else "held",
            held_until=now + HELD,
            changed_at=now,
            expires_at=now + KEPT,
        )

    def claim(self, user: str, request_sha256: str, terms: Terms) -> tuple[Job, PendingAnswer] | None:
        """A job that this request may join instead of becoming one of its own."""
        now = self._clock()
        for seen in self._candidates(user, request_sha256, terms, now):
            job = self._jobs.find(user, seen.job_id)
            if job is None or job.removed_at or not self._is_worth_having(job, seen, now):
                continue
            held = seen.model_copy(update={"state": "held", "held_until": now + HELD, "changed_at": now})
            if self._store.change(seen, to=held):
                return job, held
        return None

    def let_go(self, held: PendingAnswer) -> None:
        """Whoever waited goes away without it; unless somebody else has come to wait for it meanwhile."""
        now = self._clock()
        self._store.change(held, to=held.model_copy(update={"state": "free", "changed_at": now}))

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
        if not terms.is_retry:
            return free
        # Each of several retries has a job of its own, if there are several; then whatever there is.
        held = [row for row in rows if row.state == "held" and not row.is_free(now)]
        return [*free, *held, *(row for row in reversed(rows) if row.state == "told")]

    @staticmethod
    def _is_worth_having(job: Job, seen: PendingAnswer, now: datetime) -> bool:
        if not job.status.is_final:
            return True
        if seen.state == "told" and seen.changed_at + TOLD < now:
            return False
        # What failed and cost nothing may as well be tried anew.
        return job.status is JobStatus.SUCCEEDED or job.cost.charged is not False
