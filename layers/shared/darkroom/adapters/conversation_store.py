"""Conversations in DynamoDB.

pk=USER#{user}  sk=CONV#{id}   a document; `revision` decides conditions; `updated_at`; TTL on `expires_at`;
                                `saved_by` is a random word of the last save
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item, to_row
from darkroom.errors import PayloadTooLarge
from darkroom.models.conversation import Conversation

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# DynamoDB takes 400 kB for a row, names and keys included; what stands beside the document is far less than the rest.
MOST_BYTES: Final = 398_000
_PREFIX: Final = "CONV#"
_SAVED: Final = "saved_by"


class DynamoConversationStore:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def add(self, conversation: Conversation) -> None:
        with translated():
            self._client.put_item(TableName=self._table, Item=to_item(_row(conversation)))

    def find(self, user: str, conversation_id: str) -> Conversation | None:
        with translated():
            found = self._client.get_item(
                TableName=self._table, Key=to_item(_key(user, conversation_id)), ConsistentRead=True
            )
        return _conversation(found["Item"]) if "Item" in found else None

    def save(self, conversation: Conversation) -> bool:
        # Sent again after a lost answer, it is refused by the revision that it wrote: this word tells whose that is.
        word = token_hex(8)
        row = {**_row(conversation.model_copy(update={"revision": conversation.revision + 1})), _SAVED: word}
        try:
            with conditional():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(row),
                    ConditionExpression="revision = :seen",
                    ExpressionAttributeValues=to_item({":seen": conversation.revision}),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as refused:
            return refused.found(_SAVED, word)
        return True

    def page(self, user: str, *, limit: int, before: str | None = None) -> tuple[Sequence[Conversation], str | None]:
        found = list(islice(self._newest_first(user, limit + 1, before), limit + 1))
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def remove(self, user: str, conversation_id: str) -> bool:
        with translated():
            removed = self._client.delete_item(
                TableName=self._table, Key=to_item(_key(user, conversation_id)), ReturnValues="ALL_OLD"
            )
        return "Attributes" in removed

    def _newest_first(self, user: str, limit: int, before: str | None) -> Iterator[Conversation]:
        """An answer ends at 1 MB, which three conversations may have, so there may be several."""
        start: dict[str, Any] = {"ExclusiveStartKey": to_item(_key(user, before))} if before else {}
        while True:
            with translated():
                found = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
                    ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":prefix": _PREFIX}),
                    ScanIndexForward=False,
                    Limit=limit,
                    **start,
                )
            yield from map(_conversation, found["Items"])
            if "LastEvaluatedKey" not in found:
                return
            start = {"ExclusiveStartKey": found["LastEvaluatedKey"]}


def _key(user: str, conversation_id: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"{_PREFIX}{conversation_id}"}


def _row(conversation: Conversation) -> dict[str, Any]:
    document = conversation.model_dump_json()
    if len(document.encode()) > MOST_BYTES:
        raise too_large()
    return {
        **_key(conversation.user, conversation.id),
        "document": document,
        "revision": conversation.revision,
        "updated_at": conversation.updated_at.isoformat(),
        "expires_at": int(conversation.expires_at.timestamp()),
    }


def too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        "The conversation has become too long to be kept.",
        fix="Begin a new conversation from this version.",
        context={"max_bytes": MOST_BYTES},
    )


def _conversation(item: dict[str, Any]) -> Conversation:
    return Conversation.model_validate_json(to_row(item)["document"])
