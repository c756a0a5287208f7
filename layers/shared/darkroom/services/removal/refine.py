"""Makes an earlier cut-out once more, of its picture and its mask, which are kept with it. It costs nothing."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from darkroom.errors import Conflict, NotFound, ServiceUnavailable
from darkroom.models.caller import Caller
from darkroom.models.cutout import Beside, Cutout, CutoutOptions
from darkroom.models.cutout_request import RefineRequest
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus, Parent
from darkroom.ports import ImageStore
from darkroom.services.inputs.sources import Sources
from darkroom.services.inputs.uploads import MAX_UPLOAD_BYTES
from darkroom.services.removal.cloud_removal import OPERATION
from darkroom.services.removal.postponed import OneAtATime, TimeIsUp, read_beside

Again = Callable[[bytes, bytes, CutoutOptions, Beside, str], Cutout]
"""(the picture's file, its mask's, the options, files beside it, the model that made the mask) -> the cut-out"""


class Refine(Struct, frozen=True):
    """Args:
    again: pure.
    find: a user's job, by its id; raises NotFound.
    at_work: shared by all cut-outs of the process.
    """

    again: Again
    find: Callable[[str, str], Job]
    sources: Sources
    images: ImageStore
    at_work: OneAtATime

    def answer(self, caller: Caller, job_id: str, request: RefineRequest, deadline: Deadline) -> Cutout:
        """The cut-out with what was changed; nothing is stored.

        Raises:
            NotFound: the user has no such job, or its pictures are gone.
            Conflict: it is no cut-out, is not done, or was made before pictures were kept.
            CallerError: a mask, the background or an option cannot be used, or nothing is left.
            ServiceUnavailable: it was not done by the deadline.
        """
        if caller.is_guest and request.has_address:
            caller.require_account()  # for whom no other server is called
        job = self.find(caller.user, job_id)
        picture, alpha = self._kept(job)
        beside = read_beside(self.sources, caller.user, request)
        model = str(job.result.get("model") or job.model_used or "")
        try:
            made = self.at_work.run(lambda: self.again(picture, alpha, request.options, beside, model), deadline)
        except TimeIsUp as error:
            raise ServiceUnavailable("It takes longer than an answer may.", retry_after=5) from error
        parent = Parent(kind="job", ref=job.id, index=0, sha256=job.images[0].sha256)
        return made.model_copy(update={"parent": parent})

    def _kept(self, job: Job) -> tuple[bytes, bytes]:
        """The picture and its mask."""
        if job.status is not JobStatus.SUCCEEDED or job.op != OPERATION:
            done = "is no cut-out" if job.op != OPERATION else f"is {job.status.value}"
            raise Conflict(f"Job {job.id} {done}.", fix="Name a background removal that has succeeded.")
        keys = job.refining_keys if job.result.get("refinable") else _of_paid(job)
        if keys is None:
            raise Conflict(
                f"Of job {job.id} the picture and its mask were not kept as they were.",
                fix="Cut the picture out once more, and refine that.",
            )
        try:
            picture, alpha = (self.images.read_output(key, max_bytes=MAX_UPLOAD_BYTES) for key in keys)
        except NotFound as error:
            raise NotFound(
                "Its pictures are gone: they are removed after a while.", fix="Cut it out once more."
            ) from error
        return picture, alpha


def _of_paid(job: Job) -> tuple[str, str] | None:
    """What remove.bg was sent and what it gave, where both are as large and so lie one above the other."""
    if job.work is None or not job.work.inputs or not job.images:
        return None
    (sent, *_), (given, *_) = job.work.inputs, job.images
    options: dict[str, Any] = job.input.get("options", {})
    is_whole = (sent.width, sent.height) == (given.width, given.height) and given.media_type == "image/png"
    return (sent.key, given.key) if is_whole and not options.get("background") else None
