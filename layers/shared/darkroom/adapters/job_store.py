"""Jobs in DynamoDB.

    pk=USER#{user}      sk=JOB#{id}   the job; `open`, `open_since` only while it is not over (index open-jobs)
    pk=SOURCE#{sha256}  sk=SOURCE     which job was made for a source, so that there is never a second one

`status`, `attempt` and `lease_expires_at` (epoch seconds) decide conditions; the rest is one JSON document.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item, to_row
from darkroom.errors import ServiceUnavailable
from darkroom.models.job import Job, JobStatus
from darkroom.ports import JobPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

OPEN_INDEX = "open-jobs"
OPEN = "job"

# Kept beside the document, because conditions look at them.
_DECIDING = {"user", "id", "status", "attempt", "started_at", "lease_expires_at"}


class DynamoJobStore:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def add(self, job: Job, *, source: str | None = None) -> Job | None:
        if source is None:
            with translated():
                self._client.put_item(
                    TableName=self._table, Item=to_item(_row(job)), ConditionExpression="attribute_not_exists(pk)"
                )
            return job
        return job if self._claim(job, source) else self._claimed(source)

    def _claim(self, job: Job, source: str) -> bool:
        claim = {**_source_key(source), "user": job.user, "job_id": job.id, **_expiry(job)}
        puts: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": to_item(row),
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            }
            for row in (claim, _row(job))
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
        with translated():
            key = to_item(_job_key(user, job_id))
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return _to_job(item) if item else None

    def page(self, user: str, *, limit: int, before: str | None = None) -> JobPage:
        start: dict[str, Any] = {"ExclusiveStartKey": to_item(_job_key(user, before))} if before else {}
        with translated():
            found = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :job)",
                ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":job": "JOB#"}),
                ScanIndexForward=False,
                Limit=limit,
                **start,
            )
        jobs = tuple(_to_job(item) for item in found["Items"])
        return JobPage(jobs=jobs, next_id=jobs[-1].id if "LastEvaluatedKey" in found and jobs else None)

    def list_open(self, *, limit: int) -> Sequence[Job]:
        with translated():
            found = self._client.query(
                TableName=self._table,
                IndexName=OPEN_INDEX,
                KeyConditionExpression="#open = :open",
                ExpressionAttributeNames={"#open": "open"},
                ExpressionAttributeValues=to_item({":open": OPEN}),
                Limit=limit,
            )
        return [_to_job(item) for item in found["Items"]]

    def start(self, job: Job, *, now: datetime, lease_expires_at: datetime) -> Job | None:
        return self._update(
            job,
            "SET #status = :running, attempt = attempt + :one, started_at = :now, lease_expires_at = :lease",
            "#status = :queued OR (#status = :running AND lease_expires_at <= :epoch)",
            {
                ":running": JobStatus.RUNNING.value,
                ":queued": JobStatus.QUEUED.value,
                ":one": 1,
                ":now": now.isoformat(),
                ":epoch": int(now.timestamp()),
                ":lease": int(lease_expires_at.timestamp()),
            },
        )

    def requeue(self, job: Job) -> bool:
        done = self._update(
            job,
            "SET #status = :queued REMOVE lease_expires_at",
            "#status = :running AND attempt = :attempt",
            {":queued": JobStatus.QUEUED.value, ":running": JobStatus.RUNNING.value, ":attempt": job.attempt},
        )
        return done is not None

    def finish(self, job: Job) -> bool:
        done = self._update(
            job,
            "SET #status = :status, document = :document REMOVE #open, open_since, lease_expires_at",
            "attribute_exists(#open) AND attempt = :attempt",
            {":status": job.status.value, ":document": _document(job), ":attempt": job.attempt},
            {"#open": "open"},
        )
        return done is not None

    def remove(self, user: str, job_id: str) -> bool:
        try:
            with conditional():
                self._client.delete_item(
                    TableName=self._table,
                    Key=to_item(_job_key(user, job_id)),
                    ConditionExpression="attribute_exists(pk) AND attribute_not_exists(#open)",
                    ExpressionAttributeNames={"#open": "open"},
                )
        except ConditionFailed:
            return False
        return True

    def _update(
        self, job: Job, update: str, condition: str, values: dict[str, Any], names: dict[str, str] | None = None
    ) -> Job | None:
        try:
            with conditional():
                updated = self._client.update_item(
                    TableName=self._table,
                    Key=to_item(_job_key(job.user, job.id)),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#status": "status", **(names or {})},
                    ExpressionAttributeValues=to_item(values),
                    ReturnValues="ALL_NEW",
                )
        except ConditionFailed:
            return None
        return _to_job(updated["Attributes"])


def _job_key(user: str, job_id: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"JOB#{job_id}"}


def _source_key(source: str) -> dict[str, Any]:
    return {"pk": f"SOURCE#{source}", "sk": "SOURCE"}


def _expiry(job: Job) -> dict[str, Any]:
    return {"expires_at": int(job.expires_at.timestamp())} if job.expires_at else {}


def _document(job: Job) -> str:
    return job.model_dump_json(exclude=_DECIDING)


def _row(job: Job) -> dict[str, Any]:
    row = {
        **_job_key(job.user, job.id),
        "user": job.user,
        "id": job.id,
        "status": job.status.value,
        "attempt": job.attempt,
        "document": _document(job),
        **_expiry(job),
    }
    if job.started_at:
        row["started_at"] = job.started_at.isoformat()
    if job.lease_expires_at:
        row["lease_expires_at"] = int(job.lease_expires_at.timestamp())
    return row if job.status.is_final else {**row, "open": OPEN, "open_since": job.created_at.isoformat()}


def _to_job(item: Mapping[str, Any]) -> Job:
    row = {name: value for name, value in to_row(item).items() if name in _DECIDING or name == "document"}
    lease = row.pop("lease_expires_at", None)
    document = json.loads(row.pop("document"))
    return Job.model_validate(
        {**document, **row, "lease_expires_at": datetime.fromtimestamp(int(lease), UTC) if lease else None}
    )
