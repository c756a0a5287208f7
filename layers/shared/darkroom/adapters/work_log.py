"""What was done for nothing, in DynamoDB: cut-outs, turns, recipes. A job counts once, by its id, like a receipt.

pk=USER#{user}  sk=WORK#{job id}   a receipt of nothing
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.budget_rows import KEPT
from darkroom.adapters.dynamo import to_item
from darkroom.adapters.month_users import MonthUsers
from darkroom.adapters.receipt_pages import receipt_page
from darkroom.models.job import Job
from darkroom.models.receipt import Receipt, of_free_work
from darkroom.ports import ReceiptPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WORK = "WORK"


def work_row(receipt: Receipt) -> dict[str, Any]:
    return {
        "pk": f"USER#{receipt.user}",
        "sk": f"{WORK}#{receipt.job_id}",
        "document": receipt.model_dump_json(exclude_defaults=True),
        "expires_at": int((receipt.settled_at + KEPT).timestamp()),
    }


class DynamoWorkLog:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client
        self._users = MonthUsers(table, client)

    def note(self, job: Job, *, at: datetime) -> None:
        self._users.note(job)
        with translated():
            self._client.put_item(TableName=self._table, Item=to_item(work_row(of_free_work(job, at))))

    def receipts(self, user: str, *, limit: int, before: str | None = None, month: str | None = None) -> ReceiptPage:
        return receipt_page(self._client, self._table, WORK, user, limit=limit, before=before, month=month)
