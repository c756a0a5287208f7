"""Takes a recipe on the pictures that a request named, some at each call, in the function with the model.

The pictures are worked on in their order. What became of them stands in a manifest beside the job, written after each
few; a worker that dies leaves at most those few to be done again, with the same result in the same place. Should it die
twice at the same picture, that picture has failed and the others go on. A batch that paints is `painted_batch`'s.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from darkroom.errors import CallerError, DarkroomError, InternalError
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.models.recipe_batch import Batch, Begun, Entry, Manifest
from darkroom.operations import Operation
from darkroom.ports import Alarm, Clock, JobStore, RenderQueue
from darkroom.services.inputs.inputs import parent_of
from darkroom.services.inputs.sources import Sources
from darkroom.services.recipes.batch_notes import Notes, begun_key, is_batch, manifest_key, wall_of
from darkroom.services.recipes.batch_results import by_index, failed, over, result_of
from darkroom.services.recipes.painted_batch import Overtaken, PaintedBatches
from darkroom.services.recipes.recipes import operations_of
from darkroom.services.recipes.render import Render

# The function's time-out: a worker that has not come to an end by then never will.
LEASE: Final = timedelta(seconds=60)
# Seconds; with less left nothing is begun.
_LEAST: Final = 8.0
# Pictures between two notes of how far it has come.
_EVERY: Final = 5
# At one picture, before it is given up.
_MOST_DEATHS: Final = 2


@dataclass(frozen=True, slots=True)
class RecipeWorker:
    """Args: max_attempts: how often the queue delivers a message before it is a dead letter."""

    render: Render
    sources: Sources
    notes: Notes
    jobs: JobStore
    queue: RenderQueue
    painted: PaintedBatches
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
        goes_on = self._go_on if wall_of(running) is None else self.painted.go_on
        try:
            batch = self.notes.batch(running)
            goes_on(running, batch, deadline, broke_off=broke_off, is_last=is_last)
        except Overtaken:
            self._hand_over(running)
        except (CallerError, InternalError) as error:
            ended = {"status": JobStatus.FAILED, "completed_at": self.clock(), "error": error.problem()}
            self.jobs.finish(running.model_copy(update=ended))
        return True

    def _go_on(self, job: Job, batch: Batch, deadline: Deadline, *, broke_off: bool, is_last: bool) -> None:
        operations = operations_of(batch.recipe)
        entries = list(self.notes.read(manifest_key(job), Manifest).entries)
        died_at = self.notes.read(begun_key(job), Begun) if broke_off else Begun()
        total, first, slowest = len(batch.pictures), len(entries), 0.0
        while len(entries) < total:
            if len(entries) > first and deadline.left() < max(_LEAST, 2 * slowest):
                break
            before = deadline.left()
            try:
                entries.append(self._entry(job, batch, operations, len(entries), died_at=died_at, is_last=is_last))
            except DarkroomError:
                self.jobs.requeue(self._saved(job, entries, total))
                raise
            slowest = max(slowest, before - deadline.left())
            if len(entries) % _EVERY == 0 and len(entries) < total:
                job = self._saved(job, entries, total)
        self._stop(job, entries, total)

    def _entry(
        self,
        job: Job,
        batch: Batch,
        operations: tuple[Operation, ...],
        index: int,
        *,
        died_at: Begun,
        is_last: bool,
    ) -> Entry:
        """What became of one picture. Raises DarkroomError for what may pass by itself."""
        times = died_at.times if died_at.index == index else 0
        if times >= _MOST_DEATHS:
            return Entry(error=failed(InternalError("The function broke off each time it worked on this picture.")))
        self.notes.write(begun_key(job), Begun(index=index, times=times + 1), job)
        source = batch.pictures[index]
        try:
            data = self.sources.read(job.user, source)
            rendered = self.render.apply(job.user, data, operations)
            image = self.render.keep(job, rendered, stem=str(index))
            return Entry(image=image, warnings=rendered.warnings, parent=parent_of(source, data))
        except CallerError as error:
            return Entry(error=failed(error))
        except DarkroomError as error:
            if is_last or not error.retryable:
                return Entry(error=failed(error))
            raise
        except Exception as error:  # noqa: BLE001 - one picture's trouble must not take the others along
            self.alarm("RECIPE_FAILED", job=job.id, picture=index, error=type(error).__name__, detail=str(error)[:200])
            trouble = InternalError("The recipe could not be taken on this picture.", fix="The log has the cause.")
            return Entry(error=failed(trouble))

    def _stop(self, job: Job, entries: list[Entry], total: int) -> None:
        if len(entries) < total:
            job = self._saved(job, entries, total)
            # A crash in between has the present message delivered again.
            if self.jobs.requeue(job):
                self.queue.send(job.user, job.id)
            return
        if self.jobs.finish(over(job, by_index(entries), self.clock())):
            self.notes.remove(job)
        else:
            self._leave(job, entries)

    def _saved(self, job: Job, entries: list[Entry], total: int) -> Job:
        """Raises Overtaken."""
        self.notes.write(manifest_key(job), Manifest(entries=tuple(entries)), job)
        progress = result_of(by_index(entries), total)["progress"]
        saved = self.jobs.progress(job.model_copy(update={"result": {**job.result, "progress": progress}}))
        if saved is None:
            self._leave(job, entries)
            raise Overtaken
        return saved

    def _leave(self, job: Job, entries: list[Entry]) -> None:
        """What only this attempt knows of is nobody's, if the job was canceled meanwhile."""
        found = self.jobs.find(job.user, job.id)
        self.notes.tidy(job, found, [entry.image.key for entry in entries if entry.image])

    def _hand_over(self, job: Job) -> None:
        """Whoever canceled the batch has overtaken this attempt; the next one may begin at once to end it."""
        found = self.jobs.find(job.user, job.id)
        if found is None or found.cancel_at is None or found.lease_expires_at != job.lease_expires_at:
            return
        if self.jobs.requeue(found):
            self.queue.send(job.user, job.id)
