"""The table: every situation at OpenRouter that the simulator knows, and what the client makes of it.

Requests are counted, and money is summed up, at the simulator.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from local.simulator.refusals import REFUSALS
from local.simulator.scenarios import QUIRKS
from tests.unit.providers.asking import Asking

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """One situation.

    Args:
        attempts: requests that arrived.
        billed: whether the invoice has the call's price on it.
        context: what the error says beside.
        options: of the scenario.
    """

    scenario: str
    door: str
    code: str
    status: int
    attempts: int
    charged: bool | str
    billed: bool = False
    context: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        options = "".join(f"-{value}" for value in self.options.values() if not isinstance(value, dict | list))
        return f"{self.scenario}{options}-{self.door.replace(' ', '-')}"


def _credit(reason: str) -> dict[str, Any]:
    return {"reason": reason}


_REFUSED: list[tuple[str, str, int, int, bool | str, dict[str, Any]]] = [
    # scenario, code, status, attempts, charged, context
    ("bad_request", "INVALID_PARAMETER", 400, 1, False, {}),
    ("invalid_prompt", "INVALID_PROMPT", 400, 1, False, {}),
    ("unknown_model", "UNSUPPORTED_MODEL", 400, 1, False, {"suggestions": []}),
    ("model_not_found", "UNSUPPORTED_MODEL", 400, 1, False, {"suggestions": []}),
    ("no_messages", "INVALID_PROMPT", 400, 1, False, {}),
    ("malformed_json", "INVALID_PROMPT", 400, 1, False, {}),
    ("incapable", "INVALID_DIMENSIONS", 400, 1, False, {"accepted": ["1:1", "3:2", "2:3", "auto"]}),
    ("too_many_images", "INVALID_PARAMETER", 400, 1, False, {}),
    ("option_refused", "INVALID_PARAMETER", 400, 1, False, {}),
    ("wrong_endpoint", "UNSUPPORTED_MODEL", 400, 1, False, {"suggestions": []}),
    ("zod", "INVALID_PROMPT", 400, 1, False, {}),
    ("content_policy", "CONTENT_REFUSED", 422, 1, False, {}),
    ("refusal", "CONTENT_REFUSED", 422, 1, False, {}),
    ("context_length", "INVALID_PROMPT", 400, 1, False, {}),
    ("invalid_image", "INVALID_PARAMETER", 400, 1, False, {}),
    ("image_too_large", "INVALID_PARAMETER", 400, 1, False, {}),
    ("image_download_failed", "INVALID_PARAMETER", 400, 1, False, {}),
    ("no_key", "INVALID_API_KEY", 401, 1, False, {}),
    ("unknown_key", "INVALID_API_KEY", 401, 1, False, {}),
    ("out_of_credit", "INSUFFICIENT_CREDITS", 402, 1, False, _credit("credits")),
    ("key_limit", "INSUFFICIENT_CREDITS", 402, 1, False, _credit("key_limit")),
    ("reservation", "INSUFFICIENT_CREDITS", 402, 1, False, _credit("reservation")),
    ("in_flight", "INSUFFICIENT_CREDITS", 402, 3, False, _credit("in_flight")),
    ("image_floor", "INSUFFICIENT_CREDITS", 402, 1, False, _credit("image_balance_floor")),
    ("forbidden", "FORBIDDEN", 403, 1, False, {"reason": "permission"}),
    ("moderation", "CONTENT_REFUSED", 422, 1, False, {"reasons": ["violence"]}),
    ("guardrail", "FORBIDDEN", 403, 1, False, {"reason": "guardrail"}),
    ("workspace_budget", "FORBIDDEN", 403, 1, False, {"reason": "budget"}),
    ("region_restricted", "FORBIDDEN", 403, 1, False, {"reason": "region"}),
    ("data_policy", "UNSUPPORTED_MODEL", 400, 1, False, {}),
    ("no_endpoints", "UNSUPPORTED_MODEL", 400, 1, False, {}),
    ("model_deprecated", "UNSUPPORTED_MODEL", 400, 1, False, {"suggestions": ["google/gemini-3.1-flash-image"]}),
    ("model_unavailable", "UNSUPPORTED_MODEL", 400, 1, False, {}),
    ("privacy_restricted", "UNSUPPORTED_MODEL", 400, 1, False, {}),
    ("constraint_filtered", "UNSUPPORTED_MODEL", 400, 1, False, {}),
    ("free_variant_ended", "UNSUPPORTED_MODEL", 400, 1, False, {}),
    ("not_found", "SERVICE_UNAVAILABLE", 503, 1, False, {}),
    ("method_not_allowed", "SERVICE_UNAVAILABLE", 503, 1, False, {}),
    ("request_timeout", "TIMEOUT", 504, 1, UNKNOWN, {}),
    ("conflict", "CONFLICT", 409, 1, False, {}),
    ("gone", "UNSUPPORTED_MODEL", 400, 1, False, {}),
    ("precondition_failed", "INVALID_PARAMETER", 400, 1, False, {}),
    ("too_large", "PAYLOAD_TOO_LARGE", 413, 1, False, {}),
    ("unprocessable", "INVALID_PARAMETER", 400, 1, False, {}),
    ("rate_limited", "RATE_LIMIT", 429, 3, False, {}),
    ("free_per_day", "RATE_LIMIT", 429, 1, False, {}),
    ("upstream_limited", "RATE_LIMIT", 429, 3, False, {}),
    ("capacity_exhausted", "RATE_LIMIT", 429, 3, False, {}),
    ("client_closed", "NETWORK_ERROR", 502, 1, UNKNOWN, {}),
    ("internal", "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN, {}),
    ("provider_failed", "SERVICE_UNAVAILABLE", 503, 3, False, {}),
    ("overloaded", "SERVICE_UNAVAILABLE", 503, 3, False, {}),
    ("temporarily_unavailable", "SERVICE_UNAVAILABLE", 503, 3, False, {}),
    ("gateway_timeout", "TIMEOUT", 504, 1, UNKNOWN, {}),
    ("edge_timeout", "TIMEOUT", 504, 1, UNKNOWN, {}),
    ("edge_timeout_page", "TIMEOUT", 504, 1, UNKNOWN, {}),
    ("bad_gateway_page", "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN, {}),
    ("provider_overloaded", "SERVICE_UNAVAILABLE", 503, 3, False, {}),
    ("error", "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN, {}),
]
REFUSED = [
    Row(scenario, door, code, status, attempts, charged, context=context)
    for scenario, code, status, attempts, charged, context in _REFUSED
    for door in ("images", "chat stream")
]
WITHIN_A_200 = [
    # In place of an answer: without output nothing is billed, so it may be tried again.
    Row("error_body", "images", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("error_body", "chat", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("error_body", "chat", "INVALID_API_KEY", 401, 1, False, options={"code": 401, "error_type": "authentication"}),
    Row("choice_error", "chat", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("choice_error", "painting", "SERVICE_UNAVAILABLE", 503, 3, False),
    # In a stream: of pictures all or nothing is billed; of a chat, what has come may be.
    Row("stream_error", "images stream", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("stream_error", "images stream", "SERVICE_UNAVAILABLE", 503, 3, False, options={"done": False}),
    Row("stream_error", "chat stream", "RATE_LIMIT", 429, 1, UNKNOWN),
    Row("stream_error", "chat stream", "RATE_LIMIT", 429, 1, UNKNOWN, options={"done": False}),
    Row("stream_error", "chat stream", "RATE_LIMIT", 429, 3, False, options={"after": 0}),
    Row("stream_error", "chat stream", "SERVICE_UNAVAILABLE", 503, 3, False,
        options={"after": 0, "code": "server_error", "error_type": "unmapped"}),
    Row("stream_error", "painting stream", "RATE_LIMIT", 429, 3, False, options={"after": 1}),
    # An answer, and no picture.
    Row("no_image", "images", "NO_IMAGE", 422, 1, False),
    Row("no_image", "images", "NO_IMAGE", 422, 1, True, billed=True, options={"billed": True}),
    Row("no_image", "images stream", "NO_IMAGE", 422, 1, UNKNOWN),
    Row("no_image", "painting", "NO_IMAGE", 422, 1, False, context={"finish_reason": "NO_IMAGE"}),
    Row("no_image", "painting stream", "NO_IMAGE", 422, 1, False, context={"finish_reason": "NO_IMAGE"}),
    Row("text_answer", "painting", "NO_IMAGE", 422, 1, True, billed=True, context={"text": "I would rather not say."}),
    Row("text_answer", "painting stream", "NO_IMAGE", 422, 1, True, billed=True),
    Row("empty_answer", "painting", "NO_IMAGE", 422, 1, False),
    Row("invalid_base64", "images", "UNUSABLE_ANSWER", 502, 1, True, billed=True),
    Row("invalid_base64", "images stream", "UNUSABLE_ANSWER", 502, 1, True, billed=True),
    Row("invalid_base64", "painting", "UNUSABLE_ANSWER", 502, 1, True, billed=True),
    Row("not_an_image", "images", "UNUSABLE_ANSWER", 502, 1, True, billed=True),
    Row("not_an_image", "painting stream", "UNUSABLE_ANSWER", 502, 1, True, billed=True),
    # Bodies that are not whole: perhaps billed, and never sent again.
    Row("truncated_json", "images", "UNUSABLE_ANSWER", 502, 1, UNKNOWN, billed=True),
    Row("truncated_json", "chat", "UNUSABLE_ANSWER", 502, 1, UNKNOWN, billed=True),
    Row("cut_body", "images", "NETWORK_ERROR", 502, 1, UNKNOWN, billed=True),
    Row("cut_body", "painting", "NETWORK_ERROR", 502, 1, UNKNOWN, billed=True),
    Row("cut_stream", "images stream", "NETWORK_ERROR", 502, 1, UNKNOWN),
    Row("cut_stream", "images stream", "NETWORK_ERROR", 502, 1, UNKNOWN, billed=True, options={"billed": True}),
    Row("cut_stream", "images stream", "NETWORK_ERROR", 502, 1, UNKNOWN, options={"after": 0}),
    Row("cut_stream", "chat stream", "NETWORK_ERROR", 502, 1, UNKNOWN),
    Row("cut_stream", "painting stream", "NETWORK_ERROR", 502, 1, UNKNOWN),
]  # fmt: skip
SUCCEEDING = [
    ("cut_stream", "images stream", {"after": "billed"}),
    ("cut_stream", "chat stream", {"after": "billed"}),
    ("stream_without_done", "images stream", {}),
    ("stream_without_done", "chat stream", {}),
    ("slow_headers", "images", {"seconds": 0.2}),
    ("slow_body", "images", {"seconds": 0.2}),
    ("slow_stream", "images stream", {"seconds": 0.2}),
    ("bill_cancelled", "images stream", {}),
    ("fractional_tokens", "images", {}),
    ("fractional_tokens", "painting stream", {}),
    ("exponent_cost", "images", {}),
    ("exponent_cost", "chat", {}),
    ("nan_cost", "images", {"form": "string"}),
    ("overcharge", "images stream", {}),
    ("byok", "images", {}),
    ("wrong_media_type", "images", {}),
    ("wrong_media_type", "painting", {}),
    ("missing_media_type", "images", {}),
    ("fewer_images", "images", {}),
    ("empty_answer", "chat", {}),
    ("text_answer", "chat", {}),
]
WITHOUT_A_COST = [
    ("missing_cost", "images", {}),
    ("missing_cost", "chat stream", {"form": "null"}),
    ("missing_usage", "images", {}),
    ("missing_usage", "images stream", {}),
    ("missing_usage", "chat stream", {}),
    ("nan_cost", "images", {}),
    ("nan_cost", "images", {"form": "negative"}),
]
ELSEWHERE = {
    *("generation_missing", "key_lag", "invalid_code", "invalid_method", "wrong_verifier", "expired_code"),
    "state_dropped",
    *("held", "held_stream"),
    "answer",
    "small_picture",
}


@pytest.mark.parametrize("row", [*REFUSED, *WITHIN_A_200], ids=lambda row: row.name)
def test_what_goes_wrong_and_what_it_costs(row: Row, asking: Asking) -> None:
    asking.simulator.scenario(row.scenario, parameters=row.options)
    error = asking.failure(row.door)
    found = (error.code, error.status, len(asking.requests), error.charged, bool(asking.invoice))
    assert found == (row.code, row.status, row.attempts, row.charged, row.billed)
    assert row.context.items() <= error.context.items()
    # What was charged is said to the micro-dollar, or it is not said.
    assert error.upstream is not None
    if error.charged is True:
        assert asking.invoice == {error.upstream.generation_id: error.upstream.cost_micro_usd}
    if error.charged is not False:
        assert not error.retryable
        # With this the caller finds out.
        assert asking.ids[-1] == error.upstream.generation_id
    assert error.upstream.attempts == len(asking.dispatches) == row.attempts
    assert error.upstream.generation_id == asking.requests[-1]["generation_id"]
    assert (error.upstream.request_id or "").startswith("req-")
    assert error.detail
    assert error.fix


@pytest.mark.parametrize(("scenario", "door", "options"), SUCCEEDING)
def test_what_is_odd_and_right_all_the_same(scenario: str, door: str, options: dict[str, Any], asking: Asking) -> None:
    asking.simulator.scenario(scenario, parameters=options)
    result = asking.through(door)
    assert asking.invoice == ({result.call.generation_id: result.usage.cost} if result.usage.cost else {})
    assert len(asking.requests) == result.call.attempts == 1


@pytest.mark.parametrize(("scenario", "door", "options"), WITHOUT_A_COST)
def test_a_cost_that_is_not_said_is_unknown_and_never_nothing(
    scenario: str, door: str, options: dict[str, Any], asking: Asking
) -> None:
    asking.simulator.scenario(scenario, parameters=options)
    result = asking.through(door)
    assert result.usage.cost is None
    record = asking.provider.generation(result.call.generation_id or "", key=asking.key)
    assert record is not None
    assert asking.invoice == {record.id: record.cost}


def test_the_table_has_every_scenario_of_the_simulator() -> None:
    rows = {row.scenario for row in [*REFUSED, *WITHIN_A_200]}
    rows |= {scenario for scenario, _, _ in [*SUCCEEDING, *WITHOUT_A_COST]}
    assert rows | ELSEWHERE == {*REFUSALS, *QUIRKS}
