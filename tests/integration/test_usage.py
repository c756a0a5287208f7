"""Usage over HTTP, on the emulator: receipts, budgets, statement, table and the provider's invoice are one."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.integration.users import KLEIN, STREAMING, People, User, picture


@pytest.fixture
def user(people: People) -> User:
    return people.new("usage")


def _usage(user: User, **query: str) -> dict[str, Any]:
    answer = user.get("/v1/usage", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _table(user: User, **query: str) -> list[dict[str, str]]:
    answer = user.get("/v1/usage", params={"format": "csv", **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def _mixed(user: User) -> None:
    """A picture, one that streams, one that fails, one made over, a cut-out, a turn."""
    for order in [user.order(), user.order(model=STREAMING)]:
        user.until(order["id"], "succeeded")
    user.scenario("content_policy", times=1)
    assert user.generate().json()["code"] == "CONTENT_REFUSED"
    edit = user.request(
        "POST", "/v1/images/edits", files={"image": picture()}, data={"prompt": "add a balloon", "model": KLEIN}
    )
    assert edit.status_code == 200, edit.text
    made = user.request("POST", "/v1/conversations", files={"image": picture()})
    said = user.post(f"/v1/conversations/{made.json()['id']}/messages", {"content": "Warmer, and a vignette"})
    assert said.status_code == 200, said.text


def test_a_mixed_month_is_the_invoice_to_the_micro_dollar(user: User) -> None:
    _mixed(user)
    total = sum(user.charges())
    assert sum(receipt["actual_micro_usd"] for receipt in user.receipts()) == total > 0
    usage = _usage(user, by="day,op,model,provider,token")
    totals = usage["totals"]
    assert (totals["cost_micro_usd"], totals["images"], totals["turns"], totals["failed"]) == (total, 3, 1, 1)
    assert sum(group["cost_micro_usd"] for group in usage["groups"]) == total
    for by in ("day,op,model,provider,token", "conversation", "op", ""):
        assert sum(int(row["cost_micro_usd"]) for row in _table(user, by=by)) == total
    for name in ("day", "month"):
        assert round(user.budget(name)["spent_usd"] * 1e6) == total
    figures = usage["provider_key"]
    assert figures["status"]["usage"] == total
    assert figures["status"]["usage_monthly"] == total
    savings = _usage(user, against=KLEIN)["savings"]
    assert (savings["images"], savings["left_out"]["not_succeeded"]) == (3, 1)
    assert savings["would_have_cost_usd"] > 2 * 0.014, "two pictures and one made over"
    unknown = user.get("/v1/usage?month=2020-01&against=somebody/painter")
    assert (unknown.status_code, unknown.json()["param"]) == (400, "against"), "a month without pictures, too"
    other = _usage(user, month="2020-01")
    assert (other["totals"]["requests"], other["totals"]["cost_micro_usd"]) == (0, 0)


def test_another_users_usage_is_nobodys(people: People, user: User) -> None:
    user.until(user.order()["id"], "succeeded")
    bob = people.new("usage-bob")
    assert _usage(bob)["totals"]["requests"] == 0
    assert [row["requests"] for row in _table(bob)] == ["0"]
    assert bob.get("/v1/usage/reports").json()["data"] == []


def test_the_monthly_report_is_made_by_the_worker_told_and_summed_again(people: People, user: User) -> None:
    user.until(user.order()["id"], "succeeded")
    worker = people.stack.pools["WorkerFunction"]
    month = f"{datetime.now(UTC):%Y-%m}"
    done = worker.call({"task": "monthly-report", "month": month}).value
    assert done["done"], done
    (report,) = user.get("/v1/usage/reports").json()["data"]
    assert (report["month"], report["cost_micro_usd"]) == (month, sum(user.charges()))
    table = httpx.get(report["urls"]["csv"], trust_env=False)
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert sum(int(row["cost_micro_usd"]) for row in rows) == sum(user.charges())
    statement = httpx.get(report["urls"]["json"], trust_env=False).json()
    assert statement["totals"]["cost_micro_usd"] == sum(user.charges())
    again = worker.call({"task": "monthly-report", "month": month}).value
    assert again["made"] <= 1, "nobody gets a second one"
    assert len(user.get("/v1/usage/reports").json()["data"]) == 1
