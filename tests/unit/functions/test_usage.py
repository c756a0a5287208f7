"""GET /v1/usage and its reports: what is answered to whom, as what."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from darkroom.events.worker import handler_of
from darkroom.http.routes.account import routes
from darkroom.models.deadline import Deadline
from darkroom.models.job import SettledTogether
from darkroom.models.user_settings import UserSettings
from tests.application import UNPRICED, Studio
from tests.events import Context, http_event
from tests.openapi import handled
from tests.paid_jobs import admit_job, paid_job, succeeded
from tests.unit.functions.test_worker import SCHEDULE, LongContext

Answer = tuple[int, Any, dict[str, str]]
Call = Callable[..., Answer]


@pytest.fixture
def call(studio: Studio) -> Call:
    api, tokens = routes(studio.app), {user: studio.token(user) for user in ("alice", "bob")}

    def ask(
        path: str = "/v1/usage", *, user: str = "alice", headers: dict[str, str] | None = None, **query: str
    ) -> Answer:
        event = http_event("GET", path, token=tokens[user], headers=headers, query=query)
        answer = handled(api.handle, event, Context())
        said = {name.lower(): value for name, value in answer["headers"].items()}
        body = json.loads(answer["body"]) if "json" in said["content-type"] else answer["body"]
        return answer["statusCode"], body, said

    return ask


def _spend(studio: Studio, user: str, *costs: int, **changes: Any) -> None:
    for cost in costs:
        job = admit_job(studio.ledger, paid_job(user, studio.clock(), **changes))
        assert studio.ledger.close(succeeded(job, studio.clock()), actual=cost)


def test_a_month_in_all_and_by_what_is_asked_for(call: Call, studio: Studio) -> None:
    _spend(studio, "alice", 14_000, 1, op="generation")
    _spend(studio, "alice", 5, op="edit", token_id=None)
    _spend(studio, "bob", 99)
    status, body, _ = call()
    assert status == 200
    assert (body["object"], body["month"], body["by"], body["groups"]) == ("usage", "2026-03", [], [])
    assert {"limits", "budgets", "warn_at_percent"} <= set(body)
    totals = body["totals"]
    assert (totals["cost_micro_usd"], totals["cost_usd"], totals["credits"]) == (14_006, 0.014006, 35.015)
    assert (totals["images"], totals["requests"], totals["calls"], totals["unknown"]) == (3, 3, 3, 0)
    assert "savings" not in body


def test_groups_are_named(studio: Studio, call: Call) -> None:
    _spend(studio, "alice", 14_000, 1, op="generation")
    _spend(studio, "alice", 5, op="edit", token_id=None)
    groups = call(by="op,token")[1]["groups"]
    assert [(row["op"], row["token"], row["cost_micro_usd"]) for row in groups] == [
        ("edit", None, 5),
        ("generation", "tok_1", 14_001),
    ]


def test_another_month_is_empty_and_speaks_of_no_key(call: Call, studio: Studio) -> None:
    _spend(studio, "alice", 14_000)
    _, body, _ = call(month="2026-02")
    assert (body["month"], body["totals"]["requests"], body["provider_key"]) == ("2026-02", 0, None)


def test_the_providers_own_figures_stand_beside_ours(call: Call, studio: Studio) -> None:
    figures = call()[1]["provider_key"]
    assert (figures["provider"], figures["reason"], figures["status"]["usage"]) == ("openrouter", None, 0)
    secret = studio.vault.reveal("alice", "openrouter")
    assert secret is not None
    assert secret not in json.dumps(figures)
    assert call(user="bob")[1]["provider_key"] == {"provider": "openrouter", "status": None, "reason": "NO_KEY"}


def test_without_its_provider_ours_are_answered_all_the_same(call: Call, studio: Studio) -> None:
    studio.simulator.scenario("overloaded", path="/key")
    status, body, _ = call()
    assert (status, body["provider_key"]["status"]) == (200, None)
    assert body["provider_key"]["reason"]


@pytest.mark.parametrize(
    ("headers", "query"), [(None, {"format": "csv"}), ({"accept": "text/csv"}, {}), ({"accept": "text/csv, */*"}, {})]
)
def test_a_table(call: Call, studio: Studio, headers: dict[str, str] | None, query: dict[str, str]) -> None:
    _spend(studio, "alice", 14_000, 1)
    status, text, said = call(headers=headers, **query)
    assert (status, said["content-type"]) == (200, "text/csv; charset=utf-8")
    assert said["content-disposition"] == 'attachment; filename="usage-2026-03.csv"'
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["month"], row["cost_micro_usd"], row["cost_usd"]) == ("2026-03", "14001", "0.014001")


@pytest.mark.parametrize("headers", [{"accept": "*/*"}, {"accept": "application/json, text/csv"}, {"accept": ""}])
def test_json_unless_a_table_is_wanted(call: Call, headers: dict[str, str]) -> None:
    assert call(headers=headers)[1]["object"] == "usage"
    assert call(headers={"accept": "text/csv"}, format="json")[1]["object"] == "usage"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"month": "2026-13"}, "month"),
        ({"month": "11-2026"}, "month"),
        ({"format": "xml"}, "format"),
        ({"against": ""}, "against"),
    ],
)
def test_what_cannot_be_asked(call: Call, query: dict[str, str], param: str) -> None:
    status, problem, _ = call(**query)
    assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", param)


def test_a_dimension_that_there_is_not_is_named(call: Call) -> None:
    status, problem, _ = call(by="day,user")
    assert (status, problem["param"]) == (400, "by")
    assert "user" in problem["detail"]
    assert problem["accepted"] == ["day", "model", "op", "token", "conversation", "provider"]


def test_what_it_would_have_cost_elsewhere(call: Call, studio: Studio) -> None:
    _spend(studio, "alice", 14_000, op="generation")
    prices: Any = lambda model, images, is_edit: None if model == UNPRICED else images * 3_000  # noqa: E731
    studio.app.other_prices = prices
    savings = call(against="x/cheap")[1]["savings"]
    assert (savings["would_have_cost_usd"], savings["saved_usd"], savings["images"]) == (0.003, -0.011, 1)
    assert call(against=UNPRICED)[1]["savings"]["left_out"] == {"price_unknown": 1}


def test_credits_are_worth_what_the_user_says(call: Call, studio: Studio) -> None:
    _spend(studio, "alice", 40_000)
    assert call()[1]["totals"]["credits"] == 100
    studio.settings.save("alice", UserSettings(credit=1_000))
    assert call()[1]["totals"]["credits"] == 40
    assert call("/v1/usage/receipts")[1]["data"][0]["actual_credits"] == 40


def test_a_part_of_a_sum_says_so(call: Call, studio: Studio) -> None:
    job = succeeded(admit_job(studio.ledger, paid_job("alice", studio.clock())), studio.clock())
    cost = job.cost.model_copy(update={"charged": "unknown", "together": SettledTogether(jobs=2, total=14_001)})
    assert studio.ledger.close(job.model_copy(update={"cost": cost}), actual=7_000)
    _spend(studio, "alice", 5)
    plain, part = call("/v1/usage/receipts")[1]["data"]
    assert part["settled_together"] == {"jobs": 2, "total_usd": 0.014001, "total_micro_usd": 14_001}
    assert (part["actual_micro_usd"], part["charged"]) == (7_000, "unknown")
    assert not {"settled_together", "together"} & set(plain)
    assert "together" not in part


class TestReports:
    def test_the_schedule_makes_them_and_only_their_owner_sees_them(self, call: Call, studio: Studio) -> None:
        studio.clock.now = datetime(2026, 2, 28, 12, tzinfo=UTC)
        _spend(studio, "alice", 14_000)
        studio.clock.now = datetime(2026, 3, 3, 3, tzinfo=UTC)
        handle = handler_of(studio.app)
        assert handle({"task": "monthly-report"}, LongContext()) == {
            "month": "2026-02",
            "made": 1,
            "failed": 0,
            "done": True,
        }
        (shown,) = call("/v1/usage/reports")[1]["data"]
        assert (shown["month"], shown["cost_micro_usd"]) == ("2026-02", 14_000)
        assert shown["urls"]["csv"].startswith("https://outputs.example/reports/alice/2026-02.csv")
        assert call("/v1/usage/reports", user="bob")[1]["data"] == []

    def test_a_named_month(self, studio: Studio) -> None:
        _spend(studio, "alice", 14_000)
        done = handler_of(studio.app)({"task": "monthly-report", "month": "2026-03"}, LongContext())
        assert done == {"month": "2026-03", "made": 1, "failed": 0, "done": True}

    def test_the_sweep_goes_on_with_what_was_not_finished(self, studio: Studio) -> None:
        _spend(studio, "alice", 14_000)
        reports = studio.app.reports
        assert reports.begin(Deadline(0), month="2026-03") == {
            "month": "2026-03",
            "made": 0,
            "failed": 0,
            "done": False,
        }
        assert handler_of(studio.app)(SCHEDULE, LongContext())["failed"] == 0
        assert [report["month"] for report in reports.of_user("alice")] == ["2026-03"]
