"""Monthly reports in DynamoDB; what they say lies in the outputs bucket.

pk=USER#{user}  sk=REPORT#{month}   a report; written once
pk=REPORTS      sk=RUN              how far the making of a month's reports has come

Whose receipts there are is found by reading through the table, once a month: $0.03 for a gigabyte (half a read unit
for each 4 kB, however little of a row is asked for), and nothing in the months between.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.delivery_rows import delivery_row
from darkroom.adapters.dynamo import TransactionCanceled, in_use, to_item, to_row, transact
from darkroom.adapters.ledger_rows import RECEIPT, receipt_bounds
from darkroom.adapters.work_log import WORK
from darkroom.models.usage import ReportRun, UsageReport
from darkroom.models.webhook import Delivery
from darkroom.ports import UserPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_RUN = {"pk": "REPORTS", "sk": "RUN"}
_USER = "USER#"


class DynamoReportStore:
    """Args: page: how many rows are looked at for one page of users; None as many as a megabyte holds."""

    def __init__(self, table: str, client: "DynamoDBClient", *, page: int | None = None) -> None:
        self._table = table
        self._client = client
        self._page: dict[str, Any] = {} if page is None else {"Limit": page}

    def run(self) -> ReportRun | None:
        row = self._get(_RUN)
        return ReportRun.model_validate_json(row["document"]) if row else None

    def save_run(self, run: ReportRun) -> None:
        with translated():
            self._client.put_item(TableName=self._table, Item=to_item({**_RUN, "document": run.model_dump_json()}))

    def users(self, month: str, *, cursor: str | None = None) -> UserPage:
        (paid_first, paid_last), (free_first, free_last) = receipt_bounds(month, RECEIPT), receipt_bounds(month, WORK)
        start: dict[str, Any] = {"ExclusiveStartKey": to_item(json.loads(cursor))} if cursor else {}
        with translated():
            found = self._client.scan(
                TableName=self._table,
                ProjectionExpression="pk",
                FilterExpression="sk BETWEEN :pf AND :pl OR sk BETWEEN :ff AND :fl",
                ExpressionAttributeValues=to_item(
                    {":pf": paid_first, ":pl": paid_last, ":ff": free_first, ":fl": free_last}
                ),
                **self._page,
                **start,
            )
        owners = dict.fromkeys(str(to_row(item)["pk"]).removeprefix(_USER) for item in found["Items"])
        last = found.get("LastEvaluatedKey")
        return UserPage(users=tuple(owners), next_cursor=json.dumps(to_row(last)) if last else None)

    def find(self, user: str, month: str) -> UsageReport | None:
        row = self._get(_key(user, month))
        return UsageReport.model_validate_json(row["document"]) if row else None

    def of_user(self, user: str) -> Sequence[UsageReport]:
        with translated():
            found = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :report)",
                ExpressionAttributeValues=to_item({":pk": f"{_USER}{user}", ":report": "REPORT#"}),
                ScanIndexForward=False,
                ConsistentRead=True,
            )
        # A month each: a megabyte holds those of two hundred years.
        return [UsageReport.model_validate_json(to_row(item)["document"]) for item in found["Items"]]

    def add(self, report: UsageReport, *, delivery: Delivery | None = None) -> bool:
        row = {**_key(report.user, report.month), "document": report.model_dump_json()}
        put: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self._table,
                "Item": to_item(row),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }
        told: list[TransactWriteItemTypeDef] = []
        if delivery is not None:
            told = [{"Put": {"TableName": self._table, "Item": to_item(delivery_row(delivery))}}]
        try:
            transact(self._client, [put, *told])
        except TransactionCanceled as canceled:
            if canceled.reasons[0].is_refused:
                return False
            # Another write has the row, or DynamoDB is busy: it may yet have to be written.
            raise in_use() from canceled
        return True

    def _get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(key), ConsistentRead=True)
        return to_row(found["Item"]) if "Item" in found else None


def _key(user: str, month: str) -> dict[str, Any]:
    return {"pk": f"{_USER}{user}", "sk": f"REPORT#{month}"}
