"""What may be spent, over HTTP: by a request, in a day, with a token; and that the sums agree to the micro-dollar."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from darkroom.services.paid.settlement import SIMULATED
from tests.integration.users import ASYNC, UNPRICED, People, User

# Of a picture of KLEIN: what it costs, and that with the margin that is set aside.
PRICE, RESERVED = 14_000, 15_400


@pytest.fixture
def user(people: People) -> User:
    return people.new("limits")


def _set(user: User, **settings: Any) -> dict[str, Any]:
    answer = user.request("PATCH", "/v1/settings", json=settings)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def _refusal(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"], problem["charged"]) == (status, code, False), answer.text
    assert answer.headers["x-should-retry"] == "false"
    assert problem["fix"]
    return problem


class TestOneRequest:
    def test_its_own_limit(self, user: User) -> None:
        problem = _refusal(user.generate(max_cost_usd=0.0139), 402, "COST_LIMIT")
        assert (problem["param"], problem["estimated_usd"], problem["limit_usd"]) == ("max_cost_usd", 0.014, 0.0139)
        job = user.order(max_cost_usd=0.014)
        assert job["cost"]["reserved_usd"] == 0.014
        user.until(job["id"], "succeeded")

    def test_its_users_limit_from_the_next_request_on(self, user: User) -> None:
        user.until(user.order()["id"], "succeeded")
        assert _set(user, max_cost_per_request=0.01)["max_cost_per_request"] == 0.01
        problem = _refusal(user.generate(), 402, "COST_LIMIT")
        assert ("param" in problem, problem["limit_usd"]) == (False, 0.01)
        # Whoever said more does not get more.
        _refusal(user.generate(max_cost_usd=1), 402, "COST_LIMIT")
        assert _set(user, max_cost_per_request=None)["max_cost_per_request"] == 0.25
        user.until(user.order()["id"], "succeeded")
        assert user.charges() == [PRICE, PRICE]

    def test_the_stacks_limit_where_nothing_is_set(self, user: User) -> None:
        dear = user.generate(model="openai/gpt-image-2", quality="high", size="1024x1024", n=4)
        problem = _refusal(dear, 402, "COST_LIMIT")
        assert problem["limit_usd"] == 0.25 < problem["estimated_usd"]

    def test_a_price_that_nobody_knows(self, user: User) -> None:
        problem = _refusal(user.generate(model=UNPRICED), 402, "PRICE_UNKNOWN")
        assert problem["param"] == "max_cost_usd"
        assert user.paid_requests() == []
        job = user.order(model=UNPRICED, max_cost_usd=0.09)
        assert job["cost"] | {"estimated_usd": None, "reserved_usd": 0.09} == job["cost"]
        done = user.until(job["id"], "succeeded")
        assert [round(done["cost"]["actual_usd"] * 1e6)] == user.charges()


class TestBudgets:
    def test_what_is_left_and_when_it_begins_anew(self, user: User) -> None:
        _set(user, max_cost_per_day=0.02)
        user.until(user.order()["id"], "succeeded")
        problem = _refusal(user.generate(), 402, "BUDGET_EXCEEDED")
        assert problem["budget"] == "day"
        amounts = ("estimated_usd", "reserved_usd", "limit_usd", "remaining_usd", "in_progress_usd", "spent_usd")
        assert [problem[name] for name in amounts] == [0.014, 0.0154, 0.02, 0.006, 0, 0.014]
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        assert datetime.fromisoformat(problem["resets_at"]) == midnight
        # A higher limit counts at once, and so does a lower one.
        _set(user, max_cost_per_day=0.03)
        user.until(user.order()["id"], "succeeded")
        _set(user, max_cost_per_day=0.001)
        assert _refusal(user.generate(), 402, "BUDGET_EXCEEDED")["remaining_usd"] == 0
        assert user.charges() == [PRICE, PRICE]

    def test_at_once_no_more_is_let_in_than_can_be_paid(self, user: User) -> None:
        _set(user, max_cost_per_month=0.05)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda seed: user.generate(ASYNC, seed=seed), range(8)))
        admitted = [answer.json()["id"] for answer in answers if answer.status_code == 202]
        assert {answer.json()["code"] for answer in answers if answer.status_code != 202} == {"BUDGET_EXCEEDED"}
        assert len(admitted) == 50_000 // RESERVED == 3
        for job_id in admitted:
            user.until(job_id, "succeeded")
        assert user.charges() == [PRICE] * 3

    def test_a_warning_is_given_once(self, user: User) -> None:
        _set(user, max_cost_per_day=0.06, warn_at_percent=40)
        said = []
        for _ in range(3):
            told = user.until(user.order()["id"], "succeeded")["warnings"]
            said.append([warning for warning in told if warning != SIMULATED])
        assert [len(warnings) for warnings in said] == [0, 1, 0]
        assert "day's budget" in said[1][0]
        assert "$0.028" in said[1][0]

    def test_a_failure_costs_nothing_of_it(self, user: User) -> None:
        user.scenario("content_policy")
        assert user.generate().json()["code"] == "CONTENT_REFUSED"
        budget = user.budget()
        assert (budget["spent_usd"], budget["reserved_usd"], budget["remaining_usd"]) == (0, 0, 5)

    @pytest.mark.parametrize(
        ("changes", "param"),
        [
            ({"max_cost_per_day": -1}, "max_cost_per_day"),
            ({"max_cost_per_day": "NaN"}, "max_cost_per_day"),
            ({"warn_at_percent": 0}, "warn_at_percent"),
            ({"warn_at_percent": 101}, "warn_at_percent"),
            ({"max_cost_per_year": 1}, "max_cost_per_year"),
        ],
    )
    def test_what_cannot_be_a_limit(self, user: User, changes: dict[str, Any], param: str) -> None:
        before = user.get("/v1/settings").json()
        answer = user.request("PATCH", "/v1/settings", json=changes)
        assert _refusal(answer, 400, "INVALID_PARAMETER")["param"] == param
        assert user.get("/v1/settings").json() == before


class TestLimitedTokens:
    def test_it_has_budgets_of_its_own_within_its_users(self, people: People, user: User) -> None:
        limited, other = (people.limited(user, day_limit=RESERVED, month_limit=10 * PRICE) for _ in range(2))
        limited.until(limited.order()["id"], "succeeded")
        assert _refusal(limited.generate(), 402, "BUDGET_EXCEEDED")["budget"] == "token_day"
        names = [row["name"] for row in limited.get("/v1/usage").json()["budgets"]]
        assert names == ["day", "month", "token_day", "token_month"]
        assert limited.budget("token_day")["spent_usd"] == user.budget("day")["spent_usd"] == 0.014
        # Another token of the same user is not touched, the user's day is.
        other.until(other.order()["id"], "succeeded")
        assert user.budget("day")["spent_usd"] == 0.028
        _set(user, max_cost_per_day=0.028)
        assert _refusal(people.limited(user, day_limit=RESERVED).generate(), 402, "BUDGET_EXCEEDED")["budget"] == "day"

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PATCH", "/v1/settings", {"max_cost_per_day": 1000}),
            ("POST", "/v1/tokens", {}),
            ("DELETE", "/v1/tokens/tok_x", None),
            ("PUT", "/v1/keys/openrouter", {"key": "sk-or-v1-" + "0" * 64}),
            ("DELETE", "/v1/keys/openrouter", None),
            ("GET", "/v1/webhooks/secret", None),
            ("POST", "/v1/webhooks/secret/rotate", None),
        ],
    )
    def test_it_cannot_change_what_anybody_may(
        self, people: People, user: User, method: str, path: str, body: dict[str, Any] | None
    ) -> None:
        answer = people.limited(user, day_limit=0).request(method, path, json=body)
        _refusal(answer, 403, "TOKEN_RESTRICTED")
        assert "whsec_" not in answer.text
        assert user.get("/v1/settings").json()["max_cost_per_day"] == 5
        assert len(user.get("/v1/keys").json()["data"]) == 1

    def test_one_is_made_over_http(self, user: User) -> None:
        made = user.post("/v1/tokens", {"name": "ci", "day_limit_usd": 0.0154}).json()
        assert (made["day_limit_usd"], made["month_limit_usd"]) == (0.0154, None)
        ci = user.with_token(made["token"])
        ci.until(ci.order()["id"], "succeeded")
        _refusal(ci.generate(), 402, "BUDGET_EXCEEDED")


def test_without_a_key_there_is_nothing_to_be_had(people: People) -> None:
    nobody = people.new("keyless", connected=False)
    problem = _refusal(nobody.generate(model="nobody/nothing"), 401, "INVALID_API_KEY")
    assert problem["connect"] == "/oauth/connect"
    assert nobody.get("/v1/jobs").json()["data"] == []


def test_receipts_usage_and_the_invoice_agree(user: User) -> None:
    orders = [
        user.order(seed=1),
        user.order(model="openai/gpt-image-1-mini"),
        user.order(model=UNPRICED, max_cost_usd=0.1),
    ]
    for order in orders:
        user.until(order["id"], "succeeded")
    user.scenario("moderation")
    user.until(user.order()["id"], "failed")
    receipts = user.receipts()
    assert [receipt["status"] for receipt in receipts] == ["failed", "succeeded", "succeeded", "succeeded"]
    total = sum(user.charges())
    assert sum(receipt["actual_micro_usd"] for receipt in receipts) == total > 0
    assert {receipt["generation_id"] for receipt in receipts[1:]} == {
        row["generation_id"] for row in user.paid_requests()[:3]
    }
    for name in ("day", "month"):
        budget = user.budget(name)
        assert round(budget["spent_usd"] * 1e6) == total
        assert budget["reserved_usd"] == 0
    first = user.get("/v1/usage/receipts", params={"limit": 3}).json()
    rest = user.get("/v1/usage/receipts", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert first["data"] + rest["data"] == receipts
    assert rest["next_cursor"] is None
    assert user.get("/v1/usage/receipts", params={"month": f"{datetime.now(UTC):%Y-%m}"}).json()["data"] == receipts
    assert user.get("/v1/usage/receipts", params={"month": "2020-01"}).json()["data"] == []
