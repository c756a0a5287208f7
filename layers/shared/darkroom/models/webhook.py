"""Webhooks: a user's own URL, told that a job is over. https://www.standardwebhooks.com"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from darkroom.models.value import Value


class Delivery(Value):
    """One event for one URL. The id is the `webhook-id` of every attempt, so the receiver can tell repetitions."""

    id: str = Field(description="`msg_{job id}`, or of a report `msg_` and a ULID.")
    user: str
    job_id: str = ""
    report: str | None = Field(None, description="The month, where it tells of a usage report instead of a job.")
    url: str
    created_at: datetime
    status: Literal["pending", "delivered", "failed"] = "pending"
    attempts: int = 0
    last_attempt_at: datetime | None = None
    last_reply: str | None = Field(None, description="A status code, or why there was none.")
    requeued_at: datetime | None = Field(None, description="When its message was last taken for lost and sent again.")
    expires_at: datetime


class WebhookSecrets(Value):
    """`whsec_…`; after a rotation the one before signs as well for a while."""

    current: str = Field(repr=False)
    created_at: datetime
    previous: str | None = Field(None, repr=False)
    previous_until: datetime | None = None


class WebhookReply(Value):
    """What came of a call: a status code, or the reason why there was none."""

    status: int | None = None
    problem: str | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """410: the receiver wants nothing any more."""
        return self.status == 410
