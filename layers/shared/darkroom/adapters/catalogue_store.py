"""The provider's lists in DynamoDB, compressed. What lies here is public: no user has a part in it.

pk=CATALOGUE#{name}  sk=LIST             when it was asked for, and in how many parts it lies
pk=CATALOGUE#{name}  sk=PART#{when}#{n}  a part; `when` is the list's, so that no two lists are ever mixed
pk=CATALOGUE#{name}  sk=LEASE            until when one caller has to ask for it anew

A row holds 400 kB at the most. Parts are written before the row that leads to them, and all of it outlives an outage of
days.
"""

import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item, to_row
from darkroom.ports import KeptList

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_FOR: Final = timedelta(days=14)
PART_BYTES: Final = 350_000
# What a list may unfold to; a row that was damaged must not take all the memory.
_MOST_BYTES: Final = 64_000_000


class DynamoCatalogueStore:
    def __init__(self, table: str, client: "DynamoDBClient", *, part_bytes: int = PART_BYTES) -> None:
        self._table = table
        self._client = client
        self._part_bytes = part_bytes

    def read(self, name: str) -> KeptList | None:
        head = self._get(_key(name, "LIST"))
        if head is None:
            return None
        parts = [self._get(_key(name, f"PART#{head['asked_at']}#{number}")) for number in range(int(head["parts"]))]
        if not all(parts):
            return None
        body = _unfolded(b"".join(bytes(part["body"]) for part in parts if part))
        return None if body is None else KeptList(body=body, asked_at=datetime.fromisoformat(head["asked_at"]))

    def write(self, name: str, kept: KeptList) -> None:
        """Nothing is written over a list that is newer."""
        folded = zlib.compress(kept.body)
        when, expires_at = kept.asked_at.isoformat(), int((kept.asked_at + KEPT_FOR).timestamp())
        parts = [folded[at : at + self._part_bytes] for at in range(0, len(folded), self._part_bytes)]
        for number, part in enumerate(parts):
            self._put({**_key(name, f"PART#{when}#{number}"), "body": part, "expires_at": expires_at})
        head = {**_key(name, "LIST"), "asked_at": when, "parts": len(parts), "expires_at": expires_at}
        try:
            with conditional():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(head),
                    ConditionExpression="attribute_not_exists(pk) OR asked_at <= :when",
                    ExpressionAttributeValues=to_item({":when": when}),
                )
        except ConditionFailed:
            return

    def claim(self, name: str, *, now: datetime, until: datetime) -> bool:
        lease = {**_key(name, "LEASE"), "until": _milliseconds(until), "expires_at": int(until.timestamp()) + 3600}
        try:
            with conditional():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(lease),
                    ConditionExpression="attribute_not_exists(pk) OR #until <= :now",
                    ExpressionAttributeNames={"#until": "until"},
                    ExpressionAttributeValues=to_item({":now": _milliseconds(now)}),
                )
        except ConditionFailed:
            return False
        return True

    def _get(self, key: Mapping[str, Any]) -> dict[str, Any] | None:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(key))
        return to_row(found["Item"]) if "Item" in found else None

    def _put(self, row: Mapping[str, Any]) -> None:
        with translated():
            self._client.put_item(TableName=self._table, Item=to_item(row))


def _key(name: str, sort: str) -> dict[str, Any]:
    return {"pk": f"CATALOGUE#{name}", "sk": sort}


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _unfolded(data: bytes) -> bytes | None:
    unfolding = zlib.decompressobj()
    try:
        body = unfolding.decompress(data, _MOST_BYTES)
    except zlib.error:
        return None
    return body if unfolding.eof else None
