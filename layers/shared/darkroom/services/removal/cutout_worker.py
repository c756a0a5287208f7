"""Cuts the pictures of bought jobs out of their backgrounds, in the function with the segmentation model.

Each picture is worked on once: its cut-out is written where only this job can have put it, and then noted down beside
the job, on the condition that the job stands as it was read. A worker that dies in between, or a message that comes
twice, makes the same file in the same place.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from darkroom.errors import CallerError, DarkroomError, ServiceUnavailable
from darkroom.models.cutout import Beside, CutoutOptions
from darkroom.models.deadline import Deadline
from darkroom.models.job import NOT_CUT_OUT, Job, KeptCutout
from darkroom.models.user_settings import UserSettings
from darkroom.ports import Alarm, ImageStore, JobStore, RenderQueue
from darkroom.services.paid.calls import MOST_STORED_BYTES
from darkroom.services.removal.results import Pipeline, image_of

# Seconds; with less left no picture is begun.
_LEAST: Final = 8.0
# Of writing a cut-out down, while the settlement of the same job's cost may write, too.
_MOST_TRIES: Final = 5


class CutoutWorker(Struct, frozen=True):
    """Args:
    pipeline: bytes to cut-out; pure but for the model's weights.
    settings: a user's own, of which the segmentation model counts.
    max_attempts: how often the queue delivers a message before it is a dead letter.
    """

    pipeline: Pipeline
    images: ImageStore
    jobs: JobStore
    queue: RenderQueue
    settings: Callable[[str], UserSettings]
    alarm: Alarm
    max_attempts: int

    def run(self, user: str, job_id: str, deadline: Deadline, *, receives: int = 1) -> bool:
        """Cut out those of the job's pictures that have no cut-out yet, until the deadline nears; another call goes on.

        Returns:
            Whether it is a job whose pictures are cut out; others are left alone.

        Raises:
            DarkroomFault: worth another delivery.
        """
        job = self.jobs.find(user, job_id)
        if job is None or job.work is None or job.work.cutout_format is None:
            return False
        is_last = receives >= self.max_attempts
        while job is not None and job.awaits_cutouts:
            if deadline.left() < _LEAST:
                self.queue.send(user, job_id)
                return True
            job = self._keep(job, self._cutout(job, len(job.cutouts), is_last=is_last))
        return True

    def _cutout(self, job: Job, index: int, *, is_last: bool) -> KeptCutout:
        """Raises DarkroomFault for what may pass by itself."""
        try:
            return self._made(job, index)
        except CallerError as error:
            # Such as a picture in which nothing stands out. It is bought, so it is given as it is.
            return _not_made(error.detail)
        except DarkroomError as error:
            if is_last or not error.retryable:
                return _not_made(error.detail)
            raise
        except Exception as error:  # noqa: BLE001 - the picture is bought, and must not be kept back by this
            self.alarm("CUTOUT_FAILED", job=job.id, picture=index, error=type(error).__name__, detail=str(error)[:200])
            return _not_made("Something went wrong.")

    def _made(self, job: Job, index: int) -> KeptCutout:
        assert job.work is not None  # noqa: S101 - run() took only such
        assert job.work.cutout_format is not None  # noqa: S101
        bought = self.images.read_output(job.images[index].key, max_bytes=MOST_STORED_BYTES)
        model = self.settings(job.user).background_model
        cutout = self.pipeline(bought, CutoutOptions(model=model, format=job.work.cutout_format), Beside())
        image = image_of(job, cutout, stem=f"{index}-cut")
        told = {"job": job.id, "model": cutout.model}
        self.images.write_output(image.key, cutout.data, media_type=image.media_type, metadata=told)
        return KeptCutout(image=image, warnings=cutout.warnings)

    def _keep(self, job: Job, cutout: KeptCutout) -> Job | None:
        """Notes one more cut-out down; the job as it stands then, or None if its owner has removed it meanwhile.

        Raises:
            ServiceUnavailable: it is being written by others again and again.
        """
        index = len(job.cutouts)
        for _ in range(_MOST_TRIES):
            kept = self.jobs.keep_cutouts(job, (*job.cutouts, cutout))
            if kept is not None:
                return kept
            found = self.jobs.find(job.user, job.id)
            if found is None or found.removed_at is not None:
                self.images.remove_outputs([job.cutout_key(index)])
                return None
            if len(found.cutouts) != index:
                # Another delivery of the message was faster, and has made the same file.
                return found
            job = found
        raise ServiceUnavailable("The job is just being written by others.", retry_after=1)


def _not_made(why: str) -> KeptCutout:
    return KeptCutout(warnings=(NOT_CUT_OUT.format(why=why),))
