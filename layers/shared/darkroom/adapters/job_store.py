"""Jobs in DynamoDB, and the path of those that cost nothing; of the others see paid_jobs.

pk=USER#{user}      sk=JOB#{id}   the job; see job_rows
pk=SOURCE#{sha256}  sk=SOURCE     which job was made for a source, so that there is never a second one
"""

from contextlib import suppress
from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import (
    ConditionFailed,
    TransactionCanceled,
    conditional,
    to_item,
    to_row,
    transact_patiently,
)
from darkroom.adapters.job_cutouts import JobCutouts
from darkroom.adapters.job_rows import (
    UNCUT_JOB,
    Mark,
    job_document,
    job_expiry,
    job_key,
    job_row,
    row_job,
    to_job,
)
from darkroom.adapters.paid_jobs import IS_UNSETTLED, PaidJobs
from darkroom.adapters.work_log import work_writes
from darkroom.errors import ServiceUnavailable
from darkroom.models.job import Job, JobStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef, UpdateTypeDef

_STARTS = "SET #status = :running, attempt = attempt + :one, started_at = :now, lease_expires_at = :lease"
_MAY_START = (
    "attribute_not_exists(dispatched_at) AND (#status = :queued OR (#status = :running AND lease_expires_at <= :epoch))"
)
_MAY_STOP = "#status = :running AND attempt = :attempt AND attribute_not_exists(dispatched_at)"
# Rows of before jobs cost anything do not say whether they are settled.
_IS_FREE = "(attribute_not_exists(settled) OR settled = :true)"


class DynamoJobStore(JobCutouts, PaidJobs):
    def add(self, job: Job, *, source: str | None = None) -> Job | None:
        if source is None:
            # Its id is its own: if it is there already, this very write was sent twice, for its answer got lost.
            if job.status.is_final and not job.is_paid:
                self._users.note(job, at=job.created_at)
                with suppress(TransactionCanceled):
                    transact_patiently(self._client, [self._new(job_row(job)), *self._counted(job)], self._patience)
            else:
                with suppress(ConditionFailed), conditional():
                    self._client.put_item(**self._new(job_row(job))["Put"])
            return job
        return job if self._claim(job, source) else self._claimed(source)

    def _claim(self, job: Job, source: str) -> bool:
        claim = {**_source_key(source), "user": job.user, "job_id": job.id, **job_expiry(job)}
        puts = [self._new(row) for row in (claim, job_row(job))]
        try:
            with conditional():
                self._client.transact_write_items(TransactItems=puts)
        except ConditionFailed:
            return False
        return True

    def _claimed(self, source: str) -> Job | None:
        with translated():
            key = to_item(_source_key(source))
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            # The transaction was canceled by another one in flight, not by a row that is there.
            raise ServiceUnavailable("Another delivery is just being recorded.", retry_after=1)
        claim = to_row(item)
        return self.find(claim["user"], claim["job_id"])

    def start(self, job: Job, *, now: datetime, lease_expires_at: datetime) -> Job | None:
        started = self._update(job, _STARTS, _MAY_START, _starting(now, lease_expires_at), mark=Mark.STARTED)
        return started if _is_begun(started) else None

    def claim(self, user: str, job_id: str, *, now: datetime, lease_expires_at: datetime) -> tuple[Job | None, bool]:
        word = token_hex(8)
        try:
            with conditional():
                updated = self._client.update_item(
                    TableName=self._table,
                    Key=to_item(job_key(user, job_id)),
                    UpdateExpression=f"{_STARTS}, {Mark.STARTED} = :mark",
                    ConditionExpression=f"paid = :true AND {_MAY_START}",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues=to_item(
                        {**_starting(now, lease_expires_at), ":true": True, ":mark": word}
                    ),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as refused:
            if refused.row is None:
                return None, False
            job = row_job(refused.row)
            if refused.found(Mark.STARTED, word):
                return job, _is_begun(job)
            if not job.is_paid or "paid" in refused.row:
                return job, False
            # Of before rows said so.
            started = self.start(job, now=now, lease_expires_at=lease_expires_at)
            return started or job, started is not None
        return to_job(updated["Attributes"]), True

    def requeue(self, job: Job) -> bool:
        done = self._update(
            job,
            "SET #status = :queued REMOVE lease_expires_at",
            _MAY_STOP,
            {":queued": JobStatus.QUEUED.value, ":running": JobStatus.RUNNING.value, ":attempt": job.attempt},
            mark=Mark.REQUEUED,
        )
        return done is not None

    def finish(self, job: Job) -> bool:
        closes = "REMOVE #open, open_since, lease_expires_at" if job.cost.settled else "REMOVE lease_expires_at"
        word = token_hex(8)
        begun = {} if job.started_at is None else {":begun": job.model_dump(mode="json")["started_at"]}
        begins = ", started_at = if_not_exists(started_at, :begun)" if begun else ""
        ending: UpdateTypeDef = {
            "TableName": self._table,
            "Key": to_item(job_key(job.user, job.id)),
            "UpdateExpression": f"SET #status = :status, document = :document, settled = :settled,"
            f" {Mark.FINISHED} = :mark{begins} {closes}",
            "ConditionExpression": f"attribute_exists(#open) AND attempt = :attempt AND {_IS_FREE}",
            "ExpressionAttributeNames": {"#status": "status", "#open": "open"},
            "ExpressionAttributeValues": to_item(
                {
                    ":status": job.status.value,
                    ":document": job_document(job),
                    ":attempt": job.attempt,
                    ":settled": job.cost.settled,
                    ":true": True,
                    ":mark": word,
                    **begun,
                }
            ),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        self._users.note(job, at=job.completed_at or job.created_at)
        try:
            # Together, so that it is counted, and once.
            transact_patiently(self._client, [{"Update": ending}, *self._counted(job)], self._patience)
        except TransactionCanceled as canceled:
            return canceled.reasons[0].found(Mark.FINISHED, word)
        return True

    def _counted(self, job: Job) -> "list[TransactWriteItemTypeDef]":
        return work_writes(self._table, job, job.created_at)

    def _new(self, row: dict[str, Any]) -> "TransactWriteItemTypeDef":
        return {
            "Put": {
                "TableName": self._table,
                "Item": to_item(row),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def settle(self, job: Job) -> bool:
        done = self._update(
            job,
            "SET document = :document, settled = :true REMOVE #open, open_since",
            f"attribute_exists(#open) AND {IS_UNSETTLED}",
            {":document": job_document(job), ":true": True, ":attempt": job.attempt, ":false": False},
            mark=Mark.SETTLED,
        )
        return done is not None

    def progress(self, job: Job) -> Job | None:
        # Who begins it says when; whoever comes after does not change that.
        begun = {} if job.started_at is None else {":begun": job.model_dump(mode="json")["started_at"]}
        begins = ", started_at = if_not_exists(started_at, :begun)" if begun else ""
        stored = self._update(
            job,
            f"SET #status = :status, document = :document, attempt = attempt + :one{begins}",
            f"attribute_exists(#open) AND attempt = :attempt AND {_IS_FREE}",
            {
                ":status": job.status.value,
                ":document": job_document(job),
                ":attempt": job.attempt,
                ":one": 1,
                ":true": True,
                **begun,
            },
            mark=Mark.PROGRESSED,
        )
        if stored is None or stored.attempt == job.attempt + 1:
            return stored
        # It arrived twice, and another attempt was begun in between: that one is not this writer's.
        return job.model_copy(update={"attempt": job.attempt + 1, "started_at": stored.started_at})

    def hide(self, user: str, job_id: str, *, at: datetime) -> None:
        with suppress(ConditionFailed), conditional():
            self._client.update_item(
                TableName=self._table,
                Key=to_item(job_key(user, job_id)),
                UpdateExpression="SET removed_at = :at",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=to_item({":at": at.isoformat()}),
            )

    def label(self, user: str, job_id: str, *, favorite: bool | None = None, title: str | None = None) -> Job | None:
        said = {name: value for name, value in (("favorite", favorite), ("title", title)) if value is not None}
        sets = ", ".join(f"{name} = :{name}" for name, value in said.items() if value)
        removes = ", ".join(name for name, value in said.items() if not value)
        values = {f":{name}": value for name, value in said.items() if value}
        given: dict[str, Any] = {"ExpressionAttributeValues": to_item(values)} if values else {}
        try:
            with conditional():
                updated = self._client.update_item(
                    TableName=self._table,
                    Key=to_item(job_key(user, job_id)),
                    UpdateExpression=(f"SET {sets} " if sets else "") + (f"REMOVE {removes}" if removes else ""),
                    ConditionExpression="attribute_exists(pk) AND attribute_not_exists(removed_at)",
                    **given,
                    ReturnValues="ALL_NEW",
                )
        except ConditionFailed:
            return None
        return to_job(updated["Attributes"])

    def remove(self, user: str, job_id: str) -> bool:
        try:
            with conditional():
                self._client.delete_item(
                    TableName=self._table,
                    Key=to_item(job_key(user, job_id)),
                    ConditionExpression="attribute_exists(pk)"
                    " AND (attribute_not_exists(#open) OR begins_with(#open, :uncut))",
                    ExpressionAttributeNames={"#open": "open"},
                    # It is over and settled: what it waits for costs nothing.
                    ExpressionAttributeValues=to_item({":uncut": UNCUT_JOB}),
                )
        except ConditionFailed:
            return False
        return True


def _starting(now: datetime, lease_expires_at: datetime) -> dict[str, Any]:
    return {
        ":running": JobStatus.RUNNING.value,
        ":queued": JobStatus.QUEUED.value,
        ":one": 1,
        ":now": now.isoformat(),
        ":epoch": int(now.timestamp()),
        ":lease": int(lease_expires_at.timestamp()),
    }


def _is_begun(job: Job | None) -> bool:
    """Of one whose write arrived twice it may have been canceled since."""
    return job is not None and job.status is JobStatus.RUNNING and job.dispatched_at is None


def _source_key(source: str) -> dict[str, Any]:
    return {"pk": f"SOURCE#{source}", "sk": "SOURCE"}
