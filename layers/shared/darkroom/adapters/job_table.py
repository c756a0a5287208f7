"""One job's row in DynamoDB, read and written on conditions, and pages of them. See job_rows.

botocore sends a write again when its answer was lost, and then the write's own effect may refuse it. So such a write
leaves a random word in the row, in a column of its method, and a refused one that finds its own word there was done.
"""

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, Patience, conditional, to_item
from darkroom.adapters.job_rows import job_key, row_job, to_job
from darkroom.adapters.month_users import MonthUsers
from darkroom.models.job import Job
from darkroom.ports import JobPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UpdateTypeDef

# A turn has ten parts at the most. A batch has many, which it reads by their names.
_MAX_FAMILY: Final = 12


class JobTable:
    """Args: users: who is listed for a month's reports, where another store of the process lists them, too."""

    def __init__(
        self,
        table: str,
        client: "DynamoDBClient",
        *,
        users: MonthUsers | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._table = table
        self._client = client
        self._patience = patience or Patience()
        self._users = users or MonthUsers(table, client)

    def find(self, user: str, job_id: str) -> Job | None:
        item = self._item(user, job_id)
        return to_job(item) if item else None

    def _item(self, user: str, job_id: str) -> Mapping[str, Any] | None:
        with translated():
            key = to_item(job_key(user, job_id))
            return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")

    def family(self, user: str, job_id: str) -> Sequence[Job]:
        with translated():
            found = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :job)",
                ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":job": job_key(user, job_id)["sk"]}),
                Limit=_MAX_FAMILY,
                ConsistentRead=True,
            )
        jobs = [to_job(item) for item in found["Items"]]
        return [job for job in jobs if job.id == job_id or job.id.startswith(f"{job_id}-")]

    def page(self, user: str, *, limit: int, before: str | None = None) -> JobPage:
        start: dict[str, Any] = {"ExclusiveStartKey": to_item(job_key(user, before))} if before else {}
        with translated():
            found = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :job)",
                ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":job": "JOB#"}),
                ScanIndexForward=False,
                Limit=limit,
                # A cancellation of all waiting jobs must see those added a moment ago.
                ConsistentRead=True,
                **start,
            )
        jobs = tuple(to_job(item) for item in found["Items"])
        return JobPage(jobs=jobs, next_id=jobs[-1].id if "LastEvaluatedKey" in found and jobs else None)

    def _update(
        self,
        job: Job,
        update: str,
        condition: str,
        values: dict[str, Any],
        *,
        names: Mapping[str, str] | None = None,
        mark: str | None = None,
    ) -> Job | None:
        """The job as it is after the write, or None if the condition did not hold.

        Args:
            update: begins with SET.
            mark: the column of the write's random word, where its own effect would refuse it a second time. Of a write
                that arrived twice, the job is as it is now.
        """
        word = token_hex(8)
        if mark is not None:
            update, values = f"SET {mark} = :mark, {update.removeprefix('SET ')}", {**values, ":mark": word}
        write = self._write(job, update, condition, values, names=names)
        try:
            with conditional():
                updated = self._client.update_item(**write, ReturnValues="ALL_NEW")
        except ConditionFailed as refused:
            return row_job(refused.row) if refused.row and mark and refused.found(mark, word) else None
        return to_job(updated["Attributes"])

    def _write(
        self,
        job: Job,
        update: str,
        condition: str,
        values: Mapping[str, Any],
        *,
        names: Mapping[str, str] | None = None,
    ) -> "UpdateTypeDef":
        said = f"{update} {condition}"
        # DynamoDB refuses a name that is given and not used, and no names at all.
        known = {f"#{name}": name for name in ("status", "open") if f"#{name}" in said} | dict(names or {})
        write: UpdateTypeDef = {
            "TableName": self._table,
            "Key": to_item(job_key(job.user, job.id)),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if known:
            write["ExpressionAttributeNames"] = known
        return write
