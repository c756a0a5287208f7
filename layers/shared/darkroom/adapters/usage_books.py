"""A month's usage in DynamoDB, read from its rows (tally_rows), and receipts of earlier versions added to them.

Earlier versions wrote receipts that are in no row. They are added when their month is first read, each in a transaction
that marks it. The month is then marked as complete and not searched again. It is not marked while functions of the
earlier version may still be running beside those of this one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from darkroom.adapters.aws import translated
from darkroom.adapters.budget_rows import KEPT
from darkroom.adapters.dynamo import Patience, TransactionCanceled, to_item, to_row, transact_patiently
from darkroom.adapters.ledger_rows import RECEIPT, receipt_bounds, to_receipt
from darkroom.adapters.month_users import users_key
from darkroom.adapters.tally_rows import COUNTED, expiry_of, tally_updates, to_tally, usage_bounds, whole_key
from darkroom.adapters.work_log import WORK
from darkroom.models.receipt import Receipt
from darkroom.ports import MonthTallies

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# Longer than a function of the version before can run.
_VERSIONS_OVERLAP: Final = timedelta(minutes=20)
# DynamoDB's limit is 100 writes in a transaction; a receipt makes three at the most.
_RECEIPTS_AT_ONCE: Final = 33
_MOST_ADDED: Final = 5_000


class DynamoUsageBooks:
    """Args: most_added: how many receipts of earlier versions one call of `catch_up` adds, about."""

    def __init__(
        self,
        table: str,
        client: "DynamoDBClient",
        *,
        patience: Patience | None = None,
        most_added: int = _MOST_ADDED,
    ) -> None:
        self._table = table
        self._client = client
        self._patience = patience or Patience()
        self._most_added = most_added

    def month(self, user: str, month: str, *, by_conversation: bool = False) -> MonthTallies:
        first, last = usage_bounds(month, by_conversation=by_conversation)
        whole, rows = whole_key(user, month)["sk"], self._between(user, first, last)
        if by_conversation:
            # There may be more than fit into memory, and it is known with the first of them.
            begun = next(rows, None)
            is_whole = begun is not None and begun["sk"] == whole
            rest = rows if begun is None or is_whole else chain((begun,), rows)
            return MonthTallies(map(to_tally, rest), is_whole)
        found = list(rows)
        tallies = [to_tally(row) for row in found if row["sk"] != whole]
        return MonthTallies(tallies, is_whole=len(tallies) < len(found))

    def catch_up(self, user: str, month: str, *, at: datetime) -> bool:
        listed = self._listed(user, month)
        begun_here = bool(listed and listed.get(COUNTED))
        if not begun_here or any(next(self._uncounted(user, month, kind), ()) for kind in (RECEIPT, WORK)):
            added, is_all = self._add_all(user, month)
            if not is_all:
                return False
            if added and not listed:
                listed = self._list(user, month, at)
        if listed and int(listed.get("since", 0)) <= (at - _VERSIONS_OVERLAP).timestamp():
            row = {**whole_key(user, month), "expires_at": expiry_of(month)}
            with translated():
                self._client.put_item(TableName=self._table, Item=to_item(row))
        return True

    def _listed(self, user: str, month: str) -> dict[str, Any] | None:
        key = to_item({"pk": users_key(month), "sk": user})
        with translated():
            found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return to_row(found["Item"]) if "Item" in found else None

    def _add_all(self, user: str, month: str) -> tuple[int, bool]:
        """How many receipts were added to the month's rows, and whether none is left that is not there."""
        added = 0
        for kind in (RECEIPT, WORK):
            for page in self._uncounted(user, month, kind):
                for start in range(0, len(page), _RECEIPTS_AT_ONCE):
                    some = page[start : start + _RECEIPTS_AT_ONCE]
                    if added >= self._most_added or not self._add(user, kind, some):
                        return added, False
                    added += len(some)
        return added, True

    def _add(self, user: str, kind: str, receipts: Sequence[Receipt]) -> bool:
        """Adds receipts to their months' rows, once; False if somebody else has just done so."""
        marks: list[TransactWriteItemTypeDef] = [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": to_item({"pk": f"USER#{user}", "sk": f"{kind}#{receipt.job_id}"}),
                    "UpdateExpression": f"SET {COUNTED} = :true",
                    "ConditionExpression": f"attribute_exists(pk) AND attribute_not_exists({COUNTED})",
                    "ExpressionAttributeValues": to_item({":true": True}),
                }
            }
            for receipt in receipts
        ]
        rows: list[TransactWriteItemTypeDef] = [{"Update": each} for each in tally_updates(self._table, user, receipts)]
        try:
            transact_patiently(self._client, [*marks, *rows], self._patience)
        except TransactionCanceled:
            return False
        return True

    def _list(self, user: str, month: str, at: datetime) -> dict[str, Any]:
        """Lists who was not, since when: a while later nothing can be written by the version before any more."""
        row = {"pk": users_key(month), "sk": user, "expires_at": int((at + KEPT).timestamp())}
        row["since"] = int(at.timestamp())
        with translated():
            self._client.put_item(TableName=self._table, Item=to_item(row))
        return row

    def _uncounted(self, user: str, month: str, kind: str) -> Iterator[list[Receipt]]:
        """Receipts that are not in the month's rows, by what DynamoDB reads at once, which is a megabyte."""
        first, last = receipt_bounds(month, kind)
        for items in self._pages(user, first, last, FilterExpression=f"attribute_not_exists({COUNTED})"):
            yield [to_receipt(to_row(item)) for item in items]

    def _between(self, user: str, first: str, last: str) -> Iterator[dict[str, Any]]:
        for items in self._pages(user, first, last):
            yield from map(to_row, items)

    def _pages(self, user: str, first: str, last: str, **more: Any) -> Iterator[list[dict[str, Any]]]:
        start: dict[str, Any] = {}
        while True:
            with translated():
                found = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                    ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":first": first, ":last": last}),
                    ConsistentRead=True,
                    **more,
                    **start,
                )
            yield found["Items"]
            if "LastEvaluatedKey" not in found:
                return
            start = {"ExclusiveStartKey": found["LastEvaluatedKey"]}
