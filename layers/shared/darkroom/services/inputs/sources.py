"""Turns the ways in which a picture is handed over into its bytes."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from darkroom.errors import InvalidParameter, NotFound
from darkroom.models.image_input import from_base64
from darkroom.models.job import THUMBNAIL, Job, JobStatus, StoredImage
from darkroom.models.source import ImageSource
from darkroom.ports import Clock, ImageStore, JobStore, UrlFetcher
from darkroom.services.inputs.uploads import MAX_UPLOAD_BYTES, upload_key

Versions = Callable[[str, str, str], StoredImage | None]
"""By user, conversation and version."""
# As answers have them, at whichever of the stack's addresses, and with the paths that clients of OpenAI's put before.
_ULID: Final = "[0-9A-HJKMNP-TV-Z]{26}"
_JOB_LINK: Final = re.compile(rf"(?:/api)?/v1/jobs/(job_{_ULID})/images/([0-9]{{1,3}})")
_VERSION_LINK: Final = re.compile(rf"(?:/api)?/v1/conversations/(conv_{_ULID})/versions/(v[0-9]{{1,6}})")
# Longer than any id there is, and of no character that a store could stumble over.
_JOB_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Sources:
    """Args:
    jobs: whose pictures may be handed over again; without it there are none.
    clock: by which it is told whether a job's pictures are there.
    versions: finds a user's conversation's version; there may be none.
    """

    def __init__(
        self, images: ImageStore, fetcher: UrlFetcher, jobs: JobStore, clock: Clock, versions: Versions
    ) -> None:
        self._versions = versions
        self._images = images
        self._fetcher = fetcher
        self._jobs = jobs
        self._clock = clock

    def read(self, user: str, source: ImageSource) -> bytes:
        """The bytes behind the one way that is given.

        Raises:
            InvalidParameter: text that is not base64; a job without the picture that is asked for.
            NotFound: no such upload or job of this user; a link to a picture here that is not theirs.
            UrlRefused, UrlUnreachable, PayloadTooLarge: as the fetcher and the store say.
        """
        if source.data is not None:
            return source.data
        if source.url is not None:
            return self._linked(user, source.url, source.name)
        if source.upload_id is not None:
            return self._images.read_upload(upload_key(user, source.upload_id), max_bytes=MAX_UPLOAD_BYTES)
        if source.job_id is not None:
            output = _output(self._job(user, source.job_id, source.name), source.index, source.name)
            return self._images.read_output(output.key, max_bytes=MAX_UPLOAD_BYTES)
        return from_base64(source.b64 or "", f"{source.name}_b64")

    def own(self, user: str, url: str, param: str) -> bytes | None:
        """The picture that a link of this stack leads to, its owner's alone; None of other links.

        It is read there, and never fetched: on a laptop these links lead to an address that is not fetched from. A
        thumbnail's link means its picture.

        Raises:
            InvalidParameter: the job has no such picture.
            NotFound: it is another user's, or no picture, or gone.
        """
        key = self._own_key(user, url, param)
        return None if key is None else self._images.read_output(key, max_bytes=MAX_UPLOAD_BYTES)

    def _own_key(self, user: str, url: str, param: str) -> str | None:
        key = self._images.linked_key(url)
        if key is not None:
            key = key.removesuffix(THUMBNAIL)
            if key.split("/")[:2] not in (["outputs", user], ["inputs", user]):
                raise _no_picture(param)
            return key
        path = _path(url)
        if found := _JOB_LINK.fullmatch(path):
            job = self._jobs.find(user, found[1])
            if job is None:
                raise _no_picture(param)
            return _output(job.as_shown(self._clock()), int(found[2]), param).key
        if found := _VERSION_LINK.fullmatch(path):
            version = self._versions(user, found[1], found[2])
            if version is None:
                raise _no_picture(param)
            return version.key
        return None

    def _linked(self, user: str, url: str, param: str) -> bytes:
        own = self.own(user, url, param)
        return self._fetcher.fetch(url, max_bytes=MAX_UPLOAD_BYTES) if own is None else own

    def _job(self, user: str, job_id: str, param: str) -> Job:
        job = self._jobs.find(user, job_id) if _JOB_ID.fullmatch(job_id) else None
        if job is None:
            raise NotFound(f"There is no job {job_id[:64]!r}.", fix="GET /v1/jobs lists yours.", param=param)
        return job.as_shown(self._clock())


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # half an IPv6 address, which fetching refuses
        return ""


def _no_picture(param: str) -> NotFound:
    return NotFound("The link leads to no picture of yours.", fix="GET /v1/jobs lists yours.", param=param)


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
