"""What the ledger writes beside jobs and budgets.

pk=USER#{user}  sk=RECEIPT#{job id}      what a job cost
pk=USER#{user}  sk=IDEMPOTENCY#{sha256}  which job an Idempotency-Key stands for
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ulid import ULID

from darkroom.adapters.budget_rows import KEPT
from darkroom.adapters.tally_rows import COUNTED
from darkroom.models.admission import IdempotencyRecord
from darkroom.models.job import Job
from darkroom.models.money import MicroUsd
from darkroom.models.receipt import Receipt
from darkroom.models.webhook import Delivery

_DELIVERY_KEPT = timedelta(days=30)
_RANDOM_BITS = 80
RECEIPT = "RECEIPT"


def receipt_key(user: str, job_id: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"{RECEIPT}#{job_id}"}


def receipt_of(job: Job, actual: MicroUsd | None, now: datetime) -> Receipt:
    return Receipt(
        job_id=job.id,
        user=job.user,
        op=job.op,
        status=job.status.value,
        model_requested=job.model_requested,
        model_used=job.model_used,
        provider=job.provider,
        images=len(job.images),
        seconds=seconds_of(job),
        generation_id=job.generation_id,
        calls=job.calls,
        token_id=job.token_id,
        conversation_id=job.conversation_id,
        estimated=job.cost.estimated,
        reserved=job.cost.reserved,
        actual=actual,
        charged=job.cost.charged,
        together=job.cost.together,
        created_at=job.created_at,
        settled_at=now,
    )


def seconds_of(job: Job) -> float | None:
    """From the dispatch to the end; None where nothing was sent."""
    if job.dispatched_at is None or job.completed_at is None:
        return None
    return round((job.completed_at - job.dispatched_at).total_seconds(), 3)


def receipt_row(receipt: Receipt) -> dict[str, Any]:
    return {
        **receipt_key(receipt.user, receipt.job_id),
        "document": receipt.model_dump_json(),
        COUNTED: True,
        "reserved": receipt.reserved,
        **({} if receipt.actual is None else {"actual": receipt.actual}),
        "expires_at": int((receipt.settled_at + KEPT).timestamp()),
    }


def to_receipt(row: Mapping[str, Any]) -> Receipt:
    return Receipt.model_validate_json(row["document"])


def receipt_bounds(month: str | None, prefix: str = RECEIPT) -> tuple[str, str]:
    """The first and the last sort key, both inclusive, of a month (`2026-11`) or of all receipts."""
    if month is None:
        return f"{prefix}#", f"{prefix}$"
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    after = (first + timedelta(days=31)).replace(day=1)
    # A ULID begins with the milliseconds, so ids that were made at a time lie between these.
    low, high = (int(moment.timestamp() * 1000) << _RANDOM_BITS for moment in (first, after))
    # A part has its turn's id and more, and belongs to the same month; `~` comes after all that may follow.
    return f"{prefix}#job_{ULID.from_int(low)}", f"{prefix}#job_{ULID.from_int(high - 1)}~"


def idempotency_key(user: str, sha256: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"IDEMPOTENCY#{sha256}"}


def idempotency_row(record: IdempotencyRecord) -> dict[str, Any]:
    return {
        **idempotency_key(record.user, record.sha256),
        "request_sha256": record.request_sha256,
        "job_id": record.job_id,
        "expires_at": int(record.expires_at.timestamp()),
    }


def to_idempotency(row: Mapping[str, Any]) -> IdempotencyRecord:
    return IdempotencyRecord(
        user=row["pk"].removeprefix("USER#"),
        sha256=row["sk"].removeprefix("IDEMPOTENCY#"),
        request_sha256=row["request_sha256"],
        job_id=row["job_id"],
        expires_at=datetime.fromtimestamp(int(row["expires_at"]), UTC),
    )


def delivery_of(job: Job, now: datetime, url: str) -> Delivery:
    return Delivery(
        id=f"msg_{job.id}",
        user=job.user,
        job_id=job.id,
        url=url,
        created_at=now,
        expires_at=now + _DELIVERY_KEPT,
    )
