"""One-time links in DynamoDB.

pk=LINK#{sha256 of the link's secret}  sk=LINK
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item, to_row
from darkroom.models.session import SignInLink

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoLinkStore:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def add(self, link: SignInLink) -> None:
        row = {**_key(link.sha256), **link.model_dump(mode="json"), "expires_at": int(link.expires_at.timestamp())}
        with translated():
            self._client.put_item(TableName=self._table, Item=to_item(row))

    def find(self, sha256: str) -> SignInLink | None:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(_key(sha256)), ConsistentRead=True)
        return _link(to_row(found["Item"])) if "Item" in found else None

    def use(self, sha256: str, at: datetime) -> SignInLink | None:
        try:
            with conditional():
                taken = self._client.update_item(
                    TableName=self._table,
                    Key=to_item(_key(sha256)),
                    UpdateExpression="SET used = :true",
                    # DynamoDB removes rows some time after they are over, so the time is asked for, too.
                    ConditionExpression="used = :false AND expires_at > :now",
                    ExpressionAttributeValues=to_item({":true": True, ":false": False, ":now": int(at.timestamp())}),
                    ReturnValues="ALL_OLD",
                )
        except ConditionFailed:
            return None
        return _link(to_row(taken["Attributes"]))


def _link(row: dict[str, Any]) -> SignInLink:
    return SignInLink.model_validate({**row, "expires_at": int(row["expires_at"])})


def _key(sha256: str) -> dict[str, str]:
    return {"pk": f"LINK#{sha256}", "sk": "LINK"}
