"""Receipts: what each paid job cost. They outlive the job."""

from datetime import datetime
from decimal import Decimal

from pydantic import Field

from darkroom.errors import Charged
from darkroom.models.job import Job, ProviderCall, SettledTogether
from darkroom.models.money import MicroUsd
from darkroom.models.usage import HERE
from darkroom.models.value import Value


class KeyAnchor(Value):
    """A moment at which no call on a key was open: what the key had used, and what of that was settled here."""

    usage: Decimal = Field(description="Dollars, as the provider said.")
    settled: MicroUsd


class Share(Value):
    """What a job is to be settled at that is settled together with others, decided for all of them at once."""

    amount: MicroUsd
    charged: Charged = Field(description="Whether it cost anything; unknown where the sum does not tell.")
    together: SettledTogether

    @property
    def is_certain(self) -> bool:
        """Whether the amount is what the job cost, and not a part of a sum that may have been divided otherwise."""
        return self.together.jobs == 1 or self.charged is False


class KeyCharges(Value):
    """What is known here of the charges on one key of a provider, for all users' jobs."""

    count: int = Field(0, description="Charges that were settled.")
    last_at: datetime | None = Field(None, description="When the last of them was settled.")
    settled: MicroUsd = Field(0, description="What those came to whose cost was known.")
    open: frozenset[str] = Field(frozenset(), description="References of jobs that were or may be sent, and are open.")
    anchor: KeyAnchor | None = Field(
        None, description="Since then every charge of a listed job is in `settled` or belongs to one that is open."
    )
    shares: dict[str, Share] = Field(default_factory=dict, description="By reference; gone when it is settled.")
    version: int = Field(0, description="Grows with every change.")


class KeyListing(Value):
    """A job that is to be listed as open on a key, in the same write that says that it is sent."""

    key_sha256: str
    job: str = Field(description="Its reference.")
    seen: int = Field(description="The version of the key's charges as they were read.")
    anchor: KeyAnchor | None = Field(
        None, description="Becomes the key's if no job is listed and nothing has changed since they were read."
    )


def reference(user: str, job_id: str) -> str:
    """A job among all users' jobs."""
    return f"{user}/{job_id}"


def referred(job: str) -> tuple[str, str]:
    """The user and the job's id of a reference."""
    user, _, job_id = job.rpartition("/")
    return user, job_id


class Receipt(Value):
    """One job's money, written in the same transaction that settles its reservation. `job_id` sorts by time."""

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
    together: SettledTogether | None = Field(None, description="Where `actual` is a part of a sum that is known.")
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
