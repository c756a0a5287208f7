"""Who has receipts of a month, in DynamoDB, so that reports find them without reading through the table.

pk=USERS#{month}  sk={user}   written before the user's first receipt of the month, paid or not; `since` (epoch seconds)
                              when, and `counted`: by a version that adds receipts to their month's rows (tally_rows)

A process tries to write each once, and one that is there stays. Months are those of jobs' ids, as with receipts.
"""

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

from darkroom.adapters.budget_rows import KEPT
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item
from darkroom.adapters.tally_rows import COUNTED
from darkroom.models.job import Job
from darkroom.models.tally import made_at

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MOST_REMEMBERED: Final = 10_000


def users_key(month: str) -> str:
    return f"USERS#{month}"


class MonthUsers:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client
        self._noted: set[tuple[str, str]] = set()

    def note(self, job: Job, *, at: datetime) -> None:
        """Before the receipt of the job is written, for who is not listed may get no report.

        Raises:
            ServiceUnavailable: it was not written, so neither may the receipt be.
        """
        try:
            made = made_at(job.id)
        except ValueError:
            # Its receipt belongs to no month.
            return
        month = f"{made:%Y-%m}"
        if (month, job.user) in self._noted:
            return
        expires_at, since = (int(moment.timestamp()) for moment in (made + KEPT, at))
        row = {"pk": users_key(month), "sk": job.user, "expires_at": expires_at, "since": since, COUNTED: True}
        with suppress(ConditionFailed), conditional():
            self._client.put_item(
                TableName=self._table, Item=to_item(row), ConditionExpression="attribute_not_exists(pk)"
            )
        if len(self._noted) >= _MOST_REMEMBERED:
            self._noted.clear()
        self._noted.add((month, job.user))
