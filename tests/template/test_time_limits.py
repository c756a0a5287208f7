"""What AWS does not answer is told before the function or API Gateway ends: by the sums of what each step may take."""

from darkroom.adapters.aws import ATTEMPTS, CLIENT_CONFIG, CONNECT, MAX_BACKOFFS, READ, SHORT, s3_config
from darkroom.http.app import FOR_AN_ERROR, FOR_SENDING
from darkroom.http.routes.health import TO_KNOW_WHO
from darkroom.models.door import HTTP_API
from darkroom.services.health import LONGEST
from tests.template.test_template import FUNCTIONS, TEMPLATE

_LONGEST_CALL = ATTEMPTS * (CONNECT + READ) + sum(MAX_BACKOFFS)


def test_the_clients_are_configured_with_what_is_counted_on() -> None:
    for config in (CLIENT_CONFIG, s3_config({})):
        assert (config.connect_timeout, config.read_timeout) == (CONNECT, READ)  # type: ignore[attr-defined]
        assert config.retries == {"mode": "standard", "total_max_attempts": ATTEMPTS}  # type: ignore[attr-defined]
    assert len(MAX_BACKOFFS) == ATTEMPTS - 1


def test_a_call_whose_every_attempt_hangs_ends_before_its_function_does() -> None:
    assert len(FUNCTIONS) >= 10
    for function in FUNCTIONS.values():
        assert function.timeout > _LONGEST_CALL, function.logical_id


def test_a_call_whose_every_attempt_hangs_leaves_a_route_time_to_say_so() -> None:
    answering = {route.function for route in TEMPLATE.routes}
    assert len(answering) >= 8
    for name in answering:
        assert min(FUNCTIONS[name].timeout, HTTP_API.max_seconds) > _LONGEST_CALL + FOR_AN_ERROR, name


def test_an_attempt_in_short_time_is_over_by_the_deadline() -> None:
    longest = [sum(each) for each in SHORT]
    assert longest == sorted(longest, reverse=True)
    assert longest[0] < CONNECT + READ
    # What is kept for an error, and is not for sending it, has room for a call.
    assert sum(SHORT[-2]) <= FOR_AN_ERROR - FOR_SENDING


def test_health_is_told_within_five_seconds() -> None:
    assert TO_KNOW_WHO + LONGEST < 5
