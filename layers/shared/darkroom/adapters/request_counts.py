"""Requests of a minute, counted in DynamoDB.

pk=USER#{user}       sk=RATE#{epoch second}   `user`, and by its id each token that was used; gone after an hour
pk=ADDRESS#{digest}  sk=RATE#{epoch second}   `address`
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import to_item, to_row
from darkroom.errors import DarkroomFault

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(hours=1)


class DynamoRequestCounts:
    """Args: on_lost: is told of what could not be counted."""

    def __init__(self, table: str, client: "DynamoDBClient", *, on_lost: Callable[[DarkroomFault], None]) -> None:
        self._table = table
        self._client = client
        self._on_lost = on_lost

    def add(self, owner: str, window: datetime, amounts: Mapping[str, int]) -> Mapping[str, int] | None:
        try:
            return self._added(owner, int(window.timestamp()), amounts)
        except DarkroomFault as fault:
            self._on_lost(fault)
            return None

    def _added(self, owner: str, start: int, amounts: Mapping[str, int]) -> Mapping[str, int]:
        names = {f"#{place}": name for place, name in enumerate(amounts)}
        values = {f":{place}": amount for place, amount in enumerate(amounts.values())}
        with translated():
            written = self._client.update_item(
                TableName=self._table,
                Key=to_item({"pk": owner, "sk": f"RATE#{start}"}),
                UpdateExpression=f"SET expires_at = :end ADD {', '.join(f'#{n} :{n}' for n in range(len(amounts)))}",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item({**values, ":end": start + int(KEPT.total_seconds())}),
                ReturnValues="UPDATED_NEW",
            )
        found = to_row(written["Attributes"])
        return {name: int(found[name]) for name in amounts}
