"""Monthly reports in DynamoDB; what they say lies in the outputs bucket.

pk=USER#{user}  sk=REPORT#{month}   a report; written once
pk=REPORTS      sk=RUN              how far the making of a month's reports has come

Whose receipts there are is listed as they are written (month_users). Those of versions that did not list them are found
by the names in the outputs bucket, `outputs/{user}/` and the like, of which a thousand are one request: of each that is
not listed it is asked whether there are receipts of the month.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from darkroom.adapters.aws import translated
from darkroom.adapters.delivery_rows import delivery_row
from darkroom.adapters.dynamo import TransactionCanceled, in_use, to_item, to_row, transact
from darkroom.adapters.ledger_rows import RECEIPT
from darkroom.adapters.month_users import users_key
from darkroom.adapters.receipt_pages import receipt_page
from darkroom.adapters.work_log import WORK
from darkroom.models.usage import ReportRun, UsageReport
from darkroom.models.webhook import Delivery
from darkroom.ports import UserPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef
    from mypy_boto3_s3 import S3Client

_RUN = {"pk": "REPORTS", "sk": "RUN"}
_USER = "USER#"
_USERS_PER_PAGE: Final = 100
_LIST: Final = "list"
# Who has reports of earlier months has them for good; what lies in the others is removed after some weeks.
_FOLDERS: Final = ("reports/", "outputs/", "inputs/", "raw/")


class DynamoReportStore:
    """Args: bucket: of outputs. page: how many users a page has at most."""

    def __init__(
        self, table: str, client: "DynamoDBClient", *, bucket: str, s3: "S3Client", page: int = _USERS_PER_PAGE
    ) -> None:
        self._table = table
        self._client = client
        self._bucket = bucket
        self._s3 = s3
        self._page = page

    def run(self) -> ReportRun | None:
        row = self._get(_RUN)
        return ReportRun.model_validate_json(row["document"]) if row else None

    def save_run(self, run: ReportRun) -> None:
        with translated():
            self._client.put_item(TableName=self._table, Item=to_item({**_RUN, "document": run.model_dump_json()}))

    def users(self, month: str, *, cursor: str | None = None) -> UserPage:
        # One of an earlier version tells a row of the table; it begins again, and who has a report keeps it.
        place = json.loads(cursor) if cursor else {}
        if place.get("at") in _FOLDERS:
            return self._unlisted(month, place["at"], place["after"])
        after = place["after"] if place.get("at") == _LIST else None
        start: dict[str, Any] = {"ExclusiveStartKey": to_item(_listed(month, after))} if after else {}
        with translated():
            found = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": users_key(month)}),
                ConsistentRead=True,
                Limit=self._page,
                **start,
            )
        users = tuple(str(to_row(item)["sk"]) for item in found["Items"])
        if "LastEvaluatedKey" in found:
            last = to_row(found["LastEvaluatedKey"])
            return UserPage(users=users, next_cursor=_place(_LIST, str(last["sk"])))
        return UserPage(users=users, next_cursor=_place(_FOLDERS[0], ""))

    def _unlisted(self, month: str, folder: str, after: str) -> UserPage:
        """Those of a folder's next names who are not listed and have receipts of the month."""
        with translated():
            found = self._s3.list_objects_v2(
                Bucket=self._bucket, Prefix=folder, Delimiter="/", MaxKeys=self._page, StartAfter=after
            )
        names = [each["Prefix"] for each in found.get("CommonPrefixes", ())]
        users = (name.removeprefix(folder).removesuffix("/") for name in names)
        active = tuple(
            user for user in users if not self._get(_listed(month, user)) and self._has_receipts(user, month)
        )
        if found["IsTruncated"]:
            last = max([*names, *(each["Key"] for each in found.get("Contents", ()))])
            # After all that begins with it.
            return UserPage(users=active, next_cursor=_place(folder, f"{last}\U0010ffff"))
        following = _FOLDERS[_FOLDERS.index(folder) + 1 :]
        return UserPage(users=active, next_cursor=_place(following[0], "") if following else None)

    def _has_receipts(self, user: str, month: str) -> bool:
        return any(
            receipt_page(self._client, self._table, kind, user, limit=1, before=None, month=month).receipts
            for kind in (RECEIPT, WORK)
        )

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


def _listed(month: str, user: str) -> dict[str, Any]:
    return {"pk": users_key(month), "sk": user}


def _place(at: str, after: str) -> str:
    return json.dumps({"at": at, "after": after})


def _key(user: str, month: str) -> dict[str, Any]:
    return {"pk": f"{_USER}{user}", "sk": f"REPORT#{month}"}
