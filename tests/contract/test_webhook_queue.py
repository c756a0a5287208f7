"""What the queue of webhook deliveries does: messages that name a delivery, and come again when they are told to."""

import json
from datetime import timedelta
from typing import Any

import pytest

from darkroom.adapters.sqs_queue import MOST_SECONDS, SqsWebhookQueue
from darkroom.ports import WebhookQueue
from tests.contract.conftest import Cloud
from tests.fakes.webhooks import MemoryWebhookQueue

real = pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)


@pytest.fixture
def url(cloud: Cloud | None, user: str) -> str:
    return (
        ""
        if cloud is None
        else cloud.aws.sqs.create_queue(QueueName=user, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    )


def _received(cloud: Cloud, url: str, *, seconds: int = 0) -> list[Any]:
    return list(cloud.aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=seconds).get("Messages", []))


def test_a_message_names_the_delivery(cloud: Cloud | None, url: str) -> None:
    memory = MemoryWebhookQueue()
    queue: WebhookQueue = SqsWebhookQueue(url, cloud.aws.sqs) if cloud else memory
    queue.send("alice", "msg_1")
    bodies = [json.loads(message["Body"]) for message in _received(cloud, url)] if cloud else []
    sent = [(body["user"], body["delivery_id"]) for body in bodies] if cloud else memory.sent
    assert sent == [("alice", "msg_1")]


@real
def test_a_postponed_message_comes_again_when_its_time_has_come(cloud: Cloud, url: str) -> None:
    queue = SqsWebhookQueue(url, cloud.aws.sqs)
    queue.send("alice", "msg_1")
    [message] = _received(cloud, url)
    asked: list[Any] = []
    cloud.aws.sqs.meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibility", lambda params, **_: asked.append(params)
    )
    queue.postpone(message["ReceiptHandle"], timedelta(seconds=0.2))
    # Whole seconds, rounded up.
    assert [params["VisibilityTimeout"] for params in asked] == [1]
    [again] = _received(cloud, url, seconds=20)
    assert again["Body"] == message["Body"]


@real
def test_no_message_is_hidden_longer_than_the_queue_can(cloud: Cloud, url: str) -> None:
    queue = SqsWebhookQueue(url, cloud.aws.sqs)
    queue.send("alice", "msg_1")
    [message] = _received(cloud, url)
    asked: list[Any] = []
    cloud.aws.sqs.meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibility", lambda params, **_: asked.append(params)
    )
    queue.postpone(message["ReceiptHandle"], timedelta(days=2))
    assert [params["VisibilityTimeout"] for params in asked] == [MOST_SECONDS]
    assert _received(cloud, url) == []
