"""Takes a recipe on the pictures that a request named, some at each call, in the function with the model.

What becomes of the pictures stands in a manifest beside the job, written after each few; a worker that dies leaves at
most those few to be done again, with the same result in the same place. Should it die twice at the same picture, that
picture has failed and the others go on.

Where the recipe paints, several pictures are on their way at a time. Each goes through the recipe's stages; between
them it waits for a painting, a paid job with an id made from the picture's, which `batch_painting` admits. What is
written down could be found out again from those jobs: a worker that dies loses work, and never money. No picture waits
for what its painting cost: a batch that is over before that is known is settled by `batch_painting` afterwards.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct, field

from darkroom.errors import CallerError, DarkroomError, InternalError
from darkroom.images.normalise import Normalised, normalise
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus, StoredImage, stored_image
from darkroom.models.recipe import Batch, Begun, Entry, Manifest, Wanted
from darkroom.ports import Alarm, Clock, ImageStore, JobQueue, JobStore, RenderQueue
from darkroom.services.inputs.inputs import parent_of
from darkroom.services.inputs.sources import Sources
from darkroom.services.paid.calls import MOST_STORED_BYTES
from darkroom.services.recipes.batch_notes import (
    Notes,
    begun_key,
    is_batch,
    is_closing,
    manifest_key,
    part_id,
)
from darkroom.services.recipes.batch_results import canceled, closed, ended, failed, over, result_of, summed
from darkroom.services.recipes.recipe_stages import Stage, stages_of
from darkroom.services.recipes.render import Render

# The function's time-out: a worker that has not come to an end by then never will.
LEASE: Final = timedelta(seconds=60)
# Pictures that are begun and not over; more would only wait, and hold money back.
WINDOW: Final = 10
# Of a batch that paints nothing, pictures between two notes of how far it has come.
_EVERY: Final = 5
# Seconds; with less left nothing is begun.
_LEAST: Final = 8.0
# At one picture, before it is given up.
_MOST_DEATHS: Final = 2
_NOT_BEGUN: Final = "The money was used up by the pictures before this one, so it was not begun."
# Stands for no picture, where the first is yet to be made.
_NOTHING: Final = StoredImage(key="", media_type="", width=0, height=0, bytes=0, sha256="")

Next = Entry | Wanted
"""What a picture has come to: its end, or a painting that it waits for."""


class Overtaken(Exception):
    """Another attempt goes on with the job, or it was canceled."""


class _Run(Struct):
    """One call's view of a batch.

    Args:
        died_at: the picture at which the attempt before this one died.
        is_last: whether what does not pass by itself now has failed.
        used: keys of pictures that nothing waits for any more.
        told: the paintings that the worker was told of.
    """

    job: Job
    asked: Batch
    stages: Sequence[Stage]
    entries: dict[int, Entry]
    wanted: dict[int, Wanted]
    died_at: Begun
    is_last: bool
    is_cut_short: bool = False
    has_moved: bool = False
    slowest: float = 0.0
    used: list[str] = field(default_factory=list)
    told: set[tuple[int, int]] = field(default_factory=set)

    @property
    def total(self) -> int:
        return len(self.asked.pictures)

    @property
    def is_done(self) -> bool:
        return len(self.entries) == self.total

    def window(self) -> list[int]:
        most = WINDOW if len(self.stages) > 1 else _EVERY
        return [index for index in range(self.total) if index not in self.entries][:most]

    def take(self, index: int, found: Next) -> None:
        if index in self.wanted:
            self.used.append(self.wanted.pop(index).image.key)
        if isinstance(found, Wanted):
            self.wanted[index] = found
        else:
            self.entries[index] = found

    def refusal(self) -> dict[str, Any] | None:
        """Why no money was left for one of the pictures; then there is none for those that are not begun."""
        errors = (each.error or {} for each in self.entries.values())
        return next((error for error in errors if error.get("budget")), None)


class RecipeWorker(Struct, frozen=True):
    """Args:
    job_queue: of the worker, which has the money.
    max_attempts: how often the queue delivers a message before it is a dead letter.
    """

    render: Render
    sources: Sources
    notes: Notes
    jobs: JobStore
    queue: RenderQueue
    job_queue: JobQueue
    clock: Clock
    alarm: Alarm
    max_attempts: int

    def run(self, user: str, job_id: str, deadline: Deadline, *, receives: int = 1) -> bool:
        """Goes on with the job until the deadline nears, and then has another call go on.

        Returns:
            Whether it is a recipe's job; others are none of its business.

        Raises:
            DarkroomFault: worth another delivery.
        """
        job = self.jobs.find(user, job_id)
        if job is None or not is_batch(job):
            return False
        if job.status.is_final:
            return True
        if deadline.left() < _LEAST:
            self.queue.send(user, job_id)
            return True
        now = self.clock()
        running = self.jobs.start(job, now=now, lease_expires_at=now + LEASE)
        if running is None:
            # Whoever works on it has a message of their own; should they die, that one comes again, or the sweep's.
            return True
        broke_off, is_last = job.status is JobStatus.RUNNING, receives >= self.max_attempts
        try:
            batch = self.notes.batch(running)
            self._go_on(running, batch, deadline, broke_off=broke_off, is_last=is_last)
        except Overtaken:
            self._hand_over(running)
        except (CallerError, InternalError) as error:
            failure = {"status": JobStatus.FAILED, "completed_at": self.clock(), "error": error.problem()}
            self.jobs.finish(running.model_copy(update=failure))
        return True

    def _go_on(self, job: Job, asked: Batch, deadline: Deadline, *, broke_off: bool, is_last: bool) -> None:
        """Does whatever can be done before the deadline.

        Raises:
            Overtaken: it is another's to go on.
            DarkroomFault: worth another delivery.
        """
        noted = self.notes.read(manifest_key(job), Manifest)
        died_at = self.notes.read(begun_key(job), Begun) if broke_off else Begun()
        run = _Run(job, asked, stages_of(asked.recipe), dict(noted.entries), dict(noted.wanted), died_at, is_last)
        try:
            self._work(run, deadline)
        except DarkroomError:
            self._save(run)
            self.jobs.requeue(run.job)
            raise

    def _work(self, run: _Run, deadline: Deadline) -> None:
        while not run.is_cut_short and self._pass(run, deadline) and not run.is_done:
            self._save(run)
        closing = is_closing(run.job, self.clock())
        if run.is_done or (closing and not run.wanted):
            self._end(run)
        else:
            self._pause(run)

    def _pass(self, run: _Run, deadline: Deadline) -> bool:
        """Brings each picture on that does not have to wait; whether there was one."""
        closing, moved = is_closing(run.job, self.clock()), False
        for index in run.window():
            before = deadline.left()
            if run.has_moved and before < max(_LEAST, 2 * run.slowest):
                run.is_cut_short = True
                break
            found = self._next(run, index, closing=closing)
            if found is not None:
                run.take(index, found)
                moved = run.has_moved = True
            run.slowest = max(run.slowest, before - deadline.left())
        return moved

    def _next(self, run: _Run, index: int, *, closing: bool) -> Next | None:
        """What becomes of a picture now; None if it has to wait."""
        wanted = run.wanted.get(index)
        if wanted is None:
            if closing:
                return None
            refusal = run.refusal()
            if refusal is not None:
                return Entry(error={**refusal, "detail": _NOT_BEGUN, "charged": False})
            return self._guarded(run, index, None, lambda: self._first(run, index))
        part = self.jobs.find(run.job.user, part_id(run.job.id, index, wanted.number))
        if part is None:
            return ended(wanted, wanted.cost, closed(run.job).problem()) if closing else None
        if not part.status.is_final:
            return None
        cost = summed([wanted.cost, part.cost])
        done = wanted.model_copy(update={"cost": cost, "warnings": (*wanted.warnings, *part.warnings)})
        if part.status is not JobStatus.SUCCEEDED or not part.images:
            return ended(done, cost, part.error or {})
        return self._guarded(run, index, done, lambda: self._painted(run, index, done, part.images[0]))

    def _guarded(self, run: _Run, index: int, before: Wanted | None, work: Callable[[], Next]) -> Next:
        """Raises DarkroomError for what may pass by itself."""
        times = run.died_at.times if run.died_at.index == index else 0
        if times >= _MOST_DEATHS:
            broken = InternalError("The function broke off each time it worked on this picture.")
            return ended(before, None, broken.problem())
        self.notes.write(begun_key(run.job), Begun(index=index, times=times + 1), run.job)
        try:
            return work()
        except CallerError as error:
            return ended(before, None, error.problem())
        except DarkroomError as error:
            if run.is_last or not error.retryable:
                return ended(before, None, error.problem())
            raise
        except Exception as error:  # noqa: BLE001 - one picture's trouble must not take the others along
            facts = {"picture": index, "error": type(error).__name__, "detail": str(error)[:200]}
            self.alarm("RECIPE_FAILED", job=run.job.id, **facts)
            trouble = InternalError("The recipe could not be taken on this picture.", fix="The log has the cause.")
            return ended(before, None, trouble.problem())

    def _first(self, run: _Run, index: int) -> Next:
        source = run.asked.pictures[index]
        data = self.sources.read(run.job.user, source)
        return self._staged(run, index, 0, data, Wanted(number=0, image=_NOTHING, parent=parent_of(source, data)))

    def _painted(self, run: _Run, index: int, done: Wanted, painted: StoredImage) -> Next:
        data = self.images.read_output(painted.key, max_bytes=MOST_STORED_BYTES)
        number = done.number + 1
        stage = run.stages[number]
        if stage.paint is None and not stage.operations:
            # As it was painted; its own copy, for the painting's job can be removed.
            ending = painted.key.rpartition(".")[2]
            key = f"outputs/{run.job.user}/{run.job.id}/{index}.{ending}"
            image = painted.model_copy(update={"key": key})
            self.images.write_output(key, data, media_type=image.media_type, metadata={"job": run.job.id})
            return Entry(image=image, warnings=done.warnings, parent=done.parent, cost=done.cost)
        return self._staged(run, index, number, data, done)

    def _staged(self, run: _Run, index: int, number: int, data: bytes, so_far: Wanted) -> Next:
        """The picture after the stage's operations: its end, or what is to be painted."""
        stage, warnings = run.stages[number], so_far.warnings
        if stage.operations:
            rendered = self.render.apply(run.job.user, data, stage.operations)
            data, warnings = rendered.data, (*warnings, *rendered.warnings)
            if stage.paint is None:
                image = self.render.keep(run.job, rendered, stem=str(index))
                return Entry(image=image, warnings=warnings, parent=so_far.parent, cost=so_far.cost)
        picture = normalise(data, max_megapixels=self.render.max_megapixels)
        return so_far.model_copy(
            update={
                "number": number,
                "image": self._kept(run.job, f"{index}-{number}", picture),
                "warnings": (*warnings, *picture.warnings),
            }
        )

    def _kept(self, job: Job, stem: str, picture: Normalised) -> StoredImage:
        """Where only this content can be: a source that has changed must not change what is being painted."""
        sha256 = hashlib.sha256(picture.data).hexdigest()
        place, size = f"outputs/{job.user}/{job.id}/work/{stem}-{sha256[:16]}", (picture.width, picture.height)
        image = stored_image(place, picture.data, picture.media_type, size, sha256=sha256)
        self.images.write_output(image.key, picture.data, media_type=image.media_type, metadata={"job": job.id})
        return image

    def _save(self, run: _Run) -> None:
        """Writes down how far it has come, and tells the worker what is to be painted. Raises Overtaken."""
        self.notes.write(manifest_key(run.job), Manifest(entries=run.entries, wanted=run.wanted), run.job)
        progress = result_of(run.entries, run.total)["progress"]
        result = {**run.job.result, "progress": progress}
        saved = self.jobs.progress(run.job.model_copy(update={"result": result}))
        if saved is None:
            self._tidy(run)
            raise Overtaken
        run.job = saved
        self.images.remove_outputs(run.used)
        run.used.clear()
        new = {(index, wanted.number) for index, wanted in run.wanted.items()} - run.told
        if new:
            run.told |= new
            self.job_queue.send(run.job.user, run.job.id)

    def _pause(self, run: _Run) -> None:
        """Until a painting is over, or the next call."""
        if not self.jobs.requeue(run.job):
            self._tidy(run)
            raise Overtaken
        parts = {
            (index, wanted.number): self.jobs.find(run.job.user, part_id(run.job.id, index, wanted.number))
            for index, wanted in run.wanted.items()
        }
        # Whoever ended a painting while this was at work has told nobody.
        if run.is_cut_short or any(part is not None and part.status.is_final for part in parts.values()):
            self.queue.send(run.job.user, run.job.id)
        if any(part is None and painting not in run.told for painting, part in parts.items()):
            self.job_queue.send(run.job.user, run.job.id)

    def _end(self, run: _Run) -> None:
        now = self.clock()
        if run.job.cancel_at is not None:
            done = canceled(run.job, run.entries, now)
        else:
            late = {index: Entry(error=failed(closed(run.job))) for index in range(run.total)}
            done = over(run.job, {**late, **run.entries}, now)
        if not self.jobs.finish(done):
            self._tidy(run)
            raise Overtaken
        self.images.remove_outputs(run.used)
        self.notes.remove(run.job)

    def _tidy(self, run: _Run) -> None:
        made = [entry.image.key for entry in run.entries.values() if entry.image]
        work = [*run.used, *(wanted.image.key for wanted in run.wanted.values())]
        self.notes.tidy(run.job, self.jobs.find(run.job.user, run.job.id), [*made, *work])

    def _hand_over(self, job: Job) -> None:
        """Whoever canceled the batch has overtaken this attempt; the next one may begin at once to end it."""
        found = self.jobs.find(job.user, job.id)
        if found is None or found.cancel_at is None or found.lease_expires_at != job.lease_expires_at:
            return
        if self.jobs.requeue(found):
            self.queue.send(job.user, job.id)

    @property
    def images(self) -> ImageStore:
        return self.notes.images
