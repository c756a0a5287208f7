"""A job: one piece of work that a user asked for, and how it went."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED)


class StoredImage(BaseModel):
    """A picture in the outputs bucket."""

    model_config = ConfigDict(frozen=True)

    key: str
    media_type: str
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    bytes: int
    sha256: str


class Job(BaseModel):
    """One job. `id` is a ULID, so ids sort by the time of their making."""

    model_config = ConfigDict(frozen=True)

    id: str
    user: str
    op: str = Field(description="What is done, for example `background-removal`.")
    status: JobStatus = JobStatus.QUEUED
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    expires_at: datetime | None = Field(None, description="When the row and its images are removed.")
    attempt: int = Field(0, ge=0, description="How many times the work has been begun.")
    lease_expires_at: datetime | None = Field(None, description="Until when the present attempt may run.")
    input: dict[str, Any] = Field(default_factory=dict)
    images: tuple[StoredImage, ...] = ()
    result: dict[str, Any] = Field(default_factory=dict, description="What is known of the output beside its images.")
    error: dict[str, Any] | None = Field(None, description="Problem details, as the API answers them.")
