"""Takes a recipe on the pictures that a request named, some at each call, in the function with the model.

The pictures are worked on in their order. What became of them stands in a manifest beside the job, written after each
few; a worker that dies leaves at most those few to be done again, with the same result in the same place. Should it die
twice at the same picture, that picture has failed and the others go on.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from darkroom.errors import CallerError, DarkroomError, InternalError, NotFound
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.models.recipe_batch import Batch, Begun, Entry, Manifest
from darkroom.operations import ENGINE_VERSION, Operation
from darkroom.ports import Alarm, Clock, ImageStore, JobStore, RenderQueue
from darkroom.services.recipes import batch_key, batch_of, is_batch, operations_of
from darkroom.services.render import Render
from darkroom.services.sources import Sources

# The function's time-out: a worker that has not come to an end by then never will.
LEASE: Final = timedelta(seconds=60)
# Seconds; with less left nothing is begun.
_LEAST: Final = 8.0
# Pictures between two notes of how far it has come.
_EVERY: Final = 5
_MOST_READ: Final = 4 * 1024 * 1024
_MOST_WARNINGS: Final = 20
# At one picture, before it is given up.
_MOST_DEATHS: Final = 2

_Note = TypeVar("_Note", bound=BaseModel)


class _Overtaken(Exception):
    """Another attempt goes on with the job."""


class RecipeWorker:
    """Args: max_attempts: how often the queue delivers a message before it is a dead letter."""

    def __init__(
        self,
        *,
        render: Render,
        sources: Sources,
        images: ImageStore,
        jobs: JobStore,
        queue: RenderQueue,
        clock: Clock,
        alarm: Alarm,
        max_attempts: int,
    ) -> None:
        self._render = render
        self._sources = sources
        self._images = images
        self._jobs = jobs
        self._queue = queue
        self._clock = clock
        self._alarm = alarm
        self._max_attempts = max_attempts

    def run(self, user: str, job_id: str, deadline: Deadline, *, receives: int = 1) -> bool:
        """Goes on with the job until the deadline nears, and then has another call go on.

        Returns:
            Whether it is a recipe's job; others are none of its business.

        Raises:
            DarkroomFault: worth another delivery.
        """
        job = self._jobs.find(user, job_id)
        if job is None or not is_batch(job):
            return False
        if job.status.is_final:
            return True
        if deadline.left() < _LEAST:
            self._queue.send(user, job_id)
            return True
        now = self._clock()
        running = self._jobs.start(job, now=now, lease_expires_at=now + LEASE)
        if running is None:
            # Whoever works on it has a message of their own; should they die, that one comes again, or the sweep's.
            return True
        broke_off = job.status is JobStatus.RUNNING
        with suppress(_Overtaken):
            self._go_on(running, deadline, broke_off=broke_off, is_last=receives >= self._max_attempts)
        return True

    def _go_on(self, job: Job, deadline: Deadline, *, broke_off: bool, is_last: bool) -> None:
        try:
            batch = batch_of(job, self._images.read_output(batch_key(job), max_bytes=_MOST_READ))
            operations = operations_of(batch.recipe)
        except (CallerError, InternalError) as error:
            self._end(job, [], {"status": JobStatus.FAILED, "error": error.problem()})
            return
        entries = list(self._read(_manifest_key(job), Manifest).entries)
        died_at = self._read(_begun_key(job), Begun) if broke_off else Begun()
        total, first, slowest = len(batch.pictures), len(entries), 0.0
        while len(entries) < total:
            if len(entries) > first and deadline.left() < max(_LEAST, 2 * slowest):
                break
            before = deadline.left()
            try:
                entries.append(self._entry(job, batch, operations, len(entries), died_at=died_at, is_last=is_last))
            except DarkroomError:
                self._jobs.requeue(self._saved(job, entries, total))
                raise
            slowest = max(slowest, before - deadline.left())
            if len(entries) % _EVERY == 0 and len(entries) < total:
                job = self._saved(job, entries, total)
        self._stop(job, entries, batch)

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
            return _failed(InternalError("The function broke off each time it worked on this picture."))
        self._write(_begun_key(job), Begun(index=index, times=times + 1), job)
        try:
            data = self._sources.read(job.user, batch.pictures[index])
            rendered = self._render.apply(job.user, data, operations)
            return Entry(image=self._render.keep(job, rendered, stem=str(index)), warnings=rendered.warnings)
        except CallerError as error:
            return _failed(error)
        except DarkroomError as error:
            if is_last or not error.retryable:
                return _failed(error)
            raise
        except Exception as error:  # noqa: BLE001 - one picture's trouble must not take the others along
            self._alarm("RECIPE_FAILED", job=job.id, picture=index, error=type(error).__name__, detail=str(error)[:200])
            return _failed(
                InternalError("The recipe could not be taken on this picture.", fix="The log has the cause.")
            )

    def _stop(self, job: Job, entries: list[Entry], batch: Batch) -> None:
        if len(entries) < len(batch.pictures):
            job = self._saved(job, entries, len(batch.pictures))
            # A crash in between has the present message delivered again.
            if self._jobs.requeue(job):
                self._queue.send(job.user, job.id)
            return
        images = tuple(entry.image for entry in entries if entry.image)
        warnings = dict.fromkeys((*job.warnings, *(warning for entry in entries for warning in entry.warnings)))
        outcome: dict[str, Any] = {"images": images, "warnings": tuple(warnings)[:_MOST_WARNINGS]}
        if images:
            self._end(job, entries, {**outcome, "status": JobStatus.SUCCEEDED})
        else:
            self._end(job, entries, {**outcome, "status": JobStatus.FAILED, "error": _all_failed(entries)})

    def _end(self, job: Job, entries: list[Entry], outcome: dict[str, Any]) -> None:
        result = {**job.result, **_result(entries, int(job.result["progress"]["total"]))}
        if self._jobs.finish(job.model_copy(update={"completed_at": self._clock(), "result": result, **outcome})):
            self._images.remove_outputs([batch_key(job), _manifest_key(job), _begun_key(job)])

    def _saved(self, job: Job, entries: list[Entry], total: int) -> Job:
        self._write(_manifest_key(job), Manifest(entries=tuple(entries)), job)
        progress = _result(entries, total)["progress"]
        saved = self._jobs.progress(job.model_copy(update={"result": {**job.result, "progress": progress}}))
        if saved is None:
            raise _Overtaken
        return saved

    def _write(self, key: str, note: BaseModel, job: Job) -> None:
        data = note.model_dump_json(exclude_none=True).encode()
        self._images.write_output(key, data, media_type="application/json", metadata={"job": job.id})

    def _read(self, key: str, kind: type[_Note]) -> _Note:
        """The note, or an empty one."""
        try:
            return kind.model_validate_json(self._images.read_output(key, max_bytes=_MOST_READ))
        except NotFound:
            return kind()


def _manifest_key(job: Job) -> str:
    return f"outputs/{job.user}/{job.id}/manifest.json"


def _begun_key(job: Job) -> str:
    return f"outputs/{job.user}/{job.id}/begun.json"


def _failed(error: DarkroomError) -> Entry:
    """Short, for 500 of them have to fit into the job."""
    said = {"detail": error.detail[:200], "fix": error.fix[:150], "param": error.param}
    known = {name: value for name, value in said.items() if value}
    return Entry(error={"code": error.code, "status": error.status, **known})


def _result(entries: list[Entry], total: int) -> dict[str, Any]:
    """`indices` tells which of the named pictures each image is of."""
    failed = [{"index": index, **entry.error} for index, entry in enumerate(entries) if entry.error]
    return {
        "progress": {"done": len(entries) - len(failed), "failed": len(failed), "total": total},
        "indices": [index for index, entry in enumerate(entries) if entry.image],
        "errors": failed,
        "engine": ENGINE_VERSION,
    }


def _all_failed(entries: list[Entry]) -> dict[str, Any]:
    """The first picture's error, as the job's."""
    first = entries[0].error or {}
    many = f"None of the {len(entries)} pictures could be worked on. The first: " if len(entries) > 1 else ""
    error = CallerError(f"{many}{first.get('detail', '')}", fix=first.get("fix", ""), param=first.get("param"))
    problem, code = error.problem(), first.get("code", error.code)
    named = {"type": f"urn:darkroom:error:{code}", "status": first.get("status", error.status), "code": code}
    return {**problem, **named, "error": {**problem["error"], "code": code}}
