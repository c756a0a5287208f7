"""Jobs as rows.

    pk=USER#{user}  sk=JOB#{id}   `open`, `open_since` only while somebody has to look after it (see open_index):
                                  `job` while it is not over or not settled, then `cutouts` until those are made

What conditions look at stands beside the document, and what is written there counts: `status`, `attempt`, `paid` (of a
job that costs money; older rows do not say), `lease_expires_at` (epoch seconds), `settled`, and of the last dispatch
`dispatched_at`, `generation_id`, `provider`, `key_usage` (a string, for DynamoDB's numbers end at 38 digits),
`key_sha256`, `key_charges` and `key_listed`. Of a job of several calls `calls` is a map by their indexes, so that each
is written by itself, and `stop_at` forbids further ones. The list `cutouts` is made of its pictures when it is over,
and nothing else writes it; nor does anything but `label` write `favorite` and `title`. How the sweep has fared with the
job, `looked_at` and `look_failures`, stands there alone, as do the columns of `Mark`: random words by which the last
write of each kind is known again by its writer.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import convert

from darkroom.adapters.dynamo import to_row
from darkroom.adapters.job_documents import pack, unpack
from darkroom.adapters.open_index import opened
from darkroom.models.job import Job, KeptCutout, ProviderCall
from darkroom.ports import OpenJob

OPEN_JOB = "job"
UNCUT_JOB = "cutouts"


class Mark:
    """Columns of the random words of writes; see job_table."""

    STARTED = "claim"
    REQUEUED = "requeued_by"
    PROGRESSED = "progressed_by"
    FINISHED = "finished_by"
    SETTLED = "settled_by"
    CLOSED = "closed_by"
    REVIVED = "revived_by"
    LOOKED = "looked_by"
    CUT_OUT = "cut_out_by"


# What an owner says of a job, which nothing else writes.
LABELS = ("favorite", "title")
_BESIDE = {
    "user",
    "id",
    "status",
    "attempt",
    "started_at",
    "lease_expires_at",
    "dispatched_at",
    "generation_id",
    "key_usage",
    "key_sha256",
    "key_charges",
    "key_listed",
    "provider",
    "removed_at",
    "stop_at",
    *LABELS,
}
_CALLS = "calls"
_CUTOUTS = "cutouts"


def job_key(user: str, job_id: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"JOB#{job_id}"}


def job_expiry(job: Job) -> dict[str, Any]:
    return {"expires_at": int(job.expires_at.timestamp())} if job.expires_at else {}


def document_text(job: Job) -> str:
    # A row of before there were several calls, and of a job that is one, says nothing of them.
    return job.model_dump_json(exclude={*_BESIDE, _CALLS, _CUTOUTS})


def job_document(job: Job) -> str | bytes:
    return pack(document_text(job))


def call_document(call: ProviderCall) -> str:
    return call.model_dump_json(exclude_none=True)


def call_documents(job: Job) -> dict[str, str]:
    return {str(call.index): call_document(call) for call in job.calls}


def cutout_documents(cutouts: Sequence[KeptCutout]) -> list[str]:
    return [cutout.model_dump_json(exclude_none=True) for cutout in cutouts]


def listed_as(job: Job) -> str | None:
    """The column `open`: among which jobs that somebody has to look after it is listed; None if it is not."""
    if not job.status.is_final or not job.cost.settled:
        return opened(OPEN_JOB, job.id)
    return opened(UNCUT_JOB, job.id) if job.awaits_cutouts else None


def job_row(job: Job) -> dict[str, Any]:
    beside = job.model_dump(mode="json", include=_BESIDE - {"lease_expires_at", *LABELS})
    row = {
        **job_key(job.user, job.id),
        **{name: value for name, value in beside.items() if value is not None},
        "settled": job.cost.settled,
        **({"paid": True} if job.is_paid else {}),
        "document": job_document(job),
        **({_CALLS: call_documents(job)} if job.calls else {}),
        **({_CUTOUTS: cutout_documents(job.cutouts)} if job.cutouts else {}),
        **job_expiry(job),
    }
    if job.lease_expires_at:
        row["lease_expires_at"] = int(job.lease_expires_at.timestamp())
    listed = listed_as(job)
    return row if listed is None else {**row, "open": listed, "open_since": job.created_at.isoformat()}


# All that an OpenJob is made of; a job's name for its user and for itself may be words that DynamoDB keeps.
OPEN_JOB_NAMES = {"user": "user", "id": "id"}
OPEN_JOB_FIELDS = "#user, #id, open_since, dispatched_at, key_sha256, looked_at, look_failures"


def to_open_job(item: Mapping[str, Any]) -> OpenJob:
    row = to_row(item)
    told = {name: row.get(name) for name in ("user", "id", "dispatched_at", "key_sha256", "looked_at")}
    return convert({**told, "created_at": row["open_since"], "failures": int(row.get("look_failures", 0))}, OpenJob)


def to_job(item: Mapping[str, Any]) -> Job:
    return row_job(to_row(item))


def row_job(row: Mapping[str, Any]) -> Job:
    stored = row["document"]
    document = json.loads(unpack(stored if isinstance(stored, str) else bytes(stored)))
    # Rows of before jobs cost anything do not say, and are settled as the model has it.
    cost = {**document.get("cost", {}), **{name: row[name] for name in ("settled",) if name in row}}
    beside = {name: row[name] for name in _BESIDE if name in row}
    if "lease_expires_at" in beside:
        beside["lease_expires_at"] = datetime.fromtimestamp(int(beside["lease_expires_at"]), UTC)
    if _CALLS in row:
        beside[_CALLS] = sorted(map(json.loads, row[_CALLS].values()), key=lambda call: int(call["index"]))
    if _CUTOUTS in row:
        beside[_CUTOUTS] = [json.loads(each) for each in row[_CUTOUTS]]
    return Job.model_validate({**document, **beside, "cost": cost})
