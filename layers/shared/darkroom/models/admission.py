"""What decides whether a request becomes a job of its own, or is answered by one that is already there."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.models.budget import Budget, BudgetRef
from darkroom.models.deadline import Deadline
from darkroom.models.door import HTTP_API, Door
from darkroom.models.job import Job
from darkroom.models.value import Value


class IdempotencyRecord(Value):
    """An Idempotency-Key that was used: by whom, on which route, for which request, and the job that stands for it."""

    user: str
    sha256: str = Field(description="Digest of route and key.")
    request_sha256: str
    job_id: str
    expires_at: datetime


class PendingAnswer(Value):
    """A job's answer, from the moment of its admission until it has certainly reached somebody, or 15 minutes.

    held: somebody waits for it, until `held_until` at the latest.
    free: whoever waited went away without it; the next identical request gets it.
    told: it was given, or the caller was told where to find it. Only a retry of that very request may have it again.
    """

    user: str
    request_sha256: str
    job_id: str
    mark: str | None = Field(None, description="The caller's own for the request: with it, the same is sent again.")
    state: Literal["held", "free", "told"]
    held_until: datetime
    changed_at: datetime
    expires_at: datetime

    def is_free(self, now: datetime) -> bool:
        return self.state == "free" or (self.state == "held" and self.held_until <= now)


class Outcome(Value):
    """What came of an attempt to admit a job. Exactly one of the three is there."""

    admitted: Job | None = None
    refused_by: Budget | None = Field(None, description="The budget that has too little left.")
    refused_ref: BudgetRef | None = None
    earlier: IdempotencyRecord | None = Field(None, description="The Idempotency-Key stands for this.")


class Terms(BaseModel):
    """How a caller wants to be answered: what the request's headers say."""

    model_config = ConfigDict(defer_build=True, frozen=True, arbitrary_types_allowed=True)

    route: str
    idempotency_key: str | None = Field(None, min_length=1, max_length=255)
    is_async: bool = Field(False, description="Prefer: respond-async")
    wait: float | None = Field(None, ge=0, description="Prefer: wait=N, seconds")
    is_retry: bool = Field(False, description="The openai SDK says that it sends this again.")
    mark: str | None = Field(None, description="The caller's own for this request; with it again, it is a retry.")
    cancel_after: timedelta | None = None
    deadline: Deadline | None = Field(None, description="From then on no caller waits for the answer.")
    door: Door = HTTP_API
    on_event: Callable[[str], bool] | None = Field(
        None, description="Hears a streamed answer while it comes, where this process makes it; see ports.OnEvent."
    )
