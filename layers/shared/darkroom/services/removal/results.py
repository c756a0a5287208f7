"""What comes of a cut-out that has a job: the picture in the outputs bucket, and the job's final state."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from darkroom.models.cutout import Cutout, CutoutOptions
from darkroom.models.job import Job, JobStatus, StoredImage, stored_image
from darkroom.ports import ImageStore

Pipeline = Callable[[bytes, CutoutOptions, bytes | None], Cutout]
"""(the picture's bytes, the options, the bytes of a picture to put behind) -> the cut-out"""


def store(images: ImageStore, job: Job, cutout: Cutout, *, stem: str, at: datetime) -> Job:
    """Writes the picture where only this job can have put it, so that doing it twice changes nothing.

    Returns:
        The job as it is to be finished.
    """
    image = image_of(job, cutout, stem=stem)
    images.write_output(
        image.key, cutout.data, media_type=cutout.media_type, metadata={"job": job.id, "model": cutout.model}
    )
    result = cutout.model_dump(mode="json", include={"subject", "quality", "model", "timings_ms", "warnings"})
    warnings = tuple(dict.fromkeys((*job.warnings, *cutout.warnings)))
    return succeeded(job, image, at=at).model_copy(update={"result": result, "warnings": warnings})


def succeeded(job: Job, image: StoredImage, *, at: datetime) -> Job:
    return job.model_copy(
        update={
            "status": JobStatus.SUCCEEDED,
            "started_at": job.started_at or job.created_at,
            "completed_at": at,
            "images": (image,),
        },
    )


def failed(job: Job, problem: dict[str, Any], *, at: datetime) -> Job:
    """Args: problem: problem details."""
    return job.model_copy(update={"status": JobStatus.FAILED, "completed_at": at, "error": problem})


def image_of(job: Job, cutout: Cutout, *, stem: str) -> StoredImage:
    size = (cutout.width, cutout.height)
    return stored_image(f"outputs/{job.user}/{job.id}/{stem}", cutout.data, cutout.media_type, size)
