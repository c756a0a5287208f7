"""Cut-outs that are not done while their caller waits: each becomes a job, which costs nothing, and is made from the
queue.

That is so where alpha matting has yet to be compiled, which takes longer than API Gateway waits, and where a picture
takes too long on a busy machine. The picture is kept with the job until it is over:

outputs/{user}/{job}/picture   what is to be cut out
outputs/{user}/{job}/behind    what is to be put behind the subject
outputs/{user}/{job}/keep, …/erase   what was drawn by hand
"""

import hashlib
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, astuple

from darkroom.errors import CallerError, DarkroomError, InternalError
from darkroom.models.cutout import Beside, Cutout, CutoutOptions
from darkroom.models.cutout_request import CutoutRequest, RefineRequest
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.ports import Clock, ImageStore, JobStore, Matter, RenderQueue
from darkroom.services.inputs.sources import Sources
from darkroom.services.inputs.uploads import MAX_UPLOAD_BYTES
from darkroom.services.removal.cloud_removal import OPERATION
from darkroom.services.removal.results import Pipeline, failed, store

T = TypeVar("T")


class TimeIsUp(Exception):
    """The work was not done by the deadline."""


class OneAtATime:
    """Does one piece of work at a time in this process.

    A piece that is not done in time goes on to its end, and its result is dropped. Until then the next one waits, so
    that memory and processors are never shared by two.
    """

    def __init__(self) -> None:
        self._at_work = Lock()

    def run(self, work: Callable[[], T], deadline: Deadline) -> T:
        """What the work comes to; raises what it raises.

        Raises:
            TimeIsUp: the deadline came first. The work may never have been begun.
        """
        if not self._at_work.acquire(timeout=deadline.left()):
            raise TimeIsUp
        done: list[T] = []
        raised: list[BaseException] = []

        def run() -> None:
            try:
                done.append(work())
            except BaseException as error:  # noqa: BLE001 - it is raised below
                raised.append(error)
            finally:
                self._at_work.release()

        # What goes on after its time must not keep the process from its end.
        thread = Thread(target=copy_context().run, args=(run,), name="cut out", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._at_work.release()
            raise
        thread.join(deadline.left())
        if raised:
            raise raised[0]
        if not done:
            raise TimeIsUp
        return done[0]


# The function's time-out: a worker that has not come to an end by then never will.
LEASE: Final = timedelta(seconds=60)
COMPILING: Final = (
    "Alpha matting is being compiled, which happens once and takes a minute or two; the job waits for it."
)
TOO_SLOW: Final = "It takes longer than an answer may, so it goes on as a job."
_FILES: Final = ("picture", "behind", "keep", "erase")
# Seconds; with less left no picture is begun.
_LEAST: Final = 15.0
# Seconds after which it is looked again whether somebody else has compiled.
_LOOK_AGAIN: Final = 5


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be cut out, how, and files beside it."""

    data: bytes = field(repr=False)
    options: CutoutOptions
    beside: Beside = field(default=Beside(), repr=False)


def read_beside(sources: Sources, user: str, request: CutoutRequest | RefineRequest) -> Beside:
    """The files that a request has beside its picture. Raises CallerError as `Sources.read` does."""
    given = {"behind": request.behind if request.behind.given else None, "keep": request.keep, "erase": request.erase}
    return Beside(**{name: sources.read(user, source) for name, source in given.items() if source is not None})


class Queued(Struct, frozen=True):
    """Puts cut-outs on the queue; needs no segmentation model."""

    images: ImageStore
    jobs: JobStore
    queue: RenderQueue
    clock: Clock

    def put(self, job: Job, order: Order) -> Job:
        """The job, queued; or one that was made for the same request and is not over.

        Raises:
            ServiceUnavailable: it could not be queued.
        """
        if order.beside.behind is not None:
            job = job.model_copy(update={"input": {**job.input, "background_picture": True}})
        files = {"picture": order.data, **asdict(order.beside)}
        written = {_key(job, name): data for name, data in files.items() if data is not None}
        for key, data in written.items():
            self.images.write_output(key, data, media_type="application/octet-stream", metadata={"job": job.id})
        known = self.jobs.add(job, source=_identity(job.user, order))
        if known is None or known.status.is_final:
            known = self.jobs.add(job)
        assert known is not None  # noqa: S101 - only for a source there may be none
        if known.id != job.id:
            self.images.remove_outputs(list(written))
        try:
            self.queue.send(known.user, known.id)
        except DarkroomError as error:
            if known.id == job.id:
                _finish(self.jobs, job, error.problem(), at=self.clock())
                self.images.remove_outputs(list(written))
            raise
        return known


class Postponed(Struct, frozen=True):
    """Args:
    at_work: shared by all cut-outs of the process.
    max_attempts: how often the queue delivers a message before it is a dead letter, and how often a job is begun.
    """

    pipeline: Pipeline
    matter: Matter
    images: ImageStore
    jobs: JobStore
    queue: RenderQueue
    clock: Clock
    at_work: OneAtATime
    max_attempts: int

    def cut_out(self, order: Order, new_job: Callable[[], Job], deadline: Deadline) -> Cutout | Job:
        """The cut-out, or by the deadline the queued job that makes it.

        Args:
            new_job: makes the job, with the options in its input.

        Raises:
            CallerError: the picture, the background, the model or another option cannot be used.
            ServiceUnavailable: it was to be queued, and could not be.
        """
        is_ready = not order.options.matting or self.matter.is_ready
        # Without the matting all the rest is tried all the same: what is wrong with the request is told at once.
        options = order.options if is_ready else order.options.model_copy(update={"matting": False})
        try:
            cutout = self.at_work.run(lambda: self.pipeline(order.data, options, order.beside), deadline)
        except TimeIsUp:
            return self._queued(new_job(), order, TOO_SLOW if is_ready else COMPILING)
        return cutout if is_ready else self._queued(new_job(), order, COMPILING)

    def run(self, user: str, job_id: str, deadline: Deadline, *, receives: int = 1) -> bool:
        """Makes the cut-out, or has it made by a later message.

        Returns:
            Whether it is such a job; others are none of its business.

        Raises:
            DarkroomFault: worth another delivery.
        """
        job = self.jobs.find(user, job_id)
        if job is None or not is_postponed(job):
            return False
        try:
            if not job.status.is_final:
                self._go_on(job, deadline)
        except TimeIsUp:
            self._again_or_over(job)
        except CallerError as error:
            self._finish(job, error)
        except Exception as error:
            if receives >= self.max_attempts:
                known = (
                    error if isinstance(error, DarkroomError) else InternalError("The work failed on every attempt.")
                )
                self._finish(job, known, dead_letter=True)
            elif (running := self.jobs.find(user, job_id)) is not None:
                self.jobs.requeue(running)
            raise
        self._tidy(user, job_id)
        return True

    def _go_on(self, job: Job, deadline: Deadline) -> None:
        options = CutoutOptions.model_validate(job.input["options"])
        if options.matting and not self.matter.make_ready(deadline.left()):
            self.queue.send(job.user, job.id, delay_seconds=_LOOK_AGAIN)
            return
        if deadline.left() < _LEAST:
            self.queue.send(job.user, job.id)
            return
        now = self.clock()
        running = self.jobs.start(job, now=now, lease_expires_at=now + LEASE)
        if running is None:
            # The worker that has it has another message, which comes again should that worker die.
            return
        data = self.images.read_output(_key(job, "picture"), max_bytes=MAX_UPLOAD_BYTES)
        beside = self._beside(job)
        cutout = self.at_work.run(lambda: self.pipeline(data, options, beside), deadline)
        done = store(self.images, running, cutout, stem="cutout", at=self.clock())
        if not self.jobs.finish(_without_reasons(done)):
            self._leave(done)

    def _beside(self, job: Job) -> Beside:
        names = (*(("behind",) if job.input.get("background_picture") else ()), *job.input.get("drawn", ()))
        read = {name: self.images.read_output(_key(job, name), max_bytes=MAX_UPLOAD_BYTES) for name in names}
        return Beside(**read)

    def _again_or_over(self, job: Job) -> None:
        running = self.jobs.find(job.user, job.id)
        if running is None or running.status is not JobStatus.RUNNING:
            return
        if running.attempt >= self.max_attempts:
            error = InternalError(
                "Cutting the picture out took too long each time.",
                fix="Send a smaller picture, or leave `matting` out.",
            )
            self._finish(running, error)
        elif self.jobs.requeue(running):
            self.queue.send(job.user, job.id)

    def _finish(self, job: Job, error: DarkroomError, *, dead_letter: bool = False) -> None:
        _finish(self.jobs, job, {**error.problem(), **({"dead_letter": True} if dead_letter else {})}, at=self.clock())

    def _leave(self, done: Job) -> None:
        """Removes a picture that came after the job was over, unless it is the very one that belongs to it."""
        found = self.jobs.find(done.user, done.id)
        kept = {image.key for image in found.images} if found is not None else set()
        self.images.remove_outputs([image.key for image in done.images if image.key not in kept])

    def _tidy(self, user: str, job_id: str) -> None:
        job = self.jobs.find(user, job_id)
        if job is not None and job.status.is_final:
            self.images.remove_outputs([_key(job, name) for name in _FILES])

    def _queued(self, job: Job, order: Order, why: str) -> Job:
        """The job, queued; or one that was made for the same request and is not over."""
        job = job.model_copy(update={"warnings": (*job.warnings, why)})
        return Queued(self.images, self.jobs, self.queue, self.clock).put(job, order)


def is_postponed(job: Job) -> bool:
    """Whether it is a cut-out that a request has asked for; of those that had no need to wait there is no message."""
    return job.op == OPERATION and not job.is_paid and "options" in job.input


def _finish(jobs: JobStore, job: Job, problem: dict[str, Any], *, at: datetime) -> None:
    # As it stands now: the attempt that has come to this was begun since it was read.
    found = jobs.find(job.user, job.id)
    if found is not None and not found.status.is_final:
        jobs.finish(_without_reasons(failed(found, problem, at=at)))


def _without_reasons(job: Job) -> Job:
    """The job without why it had to wait, which does not matter once it is over."""
    return job.model_copy(
        update={"warnings": tuple(each for each in job.warnings if each not in (COMPILING, TOO_SLOW))}
    )


def _identity(user: str, order: Order) -> str:
    """The same for the same request of the same user."""
    parts = (
        user.encode(),
        order.data,
        *(each or b"" for each in astuple(order.beside)),
        order.options.model_dump_json(exclude_unset=True).encode(),
    )
    return "cut-out/" + hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _key(job: Job, name: str) -> str:
    return f"outputs/{job.user}/{job.id}/{name}"
