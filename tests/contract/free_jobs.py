"""Jobs that cost nothing, as stores keep them."""

from datetime import timedelta

from ulid import ULID

from darkroom.models.job import Job, JobStatus, StoredImage
from tests.conftest import SteppingClock


def free_job(user: str, clock: SteppingClock, **changes: object) -> Job:
    job = Job(
        id=f"job_{ULID()}",
        user=user,
        op="background-removal",
        created_at=clock.now,
        expires_at=clock.now + timedelta(days=30),
        input={"key": "inbox/ü b+c.jpg", "size": 1.5, "none": None},
    )
    return job.model_copy(update=changes)


def finished(job: Job, clock: SteppingClock) -> Job:
    image = StoredImage(key="outputs/a.png", media_type="image/png", width=3, height=4, bytes=5, sha256="ab")
    return job.model_copy(
        update={"status": JobStatus.SUCCEEDED, "completed_at": clock.now, "images": (image,), "result": {"ms": 1.25}}
    )
