"""Months' usage as rows: tallies of receipts, to which each receipt is added in the transaction that writes it.

    pk=USER#{user}  sk=USAGE#{month}#1#{day}#{digest}#{shard}          of what belongs to conversations, whichever
    pk=USER#{user}  sk=USAGE#{month}#2!                                that every receipt of the month is in its rows
    pk=USER#{user}  sk=USAGE#{month}#2#{day}#{digest}#{shard}          of what belongs to no conversation
    pk=USER#{user}  sk=USAGE#{month}#3#{conversation}#{day}#{digest}   of one conversation

1 and 2 are the whole month, 2 and 3 are it by conversation, and each is one range. The digest is of kind, provider,
model and token, which stand beside the counts. Free work of one user may end many times a second, and a row takes one
transaction at a time: such tallies have several rows, told apart by the job's id. Paid work is held to one transaction
at a time by the rows of its budgets, whatever is done here.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from darkroom.adapters.budget_rows import KEPT
from darkroom.adapters.dynamo import to_item
from darkroom.models.digest import digest
from darkroom.models.receipt import Receipt
from darkroom.models.tally import Compared, Tally, TallyKey, add_to, names_of, tally_of
from darkroom.models.usage import HERE, Totals

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UpdateTypeDef

COUNTED: Final = "counted"
"""The column of a receipt that is in its month's rows. Those that earlier versions wrote have none."""
_SHARDS: Final = 8
_OF_CONVERSATIONS, _OF_NONE, _OF_ONE = "1", "2", "3"
_WHOLE: Final = "2!"
_COMPARED: Final = "compared_"


def whole_key(user: str, month: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"USAGE#{month}#{_WHOLE}"}


def usage_bounds(month: str, *, by_conversation: bool) -> tuple[str, str]:
    """The first and the last sort key, both inclusive. `~` comes after all that may follow."""
    first, last = (_OF_NONE, _OF_ONE) if by_conversation else (_OF_CONVERSATIONS, _OF_NONE)
    return f"USAGE#{month}#{first}", f"USAGE#{month}#{last}~"


def expiry_of(month: str) -> int:
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return int((first + timedelta(days=31) + KEPT).timestamp())


def tally_updates(table: str, user: str, receipts: Iterable[Receipt]) -> "list[UpdateTypeDef]":
    """What adds the receipts to their months' rows, one for each row; nothing of those that belong to no month."""
    found: dict[str, Tally] = {}
    for receipt in receipts:
        try:
            tally = tally_of(receipt)
        except ValueError:
            continue
        for sk, key in _rows(tally.key, receipt.job_id):
            add_to(found.setdefault(sk, Tally(key)), tally)
    return [_update(table, user, sk, tally) for sk, tally in found.items()]


def to_tally(row: Mapping[str, Any]) -> Tally:
    key = TallyKey(**{name: row.get(name) for name in TallyKey._fields})  # type: ignore[arg-type]  # some are required
    totals = Totals(**{name: int(row.get(name, 0)) for name in names_of(Totals())})
    compared = Compared(**{name: int(row.get(_COMPARED + name, 0)) for name in names_of(Compared())})
    return Tally(key, totals, compared)


def _rows(key: TallyKey, job_id: str) -> list[tuple[str, TallyKey]]:
    """The sort keys of the rows that a receipt is added to, and what its tally is there."""
    among = digest(json.dumps([key.op, key.provider, key.model, key.token]))[:16]
    shard = crc32(job_id.encode()) % _SHARDS if key.provider == HERE else 0
    month, ending = f"USAGE#{key.month}", f"{key.day[-2:]}#{among}"
    if key.conversation is None:
        return [(f"{month}#{_OF_NONE}#{ending}#{shard}", key)]
    return [
        (f"{month}#{_OF_CONVERSATIONS}#{ending}#{shard}", key._replace(conversation=None)),
        (f"{month}#{_OF_ONE}#{key.conversation}#{ending}", key),
    ]


def _update(table: str, user: str, sk: str, tally: Tally) -> "UpdateTypeDef":
    named = {name: value for name, value in tally.key._asdict().items() if value is not None}
    totals = {name: getattr(tally.totals, name) for name in names_of(tally.totals)}
    compared = {_COMPARED + name: getattr(tally.compared, name) for name in names_of(tally.compared)}
    counts = {name: count for name, count in {**totals, **compared}.items() if count}
    said = {**named, "expires_at": expiry_of(tally.key.month)}
    adds = f" ADD {', '.join(f'#{name} :{name}' for name in counts)}" if counts else ""
    return {
        "TableName": table,
        "Key": to_item({"pk": f"USER#{user}", "sk": sk}),
        "UpdateExpression": f"SET {', '.join(f'#{name} = :{name}' for name in said)}{adds}",
        "ExpressionAttributeNames": {f"#{name}": name for name in (*said, *counts)},
        "ExpressionAttributeValues": to_item({f":{name}": value for name, value in {**said, **counts}.items()}),
    }
