"""What every UsageBooks says of a month: what its receipts add up to, each of them once, to the micro-dollar."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ulid import ULID

from darkroom.adapters.dynamo import to_item
from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.ledger_rows import RECEIPT, receipt_row
from darkroom.adapters.month_users import users_key
from darkroom.adapters.tally_rows import COUNTED
from darkroom.adapters.usage_books import DynamoUsageBooks
from darkroom.adapters.work_log import WORK, DynamoWorkLog, work_row
from darkroom.models.job import Job, JobCost, JobStatus, SettledTogether
from darkroom.models.receipt import Receipt
from darkroom.models.tally import tally_of
from darkroom.models.usage import DIMENSIONS, HERE, Dimension
from darkroom.ports import Ledger, UsageBooks, WorkLog
from darkroom.services.usage.statement import statement
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import MemoryJobStore
from tests.fakes.usage import MemoryUsageBooks, MemoryWorkLog
from tests.paid_jobs import DOLLAR, admit_job, day, ended, paid_job, succeeded

_BY: Final[list[tuple[Dimension, ...]]] = [
    (),
    *((name,) for name in DIMENSIONS),
    *combinations(DIMENSIONS, 2),
    DIMENSIONS,
]


class Office:
    """A ledger and a log of free work over the same rows, and what is read of their months."""

    def __init__(self, cloud: Cloud | None, clock: SteppingClock) -> None:
        self.cloud = cloud
        self.clock = clock
        self.user = f"user-{str(ULID()).lower()}"
        self.ledger: Ledger
        self.work: WorkLog
        self.books: UsageBooks
        if cloud is None:
            jobs = MemoryJobStore()
            self.ledger = ledger = MemoryLedger(jobs, clock)
            self.work, self.books = MemoryWorkLog(jobs), MemoryUsageBooks(ledger, jobs)
        else:
            client = cloud.aws.dynamodb
            self.ledger = DynamoLedger(cloud.table, client, clock=clock)
            self.work, self.books = DynamoWorkLog(cloud.table, client), DynamoUsageBooks(cloud.table, client)

    def pay(self, actual: int | None, *, is_over: bool = True, **changes: Any) -> Job:
        job = admit_job(self.ledger, paid_job(self.user, self.clock.now, day(99 * DOLLAR, self.clock.now), **changes))
        over = succeeded(job, self.clock.now) if is_over else ended(job, JobStatus.FAILED, self.clock.now)
        cost = over.cost.model_copy(update={"charged": changes.get("cost", over.cost).charged})
        over = over.model_copy(update={"cost": cost})
        assert self.ledger.close(over, actual=actual)
        assert not self.ledger.close(over, actual=actual)
        return job

    def do(self, op: str, **changes: Any) -> Job:
        now = self.clock.now
        job = Job(
            id=f"job_{ULID.from_datetime(now)}", user=self.user, op=op, created_at=now, status=JobStatus.SUCCEEDED
        )
        job = succeeded(job, now, **changes)
        for _ in range(2):
            self.work.note(job, at=now)
        return job

    def receipts(self, month: str) -> list[Receipt]:
        paid = self.ledger.receipts(self.user, limit=500, month=month).receipts
        return [*paid, *self.work.receipts(self.user, limit=500, month=month).receipts]

    def check(self, month: str, by: Sequence[tuple[Dimension, ...]] = _BY) -> None:
        """The month is its receipts, however it is divided."""
        tallies = [tally_of(receipt) for receipt in self.receipts(month)]
        found = [list(self.books.month(self.user, month, by_conversation=each).tallies) for each in (False, True)]
        for dimensions in by:
            made, expected = (
                statement(self.user, month, each, by=dimensions, against="x/y", price_of=_price_of)
                for each in (found["conversation" in dimensions], tallies)
            )
            assert made == expected


def _price_of(_model: str, images: int, is_edit: bool) -> int:
    return images * (7 + is_edit)


@pytest.fixture
def office(cloud: Cloud | None, clock: SteppingClock) -> Office:
    return Office(cloud, clock)


def test_a_month_is_its_receipts_however_it_is_divided(office: Office) -> None:
    office.clock.now = datetime(2099, 11, 30, 23, 59, 59, 998_000, tzinfo=UTC)
    for _ in range(2):
        turn = office.do("turn", conversation_id="conv_1")
        office.pay(14_000)
        office.pay(20_001, op="edit", token_id=None, model_requested=None)
        office.pay(3, op="plan", id=f"{turn.id}-plan", parent_id=turn.id, conversation_id="conv_1")
        office.pay(5, op="plan", conversation_id="conv_2", is_over=False)
        office.pay(None, is_over=False)
        office.pay(100, cost=JobCost(reserved=100, charged="unknown", settled=False))
        share = SettledTogether(jobs=2, total=30)
        office.pay(15, cost=JobCost(reserved=100, charged=True, settled=False, together=share))
        office.do("background-removal", token_id="tok_2")
        office.do("recipe")
        office.clock.step(timedelta(milliseconds=2))
    assert [len(office.receipts(month)) for month in ("2099-10", "2099-11", "2099-12")] == [0, 10, 10]
    for month in ("2099-10", "2099-11", "2099-12"):
        office.check(month)
    totals = statement(
        office.user, "2099-11", office.books.month(office.user, "2099-11").tallies, price_of=_price_of
    ).totals
    assert (totals.cost, totals.requests, totals.unknown) == (34_124, 9, 3)


def test_another_users_month_is_not_seen(office: Office) -> None:
    office.pay(14_000)
    month = f"{office.clock.now:%Y-%m}"
    for by_conversation in (False, True):
        others = office.books.month(f"{office.user}-b", month, by_conversation=by_conversation)
        assert list(others.tallies) == []
        assert len(list(office.books.month(office.user, month, by_conversation=by_conversation).tallies)) == 1


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "do"]),
        st.sampled_from(["generation", "edit", "turn", "background-removal"]),
        st.none() | st.integers(0, 10**6),
        st.sampled_from([None, "conv_1", "conv_2"]),
        st.sampled_from([None, "tok_1"]),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_the_law_of_months(emulated: Cloud, clock: SteppingClock, steps: list[tuple[Any, ...]]) -> None:
    clock.now = datetime(2099, 11, 29, 23, 0, tzinfo=UTC)
    office = Office(emulated, clock)
    for what, op, actual, talk, token, days, is_over in steps:
        clock.now = datetime(2099, 11, 29 if days == 2 else 30, 23, 59, tzinfo=UTC) + timedelta(minutes=days == 1)
        if what == "pay":
            office.pay(actual, op=op, conversation_id=talk, token_id=token, is_over=is_over)
        else:
            office.do(op, conversation_id=talk, token_id=token)
    for month in ("2099-11", "2099-12"):
        office.check(month, [(), ("day", "model"), ("conversation", "op")])


@pytest.mark.parametrize("cloud", ["memory", "emulator"], indirect=True)
def test_what_ends_at_the_same_time_is_all_counted(office: Office) -> None:
    """One user's work: paid and free, on few rows. (Of moto a thread must not ask while another does.)"""
    month = f"{office.clock.now:%Y-%m}"
    with ThreadPoolExecutor(8) as at_once:
        done = [at_once.submit(office.do, "background-removal") for _ in range(12)]
        done += [at_once.submit(office.pay, 7) for _ in range(12)]
        assert len([each.result() for each in done]) == 24
    totals = statement(office.user, month, office.books.month(office.user, month).tallies, price_of=_price_of).totals
    assert (totals.requests, totals.cutouts, totals.cost) == (24, 12, 84)


class TestEarlierVersions:
    """Receipts that a version wrote which kept no month's rows."""

    @pytest.fixture(params=["moto", "emulator"])
    def office(self, request: pytest.FixtureRequest, clock: SteppingClock) -> Office:
        return Office(request.getfixturevalue("mocked" if request.param == "moto" else "emulated"), clock)

    @pytest.fixture
    def month(self, office: Office) -> str:
        return f"{office.clock.now:%Y-%m}"

    def test_they_are_added_once(self, office: Office, month: str) -> None:
        _leave_all_kinds(office)
        office.pay(9)
        assert not office.books.month(office.user, month).is_whole
        for _ in range(3):
            assert office.books.catch_up(office.user, month, at=office.clock())
            office.check(month)

    def test_that_all_are_added_is_known_once_the_old_functions_have_ended(self, office: Office, month: str) -> None:
        _leave_all_kinds(office)
        assert office.books.catch_up(office.user, month, at=office.clock())
        assert not office.books.month(office.user, month).is_whole
        # One of the version before writes a receipt yet.
        _leave(office, RECEIPT, actual=11)
        office.clock.step(timedelta(minutes=21))
        assert office.books.catch_up(office.user, month, at=office.clock())
        for by_conversation in (False, True):
            assert office.books.month(office.user, month, by_conversation=by_conversation).is_whole
        office.check(month)

    def test_more_than_are_added_at_once_take_several_calls(self, office: Office, month: str) -> None:
        _leave_all_kinds(office)
        assert office.cloud is not None
        slow = DynamoUsageBooks(office.cloud.table, office.cloud.aws.dynamodb, most_added=1)
        # Of paid ones first; what is added at once is a page of them.
        assert not slow.catch_up(office.user, month, at=office.clock())
        assert not slow.month(office.user, month).is_whole
        assert slow.catch_up(office.user, month, at=office.clock())
        office.check(month)

    def test_a_month_that_this_version_began_is_one_query(self, office: Office, month: str) -> None:
        office.pay(9)
        office.clock.step(timedelta(minutes=21))
        assert office.books.catch_up(office.user, month, at=office.clock())
        assert office.cloud is not None
        with _calls(office.cloud) as calls:
            assert office.books.month(office.user, month).is_whole
        assert calls == ["Query"]

    def test_who_is_listed_by_this_version_may_have_begun_the_month_with_the_one_before(
        self, office: Office, month: str
    ) -> None:
        _leave(office, RECEIPT, actual=5)
        office.clock.step(timedelta(seconds=1))
        office.pay(9)
        office.clock.step(timedelta(minutes=21))
        assert office.books.catch_up(office.user, month, at=office.clock())
        office.check(month)

    def test_who_did_nothing_is_not_listed(self, office: Office, month: str) -> None:
        assert office.books.catch_up(office.user, month, at=office.clock())
        assert office.cloud is not None
        key = to_item({"pk": users_key(month), "sk": office.user})
        assert "Item" not in office.cloud.aws.dynamodb.get_item(TableName=office.cloud.table, Key=key)

    @pytest.mark.parametrize("office", ["emulator"], indirect=True)
    def test_two_who_add_them_at_once_add_them_once(self, office: Office, month: str) -> None:
        _leave_all_kinds(office)
        with ThreadPoolExecutor(4) as at_once:
            list(at_once.map(lambda _: office.books.catch_up(office.user, month, at=office.clock()), range(4)))
        assert office.books.catch_up(office.user, month, at=office.clock())
        office.check(month)


def _leave_all_kinds(office: Office) -> None:
    _leave(office, RECEIPT, actual=1)
    _leave(office, RECEIPT, actual=2, op="plan", conversation_id="conv_1")
    _leave(office, RECEIPT, actual=None, status="failed", images=0)
    _leave(office, WORK, op="turn", provider=HERE, actual=0, conversation_id="conv_1")
    _leave(office, WORK, op="background-removal", provider=HERE, actual=0)


def _leave(office: Office, kind: str, **changes: Any) -> None:
    """Writes a receipt as the version before did."""
    assert office.cloud is not None
    now = office.clock.now
    receipt = Receipt(
        job_id=f"job_{ULID.from_datetime(now)}",
        user=office.user,
        op="generation",
        status="succeeded",
        model_used="a/b",
        images=1,
        reserved=20,
        actual=14,
        charged=True,
        created_at=now,
        settled_at=now,
    ).model_copy(update=changes)
    row = receipt_row(receipt) if kind == RECEIPT else work_row(receipt)
    del row[COUNTED]
    office.cloud.aws.dynamodb.put_item(TableName=office.cloud.table, Item=to_item(row))


@contextmanager
def _calls(cloud: Cloud) -> Iterator[list[str]]:
    """The names of the calls of DynamoDB that are made meanwhile."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    events = cloud.aws.dynamodb.meta.events
    events.register("before-call.dynamodb", note)
    yield made
    events.unregister("before-call.dynamodb", note)
