"""Which account each OpenRouter user belongs to, in DynamoDB.

pk=IDENTITY#openrouter#{sha256}  sk=IDENTITY                        the account; what a sign-in reads
pk=USER#{user}                   sk=IDENTITY#openrouter#{sha256}    the same, for the account's own list
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import TransactionCanceled, to_item, to_row, transact
from darkroom.errors import ServiceUnavailable
from darkroom.models.session import Identity

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_PREFIX = "IDENTITY#openrouter#"


class DynamoIdentityStore:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def find(self, sha256: str) -> Identity | None:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(_key(sha256)), ConsistentRead=True)
        return Identity.model_validate(to_row(found["Item"])) if "Item" in found else None

    def link(self, identity: Identity, *, instead_of: Identity | None) -> bool:
        columns = identity.model_dump(mode="json")
        writes: list[TransactWriteItemTypeDef] = [
            self._if_as_read({"Put": {"Item": to_item({**_key(identity.sha256), **columns})}}, instead_of),
            {"Put": {"TableName": self._table, "Item": to_item({**_user_key(identity), **columns})}},
        ]
        if instead_of is not None and instead_of.user != identity.user:
            writes.append({"Delete": {"TableName": self._table, "Key": to_item(_user_key(instead_of))}})
        return self._write(writes)

    def of_user(self, user: str) -> Sequence[Identity]:
        with translated():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :identity)",
                ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":identity": _PREFIX}),
                ConsistentRead=True,
            )
            rows = [to_row(item) for page in pages for item in page["Items"]]
        return sorted((Identity.model_validate(row) for row in rows), key=lambda each: each.linked_at)

    def unlink(self, identity: Identity) -> bool:
        return self._write(
            [
                self._if_as_read({"Delete": {"Key": to_item(_key(identity.sha256))}}, identity),
                {"Delete": {"TableName": self._table, "Key": to_item(_user_key(identity))}},
            ]
        )

    def is_used(self, user: str) -> bool:
        with translated():
            found = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": f"USER#{user}"}),
                Limit=1,
                ConsistentRead=True,
            )
        return bool(found["Items"])

    def _if_as_read(self, write: dict[str, dict[str, Any]], before: Identity | None) -> "TransactWriteItemTypeDef":
        """The write, on the condition that the row is as it was read."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if before is not None:
            condition = {
                "ConditionExpression": "#user = :user AND verified = :verified",
                "ExpressionAttributeNames": {"#user": "user"},
                "ExpressionAttributeValues": to_item({":user": before.user, ":verified": before.verified}),
            }
        ((kind, what),) = write.items()
        conditional: Any = {kind: {"TableName": self._table, **condition, **what}}
        return cast("TransactWriteItemTypeDef", conditional)

    def _write(self, writes: "list[TransactWriteItemTypeDef]") -> bool:
        try:
            transact(self._client, writes)
        except TransactionCanceled as canceled:
            if any(reason.is_refused for reason in canceled.reasons):
                return False
            raise ServiceUnavailable(
                "Something else is just being recorded there.", fix="Try again in a moment.", retry_after=1
            ) from canceled
        return True


def _key(sha256: str) -> dict[str, str]:
    return {"pk": f"{_PREFIX}{sha256}", "sk": "IDENTITY"}


def _user_key(identity: Identity) -> dict[str, str]:
    return {"pk": f"USER#{identity.user}", "sk": f"{_PREFIX}{identity.sha256}"}
