"""Receipts: what each paid job cost. They outlive the job."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from darkroom.errors import Charged
from darkroom.models.job import Job, ProviderCall
from darkroom.models.money import MicroUsd
from darkroom.models.usage import HERE


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
    images: int = Field(0, description="Pictures that were stored.")
    seconds: float | None = Field(None, description="From the dispatch to the end; None where nothing was sent.")
    generation_id: str | None = None
    calls: tuple[ProviderCall, ...] = Field((), description="A line for each call, where it took several.")
    token_id: str | None = None
    conversation_id: str | None = None
    estimated: MicroUsd | None = None
    reserved: MicroUsd
    actual: MicroUsd | None = Field(
        description="What the provider took; its reservation where `charged` is unknown (None in old receipts)."
    )
    charged: Charged
    created_at: datetime
    settled_at: datetime


def of_free_work(job: Job, at: datetime) -> Receipt:
    """Of a job that is over and cost nothing: a cut-out, a turn (whose paid calls have receipts of their own)."""
    return Receipt(
        job_id=job.id,
        user=job.user,
        op=job.op,
        status=job.status.value,
        model_used=job.model_used or job.result.get("model"),
        provider=HERE,
        images=len(job.images),
        token_id=job.token_id,
        conversation_id=job.conversation_id,
        reserved=0,
        actual=0,
        charged=False,
        created_at=job.created_at,
        settled_at=job.completed_at or at,
    )
