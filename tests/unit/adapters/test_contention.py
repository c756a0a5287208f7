"""One user's work that ends at the same time: DynamoDB refuses a transaction while another has one of its rows.

No emulator does. Here time is counted, not waited for: each transaction has its rows for twenty milliseconds, and one
that is refused is tried again after as long as `Patience` says.
"""

import heapq
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import pytest
from ulid import ULID

from darkroom.adapters.dynamo import Patience
from darkroom.adapters.tally_rows import tally_updates
from darkroom.models.receipt import Receipt
from darkroom.models.usage import HERE

NOW: Final = datetime(2026, 11, 30, tzinfo=UTC)
SPAN: Final = 0.02


class Settler:
    """Who has one transaction to get through. `at`: when it tries next."""

    def __init__(self, rows: frozenset[str], at: float, random: Random) -> None:
        self.rows = rows
        self.at = at
        self._tries: Iterator[None] = Patience(self._sleep, random.uniform).tries()
        next(self._tries)

    def _sleep(self, seconds: float) -> None:
        self.at += SPAN + seconds

    def is_patient(self) -> bool:
        """Whether it tries again; `at` is when."""
        return next(self._tries, self) is None


def _ends(all_rows: Sequence[frozenset[str]], seed: int) -> list[float]:
    """When each of them was through, for those that were."""
    random = Random(seed)
    waiting = [(settler.at, n, settler) for n, settler in enumerate(Settler(rows, 0.0, random) for rows in all_rows)]
    taken: dict[str, float] = {}
    ends = []
    while waiting:
        at, n, settler = heapq.heappop(waiting)
        if all(taken.get(row, 0.0) <= at for row in settler.rows):
            taken.update(dict.fromkeys(settler.rows, at + SPAN))
            ends.append(at + SPAN)
        elif settler.is_patient():
            heapq.heappush(waiting, (settler.at, n, settler))
    return ends


def _rows_of(receipt: Receipt) -> frozenset[str]:
    updates: Any = tally_updates("t", receipt.user, [receipt])
    return frozenset(update["Key"]["sk"]["S"] for update in updates)


def _receipts(number: int, **changes: Any) -> list[Receipt]:
    random, moment = Random(1), int(NOW.timestamp() * 1000).to_bytes(6)
    return [
        Receipt(
            job_id=f"job_{ULID.from_bytes(moment + random.randbytes(10))}",
            user="u",
            op="generation",
            status="succeeded",
            reserved=20,
            actual=14,
            charged=True,
            created_at=NOW,
            settled_at=NOW,
        ).model_copy(update=changes)
        for _ in range(number)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_two_hundred_paid_jobs_wait_no_longer_than_for_their_budgets(seed: int) -> None:
    budgets = frozenset(("BUDGET#day", "BUDGET#month"))
    months = [_rows_of(receipt) for receipt in _receipts(200)]
    ends = _ends([budgets | rows for rows in months], seed)
    assert len(ends) == 200
    assert ends == _ends([budgets] * 200, seed)


@pytest.mark.parametrize("seed", range(5))
def test_free_work_that_ends_at_the_same_time_is_counted_within_a_second_or_three(seed: int) -> None:
    shared = [_rows_of(receipt) for receipt in _receipts(200, op="background-removal", provider=HERE)]
    assert len({row for rows in shared for row in rows}) == 8
    for number, seconds in ((50, 1.0), (200, 3.0)):
        ends = _ends(shared[:number], seed)
        assert len(ends) == number
        assert max(ends) < seconds
    # On one row they would take several times as long.
    assert max(_ends([frozenset({"one"})] * 200, seed)) > 2 * max(ends)
