"""API tokens in DynamoDB.

pk=TOKEN#{sha256}  sk=TOKEN        the token; what a call reads
pk=USER#{user}     sk=TOKEN#{id}   which digests are the user's
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import (
    ConditionFailed,
    Patience,
    TransactionCanceled,
    conditional,
    to_item,
    to_row,
    transact_patiently,
)
from darkroom.errors import InternalError
from darkroom.models.token import ApiToken

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


class DynamoTokenStore:
    """Args: patience: how long a write waits for others that have the same rows."""

    def __init__(self, table: str, client: "DynamoDBClient", *, patience: Patience | None = None) -> None:
        self._table = table
        self._client = client
        self._patience = patience or Patience()

    def add(self, token: ApiToken) -> None:
        rows = (
            {**_token_key(token.sha256), **token.model_dump(mode="json", exclude_none=True), **_expiry(token)},
            {**_user_key(token.user, token.id), "sha256": token.sha256, **_expiry(token)},
        )
        writes: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": to_item(row),
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            }
            for row in rows
        ]
        try:
            transact_patiently(self._client, writes, self._patience)
        except TransactionCanceled as canceled:
            raise InternalError("There is a token of that id.", fix="Try again.") from canceled

    def find(self, sha256: str) -> ApiToken | None:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(_token_key(sha256)), ConsistentRead=True)
        return ApiToken.model_validate(to_row(found["Item"])) if "Item" in found else None

    def of_user(self, user: str) -> Sequence[ApiToken]:
        with translated():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :token)",
                ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":token": "TOKEN#"}),
                ConsistentRead=True,
            )
            digests: list[str] = [to_row(item)["sha256"] for page in pages for item in page["Items"]]
        found = (self.find(digest) for digest in digests)
        return sorted((token for token in found if token), key=lambda token: token.id)

    def revoke(self, user: str, token_id: str) -> bool:
        key = to_item(_user_key(user, token_id))
        with translated():
            row = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if row is None:
            return False
        token_key = to_item(_token_key(to_row(row)["sha256"]))
        removals: list[TransactWriteItemTypeDef] = [
            {"Delete": {"TableName": self._table, "Key": token_key}},
            {"Delete": {"TableName": self._table, "Key": key}},
        ]
        transact_patiently(self._client, removals, self._patience)
        return True

    def record_use(self, token: ApiToken, at: datetime) -> None:
        with suppress(ConditionFailed), conditional():
            self._client.update_item(
                TableName=self._table,
                Key=to_item(_token_key(token.sha256)),
                UpdateExpression="SET last_used_at = :at",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=to_item({":at": at.isoformat()}),
            )


def _token_key(sha256: str) -> dict[str, Any]:
    return {"pk": f"TOKEN#{sha256}", "sk": "TOKEN"}


def _user_key(user: str, token_id: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"TOKEN#{token_id}"}


def _expiry(token: ApiToken) -> dict[str, Any]:
    """The table's TTL attribute, in epoch seconds, shares its name with the model's field.

    DynamoDB removes the rows some time after it; until then the date on the token is what counts.
    """
    return {"expires_at": int(token.expires_at.timestamp())} if token.expires_at else {}
