"""In place: the process that admits a job carries it out itself, while its caller waits for the answer.

The transaction that admits such a job stores it as running, in its first attempt, with a lease of this process; no
message is sent, and nothing is polled. From there on it is a worker's job like any other: each step is written down
before it is taken, and if this process dies, the sweep finds what a worker would have left.

It is carried out in a thread: a caller who hangs up ends the wait, never the call. What comes after it is done there,
too: a turn whose plan this was goes on, and a part that it then admits is carried out next.
"""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar, copy_context
from datetime import datetime, timedelta
from threading import Thread

from msgspec import Struct, field

from darkroom.errors import DarkroomError
from darkroom.models.admission import Terms
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.ports import OnEvent
from darkroom.services.accounts.snapshot import read_anew
from darkroom.services.paid.calls import unheard
from darkroom.services.paid.worker import AFTERWARDS, LEASE_MARGIN, Worker

# As long as a worker has for a job.
MAX_SECONDS = 300.0
# Less would have the provider's answer come too late to be stored.
MIN_SECONDS = AFTERWARDS + 30.0
# At the end of a request: what putting the answer together takes.
FOR_ANSWERING = 10.0


class _Here(Struct):
    """What this thread carries out: by when, and which jobs are its own and yet to be begun."""

    deadline: Deadline
    next: list[Job] = field(default_factory=list)


_HERE: ContextVar["_Here | None"] = ContextVar("darkroom_in_place", default=None)

Start = Callable[[Callable[[], None]], "Future[None]"]
"""Has something done beside what goes on, and tells when it is."""


def in_thread(work: Callable[[], None]) -> "Future[None]":
    """Starts a thread. The process does not end before the thread does.

    Raises:
        RuntimeError: the system has no room for another thread.
    """
    future: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the thread that waits raises it
            future.set_exception(error)
        else:
            future.set_result(None)

    # What was read of the caller's account for the request holds for its job, too.
    Thread(target=copy_context().run, args=(run,), name="in place").start()
    return future


class InPlace(Struct, frozen=True):
    """Args:
    start: how a job is begun beside the request.
    outlasts_answer: whether the process goes on when it has answered, until what it began is over.
    """

    worker: Worker
    start: Start
    outlasts_answer: bool

    def time_for(self, terms: Terms) -> Deadline | None:
        """Until when a request's job may take; None if it is a worker's: nobody waits for its end, or not long enough.

        A caller who waits for some seconds only is answered before the end, and Lambda halts a process that has
        answered, unless it has said that it goes on.
        """
        if terms.is_async:
            return None
        if self.outlasts_answer:
            return Deadline(MAX_SECONDS)
        if terms.wait is not None:
            return None
        left = MAX_SECONDS if terms.deadline is None else terms.deadline.left() - FOR_ANSWERING
        return Deadline(min(MAX_SECONDS, left)) if left >= MIN_SECONDS else None

    def claimed(self, job: Job, now: datetime, deadline: Deadline) -> Job:
        """The job as it is to be admitted: begun, and this process's."""
        return job.model_copy(
            update={
                "status": JobStatus.RUNNING,
                "attempt": 1,
                "started_at": now,
                "lease_expires_at": now + timedelta(seconds=deadline.left()) + LEASE_MARGIN,
            }
        )

    def begin(self, job: Job, deadline: Deadline, on_event: OnEvent | None) -> "Future[None] | None":
        """Begins an admitted job. The future has a result when the job is over, or is a worker's.

        None if it could not be begun here.

        Args: on_event: hears the answer while it comes, where the provider streams it.
        """
        try:
            return self.start(lambda: self._run(job, deadline, on_event or unheard))
        except RuntimeError:
            with suppress(DarkroomError):
                self.worker.jobs.requeue(job)
            self._tell_worker(job)
            return None

    def claimed_next(self, job: Job, now: datetime) -> Job | None:
        """A further job as it is to be admitted, if this thread carries out what is admitted, and has the time."""
        here = _HERE.get()
        return self.claimed(job, now, here.deadline) if here and here.deadline.left() >= MIN_SECONDS else None

    def carry_on(self, job: Job) -> None:
        """Has this thread carry out, when it is done with what it is at, a job that it claimed and admitted."""
        here = _HERE.get()
        assert here is not None  # noqa: S101 - it claimed the job
        here.next.append(job)

    def _run(self, job: Job, deadline: Deadline, on_event: OnEvent) -> None:
        here = _Here(deadline, [job])
        token = _HERE.set(here)
        try:
            self.worker.carry_on(here.next.pop(0), deadline, on_event)
            while here.next:
                job = here.next.pop(0)
                # It was decided on later, by what was true then.
                with read_anew():
                    self.worker.carry_on(job, deadline, unheard)
        except DarkroomError:
            # If nothing was sent, it waits for another attempt. If it is over, what comes after it is yet to be done.
            self._tell_worker(job)
            for each in here.next:
                with suppress(DarkroomError):
                    self.worker.jobs.requeue(each)
                self._tell_worker(each)
        finally:
            _HERE.reset(token)

    def _tell_worker(self, job: Job) -> None:
        try:
            self.worker.queue.send(job.user, job.id)
        except DarkroomError as error:
            # The sweep finds it.
            self.worker.alarm("JOB_NOT_QUEUED", job=job.id, detail=error.detail)
