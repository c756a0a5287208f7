"""Background removal: for a caller who waits, and for files dropped into the inbox.

A file that is dropped into a folder of the inbox with a kept recipe's name gets that recipe instead.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from ulid import ULID

from darkroom.errors import CallerError, DarkroomError, InternalError, ServiceUnavailable
from darkroom.models.cutout import Cutout, CutoutOptions, CutoutRequest
from darkroom.models.dropped import DroppedFile
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.ports import Clock, ImageStore, JobStore
from darkroom.services.recipes import OPERATION as RECIPE
from darkroom.services.recipes import FolderRecipes
from darkroom.services.sources import Sources
from darkroom.services.uploads import MAX_UPLOAD_BYTES

OPERATION = "background-removal"
# The function's time-out: a worker that has not come to an end by then never will.
LEASE = timedelta(seconds=60)

# (the picture's bytes, the options, the bytes of a picture to put behind) -> the cut-out
Pipeline = Callable[[bytes, CutoutOptions, bytes | None], Cutout]


class RemoveBackground:
    """Args:
    pipeline: bytes to cut-out; pure but for the model's weights.
    retention: how long results and their jobs are kept.
    max_attempts: how often the queue delivers a message before it is a dead letter.
    recipes: what folders of the inbox stand for; None where every file is cut out.
    """

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        sources: Sources,
        images: ImageStore,
        jobs: JobStore,
        clock: Clock,
        retention: timedelta,
        max_attempts: int,
        recipes: FolderRecipes | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._sources = sources
        self._images = images
        self._jobs = jobs
        self._clock = clock
        self._retention = retention
        self._max_attempts = max_attempts
        self._recipes = recipes

    def cut_out(self, user: str, request: CutoutRequest) -> Cutout:
        """The cut-out of the request's picture. Nothing is stored."""
        behind = self._sources.read(user, request.behind) if request.behind.given else None
        return self._pipeline(self._sources.read(user, request.source), request.options, behind)

    def keep(self, user: str, request: CutoutRequest, cutout: Cutout) -> Job:
        """Stores a finished cut-out with a job that shows it."""
        now = self._clock()
        job = self._new_job(user, now, {"options": _set_options(request), **_name_source(request)})
        done = self._store(job, cutout, stem="cutout")
        self._jobs.add(done)
        return done

    def on_dropped(self, file: DroppedFile) -> Job | None:
        """Cuts out a dropped file, or takes its folder's recipe on it, once for each version of the object however
        often it is delivered.

        Returns:
            The job; None for what is nobody's file, or was done and then removed.

        Raises:
            DarkroomFault: worth another delivery. The job is queued again, or failed if this was the last one.
        """
        if file.user is None or file.is_folder:
            return None
        now = self._clock()
        given = {"bucket": file.bucket, "key": file.key, "version": file.version}
        recipe = self._recipe(file.user, file)
        new = self._new_job(file.user, now, given)
        if recipe is not None:
            new = new.model_copy(update={"op": RECIPE, "input": {**given, "recipe": recipe}})
        job = self._jobs.add(new, source=file.identity)
        if job is None or job.status.is_final:
            return job
        running = self._jobs.start(job, now=now, lease_expires_at=now + LEASE)
        if running is None:
            raise ServiceUnavailable(
                f"Job {job.id} is being worked on elsewhere.", retry_after=int(LEASE.total_seconds())
            )
        return self._attempt(running, file)

    def _attempt(self, job: Job, file: DroppedFile) -> Job:
        try:
            data = self._images.read_upload(file.key, version=file.version, max_bytes=MAX_UPLOAD_BYTES)
            done = self._done(job, data, stem=_safe_stem(file.stem))
        except CallerError as error:
            # Another delivery would fail the same way: the job says why, and the message is done with.
            done = self._failed(job, error.problem())
        except Exception as error:
            self._give_up_or_requeue(job, file, error)
            raise
        self._jobs.finish(done)
        return done

    def _recipe(self, user: str, file: DroppedFile) -> str | None:
        folder = _folder(file)
        return folder if self._recipes is not None and folder and self._recipes.has(user, folder) else None

    def _done(self, job: Job, data: bytes, *, stem: str) -> Job:
        # What the job was made for counts, whatever has become of the recipe since.
        if self._recipes is None or job.op != RECIPE:
            return self._store(job, self._pipeline(data, CutoutOptions(), None), stem=stem)
        rendered = self._recipes.apply(job.user, job.input["recipe"], data)
        image = self._recipes.render.keep(job, rendered, stem=stem)
        return self._succeeded(job, image).model_copy(update={"warnings": rendered.warnings})

    def _give_up_or_requeue(self, job: Job, file: DroppedFile, error: Exception) -> None:
        if file.receives < self._max_attempts:
            self._jobs.requeue(job)
            return
        known = error if isinstance(error, DarkroomError) else InternalError("The work failed on every attempt.")
        self._jobs.finish(self._failed(job, {**known.problem(), "dead_letter": True}))

    def _failed(self, job: Job, problem: dict[str, Any]) -> Job:
        return job.model_copy(
            update={"status": JobStatus.FAILED, "completed_at": self._clock(), "error": problem},
        )

    def _new_job(self, user: str, now: datetime, given: dict[str, Any]) -> Job:
        return Job(
            id=f"job_{ULID.from_datetime(now)}",
            user=user,
            op=OPERATION,
            created_at=now,
            expires_at=now + self._retention,
            input=given,
        )

    def _store(self, job: Job, cutout: Cutout, *, stem: str) -> Job:
        """Writes the picture where only this job can have put it, so that doing it twice changes nothing."""
        ending = cutout.media_type.partition("/")[2].replace("jpeg", "jpg")
        image = StoredImage(
            key=f"outputs/{job.user}/{job.id}/{stem}.{ending}",
            media_type=cutout.media_type,
            width=cutout.width,
            height=cutout.height,
            bytes=len(cutout.data),
            sha256=hashlib.sha256(cutout.data).hexdigest(),
        )
        self._images.write_output(
            image.key, cutout.data, media_type=cutout.media_type, metadata={"job": job.id, "model": cutout.model}
        )
        result = cutout.model_dump(mode="json", include={"subject", "model", "timings_ms", "warnings"})
        return self._succeeded(job, image).model_copy(update={"result": result})

    def _succeeded(self, job: Job, image: StoredImage) -> Job:
        return job.model_copy(
            update={
                "status": JobStatus.SUCCEEDED,
                "started_at": job.started_at or job.created_at,
                "completed_at": self._clock(),
                "images": (image,),
            },
        )


def _set_options(request: CutoutRequest) -> dict[str, Any]:
    return request.options.model_dump(mode="json", exclude_unset=True)


def _name_source(request: CutoutRequest) -> dict[str, str]:
    """Which picture it was, without the bytes; a URL without its query, which can be a credential."""
    if request.image_url:
        return {"image_url": request.image_url.partition("?")[0]}
    return {"upload_id": request.upload_id} if request.upload_id else {}


def _folder(file: DroppedFile) -> str | None:
    """The first folder in the inbox that the file lies in."""
    parts = file.key.split("/")
    return parts[2] if len(parts) > 3 else None


def _safe_stem(stem: str) -> str:
    """The dropped file's name, fit for an object key and a download: no control characters, at most 120 characters."""
    return re.sub(r"[\x00-\x1f\x7f/\\]", "_", stem)[:120] or "cutout"
