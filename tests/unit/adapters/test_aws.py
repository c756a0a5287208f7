import socket

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from darkroom.adapters.aws import translated
from darkroom.errors import ServiceUnavailable


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetItem")


@pytest.mark.parametrize("code", ["ThrottlingException", "SlowDown", "ProvisionedThroughputExceededException"])
def test_what_passes_by_itself_is_worth_another_try(code: str) -> None:
    with pytest.raises(ServiceUnavailable) as raised, translated():
        raise _refusal(code)
    assert raised.value.retryable
    assert raised.value.retry_after


def test_our_own_mistake_stays_what_it_is() -> None:
    with pytest.raises(ClientError, match="AccessDenied"), translated():
        raise _refusal("AccessDenied")


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
