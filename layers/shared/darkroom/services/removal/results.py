"""What comes of a cut-out that has a job: the picture in the outputs bucket, and the job's final state."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from darkroom.images.sniff import media_type_of
from darkroom.models.cutout import Beside, Cutout, CutoutOptions
from darkroom.models.job import Job, JobStatus, StoredImage, stored_image
from darkroom.ports import ImageStore

Pipeline = Callable[[bytes, CutoutOptions, Beside], Cutout]
"""(the picture's bytes, the options, files beside it) -> the cut-out"""


def store(images: ImageStore, job: Job, cutout: Cutout, *, stem: str, at: datetime) -> Job:
    """Writes the picture where only this job can have put it, so that doing it twice changes nothing.

    Returns:
        The job as it is to be finished.
    """
    image = image_of(job, cutout, stem=stem)
    images.write_output(
        image.key, cutout.data, media_type=cutout.media_type, metadata={"job": job.id, "model": cutout.model}
    )
    shown = {"subject", "quality", "model", "timings_ms", "warnings", *(("steps",) if cutout.steps else ())}
    result = {**cutout.model_dump(mode="json", include=shown), **_to_refine(images, job, cutout)}
    warnings = tuple(dict.fromkeys((*job.warnings, *cutout.warnings)))
    return succeeded(job, image, at=at).model_copy(update={"result": result, "warnings": warnings})


def _to_refine(images: ImageStore, job: Job, cutout: Cutout) -> dict[str, Any]:
    """Keeps what the cut-out can be made of once more, and says that it is there."""
    if cutout.original is None or cutout.alpha is None:
        return {}
    original, alpha = job.refining_keys
    told = {"job": job.id}
    images.write_output(original, cutout.original, media_type=media_type_of(cutout.original), metadata=told)
    images.write_output(alpha, cutout.alpha, media_type="image/png", metadata=told)
    return {"refinable": True}


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
