"""How many requests a caller may make in a minute: laws, over any number of processes, by a clock that tests move."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.models.caller import Caller
from darkroom.models.rate_limit import RateLimits
from darkroom.models.token import ApiToken
from darkroom.services.accounts.rates import Rates
from tests.fakes.people import MemoryRequestCounts

MINUTE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def caller(user: str, token: str | None = "one") -> Caller:
    if token is None:
        return Caller(user=user)
    made = ApiToken(id=f"tok_{user}_{token}", user=user, sha256=token * 3, hint="hint", created_at=MINUTE)
    return Caller(user=user, token=made)


class Processes:
    """Several that share a table and a clock. `passed` counts what they let through, by minute and what is limited."""

    def __init__(self, n: int, limits: RateLimits) -> None:
        self.now = MINUTE
        self.table = MemoryRequestCounts()
        self.rates = [Rates(self.table, lambda: self.now, limits) for _ in range(n)]
        self.passed: Counter[tuple[datetime, str]] = Counter()

    def ask(self, process: int, who: Caller) -> bool:
        standing = self.rates[process].of_caller(who)
        if standing.refused is None:
            minute = self.now.replace(second=0, microsecond=0)
            self.passed[minute, who.user] += 1
            if who.token:
                self.passed[minute, who.token.id] += 1
        return standing.refused is None


ASKED = st.tuples(
    st.integers(0, 3), st.sampled_from("ab"), st.sampled_from(["one", "two", None]), st.sampled_from([0, 0, 0, 0.5, 20])
)


@settings(deadline=None, max_examples=150)
@given(asked=st.lists(ASKED, max_size=60), user=st.integers(1, 12), token=st.integers(1, 12))
def test_processes_let_through_the_limit_and_a_hundredth_of_it_for_each_at_the_most(
    asked: list[tuple[int, str, str | None, float]], user: int, token: int
) -> None:
    """A hundredth is one request at the least, as it is of these."""
    processes = Processes(4, RateLimits(user=user, token=token))
    for process, name, used, seconds in asked:
        processes.now += timedelta(seconds=seconds)
        processes.ask(process, caller(name, used))
    for (_, what), passed in processes.passed.items():
        assert passed <= (token if what.startswith("tok_") else user) + 4


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 900), limit=st.sampled_from([1, 7, 100, 250, 640]))
def test_one_process_is_exact_and_asks_the_table_once_for_each_hundredth(n: int, limit: int) -> None:
    processes = Processes(1, RateLimits(user=limit))
    let_through = [processes.ask(0, caller("a")) for _ in range(n)]
    assert let_through == [True] * min(n, limit) + [False] * max(0, n - limit)
    share = max(1, limit // 100)
    # The first share is free, and of those who are over the limit one call finds it out.
    assert len(processes.table.added) <= max(0, n - 1) // share
    assert len(processes.table.added) <= limit // share + 1


@settings(deadline=None, max_examples=20)
@given(processes=st.integers(1, 12), limit=st.sampled_from([400, 1000]))
def test_nothing_is_refused_before_the_limit_less_a_hundredth_for_each_process(processes: int, limit: int) -> None:
    world = Processes(processes, RateLimits(user=limit))
    count = 0
    while world.ask(count % processes, caller("a")):
        count += 1
    assert limit - processes * (limit // 100) <= count <= limit + processes * (limit // 100)


def test_a_caller_under_a_hundredth_costs_no_call() -> None:
    processes = Processes(1, RateLimits(user=6000, token=3000))
    assert all(processes.ask(0, caller("a")) for _ in range(30))
    assert processes.table.added == []
    assert processes.ask(0, caller("a"))
    # The token's share is used up; the user's has thirty more.
    assert processes.table.added == [("USER#a", {"tok_a_one": 60})]


def test_of_another_process_is_known_what_it_told() -> None:
    processes = Processes(2, RateLimits(user=1000))
    for _ in range(500):
        processes.ask(0, caller("a"))
    standings = [processes.rates[1].of_caller(caller("a")) for _ in range(11)]
    assert [each.allowances[0].remaining for each in standings[9:]] == [990, 489]


def test_a_token_is_refused_while_others_of_its_user_go_on() -> None:
    processes = Processes(1, RateLimits(user=10, token=3))
    assert [processes.ask(0, caller("a", "one")) for _ in range(5)] == [True, True, True, False, False]
    standing = processes.rates[0].of_caller(caller("a", "one"))
    assert standing.refused == "token"
    # What was refused does not count against the user.
    assert [(each.policy, each.remaining) for each in standing.allowances] == [("user", 7), ("token", 0)]
    assert [processes.ask(0, caller("a", "two")) for _ in range(3)] == [True, True, True]
    assert [processes.ask(0, caller("a", None)) for _ in range(5)] == [True, True, True, True, False]
    assert processes.rates[0].of_caller(caller("a", None)).refused == "user"
    assert processes.ask(0, caller("b"))


def test_the_next_minute_begins_at_the_limit_again() -> None:
    processes = Processes(1, RateLimits(user=2))
    processes.now += timedelta(seconds=17.5)
    assert [processes.ask(0, caller("a")) for _ in range(3)] == [True, True, False]
    assert processes.rates[0].of_caller(caller("a")).resets_in == 43
    processes.now += timedelta(seconds=42.4)
    assert processes.rates[0].of_caller(caller("a")).resets_in == 1
    processes.now += timedelta(seconds=0.1)
    assert processes.ask(0, caller("a"))


def test_without_limits_nothing_is_counted() -> None:
    processes = Processes(1, RateLimits())
    assert all(processes.ask(0, caller("a")) for _ in range(100))
    assert (processes.rates[0].of_caller(caller("a")).allowances, processes.table.added) == ((), [])


def test_a_table_that_cannot_be_asked_stops_nobody_and_is_told_later() -> None:
    table = MemoryRequestCounts()
    table.is_busy = True
    rates = Rates(table, lambda: MINUTE, RateLimits(user=5))
    assert all(rates.of_caller(caller("a")).refused is None for _ in range(4))
    table.is_busy = False
    # Four were let through; with this one it is the limit.
    assert [rates.of_caller(caller("a")).refused for _ in range(2)] == [None, "user"]
    assert table.added[0] == ("USER#a", {"user": 5})


def test_an_address_counts_by_itself_or_by_its_network() -> None:
    table = MemoryRequestCounts()
    rates = Rates(table, lambda: MINUTE, RateLimits(user=1, address=2))
    first, second = "2001:db8:1:2::1", "2001:db8:1:2:ffff::2"
    assert [rates.of_address(each).refused for each in (first, second, first)] == [None, None, "address"]
    for other in ("2001:db8:1:3::1", "192.0.2.1", "192.0.2.2", "no address"):
        assert rates.of_address(other).refused is None
    assert all(owner.startswith("ADDRESS#") and "2001" not in owner for owner, _ in table.added)


@pytest.mark.parametrize("limit", [50, 1000])
def test_threads_of_one_process_count_together(limit: int) -> None:
    processes = Processes(1, RateLimits(user=limit))
    begin, found = Barrier(8), list[bool]()

    def work() -> None:
        begin.wait()
        found.extend(processes.rates[0].of_caller(caller("a")).refused is None for _ in range(limit // 5))

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == limit
