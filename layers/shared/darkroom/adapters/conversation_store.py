"""Conversations in DynamoDB: what was said in one row, and what a list shows of it in another, written together.

pk=USER#{user}  sk=TALK#{id}   a document, compressed (job_documents); `revision` decides conditions; TTL on
                                `expires_at`; `saved_by` is a random word of the last save
pk=USER#{user}  sk=CONV#{id}   a `summary` of some hundred bytes

Earlier versions kept the document in `CONV#{id}`, with its `revision`. Such a row is read as it is, and becomes the two
when it is next saved.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import Patience, Reason, TransactionCanceled, to_item, to_row, transact_patiently
from darkroom.adapters.job_documents import pack, unpack
from darkroom.errors import PayloadTooLarge
from darkroom.models.conversation import Conversation, Summary

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# DynamoDB takes 400 kB for a row, names and keys included; what stands beside the document is far less than the rest.
MOST_BYTES: Final = 398_000
_LISTED: Final = "CONV#"
_TALK: Final = "TALK#"
_SAVED: Final = "saved_by"
_UNCHANGED: Final = "revision = :seen"
_ABSENT: Final = "attribute_not_exists(pk)"


class DynamoConversationStore:
    def __init__(self, table: str, client: "DynamoDBClient", *, patience: Patience | None = None) -> None:
        self._table = table
        self._client = client
        self._patience = patience or Patience()

    def add(self, conversation: Conversation) -> None:
        transact_patiently(
            self._client, [self._put(_talk_row(conversation)), self._put(_listed_row(conversation))], self._patience
        )

    def find(self, user: str, conversation_id: str) -> Conversation | None:
        talk = self._get(_key(_TALK, user, conversation_id))
        if talk is not None:
            return _conversation(talk)
        before = self._get(_key(_LISTED, user, conversation_id))
        return _conversation(before) if before is not None and "document" in before else None

    def save(self, conversation: Conversation) -> bool:
        # Sent again after a lost answer, it is refused by the revision that it wrote: this word tells whose that is.
        word = token_hex(8)
        changed = conversation.model_copy(update={"revision": conversation.revision + 1})
        talk, listed = {**_talk_row(changed), _SAVED: word}, _listed_row(changed)
        seen = {"ExpressionAttributeValues": to_item({":seen": conversation.revision})}
        refused = self._refused([self._put(talk, ConditionExpression=_UNCHANGED, **seen), self._put(listed)])
        if refused is not None and refused[0].row is None:
            # There is no such row: an earlier version saved it the last time, or it was removed.
            moved = self._put(listed, ConditionExpression=_UNCHANGED, **seen)
            refused = self._refused([self._put(talk, ConditionExpression=_ABSENT), moved])
        return refused is None or refused[0].found(_SAVED, word)

    def page(self, user: str, *, limit: int, before: str | None = None) -> tuple[Sequence[Summary], str | None]:
        found = list(islice(self._newest_first(user, limit + 1, before), limit + 1))
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def remove(self, user: str, conversation_id: str) -> bool:
        talk, listed = (_key(kind, user, conversation_id) for kind in (_TALK, _LISTED))
        there: dict[str, Any] = {"ConditionExpression": "attribute_exists(pk)"}
        for deletes in ([self._delete(talk, **there), self._delete(listed)], [self._delete(listed, **there)]):
            with suppress(TransactionCanceled):
                transact_patiently(self._client, deletes, self._patience)
                return True
        return False

    def _refused(self, writes: "list[TransactWriteItemTypeDef]") -> Sequence[Reason] | None:
        """None if they were done."""
        try:
            transact_patiently(self._client, writes, self._patience)
        except TransactionCanceled as canceled:
            return canceled.reasons
        return None

    def _newest_first(self, user: str, limit: int, before: str | None) -> Iterator[Summary]:
        """One answer has a page; several only where rows of earlier versions are in it, for one ends at a megabyte."""
        start: dict[str, Any] = {"ExclusiveStartKey": to_item(_key(_LISTED, user, before))} if before else {}
        while True:
            with translated():
                found = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
                    ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":prefix": _LISTED}),
                    ScanIndexForward=False,
                    Limit=limit,
                    **start,
                )
            yield from map(_summary, map(to_row, found["Items"]))
            if "LastEvaluatedKey" not in found:
                return
            start = {"ExclusiveStartKey": found["LastEvaluatedKey"]}

    def _get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(key), ConsistentRead=True)
        return to_row(found["Item"]) if "Item" in found else None

    def _put(self, row: dict[str, Any], **condition: Any) -> "TransactWriteItemTypeDef":
        put: Any = {
            "TableName": self._table,
            "Item": to_item(row),
            **condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return {"Put": put}

    def _delete(self, key: dict[str, Any], **condition: Any) -> "TransactWriteItemTypeDef":
        delete: Any = {"TableName": self._table, "Key": to_item(key), **condition}
        return {"Delete": delete}


def _key(kind: str, user: str, conversation_id: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"{kind}{conversation_id}"}


def _talk_row(conversation: Conversation) -> dict[str, Any]:
    document = conversation.model_dump_json()
    if len(document.encode()) > MOST_BYTES:
        raise too_large()
    return {
        **_key(_TALK, conversation.user, conversation.id),
        "document": pack(document),
        "revision": conversation.revision,
        "expires_at": int(conversation.expires_at.timestamp()),
    }


def _listed_row(conversation: Conversation) -> dict[str, Any]:
    return {
        **_key(_LISTED, conversation.user, conversation.id),
        "summary": conversation.summary.model_dump_json(),
        "expires_at": int(conversation.expires_at.timestamp()),
    }


def too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        "The conversation has become too long to be kept.",
        fix="Begin a new conversation from this version.",
        context={"max_bytes": MOST_BYTES},
    )


def _conversation(row: dict[str, Any]) -> Conversation:
    stored = row["document"]
    return Conversation.model_validate_json(unpack(stored if isinstance(stored, str) else bytes(stored)))


def _summary(row: dict[str, Any]) -> Summary:
    return Summary.model_validate_json(row["summary"]) if "summary" in row else _conversation(row).summary
