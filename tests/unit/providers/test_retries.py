"""When a call is tried again, and when not: the waits are counted, and nobody waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import DarkroomError, RateLimited, ServiceUnavailable
from darkroom.models.deadline import Deadline
from darkroom.providers._retry import Retries
from tests.unit.providers.asking import PAINTER, STREAMING_PAINTER, Asking


def test_waits_double_from_one_second(asking: Asking) -> None:
    asking.retries = {"attempts": 4}
    asking.simulator.scenario("overloaded")
    assert asking.failure().retryable
    assert asking.waits == [1, 2, 4]
    assert [dispatch.attempt for dispatch in asking.dispatches] == [1, 2, 3, 4]


@given(st.integers(1, 8), st.floats(0, 1))
def test_waits_differ_by_a_quarter_at_most(attempts: int, where: float) -> None:
    waits: list[float] = []
    retries = Retries(attempts=attempts, sleep=waits.append, uniform=lambda low, high: low + where * (high - low))

    def busy() -> None:
        raise ServiceUnavailable("busy")

    with pytest.raises(ServiceUnavailable):
        retries.run(busy, deadline=Deadline(10_000), may_repeat=lambda error: error.retryable)
    wanted = [2.0**number for number in range(attempts - 1) if 2.0**number * (0.75 + where / 2) <= 60]
    assert waits == pytest.approx([wait * (0.75 + where / 2) for wait in wanted])


def test_an_attempt_that_succeeds_is_the_last(asking: Asking) -> None:
    asking.simulator.scenario("overloaded", times=2)
    result = asking.generate()
    assert (result.call.attempts, len(asking.requests), len(asking.invoice)) == (3, 3, 1)
    assert asking.invoice == {result.call.generation_id: result.usage.cost}


@pytest.mark.parametrize(
    ("scenario", "options", "waits"),
    [
        ("rate_limited", {"retry_after": 7}, [7, 7]),
        ("rate_limited", {"retry_after": 1.5}, [2, 2]),
        ("upstream_limited", {"retry_after": 3}, [3, 3]),
        ("overloaded", {"retry_after": 5}, [5, 5]),
        ("in_flight", {"retry_after": 4}, [4, 4]),
        ("temporarily_unavailable", {"retry_after": 9, "retry_after_form": "body"}, [9, 9]),
        ("rate_limited", {"retry_after": 0}, [1, 2]),
        ("overloaded", {"retry_after": "soon"}, [1, 2]),
        ("overloaded", {"retry_after": -3}, [1, 2]),
        ("overloaded", {"retry_after": "nan"}, [1, 2]),
        # Longer than anybody waits: no further attempt, rather than one too early.
        ("rate_limited", {"retry_after": 61}, []),
        ("overloaded", {"retry_after": "1e400"}, []),
    ],
)
def test_the_providers_own_wait_is_obeyed(
    scenario: str, options: dict[str, object], waits: list[float], asking: Asking
) -> None:
    asking.seconds = 1000
    asking.simulator.scenario(scenario, parameters=options)
    asking.failure()
    assert asking.waits == waits


def test_a_wait_may_be_a_date(asking: Asking) -> None:
    asking.simulator.scenario("rate_limited", retry_after=8, retry_after_form="date")
    error = asking.failure()
    assert all(6 <= wait <= 8 for wait in asking.waits)
    assert len(asking.waits) == 2
    assert error.retry_after in (7, 8)


def test_the_wait_that_nobody_waited_is_told(asking: Asking) -> None:
    asking.simulator.scenario("rate_limited", retry_after=3600)
    error = asking.failure()
    assert (error.retry_after, error.retryable, len(asking.requests)) == (3600, True, 1)
    assert error.context["rate_limit"]["limit"] == "20"


def test_free_models_are_back_at_midnight(asking: Asking) -> None:
    asking.simulator.scenario("free_per_day")
    error = asking.failure()
    assert 0 < (error.retry_after or 0) <= 24 * 3600
    assert len(asking.requests) == (1 if (error.retry_after or 0) > 60 else 3)


def test_nobody_waits_past_the_deadline(asking: Asking) -> None:
    asking.seconds = 2.5
    asking.simulator.scenario("overloaded", retry_after=2)
    asking.failure()
    assert asking.waits == []
    assert len(asking.requests) == 1


def test_what_the_provider_says_of_retrying_goes_before_the_status(asking: Asking) -> None:
    availability = {"code": "capacity_exhausted", "retryable": False}
    asking.simulator.scenario("error", parameters={"status": 429, "availability": availability})
    assert not asking.failure().retryable
    assert len(asking.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 402, 403])
def test_but_a_bad_key_or_request_stays_bad(status: int, asking: Asking) -> None:
    asking.simulator.scenario("error", parameters={"status": status, "availability": {"retryable": True}})
    assert not asking.failure().retryable
    assert len(asking.requests) == 1


def test_without_time_nothing_is_sent(asking: Asking) -> None:
    asking.seconds = 0
    error = asking.failure()
    assert (error.code, error.charged, error.retryable) == ("TIMEOUT", False, True)
    assert not asking.dispatches
    assert not asking.requests


def test_another_model_is_tried_when_one_is_not_to_be_had(asking: Asking) -> None:
    asking.simulator.scenario("overloaded", model=PAINTER)
    result = asking.generate(fallback_models=(STREAMING_PAINTER,))
    assert (result.call.model_requested, result.call.model_used) == (PAINTER, STREAMING_PAINTER)
    assert [dispatch.model for dispatch in asking.dispatches] == [PAINTER] * 3 + [STREAMING_PAINTER]
    assert result.call.attempts == 4
    assert asking.invoice == {result.call.generation_id: result.usage.cost}


def test_a_model_that_is_gone_is_not_tried_again(asking: Asking) -> None:
    result = asking.generate("google/gemini-2.5-flash-image-preview", fallback_models=("nobody/nothing", PAINTER))
    assert result.call.model_used == PAINTER
    assert [entry["body"]["model"] for entry in asking.requests][1:] == ["nobody/nothing", PAINTER]


@pytest.mark.parametrize("scenario", ["internal", "edge_timeout", "out_of_credit", "unknown_key", "moderation", "zod"])
def test_no_other_model_is_tried_after_what_may_be_billed_or_is_nobodys_model(scenario: str, asking: Asking) -> None:
    asking.simulator.scenario(scenario, model=PAINTER)
    with pytest.raises(DarkroomError):
        asking.generate(fallback_models=(STREAMING_PAINTER,))
    assert [dispatch.model for dispatch in asking.dispatches] == [PAINTER]


def test_the_last_models_error_is_the_one_that_is_raised(asking: Asking) -> None:
    asking.simulator.scenario("overloaded", model=PAINTER)
    asking.simulator.scenario("rate_limited", model=STREAMING_PAINTER)
    with pytest.raises(RateLimited) as raised:
        asking.generate(fallback_models=(STREAMING_PAINTER,))
    assert raised.value.upstream is not None
    assert raised.value.upstream.model == STREAMING_PAINTER


def test_a_chat_names_its_fallbacks_in_one_request(asking: Asking) -> None:
    result = asking.chat(fallback_models=("anthropic/claude-opus-4.6",))
    assert asking.requests[0]["body"]["models"] == ["google/gemini-2.5-flash", "anthropic/claude-opus-4.6"]
    assert result.call.attempts == 1


@pytest.mark.parametrize("scenario", ["overloaded", "rate_limited", "internal", "bad_gateway_page", "edge_timeout"])
def test_what_costs_nothing_is_asked_again_whatever_went_wrong(scenario: str, asking: Asking) -> None:
    asking.simulator.scenario(scenario, path="/key", times=2)
    assert asking.provider.inspect(asking.key).label
    assert len(asking.waits) == 2
