"""Who has receipts of a month, in DynamoDB, so that reports find them without reading through the table.

pk=USERS#{month}  sk={user}   written before the user's first receipt of the month, paid or not

A process writes each once, and writing it again changes nothing. Months are those of jobs' ids, as with receipts.
"""

from datetime import UTC
from typing import TYPE_CHECKING, Final

from ulid import ULID

from darkroom.adapters.aws import translated
from darkroom.adapters.budget_rows import KEPT
from darkroom.adapters.dynamo import to_item
from darkroom.models.job import Job

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MOST_REMEMBERED: Final = 10_000
_ULID_STARTS: Final = len("job_")
_ULID_LENGTH: Final = 26


def users_key(month: str) -> str:
    return f"USERS#{month}"


class MonthUsers:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client
        self._noted: set[tuple[str, str]] = set()

    def note(self, job: Job) -> None:
        """Before the receipt of the job is written, for who is not listed may get no report.

        Raises:
            ServiceUnavailable: it was not written, so neither may the receipt be.
        """
        try:
            made = ULID.from_str(job.id[_ULID_STARTS:][:_ULID_LENGTH]).datetime.astimezone(UTC)
        except ValueError:
            # Its receipt belongs to no month.
            return
        month = f"{made:%Y-%m}"
        if (month, job.user) in self._noted:
            return
        row = {"pk": users_key(month), "sk": job.user, "expires_at": int((made + KEPT).timestamp())}
        with translated():
            self._client.put_item(TableName=self._table, Item=to_item(row))
        if len(self._noted) >= _MOST_REMEMBERED:
            self._noted.clear()
        self._noted.add((month, job.user))
