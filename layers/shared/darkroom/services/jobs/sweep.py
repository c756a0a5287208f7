"""The sweep: every few minutes, whatever a worker left behind is brought to an end.

queued, and nobody came          → told to a worker again
running, worker gone, not sent   → queued again, a few times
running, worker gone, sent       → its raw answer is read, or it becomes uncertain
uncertain, or its cost unknown   → what it cost is found out; after a day, given up
a webhook's message lost         → sent again
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from darkroom.errors import DarkroomError, InternalError, ServiceUnavailable
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.ports import Alarm, Clock, JobQueue, JobStore, Provider, RawAnswerStore
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.paid.calls import reread
from darkroom.services.paid.reconcile import Reconciliation
from darkroom.services.paid.settlement import DECIDED_AFTER, Settlement
from darkroom.services.paid.worker import MOST_ATTEMPTS, Advance, no_turns

# A message is delivered within seconds; what still waits after this was never sent, or lost.
FORGOTTEN = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Args:
    resend_webhooks: sends the messages of deliveries that were lost again; says how many.
    is_batch: whether a job is a recipe for many pictures.
    resume_batch: sends the message of such a job again, if nobody is at work on it; or gives it up.
    """

    jobs: JobStore
    free_jobs: Jobs
    queue: JobQueue
    providers: Callable[[str], Provider]
    raw_answers: RawAnswerStore
    settlement: Settlement
    reconciliation: Reconciliation
    resend_webhooks: Callable[[], int]
    clock: Clock
    alarm: Alarm
    advance: Advance = no_turns
    is_batch: Callable[[Job], bool] = lambda _job: False
    resume_batch: Callable[[Job], object] = lambda _job: None

    def run(self, deadline: Deadline) -> dict[str, int]:
        """Looks at every open job, oldest first, until all are seen or the time is up; says how many of what."""
        done = {"looked_at": 0, "failed": 0}
        for job in self.jobs.list_open():
            if deadline.is_over:
                self.alarm("SWEEP_TOO_SHORT", looked_at=done["looked_at"])
                break
            done["looked_at"] += 1
            try:
                self._look_at(job)
            except Exception as error:  # noqa: BLE001 - one job's trouble must not keep the others waiting
                done["failed"] += 1
                self.alarm("SWEEP_FAILED", job=job.id, error=type(error).__name__, detail=str(error)[:200])
        done["webhooks"] = self.resend_webhooks()
        return done

    def _look_at(self, job: Job) -> None:
        if job.turn is not None:
            self.advance(job.user, job.id)
        elif self.is_batch(job):
            # It takes many attempts, each of which does a part: only age tells that it will come to nothing.
            self.resume_batch(job)
        elif not job.is_paid:
            self.free_jobs.close_if_abandoned(job)
        elif job.status is JobStatus.QUEUED:
            self._queued(job)
        elif job.status is JobStatus.RUNNING:
            self._running(job)
        else:
            self._undecided(job)
        if job.parent_id is not None:
            self.advance(job.user, job.parent_id)

    def _queued(self, job: Job) -> None:
        now = self.clock()
        if job.cancel_at is not None and job.cancel_at <= now:
            self.settlement.cancel(job)
        elif job.created_at + DECIDED_AFTER <= now:
            self.settlement.fail_before_dispatch(job, _never_begun())
        elif max(job.created_at, job.started_at or job.created_at) + FORGOTTEN <= now:
            self.queue.send(job.user, job.id)

    def _running(self, job: Job) -> None:
        if job.lease_expires_at is None or job.lease_expires_at > self.clock():
            return
        if job.dispatched_at is not None:
            self._end_of_dispatched(job)
        elif job.attempt >= MOST_ATTEMPTS:
            self.settlement.fail_before_dispatch(job, _never_begun())
        elif self.jobs.requeue(job):
            self.queue.send(job.user, job.id)

    def _end_of_dispatched(self, job: Job) -> None:
        try:
            self._recover(job)
        except Exception:
            # Whatever keeps its answer from being stored is somebody's to mend, but not for ever.
            if not self._is_overdue(job):
                raise
            self._undecided(job)

    def _recover(self, job: Job) -> None:
        """The worker died after it had sent the job. What it had stored of the answer is as good as the answer."""
        answer, work = self.raw_answers.read(job.user, job.id), job.work
        assert work is not None  # noqa: S101 - only paid jobs come here
        if answer is None:
            self.settlement.doubt(job, _lost())
        else:
            job = job.model_copy(update={"generation_id": answer.generation_id or job.generation_id})
            try:
                result = reread(work, self.providers(job.provider), answer)
            except DarkroomError as error:
                self.settlement.fail(job, error)
            else:
                self.settlement.succeed(job, result)
        seen = self.jobs.find(job.user, job.id)
        if seen is not None and not seen.cost.settled:
            self._undecided(seen)

    def _undecided(self, job: Job) -> None:
        cost = self.reconciliation.cost_of(job)
        if cost is not None:
            self.settlement.decide(job, cost)
        elif self._is_overdue(job):
            self.settlement.give_up(job)

    def _is_overdue(self, job: Job) -> bool:
        return (job.dispatched_at or job.created_at) + DECIDED_AFTER <= self.clock()


def _never_begun() -> InternalError:
    return InternalError("No worker could carry the job out.", fix="Try again; the log has the cause.")


def _lost() -> ServiceUnavailable:
    return ServiceUnavailable(
        "The worker ended while the provider was at work.",
        fix="Whether it was charged is being found out; look at the job again in some minutes.",
        charged="unknown",
    )
