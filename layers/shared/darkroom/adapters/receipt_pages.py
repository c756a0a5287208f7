"""Pages of receipts: rows of one user whose sort keys begin with one word and end with the job's id, newest first."""

from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import to_item, to_row
from darkroom.adapters.ledger_rows import receipt_bounds, to_receipt
from darkroom.ports import ReceiptPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def receipt_page(
    client: "DynamoDBClient", table: str, prefix: str, user: str, *, limit: int, before: str | None, month: str | None
) -> ReceiptPage:
    """As Ledger.receipts."""
    first, last = receipt_bounds(month, prefix)
    start: dict[str, Any] = {}
    if before:
        sk = f"{prefix}#{before}"
        if sk <= first:
            return ReceiptPage(receipts=(), next_id=None)
        # DynamoDB takes no start that lies outside of what is asked for.
        start = {"ExclusiveStartKey": to_item({"pk": f"USER#{user}", "sk": sk})} if sk <= last else {}
    with translated():
        # One more than asked for tells whether there is another page.
        found = client.query(
            TableName=table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":first": first, ":last": last}),
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit + 1,
            **start,
        )
    receipts = tuple(to_receipt(to_row(item)) for item in found["Items"][:limit])
    # DynamoDB breaks off after a megabyte, whatever the limit is.
    has_more = len(found["Items"]) > limit or ("LastEvaluatedKey" in found and receipts)
    return ReceiptPage(receipts=receipts, next_id=receipts[-1].job_id if has_more else None)
