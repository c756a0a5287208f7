"""Requests of a minute, counted by several processes at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from darkroom.adapters.dynamo import to_item, to_row
from darkroom.adapters.request_counts import DynamoRequestCounts
from darkroom.errors import DarkroomFault
from darkroom.models.caller import Caller
from darkroom.models.rate_limit import RateLimits
from darkroom.ports import RequestCounts
from darkroom.services.accounts.rates import Rates
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.people import MemoryRequestCounts


@pytest.fixture
def window(clock: SteppingClock) -> datetime:
    return clock.now.replace(second=0, microsecond=0)


@pytest.fixture
def counts(cloud: Cloud | None) -> RequestCounts:
    return DynamoRequestCounts(cloud.table, cloud.aws.dynamodb, on_lost=_never) if cloud else MemoryRequestCounts()


def _never(fault: DarkroomFault) -> None:
    raise fault


def test_each_sum_is_told_as_it_is_then(counts: RequestCounts, window: datetime, user: str) -> None:
    owner = f"USER#{user}"
    assert counts.add(owner, window, {"user": 3, "tok_01J": 2}) == {"user": 3, "tok_01J": 2}
    assert counts.add(owner, window, {"user": 4}) == {"user": 7}
    assert counts.add(owner, window, {"tok_01J": 1, "tok_02J": 5}) == {"tok_01J": 3, "tok_02J": 5}


def test_minutes_and_owners_are_counted_apart(counts: RequestCounts, window: datetime, user: str) -> None:
    counts.add(f"USER#{user}", window, {"user": 3})
    assert counts.add(f"USER#{user}", window + timedelta(minutes=1), {"user": 1}) == {"user": 1}
    assert counts.add(f"ADDRESS#{user}", window, {"address": 2}) == {"address": 2}


def test_two_processes_share_a_limit(counts: RequestCounts, clock: SteppingClock, user: str) -> None:
    both = [Rates(counts, lambda: clock.now, RateLimits(user=20)) for _ in range(2)]
    standings = [both[n % 2].of_caller(Caller(user=user)) for n in range(30)]
    let_through = sum(each.refused is None for each in standings)
    assert 20 <= let_through <= 22
    assert {each.refused for each in standings[22:]} == {"user"}


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
def test_no_request_is_lost_between_processes(counts: RequestCounts, window: datetime, user: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        sums = [
            (added or {})["user"]
            for added in threads.map(lambda _: counts.add(f"USER#{user}", window, {"user": 1}), range(40))
        ]
    assert sorted(sums) == list(range(1, 41))


@pytest.mark.parametrize("cloud", ["moto"], indirect=True)
def test_a_row_is_the_users_and_goes_by_itself(
    counts: RequestCounts, cloud: Cloud, window: datetime, user: str
) -> None:
    counts.add(f"USER#{user}", window, {"user": 3})
    start = int(window.timestamp())
    key = to_item({"pk": f"USER#{user}", "sk": f"RATE#{start}"})
    row = to_row(cloud.aws.dynamodb.get_item(TableName=cloud.table, Key=key)["Item"])
    assert (row["user"], row["expires_at"]) == (3, start + 3600)


@pytest.mark.parametrize("cloud", ["moto"], indirect=True)
def test_a_table_that_cannot_be_asked_is_told_of_and_nothing_is_raised(
    cloud: Cloud, window: datetime, user: str
) -> None:
    lost: list[DarkroomFault] = []
    counts = DynamoRequestCounts("another-table", cloud.aws.dynamodb, on_lost=lost.append)
    assert counts.add(f"USER#{user}", window, {"user": 3}) is None
    assert len(lost) == 1
