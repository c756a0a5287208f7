"""The sweep: every few minutes, whatever a worker left behind is brought to an end.

dead letter of a job             → the job fails, if it was not sent
queued, and nobody came          → told to a worker again
running, worker gone, not sent   → queued again, a few times
running, worker gone, sent       → its raw answer is read, or it becomes uncertain
uncertain, or its cost unknown   → what it cost is found out; after a day, given up
a webhook's message lost         → sent again
bought, and not yet cut out      → the image function is told again; after a while, given up

Each job is looked at by itself (`looks`): one that raises, hangs or kills the process is counted, and comes last, later
and later. What is a day old and still in trouble is ended without the step that troubles it.
"""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread

from msgspec import Struct, field

from darkroom.errors import DarkroomError, InternalError, ServiceUnavailable
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.ports import Alarm, Clock, JobQueue, JobStore, OpenJob, Provider, RawAnswerStore
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.jobs.looks import MOST_FAILURES, decided_at, in_order, within
from darkroom.services.paid import fan_out
from darkroom.services.paid.calls import as_picture, reread
from darkroom.services.paid.reconcile import Reconciliation
from darkroom.services.paid.settlement import DECIDED_AFTER, Settlement
from darkroom.services.paid.worker import MOST_ATTEMPTS, Advance

# A message is delivered within seconds; what still waits after this was never sent, or lost.
FORGOTTEN = timedelta(minutes=3)
# Seconds that one look may take, and with fewer than which none is begun.
LONGEST_LOOK = 45.0
_LEAST = 5.0
# Looks that went on after their time and have not come to their end; with more, this process looks at nothing more.
_MOST_LEFT = 16


class Sweep(Struct, frozen=True):
    """Args:
    resend_webhooks: sends the messages of deliveries that were lost again; says how many.
    sweep_dead_letters: looks at the messages that failed on every delivery; says how many.
    sweep_cutouts: brings to an end what is to be cut out of its background; says of how many jobs.
    is_batch: whether a job is a recipe for many pictures.
    resume_batch: sends the message of such a job again, if nobody is at work on it; or gives it up.
    longest_look: seconds that one job may take.
    left: the looks that are not over though their time is, by user and job.
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
    advance: Advance
    sweep_dead_letters: Callable[[], int]
    sweep_cutouts: Callable[[], int]
    is_batch: Callable[[Job], bool]
    resume_batch: Callable[[Job], object]
    longest_look: float = LONGEST_LOOK
    left: dict[tuple[str, str], Thread] = field(default_factory=dict)

    def run(self, deadline: Deadline) -> dict[str, int]:
        """Looks at every open job that is due, until all are seen or the time is up; says how many of what."""
        done = {"looked_at": 0, "failed": 0, "dead_letters": self._counted("dead letters", self.sweep_dead_letters)}
        for seen in self._due():
            if deadline.left() < _LEAST or self._has_too_many_left():
                self.alarm("SWEEP_TOO_SHORT", looked_at=done["looked_at"])
                break
            try:
                if self.jobs.begin_look(seen, at=self.clock()) is None:
                    continue
                done["looked_at"] += 1
                is_over = self._is_looked_at(seen, min(self.longest_look, deadline.left()))
            except Exception as error:  # noqa: BLE001 - one job's trouble must not keep the others waiting
                self._complain(seen.id, error)
                is_over = False
            if not is_over:
                done["failed"] += 1
                if seen.failures + 1 >= MOST_FAILURES:
                    self.alarm("SWEEP_QUARANTINED", job=seen.id, failures=seen.failures + 1)
        done["webhooks"] = self._counted("webhooks", self.resend_webhooks)
        done["cutouts"] = self._counted("cutouts", self.sweep_cutouts)
        return done

    def _due(self) -> list[OpenJob]:
        """What can be found, where not all can: one part's trouble must not keep the others waiting either."""
        found: list[OpenJob] = []
        try:
            for seen in self.jobs.list_looks(at=self.clock()):
                found.append(seen)
        except DarkroomError as error:
            self._complain("open jobs", error)
        return in_order(found, self.clock())

    def _is_looked_at(self, seen: OpenJob, seconds: float) -> bool:
        """Whether the look was over in time; raises whatever it raised."""
        name = (seen.user, seen.id)
        if name in self.left:
            return False
        hanging = within(seconds, lambda: self._take_look(seen))
        if hanging is not None:
            self.left[name] = hanging
            self.alarm("SWEEP_FAILED", job=seen.id, error="TookTooLong", detail=f"It took more than {seconds:g} s.")
            return False
        self.jobs.end_look(*name)
        return True

    def _has_too_many_left(self) -> bool:
        for name, thread in list(self.left.items()):
            if not thread.is_alive():
                del self.left[name]
        return len(self.left) > _MOST_LEFT

    def _counted(self, name: str, sweep: Callable[[], int]) -> int:
        try:
            return sweep()
        except Exception as error:  # noqa: BLE001 - nor must a webhook's, or a cut-out's
            self._complain(name, error)
            return 0

    def _complain(self, job_id: str, error: Exception) -> None:
        self.alarm("SWEEP_FAILED", job=job_id, error=type(error).__name__, detail=str(error)[:200])

    def _take_look(self, seen: OpenJob) -> None:
        job, decided = self.jobs.find(seen.user, seen.id), decided_at(seen)
        if job is None:
            return
        if seen.failures >= MOST_FAILURES and decided <= self.clock():
            self._end(job, is_hopeless=seen.looked_at is not None and seen.looked_at >= decided)
        else:
            self._look_at(job)
        if job.parent_id is not None:
            self._tell(job.user, job.parent_id)
        self.free_jobs.forget(job)

    def _tell(self, user: str, parent_id: str) -> None:
        """Its trouble is the parent's, which is looked at for itself."""
        try:
            self.advance(user, parent_id)
        except Exception as error:  # noqa: BLE001
            self._complain(parent_id, error)

    def _end(self, job: Job, *, is_hopeless: bool) -> None:
        """Ends a job that is a day old without what has failed at each look.

        Args:
            is_hopeless: not even this went well the last time.
        """
        if not job.is_paid:
            self._end_free(job, is_hopeless=is_hopeless)
        elif job.dispatched_at is None:
            self.settlement.fail_before_dispatch(job, _never_begun())
        elif is_hopeless and (share := self.reconciliation.decided_share(job)) is not None:
            self.settlement.share(job, share)
        elif is_hopeless:
            self.settlement.give_up(job)
        else:
            self._undecided(job)

    def _end_free(self, job: Job, *, is_hopeless: bool) -> None:
        try:
            if not is_hopeless:
                self._look_at(job)
                return
        except Exception as error:
            if job.status.is_final:
                # It is over; that what its parts cost can be told is hoped for a while longer.
                raise
            self._complain(job.id, error)
        self.free_jobs.abandon(job)

    def _look_at(self, job: Job) -> None:
        if job.turn is not None or (job.status.is_final and not job.is_paid):
            # What is over and costs nothing itself waits for what its parts cost.
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
        if job.calls:
            outcomes = fan_out.recovered(job, self.providers(job.provider), self.raw_answers)
            fan_out.finish(self.settlement, job, outcomes)
        else:
            self._read_again(job)
        seen = self.jobs.find(job.user, job.id)
        if seen is not None and not seen.cost.settled:
            self._undecided(seen)

    def _read_again(self, job: Job) -> None:
        answer, work = self.raw_answers.read(job.user, job.id, as_picture=as_picture(job)), job.work
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
                self.settlement.succeed(job, result, picture=answer.picture)

    def _undecided(self, job: Job) -> None:
        if (share := self.reconciliation.decided_share(job)) is not None:
            self.settlement.share(job, share)
        elif (cost := self.reconciliation.cost_of(job)) is not None:
            self.settlement.decide(job, cost)
        elif (share := self.reconciliation.share_of(job)) is not None:
            self.settlement.share(job, share)
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
