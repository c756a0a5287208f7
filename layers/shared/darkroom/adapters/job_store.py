"""Jobs in DynamoDB.

pk=USER#{user}      sk=JOB#{id}   the job; see job_rows
pk=SOURCE#{sha256}  sk=SOURCE     which job was made for a source, so that there is never a second one
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, TransactionCanceled, conditional, to_item, to_row, transact
from darkroom.adapters.job_rows import (
    OPEN_JOB,
    OPEN_JOB_FIELDS,
    OPEN_JOB_NAMES,
    call_document,
    call_documents,
    job_document,
    job_expiry,
    job_key,
    job_row,
    to_claimed,
    to_job,
    to_open_job,
)
from darkroom.adapters.work_log import work_row
from darkroom.errors import ServiceUnavailable
from darkroom.models.job import Job, JobStatus, ProviderCall
from darkroom.models.receipt import of_free_work
from darkroom.ports import JobPage, OpenJob

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutTypeDef, TransactWriteItemTypeDef, UpdateTypeDef

OPEN_INDEX = "open-jobs"
_CALL = "call"

_MAY_STOP = "#status = :running AND attempt = :attempt AND attribute_not_exists(dispatched_at)"
_MAY_DISPATCH = "#status = :running AND attempt = :attempt AND settled = :false"
_IS_UNSETTLED = "attempt = :attempt AND settled = :false"
# Rows of before jobs cost anything do not say whether they are settled.
_IS_FREE = "(attribute_not_exists(settled) OR settled = :true)"


class DynamoJobStore:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def add(self, job: Job, *, source: str | None = None) -> Job | None:
        if source is None:
            # Its id is its own: if it is there already, this very write was sent twice, for its answer got lost.
            with suppress(ConditionFailed), conditional():
                self._client.put_item(
                    TableName=self._table, Item=to_item(job_row(job)), ConditionExpression="attribute_not_exists(pk)"
                )
            if job.status.is_final and not job.is_paid:
                with translated():
                    self._client.put_item(TableName=self._table, Item=to_item(_work_of(job)))
            return job
        return job if self._claim(job, source) else self._claimed(source)

    def _claim(self, job: Job, source: str) -> bool:
        claim = {**_source_key(source), "user": job.user, "job_id": job.id, **job_expiry(job)}
        puts: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": to_item(row),
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            }
            for row in (claim, job_row(job))
        ]
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

    def find(self, user: str, job_id: str) -> Job | None:
        item = self._item(user, job_id)
        return to_job(item) if item else None

    def _item(self, user: str, job_id: str) -> Mapping[str, Any] | None:
        with translated():
            key = to_item(job_key(user, job_id))
            return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")

    def page(self, user: str, *, limit: int, before: str | None = None) -> JobPage:
        start: dict[str, Any] = {"ExclusiveStartKey": to_item(job_key(user, before))} if before else {}
        with translated():
            found = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :job)",
                ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":job": "JOB#"}),
                ScanIndexForward=False,
                Limit=limit,
                **start,
            )
        jobs = tuple(to_job(item) for item in found["Items"])
        return JobPage(jobs=jobs, next_id=jobs[-1].id if "LastEvaluatedKey" in found and jobs else None)

    def list_open(self) -> Iterator[Job]:
        yield from map(to_job, self._open({}))

    def list_looks(self) -> Iterator[OpenJob]:
        yield from map(to_open_job, self._open(OPEN_JOB_NAMES, ProjectionExpression=OPEN_JOB_FIELDS))

    def _open(self, names: dict[str, str], **more: Any) -> Iterator[dict[str, Any]]:
        while True:
            with translated():
                found = self._client.query(
                    TableName=self._table,
                    IndexName=OPEN_INDEX,
                    KeyConditionExpression="#open = :open",
                    ExpressionAttributeNames={"#open": "open", **names},
                    ExpressionAttributeValues=to_item({":open": OPEN_JOB}),
                    **more,
                )
            yield from found["Items"]
            if "LastEvaluatedKey" not in found:
                return
            more = {**more, "ExclusiveStartKey": found["LastEvaluatedKey"]}

    def begin_look(self, seen: OpenJob, *, at: datetime) -> OpenJob | None:
        before = "looked_at = :seen" if seen.looked_at else "attribute_not_exists(looked_at)"
        begun = seen.model_copy(update={"looked_at": at, "failures": seen.failures + 1})
        values = {":at": at.isoformat(), ":failures": begun.failures}
        if seen.looked_at:
            values[":seen"] = seen.looked_at.isoformat()
        try:
            with conditional():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item(job_key(seen.user, seen.id)),
                    UpdateExpression="SET looked_at = :at, look_failures = :failures",
                    ConditionExpression=f"attribute_exists(#open) AND {before}",
                    ExpressionAttributeNames={"#open": "open"},
                    ExpressionAttributeValues=to_item(values),
                )
        except ConditionFailed:
            return None
        return begun

    def end_look(self, user: str, job_id: str) -> None:
        with suppress(ConditionFailed), conditional():
            self._client.update_item(
                TableName=self._table,
                Key=to_item(job_key(user, job_id)),
                UpdateExpression="SET look_failures = :none",
                ConditionExpression="attribute_exists(#open)",
                ExpressionAttributeNames={"#open": "open"},
                ExpressionAttributeValues=to_item({":none": 0}),
            )

    def start(self, job: Job, *, now: datetime, lease_expires_at: datetime) -> Job | None:
        # What another write cannot have: botocore sends this again if its answer was lost, and then it is refused.
        claim = token_hex(8)
        started = self._update(
            job,
            "SET #status = :running, attempt = attempt + :one, started_at = :now, lease_expires_at = :lease,"
            " claim = :claim",
            "attribute_not_exists(dispatched_at)"
            " AND (#status = :queued OR (#status = :running AND lease_expires_at <= :epoch))",
            {
                ":running": JobStatus.RUNNING.value,
                ":queued": JobStatus.QUEUED.value,
                ":one": 1,
                ":now": now.isoformat(),
                ":epoch": int(now.timestamp()),
                ":lease": int(lease_expires_at.timestamp()),
                ":claim": claim,
            },
        )
        return started or to_claimed(self._item(job.user, job.id), claim)

    def requeue(self, job: Job) -> bool:
        done = self._update(
            job,
            "SET #status = :queued REMOVE lease_expires_at",
            _MAY_STOP,
            {":queued": JobStatus.QUEUED.value, ":running": JobStatus.RUNNING.value, ":attempt": job.attempt},
        )
        return done is not None

    def finish(self, job: Job) -> bool:
        closes = "REMOVE #open, open_since, lease_expires_at" if job.cost.settled else "REMOVE lease_expires_at"
        ending: UpdateTypeDef = {
            "TableName": self._table,
            "Key": to_item(job_key(job.user, job.id)),
            "UpdateExpression": f"SET #status = :status, document = :document, settled = :settled {closes}",
            "ConditionExpression": f"attribute_exists(#open) AND attempt = :attempt AND {_IS_FREE}",
            "ExpressionAttributeNames": {"#status": "status", "#open": "open"},
            "ExpressionAttributeValues": to_item(
                {
                    ":status": job.status.value,
                    ":document": job_document(job),
                    ":attempt": job.attempt,
                    ":settled": job.cost.settled,
                    ":true": True,
                }
            ),
        }
        counted: PutTypeDef = {"TableName": self._table, "Item": to_item(_work_of(job))}
        try:
            # Together, so that it is counted, and once.
            transact(self._client, [{"Update": ending}, {"Put": counted}])
        except TransactionCanceled as canceled:
            if canceled.reasons[0].is_refused:
                return False
            raise ServiceUnavailable(
                "Something else is just being recorded there.", fix="Try again in a moment.", retry_after=1
            ) from canceled
        return True

    def settle(self, job: Job) -> bool:
        done = self._update(
            job,
            "SET document = :document, settled = :true REMOVE #open, open_since",
            f"attribute_exists(#open) AND {_IS_UNSETTLED}",
            {":document": job_document(job), ":true": True, ":attempt": job.attempt, ":false": False},
        )
        return done is not None

    def progress(self, job: Job) -> Job | None:
        # Who begins it says when; whoever comes after does not change that.
        begun = {} if job.started_at is None else {":begun": job.model_dump(mode="json")["started_at"]}
        begins = ", started_at = if_not_exists(started_at, :begun)" if begun else ""
        return self._update(
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
        )

    def dispatch(self, job: Job, *, at: datetime, lease_expires_at: datetime) -> bool:
        # What is not known of the key this time must not be left from the last.
        known = {
            "key_usage": None if job.key_usage is None else str(job.key_usage),
            "key_sha256": job.key_sha256,
            "key_charges": job.key_charges,
        }
        kept = {name: value for name, value in known.items() if value is not None}
        sets = [
            *("dispatched_at = :at", "lease_expires_at = :lease", "provider = :provider"),
            *(f"{name} = :{name}" for name in kept),
        ]
        removes = ["generation_id", *(known.keys() - kept.keys())]
        if job.calls:
            sets.append("calls = :calls")
        done = self._update(
            job,
            f"SET {', '.join(sets)} REMOVE {', '.join(removes)}",
            _MAY_DISPATCH,
            {
                **{f":{name}": value for name, value in kept.items()},
                ":at": at.isoformat(),
                ":lease": int(lease_expires_at.timestamp()),
                ":provider": job.provider,
                ":running": JobStatus.RUNNING.value,
                ":attempt": job.attempt,
                ":false": False,
                **({":calls": call_documents(job)} if job.calls else {}),
            },
        )
        return done is not None

    def dispatch_call(self, job: Job, call: ProviderCall) -> bool:
        return self._write_call(
            job, call, f"{_MAY_DISPATCH} AND attribute_not_exists(stop_at)", {":running": JobStatus.RUNNING.value}
        )

    def note_call(self, job: Job, call: ProviderCall) -> bool:
        return self._write_call(job, call, f"{_IS_UNSETTLED} AND attribute_exists(dispatched_at)", {})

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
            f"{_IS_UNSETTLED} AND attribute_exists(dispatched_at)",
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
        done = self._update(job, f"SET #status = :status, document = :document{noted}", _IS_UNSETTLED, values)
        return done is not None

    def hide(self, user: str, job_id: str, *, at: datetime) -> None:
        with suppress(ConditionFailed), conditional():
            self._client.update_item(
                TableName=self._table,
                Key=to_item(job_key(user, job_id)),
                UpdateExpression="SET removed_at = :at",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=to_item({":at": at.isoformat()}),
            )

    def revive(self, job: Job) -> bool:
        done = self._update(
            job,
            f"SET #status = :status, document = :document{', calls = :calls' if job.calls else ''}",
            "#status = :failed AND settled = :true AND attempt = :attempt AND attribute_not_exists(removed_at)",
            {
                ":status": job.status.value,
                ":document": job_document(job),
                ":failed": JobStatus.FAILED.value,
                ":true": True,
                ":attempt": job.attempt,
                **({":calls": call_documents(job)} if job.calls else {}),
            },
        )
        return done is not None

    def remove(self, user: str, job_id: str) -> bool:
        try:
            with conditional():
                self._client.delete_item(
                    TableName=self._table,
                    Key=to_item(job_key(user, job_id)),
                    ConditionExpression="attribute_exists(pk) AND attribute_not_exists(#open)",
                    ExpressionAttributeNames={"#open": "open"},
                )
        except ConditionFailed:
            return False
        return True

    def _update(
        self, job: Job, update: str, condition: str, values: dict[str, Any], *, names: Mapping[str, str] | None = None
    ) -> Job | None:
        said = f"{update} {condition}"
        # DynamoDB refuses a name that is given and not used, and no names at all.
        known = {f"#{name}": name for name in ("status", "open") if f"#{name}" in said} | dict(names or {})
        given: dict[str, Any] = {"ExpressionAttributeNames": known} if known else {}
        try:
            with conditional():
                updated = self._client.update_item(
                    TableName=self._table,
                    Key=to_item(job_key(job.user, job.id)),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    **given,
                    ExpressionAttributeValues=to_item(values),
                    ReturnValues="ALL_NEW",
                )
        except ConditionFailed:
            return None
        return to_job(updated["Attributes"])


def _work_of(job: Job) -> dict[str, Any]:
    return work_row(of_free_work(job, job.created_at))


def _source_key(source: str) -> dict[str, Any]:
    return {"pk": f"SOURCE#{source}", "sk": "SOURCE"}
