"""What every JobQueue does: the messages are what a worker is called with."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from darkroom.adapters.sqs_queue import SqsDeadLetters, SqsJobQueue
from darkroom.errors import ServiceUnavailable
from darkroom.ports import JobQueue
from tests.contract.conftest import Cloud
from tests.fakes.paid import MemoryJobQueue

Sent = Callable[[], list[tuple[str, str]]]


@pytest.fixture
def job_queue_and_sent(cloud: Cloud | None, user: str) -> tuple[JobQueue, Sent]:
    if cloud is None:
        memory = MemoryJobQueue()
        return memory, lambda: memory.sent
    sqs = cloud.aws.sqs
    url = sqs.create_queue(QueueName=user)["QueueUrl"]

    def sent() -> list[tuple[str, str]]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
        bodies = [json.loads(message["Body"]) for message in found]
        assert all(set(body) == {"user", "job_id"} for body in bodies)
        return [(body["user"], body["job_id"]) for body in bodies]

    return SqsJobQueue(url, sqs), sent


@pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)
def test_dead_letters_are_handed_over_and_removed_once_that_went_well(cloud: Cloud, user: str) -> None:
    sqs = cloud.aws.sqs
    url = sqs.create_queue(QueueName=f"{user}-dead", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    queue, dead = SqsJobQueue(url, sqs), SqsDeadLetters(url, sqs)
    queue.send(user, "01A")
    sqs.send_message(QueueUrl=url, MessageBody="{")
    queue.send(user, "01B")
    looked: list[tuple[str, str]] = []
    assert dead.each(lambda *named: looked.append(named)) == 3
    assert sorted(looked) == [(user, "01A"), (user, "01B")]
    assert dead.each(lambda *named: looked.append(named)) == 0


@pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)
def test_a_dead_letter_that_could_not_be_looked_at_stays(cloud: Cloud, user: str) -> None:
    sqs = cloud.aws.sqs
    url = sqs.create_queue(QueueName=f"{user}-dead")["QueueUrl"]
    SqsJobQueue(url, sqs).send(user, "01A")

    def busy(_user: str, _job: str) -> None:
        raise ServiceUnavailable("AWS is busy.")

    with pytest.raises(ServiceUnavailable):
        SqsDeadLetters(url, sqs).each(busy)
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "1"


def test_each_job_is_a_message(job_queue_and_sent: tuple[JobQueue, Sent], user: str) -> None:
    queue, sent = job_queue_and_sent
    for job in ("01A", "01B", "01A"):
        queue.send(user, job)
    assert sorted(sent()) == [(user, "01A"), (user, "01A"), (user, "01B")]


@pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)
def test_a_message_can_be_held_back(job_queue_and_sent: tuple[JobQueue, Sent], user: str, cloud: Cloud | None) -> None:
    queue, sent = job_queue_and_sent
    assert cloud is not None
    asked: list[Any] = []
    cloud.aws.sqs.meta.events.register(
        "provide-client-params.sqs.SendMessage", lambda params, **_: asked.append(params.get("DelaySeconds"))
    )
    queue.send(user, "01A", delay_seconds=2)
    queue.send(user, "01B")
    assert asked == [2, 0]
    ends = time.monotonic() + 60
    while len(found := sent()) < 2 and time.monotonic() < ends:
        time.sleep(0.05)
    assert sorted(found) == [(user, "01A"), (user, "01B")]
