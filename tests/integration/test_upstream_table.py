"""The table: every situation at OpenRouter that the simulator knows, and what a paid job makes of it.

The order comes in over the route's own code, the real worker carries it out with the real client over sockets, and the
stores behind the ports are the fakes that the contract suites hold to the adapters. What is asserted of each row: the
answer, the stored job, the invoice, the receipt, and what has become of the reservation.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from darkroom.http.routes.generations import routes
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from local.simulator import Simulator
from local.simulator.refusals import REFUSALS
from local.simulator.scenarios import QUIRKS
from tests.application import KLEIN, LIMITS, STREAMING, Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event

UNKNOWN = "unknown"
PRICE = 14_000
DAY = LIMITS.per_day or 0


@dataclass(frozen=True)
class Row:
    """One situation.

    Args:
        status: of the answer.
        attempts: paid requests that arrived.
        billed: whether the invoice has something on it.
        options: of the scenario.
    """

    scenario: str
    code: str
    status: int
    attempts: int = 1
    charged: bool | str = False
    billed: bool = False
    model: str = KLEIN
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        options = "".join(f"-{value}" for value in self.options.values())
        return f"{self.scenario}{options}{'-streamed' if self.model == STREAMING else ''}"


def _streamed(scenario: str, code: str, status: int, *, billed: bool = False, attempts: int = 1,
              charged: bool | str = UNKNOWN, **options: Any) -> Row:  # fmt: skip
    return Row(scenario, code, status, attempts, charged, billed, STREAMING, options)


REFUSED = [
    Row("bad_request", "INVALID_PARAMETER", 400),
    Row("invalid_prompt", "INVALID_PROMPT", 400),
    Row("unknown_model", "UNSUPPORTED_MODEL", 400),
    Row("model_not_found", "UNSUPPORTED_MODEL", 400),
    Row("no_messages", "INVALID_PROMPT", 400),
    Row("malformed_json", "INVALID_PROMPT", 400),
    Row("incapable", "INVALID_DIMENSIONS", 400),
    Row("too_many_images", "INVALID_PARAMETER", 400),
    Row("option_refused", "INVALID_PARAMETER", 400),
    Row("wrong_endpoint", "UNSUPPORTED_MODEL", 400),
    Row("zod", "INVALID_PROMPT", 400),
    Row("content_policy", "CONTENT_REFUSED", 422),
    Row("refusal", "CONTENT_REFUSED", 422),
    Row("context_length", "INVALID_PROMPT", 400),
    Row("invalid_image", "INVALID_PARAMETER", 400),
    Row("image_too_large", "INVALID_PARAMETER", 400),
    Row("image_download_failed", "INVALID_PARAMETER", 400),
    Row("no_key", "INVALID_API_KEY", 401),
    Row("unknown_key", "INVALID_API_KEY", 401),
    Row("out_of_credit", "INSUFFICIENT_CREDITS", 402),
    Row("key_limit", "INSUFFICIENT_CREDITS", 402),
    Row("reservation", "INSUFFICIENT_CREDITS", 402),
    Row("in_flight", "INSUFFICIENT_CREDITS", 402, 3),
    Row("image_floor", "INSUFFICIENT_CREDITS", 402),
    Row("forbidden", "FORBIDDEN", 403),
    Row("moderation", "CONTENT_REFUSED", 422),
    Row("guardrail", "FORBIDDEN", 403),
    Row("workspace_budget", "FORBIDDEN", 403),
    Row("region_restricted", "FORBIDDEN", 403),
    Row("data_policy", "UNSUPPORTED_MODEL", 400),
    Row("no_endpoints", "UNSUPPORTED_MODEL", 400),
    Row("model_deprecated", "UNSUPPORTED_MODEL", 400),
    Row("model_unavailable", "UNSUPPORTED_MODEL", 400),
    Row("privacy_restricted", "UNSUPPORTED_MODEL", 400),
    Row("constraint_filtered", "UNSUPPORTED_MODEL", 400),
    Row("free_variant_ended", "UNSUPPORTED_MODEL", 400),
    Row("not_found", "SERVICE_UNAVAILABLE", 503),
    Row("method_not_allowed", "SERVICE_UNAVAILABLE", 503),
    Row("conflict", "CONFLICT", 409),
    Row("gone", "UNSUPPORTED_MODEL", 400),
    Row("precondition_failed", "INVALID_PARAMETER", 400),
    Row("too_large", "PAYLOAD_TOO_LARGE", 413),
    Row("unprocessable", "INVALID_PARAMETER", 400),
    Row("rate_limited", "RATE_LIMIT", 429, 3),
    Row("free_per_day", "RATE_LIMIT", 429),
    Row("upstream_limited", "RATE_LIMIT", 429, 3),
    Row("capacity_exhausted", "RATE_LIMIT", 429, 3),
    Row("provider_failed", "SERVICE_UNAVAILABLE", 503, 3),
    Row("overloaded", "SERVICE_UNAVAILABLE", 503, 3),
    Row("temporarily_unavailable", "SERVICE_UNAVAILABLE", 503, 3),
    Row("provider_overloaded", "SERVICE_UNAVAILABLE", 503, 3),
    # What may have been begun before it was given up.
    Row("request_timeout", "TIMEOUT", 504, charged=UNKNOWN),
    Row("client_closed", "NETWORK_ERROR", 502, charged=UNKNOWN),
    Row("internal", "SERVICE_UNAVAILABLE", 503, charged=UNKNOWN),
    Row("gateway_timeout", "TIMEOUT", 504, charged=UNKNOWN),
    Row("edge_timeout", "TIMEOUT", 504, charged=UNKNOWN),
    Row("edge_timeout_page", "TIMEOUT", 504, charged=UNKNOWN),
    Row("bad_gateway_page", "SERVICE_UNAVAILABLE", 503, charged=UNKNOWN),
    Row("error", "SERVICE_UNAVAILABLE", 503, charged=UNKNOWN),
]
WITHIN_A_200 = [
    Row("error_body", "SERVICE_UNAVAILABLE", 503, 3),
    _streamed("stream_error", "SERVICE_UNAVAILABLE", 503, attempts=3, charged=False),
    Row("no_image", "NO_IMAGE", 422),
    Row("no_image", "NO_IMAGE", 422, charged=True, billed=True, options={"billed": True}),
    _streamed("no_image", "NO_IMAGE", 422),
    Row("invalid_base64", "UNUSABLE_ANSWER", 502, charged=True, billed=True),
    Row("not_an_image", "UNUSABLE_ANSWER", 502, charged=True, billed=True),
    _streamed("invalid_base64", "UNUSABLE_ANSWER", 502, charged=True, billed=True),
    # Bodies that are not whole: perhaps billed, and never sent again.
    Row("truncated_json", "UNUSABLE_ANSWER", 502, charged=UNKNOWN, billed=True),
    Row("cut_body", "NETWORK_ERROR", 502, charged=UNKNOWN, billed=True),
    _streamed("cut_stream", "NETWORK_ERROR", 502),
    _streamed("cut_stream", "NETWORK_ERROR", 502, after=0),
    Row("cut_stream", "NETWORK_ERROR", 502, 1, UNKNOWN, billed=True, model=STREAMING, options={"billed": True}),
]  # fmt: skip
# In spite of which the picture comes, and its price is known.
SUCCEEDING: list[tuple[str, str, dict[str, Any]]] = [
    ("cut_stream", STREAMING, {"after": "billed"}),
    ("stream_without_done", STREAMING, {}),
    ("slow_headers", KLEIN, {"seconds": 0.1}),
    ("slow_body", KLEIN, {"seconds": 0.1}),
    ("slow_stream", STREAMING, {"seconds": 0.1}),
    ("bill_cancelled", STREAMING, {}),
    ("fractional_tokens", KLEIN, {}),
    ("exponent_cost", KLEIN, {}),
    ("nan_cost", KLEIN, {"form": "string"}),
    ("overcharge", KLEIN, {}),
    ("overcharge", STREAMING, {}),
    ("byok", KLEIN, {}),
    ("wrong_media_type", KLEIN, {}),
    ("missing_media_type", KLEIN, {}),
    ("fewer_images", KLEIN, {}),
]
# The picture comes, but not what it cost: that is found out.
WITHOUT_A_COST: list[tuple[str, str, dict[str, Any]]] = [
    ("missing_cost", KLEIN, {}),
    ("missing_usage", KLEIN, {}),
    ("missing_usage", STREAMING, {}),
    ("nan_cost", KLEIN, {}),
    ("nan_cost", KLEIN, {"form": "negative"}),
]
# Of the books and the sign-in, which have tests of their own, and of chats, through which no job goes.
ELSEWHERE = {
    *("generation_missing", "key_lag", "invalid_code", "invalid_method", "wrong_verifier", "expired_code"),
    "state_dropped",
    *("choice_error", "empty_answer", "text_answer", "held", "held_stream"),
    # Makes a test quicker, and nothing go wrong.
    "small_picture",
    # Answers word for word: test_upstream_answers.
    "answer",
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def studio(simulator: Simulator, clock: SteppingClock) -> Studio:
    simulator.reset()
    studio = Studio(simulator, clock)
    studio.connect("alice")
    studio.job_queue.works = studio.app.worker
    return studio


def _order(studio: Studio, model: str) -> tuple[int, dict[str, Any], Job]:
    """The answer to an order that waits for it, and the job as it is stored then."""
    body = {"prompt": "A red fox", "model": model}
    event = http_event("POST", "/v1/images/generations", token=studio.token("alice"), body=body)
    answer = routes(studio.app).handle(event, Context())  # type: ignore[arg-type]
    (job,) = studio.of("alice").values()
    return answer["statusCode"], json.loads(answer["body"]), job


def _books_balance(studio: Studio) -> None:
    """Receipts, budgets and the invoice tell of the same micro-dollars, and nothing is set aside any more."""
    receipts = studio.ledger.receipts("alice", limit=10).receipts
    for name in ("day", "month"):
        budget = studio.budget("alice", name)
        assert budget.spent == sum(studio.charged("alice")) == sum(receipt.actual or 0 for receipt in receipts)
        assert budget.reserved == 0
        assert budget.remaining == budget.limit - budget.spent


@pytest.mark.parametrize("row", [*REFUSED, *WITHIN_A_200], ids=lambda row: row.name)
def test_what_goes_wrong(row: Row, studio: Studio) -> None:
    studio.simulator.scenario(row.scenario, parameters=row.options)
    status, problem, job = _order(studio, row.model)
    assert (status, problem["status"], problem["code"]) == (row.status, row.status, row.code)
    assert (problem["charged"], problem["retryable"] and row.charged is not False) == (row.charged, False)
    assert len(studio.paid_requests()) == row.attempts
    assert bool(studio.charged("alice")) == row.billed
    assert job.error is not None
    assert (job.error["code"], job.error["charged"], job.cost.charged) == (row.code, row.charged, row.charged)
    if row.charged == UNKNOWN:
        _is_held(studio, job)
    else:
        assert (job.status, job.cost.settled) == (JobStatus.FAILED, True)
        assert job.cost.actual == sum(studio.charged("alice"))
        _books_balance(studio)
        # A second delivery of the message finds nothing to do.
        studio.job_queue.send("alice", job.id)
        assert len(studio.paid_requests()) == row.attempts
        assert list(studio.jobs.list_open()) == []


def _is_held(studio: Studio, job: Job) -> None:
    """Not decided: nothing is sent again, and the money stays aside until the truth is known."""
    assert (job.status, job.cost.settled, job.cost.actual) == (JobStatus.UNCERTAIN, False, None)
    budget = studio.budget("alice", "day")
    assert (budget.reserved, budget.spent) == (job.cost.reserved, 0)
    assert budget.remaining == DAY - job.cost.reserved
    assert studio.ledger.receipts("alice", limit=1).receipts == ()
    sent = len(studio.paid_requests())
    studio.job_queue.send("alice", job.id)
    assert len(studio.paid_requests()) == sent
    _sweeps_decide(studio, job.id)
    assert len(studio.paid_requests()) == sent


def _sweeps_decide(studio: Studio, job_id: str) -> None:
    """An hour later at the most, the sweep has found out what it cost."""
    for minutes in (0, 11, 60):
        studio.clock.step(timedelta(minutes=minutes))
        studio.app.sweep.run(Deadline(60))
    job = studio.job("alice", job_id)
    billed = sum(studio.charged("alice"))
    assert (job.status, job.cost.settled, job.cost.actual) == (JobStatus.FAILED, True, billed)
    assert job.cost.charged is (billed > 0)
    assert job.error is not None
    assert (job.error["charged"], job.error["retryable"]) == (billed > 0, False)
    _books_balance(studio)


@pytest.mark.parametrize(("scenario", "model", "options"), SUCCEEDING)
def test_what_is_odd_and_right_all_the_same(scenario: str, model: str, options: dict[str, Any], studio: Studio) -> None:
    studio.simulator.scenario(scenario, parameters=options)
    status, body, job = _order(studio, model)
    assert (status, job.status, job.cost.settled) == (200, JobStatus.SUCCEEDED, True)
    assert body["cost"]["actual_usd"] == (job.cost.actual or 0) / 1_000_000
    assert job.cost.actual == sum(studio.charged("alice"))
    assert len(studio.paid_requests()) == 1
    assert len(body["data"]) == 1
    _books_balance(studio)
    above = [name for name, _ in studio.alarms]
    assert above == (["SETTLED_ABOVE_RESERVATION"] if (job.cost.actual or 0) > job.cost.reserved else [])


@pytest.mark.parametrize(("scenario", "model", "options"), WITHOUT_A_COST)
def test_a_cost_that_is_not_said_is_found_out(
    scenario: str, model: str, options: dict[str, Any], studio: Studio
) -> None:
    studio.simulator.scenario(scenario, parameters=options)
    status, body, job = _order(studio, model)
    assert (status, job.status, job.cost.settled) == (200, JobStatus.SUCCEEDED, False)
    assert (body["cost"]["actual_usd"], body["cost"]["charged"]) == (None, UNKNOWN)
    assert studio.budget("alice", "day").reserved == job.cost.reserved
    studio.app.sweep.run(Deadline(60))
    (job,) = studio.of("alice").values()
    assert (job.status, job.cost.actual, job.cost.charged) == (JobStatus.SUCCEEDED, sum(studio.charged("alice")), True)
    assert job.images
    _books_balance(studio)


def test_the_table_has_every_scenario_of_the_simulator() -> None:
    rows = {row.scenario for row in [*REFUSED, *WITHIN_A_200]}
    rows |= {scenario for scenario, _, _ in [*SUCCEEDING, *WITHOUT_A_COST]}
    assert rows | ELSEWHERE == {*REFUSALS, *QUIRKS}
    assert not rows & ELSEWHERE
    assert len(REFUSED) + len(WITHIN_A_200) + len(SUCCEEDING) + len(WITHOUT_A_COST) >= 24
