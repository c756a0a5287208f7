"""The stack's signing key in DynamoDB.

pk=SIGNING_KEY  sk=SIGNING_KEY   32 random bytes, made at first use. It proves where a cursor is from and opens nothing
"""

from contextlib import suppress
from secrets import token_bytes
from typing import TYPE_CHECKING, Final

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item, to_row
from darkroom.errors import ServiceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEY: Final = {"pk": "SIGNING_KEY", "sk": "SIGNING_KEY"}
_BYTES: Final = 32


class DynamoSigningKey:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client
        self._loaded: bytes | None = None

    def load(self) -> bytes:
        if self._loaded is None:
            self._loaded = self._find() or self._make()
        return self._loaded

    def _find(self) -> bytes | None:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(_KEY), ConsistentRead=True)
        return bytes(to_row(found["Item"])["key"]) if "Item" in found else None

    def _make(self) -> bytes:
        row = {**_KEY, "key": token_bytes(_BYTES)}
        # Another process may have been first, or this write may have been sent twice: the row that is there counts.
        with suppress(ConditionFailed), conditional():
            self._client.put_item(
                TableName=self._table, Item=to_item(row), ConditionExpression="attribute_not_exists(pk)"
            )
        made = self._find()
        if made is None:
            raise ServiceUnavailable("The signing key is just being made.", fix="Try again in a moment.", retry_after=1)
        return made
