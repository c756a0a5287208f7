"""Paid jobs on their way: what is written down around each call of a provider, in DynamoDB. See job_rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from darkroom.adapters import key_rows
from darkroom.adapters.dynamo import TransactionCanceled, transact_patiently
from darkroom.adapters.job_rows import Mark, call_document, call_documents, job_document, listed_as
from darkroom.adapters.job_table import JobTable
from darkroom.models.job import Job, JobStatus, ProviderCall
from darkroom.models.receipt import KeyListing

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_CALL = "call"

_MAY_DISPATCH = "#status = :running AND attempt = :attempt AND settled = :false"
IS_UNSETTLED = "attempt = :attempt AND settled = :false"


class PaidJobs(JobTable):
    def dispatch(
        self, job: Job, *, at: datetime, lease_expires_at: datetime, listing: KeyListing | None = None
    ) -> Job | None:
        if listing is None:
            return self._update(job, *self._dispatching(job, at, lease_expires_at))
        listed = job.model_copy(update={"key_listed": True, "dispatched_at": at, "lease_expires_at": lease_expires_at})
        row = self._write(listed, *self._dispatching(listed, at, lease_expires_at))
        for on_key in key_rows.listings(self._table, listing, at):
            is_refused = self._is_refused([{"Update": row}, {"Update": on_key}])
            if is_refused[0]:
                return None
            if not is_refused[1]:
                return listed
        # Too many are listed.
        return self.dispatch(job.model_copy(update={"key_listed": False}), at=at, lease_expires_at=lease_expires_at)

    def _is_refused(self, writes: "Sequence[TransactWriteItemTypeDef]") -> list[bool]:
        """Of each write whether its condition did not hold; with one, none was done."""
        try:
            transact_patiently(self._client, writes, self._patience)
        except TransactionCanceled as canceled:
            return [reason.is_refused for reason in canceled.reasons]
        return [False for _ in writes]

    def _dispatching(self, job: Job, at: datetime, lease_expires_at: datetime) -> tuple[str, str, dict[str, Any]]:
        """Update, condition and values."""
        # Facts of the key that are unknown this time must not stay from the last dispatch.
        known = {
            "key_usage": None if job.key_usage is None else str(job.key_usage),
            "key_sha256": job.key_sha256,
            "key_charges": job.key_charges,
            "key_listed": job.key_listed or None,
        }
        kept = {name: value for name, value in known.items() if value is not None}
        sets = [
            *("dispatched_at = :at", "lease_expires_at = :lease", "provider = :provider"),
            *(f"{name} = :{name}" for name in kept),
        ]
        removes = ["generation_id", *(known.keys() - kept.keys())]
        if job.calls:
            sets.append("calls = :calls")
        values = {
            **{f":{name}": value for name, value in kept.items()},
            ":at": at.isoformat(),
            ":lease": int(lease_expires_at.timestamp()),
            ":provider": job.provider,
            ":running": JobStatus.RUNNING.value,
            ":attempt": job.attempt,
            ":false": False,
            **({":calls": call_documents(job)} if job.calls else {}),
        }
        return f"SET {', '.join(sets)} REMOVE {', '.join(removes)}", _MAY_DISPATCH, values

    def dispatch_call(self, job: Job, call: ProviderCall) -> bool:
        return self._write_call(
            job, call, f"{_MAY_DISPATCH} AND attribute_not_exists(stop_at)", {":running": JobStatus.RUNNING.value}
        )

    def note_call(self, job: Job, call: ProviderCall) -> bool:
        return self._write_call(job, call, f"{IS_UNSETTLED} AND attribute_exists(dispatched_at)", {})

    def _write_call(self, job: Job, call: ProviderCall, condition: str, values: dict[str, Any]) -> bool:
        done = self._update(
            job,
            f"SET calls.#{_CALL} = :call",
            condition,
            {**values, ":call": call_document(call), ":attempt": job.attempt, ":false": False},
            names={f"#{_CALL}": str(call.index)},
        )
        return done is not None

    def stop(self, job: Job, *, at: datetime) -> bool:
        done = self._update(
            job,
            "SET stop_at = if_not_exists(stop_at, :at)",
            f"{_MAY_DISPATCH} AND attribute_exists(calls)",
            {
                ":at": at.isoformat(),
                ":running": JobStatus.RUNNING.value,
                ":attempt": job.attempt,
                ":false": False,
            },
        )
        return done is not None

    def note_generation(self, job: Job, generation_id: str) -> bool:
        done = self._update(
            job,
            "SET generation_id = :generation_id",
            f"{IS_UNSETTLED} AND attribute_exists(dispatched_at)",
            {":generation_id": generation_id, ":attempt": job.attempt, ":false": False},
        )
        return done is not None

    def record(self, job: Job) -> bool:
        values: dict[str, Any] = {
            ":status": job.status.value,
            ":document": job_document(job),
            ":attempt": job.attempt,
            ":false": False,
        }
        noted = ""
        if job.generation_id is not None:
            noted, values[":generation_id"] = ", generation_id = :generation_id", job.generation_id
        if job.calls:
            noted, values[":calls"] = f"{noted}, calls = :calls", call_documents(job)
        done = self._update(job, f"SET #status = :status, document = :document{noted}", IS_UNSETTLED, values)
        return done is not None

    def revive(self, job: Job) -> bool:
        listed = listed_as(job)
        sets = [
            *("#status = :status", "document = :document"),
            *(("calls = :calls",) if job.calls else ()),
            *(("#open = :open", "open_since = :since") if listed else ()),
        ]
        done = self._update(
            job,
            f"SET {', '.join(sets)}",
            "#status = :failed AND settled = :true AND attempt = :attempt AND attribute_not_exists(removed_at)",
            {
                ":status": job.status.value,
                ":document": job_document(job),
                ":failed": JobStatus.FAILED.value,
                ":true": True,
                ":attempt": job.attempt,
                **({":open": listed, ":since": job.created_at.isoformat()} if listed else {}),
                **({":calls": call_documents(job)} if job.calls else {}),
            },
            mark=Mark.REVIVED,
        )
        return done is not None
