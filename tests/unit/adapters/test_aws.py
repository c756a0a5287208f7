import socket
from time import monotonic

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from darkroom.adapters.aws import CLIENT_CONFIG, bounded, translated, within
from darkroom.errors import InternalError, ServiceUnavailable
from darkroom.models.deadline import Deadline
from tests.servers import Exchange, serving


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


def test_calls_end_by_the_deadline_and_are_not_made_without_time(aws_credentials: dict[str, str]) -> None:
    def hangs(exchange: Exchange) -> None:
        exchange.stopping.wait(20)

    with serving(hangs) as server:
        client = bounded(
            boto3.client(
                "sqs",
                endpoint_url=f"http://127.0.0.1:{server.port}",
                config=CLIENT_CONFIG.merge(Config(proxies={})),
                **aws_credentials,  # type: ignore[call-overload]
            )
        )
        begun = monotonic()
        with pytest.raises(ServiceUnavailable), translated(), within(Deadline(2.5)):
            client.list_queues()
        # An attempt at the deadline's edge, and the wait before it.
        assert monotonic() - begun < 6
        asked = server.accepted
        assert asked > 0
        with pytest.raises(ServiceUnavailable, match="ListQueues"), translated(), within(Deadline(0.1)):
            client.list_queues()
        assert server.accepted == asked


def test_a_call_whose_every_attempt_hangs_leaves_time_for_an_answer() -> None:
    attempts = CLIENT_CONFIG.retries["total_max_attempts"]  # type: ignore[attr-defined]
    seconds = CLIENT_CONFIG.connect_timeout + CLIENT_CONFIG.read_timeout  # type: ignore[attr-defined]
    assert attempts * seconds + 3 < 29


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
