"""Usage from end to end: statement, receipts, budgets and the provider's invoice are one, to the micro-dollar."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.errors import InvalidApiKey, NetworkError
from darkroom.http.routes.edits import routes as edit_routes
from darkroom.http.routes.generations import routes as generate_routes
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.models.key import KeyStatus
from darkroom.services.usage.statement import month_of
from darkroom.services.usage.usage import KeyFigures
from local.simulator import Simulator
from tests.application import KLEIN, LONG, STREAMING, Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.integration.users import picture
from tests.openapi import handled
from tests.unit.services.talking import Talk

USERS = ("alice", "bob")
ASYNC = {"prefer": "respond-async"}
PICTURE = base64.b64encode(picture(size=(64, 64))).decode()
EVE = datetime(2026, 11, 30, 23, 56, tzinfo=UTC)
# What an order may meet. After each of them it comes out in the end what it cost.
TROUBLES = (None, None, None, "content_policy", "overcharge", "missing_cost", "cut_body", "rate_limited", "error_body")


@dataclass(frozen=True)
class Order:
    user: str
    kind: str
    trouble: str | None


@dataclass(frozen=True)
class Wait:
    seconds: int


_ORDER = st.builds(
    Order, st.sampled_from(USERS), st.sampled_from(["generate", "stream", "edit", "say"]), st.sampled_from(TROUBLES)
)
_STEPS: st.SearchStrategy[list[Order | Wait]] = st.lists(
    _ORDER | st.builds(Wait, st.integers(1, 150)), min_size=1, max_size=9
)


@dataclass
class Month:
    """People who work over the end of a month, and a count of what they asked for in which month."""

    simulator: Simulator
    studio: Studio = field(init=False)
    tokens: dict[str, str] = field(init=False)
    asked: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.simulator.reset()
        clock = SteppingClock()
        clock.now = EVE
        self.studio = Studio(self.simulator, clock)
        self.tokens = {user: self.studio.token(user) for user in USERS}
        for user in USERS:
            self.studio.connect(user)

    def play(self, steps: list[Order | Wait]) -> None:
        for step in steps:
            if isinstance(step, Wait):
                self.studio.clock.step(timedelta(seconds=step.seconds))
            else:
                self._order(step)
        self._end()

    def _order(self, order: Order) -> None:
        if order.trouble:
            path = "/chat/completions" if order.kind == "say" else "/images"
            self.simulator.scenario(order.trouble, path=path, times=1)
        if order.kind == "say":
            self._say()
        else:
            self._send(order)
        key = (order.user if order.kind != "say" else "alice", month_of(self.studio.clock()))
        self.asked[key] = self.asked.get(key, 0) + 1
        self.simulator.world.scenarios.clear()

    def _send(self, order: Order) -> None:
        body: dict[str, Any] = {"prompt": "A red fox", "model": STREAMING if order.kind == "stream" else KLEIN}
        if order.kind == "edit":
            body["image"] = f"data:image/png;base64,{PICTURE}"
            api, path = edit_routes(self.studio.app), "/v1/images/edits"
        else:
            api, path = generate_routes(self.studio.app), "/v1/images/generations"
        event = http_event("POST", path, token=self.tokens[order.user], headers=ASYNC, body=body)
        answer = handled(api.handle, event, Context())
        assert answer["statusCode"] == 202, answer["body"]
        self.studio.carry_out()

    def _say(self) -> None:
        Talk(self.studio).begin().say("Warmer, and a vignette")

    def _end(self) -> None:
        """Until whatever is in doubt is decided, well into the next month."""
        talk = Talk(self.studio, "none")
        for wait in (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=25)):
            self.studio.clock.step(wait)
            self.studio.app.sweep.run(Deadline(LONG))
            talk.run()
        assert [job.id for job in self.studio.jobs.list_open()] == []

    def budget(self, user: str, month: str) -> int:
        account = self.studio.ledger.accounts.get((user, f"month#{month}"))
        assert account is None or account.reserved == 0
        return account.spent if account else 0


@settings(max_examples=10)
@given(steps=_STEPS)
def test_statement_receipts_budgets_and_invoice_are_one(studio_simulator: Simulator, steps: list[Order | Wait]) -> None:
    month = Month(studio_simulator)
    month.play(steps)
    usage = month.studio.app.usage
    for user in USERS:
        made = {name: usage.statement(user, month=name, by=("day", "op")) for name in ("2026-11", "2026-12")}
        receipts = [row for (owner, _), row in month.studio.ledger.receipts_.items() if owner == user]
        assert sum(each.totals.cost for each in made.values()) == sum(row.actual or 0 for row in receipts)
        assert sum(row.actual or 0 for row in receipts) == sum(month.studio.charged(user))
        for name, statement in made.items():
            assert statement.totals.cost == month.budget(user, name)
            assert statement.totals.requests == month.asked.get((user, name), 0)
            assert statement.totals.unknown == 0
            assert {str(key[0])[:7] for key in statement.groups} <= {name}


def test_what_is_done_over_midnight_counts_where_it_was_begun(studio_simulator: Simulator) -> None:
    month = Month(studio_simulator)
    month.studio.clock.now = datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC)
    late = Order("alice", "generate", "cut_body")
    month.play([late, Wait(1), Order("alice", "generate", None)])
    totals = {name: month.studio.app.usage.statement("alice", month=name).totals for name in ("2026-11", "2026-12")}
    assert [(each.requests, each.cost) for each in totals.values()] == [(1, 14_000), (1, 14_000)]
    first = min(month.studio.ledger.receipts_.values(), key=lambda row: row.job_id)
    assert month_of(first.settled_at) == "2026-12", "the first was decided in the next month"


def test_a_turn_is_a_turn_and_its_undo_is_none(studio: Studio) -> None:
    talk = Talk(studio).begin()
    talk.say("Warmer, and a vignette")
    studio.app.conversations.undo("alice", talk.id)
    studio.app.conversations.redo("alice", talk.id)
    totals = studio.app.usage.statement("alice").totals
    assert (totals.requests, totals.turns, totals.failed) == (1, 1, 0)
    assert totals.cost == sum(studio.charged("alice")) > 0


def test_another_users_work_is_not_seen(studio: Studio) -> None:
    studio.jobs.add(Job(id="job_1", user="bob", op="x", created_at=studio.clock(), status=JobStatus.SUCCEEDED))
    assert studio.app.usage.statement("alice").totals.requests == 0


class Inspector:
    """Says of every key what it was given to say; `asked` are the keys."""

    console_url = "https://openrouter.example/keys"

    def __init__(self, said: KeyStatus | Exception) -> None:
        self.said = said
        self.asked: list[str] = []

    def inspect(self, key: str) -> KeyStatus:
        self.asked.append(key)
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


class TestKeyFigures:
    def test_the_stacks_key_is_not_looked_at_for_anybody(self, studio: Studio) -> None:
        studio.operator = studio.simulator.state.mint("owner")
        inspector = Inspector(KeyStatus(usage=5))
        shown = KeyFigures(studio.vault, inspector, "openrouter").show("bob")
        assert shown == {"provider": "openrouter", "status": None, "reason": "NO_KEY"}
        assert inspector.asked == []

    def test_a_users_own_key_is_shown_without_the_key(self, studio: Studio) -> None:
        secret = studio.vault.reveal("alice", "openrouter")
        assert secret is not None
        shown = studio.app.key_figures.show("alice")
        assert shown["reason"] is None
        assert shown["status"]["usage"] == 0
        assert secret not in json.dumps(shown)
        assert "user_id" not in shown["status"]

    @pytest.mark.parametrize(
        ("error", "reason"),
        [(NetworkError("OpenRouter did not answer."), "NETWORK"), (InvalidApiKey("No."), "INVALID_API_KEY")],
    )
    def test_why_nothing_is_known(self, studio: Studio, error: Exception, reason: str) -> None:
        shown = KeyFigures(studio.vault, Inspector(error), "openrouter").show("alice")
        assert shown["status"] is None
        assert shown["reason"].startswith(reason)
