"""What somebody has to look after, of all users: the sparse index `open-work`, which has keys and nothing else.

Rows are in it by their columns `open`, `{kind}#{shard}`, and `open_since`. DynamoDB takes a thousand writes a second
for one value of an index's partition key, so each kind is spread over several, by what a row is named. Rows of earlier
versions have the kind alone. Nothing of a row but its keys is in the index: a change of any other column would be
written there, too.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import Patience, in_use, to_item
from darkroom.errors import DarkroomError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OPEN_INDEX: Final = "open-work"
SHARDS: Final = 8
# Of one kind that a sweep is given: as many as it can look at.
MOST_AT_ONCE: Final = 2_000
# Of one shard that are chosen from; with more, the newest are not among them.
_MOST_KEYS: Final = 25_000
_TURN: Final = 300
_PER_BATCH: Final = 100

Item = dict[str, Any]


def open_columns(kind: str, name: str, since: datetime) -> dict[str, Any]:
    """What a row has while somebody has to look after it."""
    return {"open": opened(kind, name), "open_since": since.isoformat()}


def opened(kind: str, name: str) -> str:
    return f"{kind}#{crc32(name.encode()) % SHARDS}"


def some_of(keys: Sequence[Item], at: datetime, most: int = MOST_AT_ONCE) -> Sequence[Item]:
    """Of too many the oldest, and as many of the others: other ones every five minutes, until all had their turn.

    So those of which nothing comes hold up no other, however many they are.
    """
    if len(keys) <= most:
        return keys
    half = most // 2
    others = keys[half:]
    turn = int(at.timestamp()) // _TURN % -(-len(others) // half)
    return [*keys[:half], *others[turn * half : (turn + 1) * half]]


class OpenIndex:
    def __init__(self, table: str, client: "DynamoDBClient", patience: Patience) -> None:
        self._table = table
        self._client = client
        self._patience = patience

    def rows(self, kind: str, *, only: str = "", at: datetime | None = None, **names: str) -> Iterator[Item]:
        """Rows that are open, oldest first.

        Args:
            only: the columns that are wanted; all of them where it is empty. names: for those of them that need some.
            at: for a sweep at that time, which does with some of them where there are very many.

        Raises:
            DarkroomError: a shard cannot be read; after the rows of the others were given.
        """
        keys, failed = self._keys(kind, None if at is None else _MOST_KEYS)
        chosen = keys if at is None else some_of(keys, at)
        columns: Any = {"ConsistentRead": at is None}
        if only:
            columns["ProjectionExpression"] = f"#pk, #sk, #open, {only}"
            columns["ExpressionAttributeNames"] = {"#pk": "pk", "#sk": "sk", "#open": "open", **_named(names)}
        for start in range(0, len(chosen), _PER_BATCH):
            yield from self._read(kind, chosen[start : start + _PER_BATCH], columns)
        if failed is not None:
            raise failed

    def _keys(self, kind: str, most: int | None) -> tuple[list[Item], DarkroomError | None]:
        """Of all shards that can be read, the oldest first; and why one cannot."""
        found: list[Item] = []
        failed = None
        for value in (kind, *(f"{kind}#{shard}" for shard in range(SHARDS))):
            try:
                found += self._of_shard(value, most)
            except DarkroomError as error:
                failed = error
        return sorted(found, key=_age), failed

    def _of_shard(self, value: str, most: int | None) -> list[Item]:
        found: list[Item] = []
        more: Item = {}
        while True:
            with translated():
                page = self._client.query(
                    TableName=self._table,
                    IndexName=OPEN_INDEX,
                    KeyConditionExpression="#open = :open",
                    ProjectionExpression="pk, sk, open_since",
                    ExpressionAttributeNames={"#open": "open"},
                    ExpressionAttributeValues=to_item({":open": value}),
                    **more,
                )
            found += page["Items"]
            if "LastEvaluatedKey" not in page or (most is not None and len(found) >= most):
                return found
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _read(self, kind: str, keys: Sequence[Item], columns: Any) -> Iterator[Item]:
        """The rows in the keys' order; without those that are not open any more."""
        wanted = [{"pk": key["pk"], "sk": key["sk"]} for key in keys]
        order = {(key["pk"]["S"], key["sk"]["S"]): n for n, key in enumerate(keys)}
        found: list[Item] = []
        for _ in self._patience.tries():
            if not wanted:
                break
            asked: Any = {"Keys": wanted, **columns}
            with translated():
                answer = self._client.batch_get_item(RequestItems={self._table: asked})
            found += answer["Responses"].get(self._table, ())
            wanted = [dict(key) for key in answer["UnprocessedKeys"].get(self._table, {"Keys": []})["Keys"]]
        if wanted:
            raise in_use()
        found.sort(key=lambda item: order[item["pk"]["S"], item["sk"]["S"]])
        yield from (item for item in found if item.get("open", {"S": ""})["S"].partition("#")[0] == kind)


def _age(key: Item) -> tuple[str, str]:
    """Of what began at the same time, names say what was first."""
    return str(key["open_since"]["S"]), str(key["sk"]["S"])


def _named(names: dict[str, str]) -> dict[str, str]:
    return {f"#{name}": column for name, column in names.items()}
