"""What is noted down of a recipe's batch beside its job, in the outputs bucket. No link leads there.

outputs/{user}/{job}/batch.json      what is to be done, with the pictures that the request brought along
outputs/{user}/{job}/manifest.json   what has become of the pictures so far
outputs/{user}/{job}/begun.json      the picture that was begun last
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from darkroom.errors import InternalError, NotFound
from darkroom.models.budget import BudgetRef
from darkroom.models.job import Job
from darkroom.models.recipe import Batch
from darkroom.ports import ImageStore

OPERATION: Final = "recipe"
# After so long nothing more is begun.
TOO_OLD: Final = timedelta(hours=24)
_MOST_READ: Final = 4 * 1024 * 1024
# With the pictures that were sent: in base64, and of no more than a request's body has when it is unpacked.
_MOST_IN_BATCH: Final = 16 * 1024 * 1024

_Note = TypeVar("_Note", bound=BaseModel)


def is_batch(job: Job) -> bool:
    """Whether it is a recipe on pictures that a request named, not on one that was dropped."""
    return job.op == OPERATION and "progress" in job.result


def wall_of(job: Job) -> BudgetRef | None:
    """The budget that holds all that a batch's paintings may cost; None of a job that paints nothing."""
    return next((ref for ref in job.budgets if ref.name == "batch"), None) if is_batch(job) else None


def wall_id(job_id: str) -> str:
    return f"batch#{job_id}"


def is_closing(job: Job, now: datetime) -> bool:
    """Whether nothing more of the batch is to be begun: it was canceled, or came to no end within a day."""
    return job.cancel_at is not None or job.created_at + TOO_OLD <= now


def part_id(job_id: str, index: int, number: int) -> str:
    """The one id that a picture's painting can have, so that it can be admitted only once."""
    return f"{job_id}-i{index}-paint{number}"


def batch_key(job: Job) -> str:
    return f"outputs/{job.user}/{job.id}/batch.json"


def manifest_key(job: Job) -> str:
    return f"outputs/{job.user}/{job.id}/manifest.json"


def begun_key(job: Job) -> str:
    return f"outputs/{job.user}/{job.id}/begun.json"


class Notes(Struct, frozen=True):
    images: ImageStore

    def batch(self, job: Job) -> Batch:
        """Raises NotFound, InternalError."""
        try:
            return Batch.model_validate_json(self.images.read_output(batch_key(job), max_bytes=_MOST_IN_BATCH))
        except ValueError as error:
            raise InternalError(f"What job {job.id} is to do cannot be read.") from error

    def read(self, key: str, kind: type[_Note]) -> _Note:
        """The note, or an empty one."""
        try:
            return kind.model_validate_json(self.images.read_output(key, max_bytes=_MOST_READ))
        except NotFound:
            return kind()

    def write(self, key: str, note: BaseModel, job: Job) -> None:
        data = note.model_dump_json(exclude_none=True, exclude_defaults=True).encode()
        self.images.write_output(key, data, media_type="application/json", metadata={"job": job.id})

    def remove(self, job: Job) -> None:
        self.images.remove_outputs([batch_key(job), manifest_key(job), begun_key(job)])

    def tidy(self, job: Job, now: Job | None, made: Sequence[str]) -> None:
        """After a job that was ended by another: removes what was made for it and does not belong to it.

        Args:
            now: the job as it stands; nothing is done while it goes on.
        """
        if now is None or now.status.is_final:
            kept = {image.key for image in now.images} if now else set()
            self.images.remove_outputs([key for key in made if key not in kept])
            self.remove(job)
