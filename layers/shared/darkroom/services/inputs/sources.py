"""Turns the ways in which a picture is handed over into its bytes."""

import re
from typing import Final

from darkroom.errors import InvalidParameter, NotFound
from darkroom.models.image_input import from_base64
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.models.source import ImageSource
from darkroom.ports import Clock, ImageStore, JobStore, UrlFetcher
from darkroom.services.inputs.uploads import MAX_UPLOAD_BYTES, upload_key

# Longer than any id there is, and of no character that a store could stumble over.
_JOB_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Sources:
    """Args:
    jobs: whose pictures may be handed over again; without it there are none.
    clock: by which it is told whether a job's pictures are there.
    """

    def __init__(self, images: ImageStore, fetcher: UrlFetcher, jobs: JobStore, clock: Clock) -> None:
        self._images = images
        self._fetcher = fetcher
        self._jobs = jobs
        self._clock = clock

    def read(self, user: str, source: ImageSource) -> bytes:
        """The bytes behind the one way that is given.

        Raises:
            InvalidParameter: text that is not base64; a job without the picture that is asked for.
            NotFound: no such upload or job of this user.
            UrlRefused, UrlUnreachable, PayloadTooLarge: as the fetcher and the store say.
        """
        if source.data is not None:
            return source.data
        if source.url is not None:
            return self._fetcher.fetch(source.url, max_bytes=MAX_UPLOAD_BYTES)
        if source.upload_id is not None:
            return self._images.read_upload(upload_key(user, source.upload_id), max_bytes=MAX_UPLOAD_BYTES)
        if source.job_id is not None:
            output = _output(self._job(user, source.job_id, source.name), source.index, source.name)
            return self._images.read_output(output.key, max_bytes=MAX_UPLOAD_BYTES)
        return from_base64(source.b64 or "", f"{source.name}_b64")

    def _job(self, user: str, job_id: str, param: str) -> Job:
        job = self._jobs.find(user, job_id) if _JOB_ID.fullmatch(job_id) else None
        if job is None:
            raise NotFound(f"There is no job {job_id[:64]!r}.", fix="GET /v1/jobs lists yours.", param=param)
        return job.as_shown(self._clock())


def _output(job: Job, index: int, param: str) -> StoredImage:
    if job.status is not JobStatus.SUCCEEDED:
        raise InvalidParameter(
            f"Job {job.id} is {job.status.value}, so it has no picture to hand over.",
            fix="Name one that has succeeded; GET /v1/jobs lists yours."
            if job.status.is_final
            else f"GET /v1/jobs/{job.id} tells when it has succeeded; send this again then.",
            param=param,
        )
    if not 0 <= index < len(job.images):
        has = {0: "no picture", 1: "one picture, index 0"}.get(
            len(job.images), f"{len(job.images)} pictures, index 0 to {len(job.images) - 1}"
        )
        raise InvalidParameter(
            f"Job {job.id} has {has}; index {index} was asked for.",
            fix=f"GET /v1/jobs/{job.id} shows its pictures.",
            param=param,
        )
    return job.images[index]
