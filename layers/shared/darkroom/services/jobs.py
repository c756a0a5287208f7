"""Jobs: showing them to their owner, removing them, and closing those whose worker died."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from darkroom.errors import Conflict, InvalidParameter, NotFound, ServiceUnavailable
from darkroom.models.job import Job, JobStatus
from darkroom.ports import Clock, ImageStore, JobStore

MOST_PER_PAGE = 100
MOST_ID = 64
# A message that is neither delivered again nor dead after this long has been lost.
LOST_AFTER = timedelta(days=1)


class Jobs:
    """Args: max_attempts: how often a queue delivers a message before it is a dead letter."""

    def __init__(self, store: JobStore, images: ImageStore, clock: Clock, *, max_attempts: int) -> None:
        self._store = store
        self._images = images
        self._clock = clock
        self._max_attempts = max_attempts

    def find(self, user: str, job_id: str) -> Job:
        # Longer than any id there is, and in the end than DynamoDB takes for a key.
        job = self._store.find(user, job_id) if len(job_id) <= MOST_ID else None
        if job is None:
            raise NotFound(f"There is no job {job_id[:64]!r}.", fix="GET /v1/jobs lists yours.")
        return job

    def page(self, user: str, *, limit: int = 20, cursor: str | None = None) -> tuple[Sequence[Job], str | None]:
        """A page of jobs, newest first, and the cursor of the next page."""
        if not 1 <= limit <= MOST_PER_PAGE:
            raise InvalidParameter(
                f"`limit` is {limit}.", fix=f"Give a whole number from 1 to {MOST_PER_PAGE}.", param="limit"
            )
        page = self._store.page(user, limit=limit, before=cursor)
        return page.jobs, page.next_id

    def remove(self, user: str, job_id: str) -> None:
        """Removes a job that is over, and its images.

        Raises:
            NotFound: the user has no such job.
            Conflict: it is still being worked on.
        """
        job = self.find(user, job_id)
        if not job.status.is_final:
            raise Conflict(f"The job is {job.status}.", fix="Wait until it is over, then remove it.")
        self._images.remove_outputs([image.key for image in job.images])
        self._store.remove(user, job_id)

    def close_abandoned(self, *, limit: int = 100) -> list[Job]:
        """Fails the jobs whose worker died on its last attempt, whose message is a dead letter by now.

        A worker that raises says so itself; this is for one that was killed or ran out of memory or time.
        """
        now = self._clock()
        abandoned = [job for job in self._store.list_open(limit=limit) if self._is_abandoned(job, now)]
        return [failed for job in abandoned if self._store.finish(failed := _abandon(job, now))]

    def _is_abandoned(self, job: Job, now: datetime) -> bool:
        if job.created_at + LOST_AFTER <= now:
            return True
        lease_is_over = job.lease_expires_at is not None and job.lease_expires_at <= now
        return lease_is_over and job.attempt >= self._max_attempts

    def show(self, job: Job) -> dict[str, Any]:
        """The job as the API answers it, with links that work for a while."""
        path = f"/v1/jobs/{job.id}"
        images = [
            {**image.model_dump(exclude={"key"}), "url": self._images.link_output(image.key)} for image in job.images
        ]
        return {
            "id": job.id,
            "object": "job",
            "op": job.op,
            "status": job.status.value,
            **job.model_dump(mode="json", include={"created_at", "started_at", "completed_at", "expires_at"}),
            "input": job.input,
            "output": {**job.result, "images": images},
            "error": job.error,
            "cost": {"actual_usd": 0, "settled": True},
            "urls": {"get": path},
        }


def _abandon(job: Job, now: datetime) -> Job:
    error = ServiceUnavailable(
        f"The work was begun {job.attempt} times and never came to an end.",
        fix="Drop the file again; if it happens again, the dead-letter queue has the message and the log the cause.",
        context={"dead_letter": True},
    )
    return job.model_copy(
        update={"status": JobStatus.FAILED, "completed_at": now, "error": error.problem()},
    )
