"""Jobs that are not over or not settled, and how the sweep's looks at them are counted, in DynamoDB.

See open_index and job_rows.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from secrets import token_hex

from msgspec.structs import replace

from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item
from darkroom.adapters.job_rows import OPEN_JOB, OPEN_JOB_FIELDS, OPEN_JOB_NAMES, Mark, job_key, to_job, to_open_job
from darkroom.adapters.job_table import JobTable
from darkroom.adapters.open_index import OpenIndex
from darkroom.models.job import Job
from darkroom.ports import OpenJob


class OpenJobs(JobTable):
    def list_open(self) -> Iterator[Job]:
        yield from map(to_job, self._open.rows(OPEN_JOB))

    def list_looks(self, *, at: datetime | None = None) -> Iterator[OpenJob]:
        yield from map(to_open_job, self._open.rows(OPEN_JOB, only=OPEN_JOB_FIELDS, at=at, **OPEN_JOB_NAMES))

    @property
    def _open(self) -> OpenIndex:
        return OpenIndex(self._table, self._client, self._patience)

    def begin_look(self, seen: OpenJob, *, at: datetime) -> OpenJob | None:
        before = "looked_at = :seen" if seen.looked_at else "attribute_not_exists(looked_at)"
        begun = replace(seen, looked_at=at, failures=seen.failures + 1)
        word = token_hex(8)
        values = {":at": at.isoformat(), ":failures": begun.failures, ":mark": word, ":open": OPEN_JOB}
        if seen.looked_at:
            values[":seen"] = seen.looked_at.isoformat()
        try:
            with conditional():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item(job_key(seen.user, seen.id)),
                    UpdateExpression=f"SET looked_at = :at, look_failures = :failures, {Mark.LOOKED} = :mark",
                    ConditionExpression=f"begins_with(#open, :open) AND {before}",
                    ExpressionAttributeNames={"#open": "open"},
                    ExpressionAttributeValues=to_item(values),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as refused:
            # See job_table: its answer was lost, and it was sent again.
            return begun if refused.found(Mark.LOOKED, word) else None
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
