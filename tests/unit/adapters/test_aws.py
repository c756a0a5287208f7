import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.hooks import first_non_none_response
from botocore.parsers import ResponseParserError

from darkroom.adapters.aws import (
    CLIENT_CONFIG,
    MAX_BACKOFFS,
    OutOfTime,
    bounded,
    outlasting,
    translated,
    within,
)
from darkroom.errors import InternalError, ServiceUnavailable
from darkroom.models.deadline import Deadline
from tests.servers import Exchange, Server, serving


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetItem")


@pytest.mark.parametrize("code", ["ThrottlingException", "SlowDown", "ProvisionedThroughputExceededException"])
def test_what_passes_by_itself_is_worth_another_try(code: str) -> None:
    with pytest.raises(ServiceUnavailable) as raised, translated():
        raise _refusal(code)
    assert raised.value.retryable
    assert raised.value.retry_after


def test_what_is_refused_for_good_is_our_fault_and_an_alarm(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InternalError, match="AccessDenied") as raised, translated():
        raise _refusal("AccessDenied")
    assert (raised.value.retryable, raised.value.charged) == (False, False)
    assert [record.__dict__["alarm"] for record in caplog.records] == ["AWS_REFUSED"]


@pytest.mark.parametrize(
    "error",
    [
        ResponseParserError("<html>"),
        ReadTimeoutError(endpoint_url="https://kms"),
        ConnectionClosedError(endpoint_url="https://kms"),
        ResponseStreamingError(error="cut"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        ClientError({"Error": {"Code": "Odd"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "GetItem"),  # type: ignore[typeddict-item]
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_answer_that_did_not_come_is_worth_another_try(error: Exception) -> None:
    with pytest.raises(ServiceUnavailable), translated():
        raise error


def test_what_the_client_itself_refuses_is_our_fault() -> None:
    with pytest.raises(InternalError), translated():
        raise NoCredentialsError


@pytest.fixture
def hung(aws_credentials: dict[str, str]) -> Iterator[tuple[Any, Server]]:
    """A client of a service that takes connections, and never answers."""
    with serving(Exchange.hold) as server:
        client = boto3.client(
            "sqs",
            endpoint_url=f"http://127.0.0.1:{server.port}",
            config=CLIENT_CONFIG.merge(Config(proxies={})),
            **aws_credentials,  # type: ignore[call-overload]
        )
        yield bounded(client), server


def _leaving(*seconds: float) -> Deadline:
    """A deadline that leaves these seconds, one at each look; and then nothing."""
    left = iter(seconds)
    return Deadline(0.0, clock=lambda: -next(left, 0.0))


def test_calls_end_by_the_deadline_and_are_not_made_without_time(hung: tuple[Any, Server]) -> None:
    client, server = hung
    # As much as one attempt of the shortest takes; before the second there is none left.
    with (
        pytest.raises(ServiceUnavailable, match=r"in time .*ListQueues"),
        translated(),
        within(_leaving(0.0, 0.31, 0.31)),
    ):
        client.list_queues()
    assert server.accepted == 1
    with pytest.raises(ServiceUnavailable, match=r"in time .*ListQueues"), translated(), within(_leaving(0.0, 0.2)):
        client.list_queues()
    assert server.accepted == 1


def _waits(client: Any, attempts: int, *, code: str | None = None, caught: Exception | None = None) -> float | None:
    """Seconds before the next attempt; None if there is none."""
    response = (
        None if code is None else (AWSResponse("https://sqs", 400, HTTPHeaders(), None), {"Error": {"Code": code}})
    )
    answers = client.meta.events.emit(
        "needs-retry.sqs.ListQueues",
        endpoint=client._endpoint,
        operation=client.meta.service_model.operation_model("ListQueues"),
        response=response,
        attempts=attempts,
        caught_exception=caught,
        request_dict={"context": {"retries": {"attempt": attempts}}},
    )
    found: float | None = first_non_none_response(answers)
    return found


_NO_ANSWER = ReadTimeoutError(endpoint_url="https://sqs")


@pytest.mark.parametrize("left", [0.1, 1.0, 2.0])
@pytest.mark.parametrize(
    "fault", [{"caught": _NO_ANSWER}, {"code": "ThrottlingException"}], ids=["silent", "throttled"]
)
def test_nobody_waits_between_attempts_past_the_deadline(
    hung: tuple[Any, Server], left: float, fault: dict[str, Any]
) -> None:
    client, _ = hung
    with within(Deadline(left, clock=lambda: 0.0)):
        assert [_waits(client, attempts, **fault) for attempts in (1, 2)] == [0.0, 0.0]
        assert _waits(client, 3, **fault) is None


def test_a_thread_that_outlasts_the_request_does_not_heed_its_deadline(hung: tuple[Any, Server]) -> None:
    client, _ = hung
    with within(Deadline(0.0)):
        with outlasting():
            assert _waits(client, 1, caught=_NO_ANSWER) not in (None, 0.0)
        assert _waits(client, 1, caught=_NO_ANSWER) == 0.0


def test_a_request_at_its_end_does_not_limit_the_calls_of_others(hung: tuple[Any, Server]) -> None:
    client, _ = hung
    with within(Deadline(0.0)), ThreadPoolExecutor(1) as others:
        assert others.submit(_waits, client, 1, caught=_NO_ANSWER).result() not in (None, 0.0)
        # A thread of the request's own has its context.
        assert others.submit(copy_context().run, lambda: _waits(client, 1, caught=_NO_ANSWER)).result() == 0.0


def test_of_several_deadlines_the_nearest_counts(hung: tuple[Any, Server]) -> None:
    client, _ = hung
    with within(Deadline(0.0)), within(Deadline(25.0)):
        assert _waits(client, 1, caught=_NO_ANSWER) == 0.0
    with within(Deadline(25.0)):
        with within(Deadline(0.0)):
            assert _waits(client, 1, caught=_NO_ANSWER) == 0.0
        assert _waits(client, 1, caught=_NO_ANSWER) not in (None, 0.0)


def test_what_will_not_pass_is_not_tried_again_because_time_is_short(hung: tuple[Any, Server]) -> None:
    client, _ = hung
    with within(Deadline(1.0, clock=lambda: 0.0)):
        assert _waits(client, 1, code="AccessDenied") is None
        assert _waits(client, 1, caught=OutOfTime(call="sqs.ListQueues")) is None


@pytest.mark.parametrize("attempts", [1, 2])
def test_with_time_the_client_waits_between_attempts_at_most_as_long_as_is_counted_on(
    hung: tuple[Any, Server], attempts: int
) -> None:
    client, _ = hung
    with within(Deadline(25.0, clock=lambda: 0.0)):
        waits = [_waits(client, attempts, caught=_NO_ANSWER) for _ in range(20)]
    assert all(wait is not None and 0 < wait <= MAX_BACKOFFS[attempts - 1] for wait in waits)


def test_a_service_that_does_not_answer_is_unavailable(aws_credentials: dict[str, str]) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        client = boto3.client(
            "sqs",
            endpoint_url=f"http://127.0.0.1:{held.getsockname()[1]}",
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
            **aws_credentials,  # type: ignore[call-overload]
        )
        with pytest.raises(ServiceUnavailable), translated():
            client.list_queues()
