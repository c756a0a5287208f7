"""Webhook deliveries and signing secrets in DynamoDB. The deliveries' rows are made in `delivery_rows`.

pk=USER#{user}  sk=WEBHOOK_SECRET   the secrets as one sealed document; `sha256` of them decides conditions
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.delivery_rows import OPEN_DELIVERY, delivery_key, delivery_row, to_delivery
from darkroom.adapters.dynamo import ConditionFailed, Patience, conditional, to_item, to_row
from darkroom.adapters.open_index import OpenIndex
from darkroom.adapters.sealing import KmsSealer, Sealed
from darkroom.models.digest import digest
from darkroom.models.webhook import Delivery, WebhookSecrets

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PURPOSE = "webhooks"


class DynamoWebhookStore:
    def __init__(self, table: str, client: "DynamoDBClient", sealer: KmsSealer) -> None:
        self._table = table
        self._client = client
        self._sealer = sealer

    def find(self, user: str, delivery_id: str) -> Delivery | None:
        item = self._get(delivery_key(user, delivery_id))
        return to_delivery(item) if item else None

    def save(self, delivery: Delivery) -> None:
        try:
            with conditional():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(delivery_row(delivery)),
                    ConditionExpression="attribute_not_exists(pk) OR attribute_exists(#open)",
                    ExpressionAttributeNames={"#open": "open"},
                )
        except ConditionFailed:
            return  # It is over: an attempt that went on beside the one that ended it changes nothing any more.

    def list_open(self, *, at: datetime | None = None) -> Iterator[Delivery]:
        index = OpenIndex(self._table, self._client, Patience())
        yield from map(to_delivery, index.rows(OPEN_DELIVERY, at=at))

    def secrets(self, user: str) -> WebhookSecrets | None:
        item = self._get(_secrets_key(user))
        if item is None:
            return None
        document = self._sealer.open(Sealed.of(to_row(item)), user=user, purpose=PURPOSE)
        return WebhookSecrets.model_validate_json(document)

    def store_secrets(self, user: str, secrets: WebhookSecrets, *, seen: WebhookSecrets | None) -> bool:
        sealed = self._sealer.seal(secrets.model_dump_json(), user=user, purpose=PURPOSE)
        row = {**_secrets_key(user), **sealed.columns, "sha256": _mark(secrets)}
        try:
            with conditional():
                self._client.put_item(TableName=self._table, Item=to_item(row), **_if_still(seen))
        except ConditionFailed:
            return False
        return True

    def _get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(key), ConsistentRead=True)
        return found.get("Item")


def _secrets_key(user: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": "WEBHOOK_SECRET"}


def _mark(secrets: WebhookSecrets) -> str:
    """Tells one state from any other, without the document's own form, which another release may change."""
    return digest(f"{secrets.current} {secrets.previous or ''}")


def _if_still(seen: WebhookSecrets | None) -> dict[str, Any]:
    if seen is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {"ConditionExpression": "sha256 = :seen", "ExpressionAttributeValues": to_item({":seen": _mark(seen)})}
