"""Monthly reports: everybody's, once, whatever stops the making of them."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from darkroom.models.deadline import Deadline
from darkroom.models.user_settings import UserSettings
from darkroom.services.usage.reports import MOST_PASSES, Reports
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore
from tests.paid_jobs import admit_job, paid_job, succeeded

LONG = 60.0
USERS = ("alice", "bob", "carol", "dora", "emil")


@dataclass
class World:
    studio: Studio

    @property
    def reports(self) -> Reports:
        return self.studio.app.reports

    def spend(self, user: str, actual: int) -> None:
        job = admit_job(self.studio.ledger, paid_job(user, self.studio.clock.now))
        assert self.studio.ledger.close(succeeded(job, self.studio.clock.now), actual=actual)

    def body(self, user: str, month: str = "2026-10") -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.studio.images.outputs[f"reports/{user}/{month}.json"].data)
        return body


@pytest.fixture
def world(studio: Studio, clock: SteppingClock) -> World:
    """Each of them has spent something in October, and it is November the third."""
    clock.now = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
    world = World(studio)
    for number, user in enumerate(USERS):
        world.spend(user, 1_000 + number)
    clock.step(timedelta(seconds=2))
    world.spend("alice", 7)
    clock.now = datetime(2026, 11, 3, 3, 0, tzinfo=UTC)
    return world


def test_everybody_gets_the_statement_of_the_month_that_is_over(world: World) -> None:
    assert world.reports.begin(Deadline(LONG)) == {"month": "2026-10", "made": 5, "failed": 0, "done": True}
    for number, user in enumerate(USERS):
        body = world.body(user)
        assert (body["object"], body["month"], body["totals"]["cost_micro_usd"]) == (
            "usage_report",
            "2026-10",
            1_000 + number,
        )
        text = world.studio.images.outputs[f"reports/{user}/2026-10.csv"].data.decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert sum(int(row["cost_micro_usd"]) for row in rows) == 1_000 + number
        (shown,) = world.reports.of_user(user)
        assert (shown["month"], shown["cost_micro_usd"]) == ("2026-10", 1_000 + number)
        assert set(shown["urls"]) == {"json", "csv"}
        assert all(f"reports/{user}/2026-10." in url for url in shown["urls"].values())
    assert world.reports.of_user("nobody") == []


def test_once_made_a_report_stays_as_it_is(world: World) -> None:
    world.reports.begin(Deadline(LONG))
    before = dict(world.studio.images.outputs)
    world.studio.clock.step(timedelta(days=1))
    assert world.reports.begin(Deadline(LONG)) == {"month": "2026-10", "made": 0, "failed": 0, "done": True}
    assert world.studio.images.outputs == before
    assert world.reports.go_on(Deadline(LONG)) == {}


def test_nothing_goes_on_that_was_not_begun(world: World) -> None:
    assert world.reports.go_on(Deadline(LONG)) == {}


class FewUsers(Deadline):
    """Is over when it was asked so often."""

    def __init__(self, asked: int) -> None:
        super().__init__(LONG)
        self._left = asked

    @property
    def is_over(self) -> bool:
        self._left -= 1
        return self._left < 0


@pytest.mark.parametrize("asked", [1, 2, 3, 4, 5])
def test_whenever_the_time_is_up_it_goes_on_from_there(world: World, asked: int) -> None:
    done = world.reports.begin(FewUsers(asked))
    made = done["made"]
    for _ in range(20):
        if done["done"]:
            break
        done = world.reports.go_on(FewUsers(asked + 2))
        made += done["made"]
    assert done["done"]
    assert made == 5
    assert [len(world.reports.of_user(user)) for user in USERS] == [1] * 5


def test_a_month_that_is_named_is_made_anew_for_whom_it_lacks(world: World) -> None:
    assert world.reports.begin(Deadline(LONG), month="2026-11")["made"] == 1
    assert world.body("alice", "2026-11")["totals"]["cost_micro_usd"] == 7


class BrokenImages(MemoryImageStore):
    """Cannot write what belongs to one user, so many times."""

    def __init__(self, clock: SteppingClock, user: str, times: int) -> None:
        super().__init__(clock)
        self._user = user
        self._times = times

    def write_output(self, key: str, data: bytes, **more: Any) -> None:
        if key.startswith(f"reports/{self._user}/") and self._times:
            self._times -= 1
            raise ValueError("broken")
        super().write_output(key, data, **more)


@pytest.mark.parametrize(("times", "made"), [(1, 5), (MOST_PASSES - 1, 5), (1000, 4)])
def test_one_users_trouble_does_not_stop_the_others_and_is_tried_a_few_times(
    world: World, times: int, made: int
) -> None:
    reports = replace(world.reports, images=BrokenImages(world.studio.clock, "bob", times))
    assert reports.begin(Deadline(LONG)) == {
        "month": "2026-10",
        "made": made,
        "done": True,
        "failed": 5 - made,
    }
    assert {name for name, _ in world.studio.alarms} == {"REPORT_FAILED"}
    assert len(world.studio.alarms) == min(times, MOST_PASSES)


class TestWebhook:
    def test_who_wants_to_be_told_is_told_once(self, world: World) -> None:
        world.studio.settings.save("bob", UserSettings(webhook_url="https://bob.example/hook"))
        for _ in range(2):
            world.reports.begin(Deadline(LONG))
        (delivery,) = world.studio.webhooks.list_open()
        assert (delivery.user, delivery.report, delivery.job_id) == ("bob", "2026-10", "")
        assert delivery.url == "https://bob.example/hook"
        assert world.studio.webhook_queue.sent == [("bob", delivery.id)]

    def test_what_it_is_told(self, world: World) -> None:
        world.reports.begin(Deadline(LONG))
        shown = world.reports.show("bob", "2026-10")
        assert shown is not None
        assert (shown["object"], shown["cost_micro_usd"]) == ("usage_report", 1_001)
        assert world.reports.show("bob", "2026-09") is None
