"""What was done for nothing, in DynamoDB: cut-outs, turns, recipes. A job counts once, by its id, like a receipt.

pk=USER#{user}  sk=WORK#{job id}   a receipt of nothing
"""

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from darkroom.adapters.budget_rows import KEPT
from darkroom.adapters.dynamo import Patience, TransactionCanceled, to_item, transact_patiently
from darkroom.adapters.month_users import MonthUsers
from darkroom.adapters.receipt_pages import receipt_page
from darkroom.adapters.tally_rows import COUNTED, tally_updates
from darkroom.models.job import Job
from darkroom.models.receipt import Receipt, of_free_work
from darkroom.ports import ReceiptPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

WORK = "WORK"


def work_row(receipt: Receipt) -> dict[str, Any]:
    return {
        "pk": f"USER#{receipt.user}",
        "sk": f"{WORK}#{receipt.job_id}",
        "document": receipt.model_dump_json(exclude_defaults=True),
        COUNTED: True,
        "expires_at": int((receipt.settled_at + KEPT).timestamp()),
    }


def work_writes(table: str, job: Job, at: datetime) -> "list[TransactWriteItemTypeDef]":
    """What counts a job that is over and cost nothing: for the transaction that ends it.

    The first of them is refused if the job was counted already.
    """
    receipt = of_free_work(job, at)
    added: TransactWriteItemTypeDef = {
        "Put": {
            "TableName": table,
            "Item": to_item(work_row(receipt)),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }
    tallied: list[TransactWriteItemTypeDef] = [{"Update": each} for each in tally_updates(table, job.user, [receipt])]
    return [added, *tallied]


class DynamoWorkLog:
    def __init__(self, table: str, client: "DynamoDBClient", *, patience: Patience | None = None) -> None:
        self._table = table
        self._client = client
        self._patience = patience or Patience()
        self._users = MonthUsers(table, client)

    def note(self, job: Job, *, at: datetime) -> None:
        self._users.note(job, at=at)
        with suppress(TransactionCanceled):
            transact_patiently(self._client, work_writes(self._table, job, at), self._patience)

    def receipts(self, user: str, *, limit: int, before: str | None = None, month: str | None = None) -> ReceiptPage:
        return receipt_page(self._client, self._table, WORK, user, limit=limit, before=before, month=month)
