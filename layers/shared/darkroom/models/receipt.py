"""Receipts: what each paid job cost. They outlive the job."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from darkroom.errors import Charged
from darkroom.models.money import MicroUsd


class KeyCharges(BaseModel):
    """What was settled here of charges on one of a provider's keys, whoever's jobs they were."""

    model_config = ConfigDict(frozen=True)

    count: int = 0
    last_at: datetime | None = None


class Receipt(BaseModel):
    """One job's money, written in the same transaction that settles its reservation. `job_id` sorts by time."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    user: str
    op: str
    status: str = Field(description="How the job ended.")
    model_requested: str | None = None
    model_used: str | None = None
    provider: str = "openrouter"
    generation_id: str | None = None
    token_id: str | None = None
    conversation_id: str | None = None
    estimated: MicroUsd | None = None
    reserved: MicroUsd
    actual: MicroUsd | None = Field(description="What the provider took; None if that could not be found out.")
    charged: Charged
    created_at: datetime
    settled_at: datetime
