"""What a page costs does not grow with what there is: calls of DynamoDB at 10, 10,000 and 200,000 rows.

No emulator holds so many in reasonable time. `Table` pages as DynamoDB does: an answer ends at its limit, or at a
megabyte of what was read. That the adapters read what they should is the contract suites' part.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import pytest
from ulid import ULID

from darkroom.adapters.conversation_store import DynamoConversationStore
from darkroom.adapters.dynamo import to_item
from darkroom.adapters.job_rows import OPEN_JOB, job_row
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.ledger_rows import receipt_row
from darkroom.adapters.open_index import MOST_AT_ONCE, SHARDS, opened
from darkroom.adapters.tally_rows import tally_updates, whole_key
from darkroom.adapters.usage_books import DynamoUsageBooks
from darkroom.errors import InvalidParameter
from darkroom.models.conversation import Conversation
from darkroom.models.job import Job, JobStatus
from darkroom.models.receipt import Receipt
from darkroom.models.usage import HERE
from darkroom.services.usage.statement import statement
from tests.months import unpriced

NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
SIZES: Final = (10, 10_000, 200_000)
_MEGABYTE: Final = 1_000_000
Item = dict[str, Any]


def _bytes(item: Item) -> int:
    """As DynamoDB counts, about."""
    return sum(
        len(name) + sum(len(value) if isinstance(value, bytes) else len(str(value)) for value in typed.values())
        for name, typed in item.items()
    )


class Table:
    """Rows of one user, and keys of an index, that are made when they are read.

    Args:
        keys: sort keys, in order. row: the row of one.
        index: by a value of `open` the keys that are there, the oldest first.
    """

    def __init__(
        self, keys: Sequence[str], row: Callable[[str], Item], index: dict[str, list[Item]] | None = None
    ) -> None:
        self._keys = keys
        self._row = row
        self._index = index or {}
        self.calls: list[str] = []

    def query(self, **asked: Any) -> Item:
        self.calls.append("Query")
        values = {name: next(iter(typed.values())) for name, typed in asked["ExpressionAttributeValues"].items()}
        if "IndexName" in asked:
            return self._page(self._index.get(values[":open"], []), asked)
        if ":first" in values:
            low, high = bisect_left(self._keys, values[":first"]), bisect_right(self._keys, values[":last"])
        else:
            (prefix,) = (value for name, value in values.items() if name != ":pk")
            low, high = bisect_left(self._keys, prefix), bisect_left(self._keys, f"{prefix}\U0010ffff")
        start = asked.get("ExclusiveStartKey", {}).get("sk", {}).get("S")
        if asked.get("ScanIndexForward", True):
            found = self._keys[low if start is None else bisect_right(self._keys, start) : high]
        else:
            high = high if start is None else bisect_left(self._keys, start)
            # As many as are asked for are looked at; the rest only has to be there.
            found = self._keys[max(low, high - asked.get("Limit", high) - 1) : high][::-1]
        return self._page([{"sk": {"S": key}} for key in found], asked, self._row)

    @staticmethod
    def _page(keys: Sequence[Item], asked: Item, row: Callable[[str], Item] | None = None) -> Item:
        # A key of an index says where it is.
        begin = asked.get("ExclusiveStartKey", {}).get("after", 0) if row is None else 0
        items: list[Item] = []
        read = 0
        for n in range(begin, len(keys)):
            items.append(keys[n] if row is None else row(keys[n]["sk"]["S"]))
            read += _bytes(items[-1])
            if len(items) == asked.get("Limit", 0) or read >= _MEGABYTE:
                last = {"after": n + 1} if row is None else {"pk": {"S": "USER#u"}, "sk": keys[n]["sk"]}
                return {"Items": items, **({"LastEvaluatedKey": last} if n + 1 < len(keys) else {})}
        return {"Items": items}

    def batch_get_item(self, **asked: Any) -> Item:
        self.calls.append("BatchGetItem")
        ((name, wanted),) = asked["RequestItems"].items()
        assert len(wanted["Keys"]) <= 100
        found = [self._row(key["sk"]["S"]) for key in wanted["Keys"]]
        return {"Responses": {name: found}, "UnprocessedKeys": {}}


@cache
def _ids(count: int) -> list[str]:
    """Of jobs, in the order of their making, all in one month."""
    step = timedelta(days=29) / count
    made = (int((NOW + n * step).timestamp() * 1000) for n in range(count))
    return [f"job_{ULID.from_bytes(moment.to_bytes(6) + bytes(10))}" for moment in made]


def _keys(kind: str, count: int) -> list[str]:
    return [f"{kind}#{job_id}" for job_id in _ids(count)]


def _receipt(job_id: str, **changes: Any) -> Receipt:
    said = {
        "job_id": job_id,
        "user": "u",
        "op": "generation",
        "status": "succeeded",
        "model_used": "a/b",
        "images": 1,
        "reserved": 20_000,
        "actual": 14_000,
        "charged": True,
        "created_at": NOW,
        "settled_at": NOW,
    }
    return Receipt.model_construct(**{**said, **changes})


@pytest.mark.parametrize("rows", SIZES)
def test_a_page_of_jobs_is_one_query(rows: int) -> None:
    job = Job(
        id="job_1", user="u", op="generation", created_at=NOW, status=JobStatus.SUCCEEDED, input={"prompt": "A fox" * 9}
    )
    item = to_item(job_row(job))
    table: Any = Table(_keys("JOB", rows), lambda sk: {**item, "sk": {"S": sk}, "id": {"S": sk.removeprefix("JOB#")}})
    store = DynamoJobStore("t", table)
    page = store.page("u", limit=100)
    assert len(page.jobs) == min(rows, 100)
    assert table.calls == ["Query"]
    if page.next_id:
        middle = store.page("u", limit=100, before=_ids(rows)[rows // 2])
        assert len(middle.jobs) == 100
        assert table.calls == ["Query"] * 2


@pytest.mark.parametrize("rows", SIZES)
def test_a_page_of_receipts_is_one_query(rows: int) -> None:
    item = to_item(receipt_row(_receipt("job_1")))
    table: Any = Table(_keys("RECEIPT", rows), lambda sk: {**item, "sk": {"S": sk}})
    ledger = DynamoLedger("t", table, clock=lambda: NOW)
    for month in (None, "2026-11"):
        table.calls.clear()
        assert len(ledger.receipts("u", limit=100, month=month).receipts) == min(rows, 100)
        assert table.calls == ["Query"]


@pytest.mark.parametrize("rows", SIZES)
def test_a_page_of_conversations_is_one_query_however_long_they_are(rows: int) -> None:
    talk = Conversation(id="conv_1", user="u", created_at=NOW, updated_at=NOW, expires_at=NOW, title="ü" * 80)
    item = to_item({"pk": "USER#u", "sk": "CONV#1", "summary": talk.summary.model_dump_json(), "expires_at": 1})
    table: Any = Table(_keys("CONV", rows), lambda sk: {**item, "sk": {"S": sk}})
    page, after = DynamoConversationStore("t", table).page("u", limit=100)
    assert (len(page), after is None) == (min(rows, 100), rows <= 100)
    assert table.calls == ["Query"]


@cache
def _updates(written: int) -> Any:
    """What a month's receipts are to its rows: six kinds of work by two tokens, some of it in conversations."""
    kinds = [
        {"op": op, "model_used": model, "token_id": token, "conversation_id": talk, "provider": provider}
        for op, model, provider in (
            ("generation", "a/b", "openrouter"),
            ("generation", "c/d", "openrouter"),
            ("edit", "a/b", "openrouter"),
            ("background-removal", "u2net", HERE),
            ("recipe", None, HERE),
            ("plan", "e/f", "openrouter"),
        )
        for token in ("tok_1", "tok_2")
        for talk in ((None,) if op != "plan" else ("conv_1", "conv_2"))
    ]
    return tally_updates("t", "u", (_receipt(each, **kinds[n % len(kinds)]) for n, each in enumerate(_ids(written))))


@pytest.mark.parametrize("rows", SIZES)
def test_a_months_usage_is_one_query(rows: int) -> None:
    written = min(rows, 10_000)
    # Twenty times the same receipts are as many rows: what each of them counts is twenty times as much.
    rows_of: dict[str, Item] = {each["Key"]["sk"]["S"]: _written(each, rows // written) for each in _updates(written)}
    whole = whole_key("u", "2026-11")
    rows_of[whole["sk"]] = to_item(whole)
    table: Any = Table(sorted(rows_of), lambda sk: rows_of[sk])
    books = DynamoUsageBooks("t", table)
    for by_conversation in (False, True):
        table.calls.clear()
        found = books.month("u", "2026-11", by_conversation=by_conversation)
        assert found.is_whole
        assert table.calls == ["Query"]
        made = statement("u", "2026-11", found.tallies, by=("day", "op", "model"), price_of=unpriced)
        assert (made.totals.requests, made.totals.cost) == (rows, rows * 14_000)
        assert sum(group.cost for group in made.groups.values()) == rows * 14_000


def test_a_month_of_too_many_conversations_is_read_no_further_than_it_is_shown() -> None:
    tally = to_item({"day": "2026-11-01", "op": "plan", "provider": "openrouter", "requests": 1, "cost": 14_000})
    table: Any = Table(
        _keys("USAGE#2026-11#3", 200_000),
        lambda sk: {**tally, "pk": {"S": "USER#u"}, "sk": {"S": sk}, "conversation": {"S": sk}},
    )
    found = DynamoUsageBooks("t", table).month("u", "2026-11", by_conversation=True)
    with pytest.raises(InvalidParameter, match="more than 10000 groups"):
        statement("u", "2026-11", found.tallies, by=("conversation",), price_of=unpriced)
    # Of a megabyte each; all of them would be dozens.
    assert len(table.calls) <= 4


def _written(update: Any, times: int) -> Item:
    """The row after an update was done so many times to one that was not there."""
    counted = [word.split()[0] for word in update["UpdateExpression"].partition(" ADD ")[2].split(", ") if word]
    named, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
    row = {named[f"#{name.removeprefix(':')}"]: value for name, value in values.items()}
    for name in counted:
        row[named[name]] = {"N": str(int(row[named[name]]["N"]) * times)}
    return {**update["Key"], **row}


@pytest.mark.parametrize("rows", SIZES)
def test_a_sweep_reads_keys_and_looks_at_no_more_than_it_can(rows: int) -> None:
    job = Job(id="job_1", user="u", op="generation", created_at=NOW)
    item = to_item(job_row(job))
    index: dict[str, list[Item]] = {}
    for sk in _keys("JOB", rows):
        # As many names as there are, but the same moment: how old they are is not what is counted.
        key = {"pk": {"S": "USER#u"}, "sk": {"S": sk}, "open_since": {"S": "2026-11-01T00:00:00+00:00"}}
        index.setdefault(opened(OPEN_JOB, sk.removeprefix("JOB#")), []).append(key)
    table: Any = Table([], lambda sk: {**item, "sk": {"S": sk}, "id": {"S": sk}, "open": {"S": OPEN_JOB}}, index)
    looks = list(DynamoJobStore("t", table).list_looks(at=NOW))
    assert len(looks) == min(rows, MOST_AT_ONCE)
    batches, queries = table.calls.count("BatchGetItem"), table.calls.count("Query")
    assert batches <= MOST_AT_ONCE / 100
    # Ten thousand keys are one answer.
    assert queries <= SHARDS + 1 + rows // 5_000
