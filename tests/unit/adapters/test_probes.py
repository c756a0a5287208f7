"""Probes of what AWS keeps, where it is and where it is not."""

from collections.abc import Callable

import boto3
import pytest
from moto import mock_aws

from darkroom.adapters import probes
from darkroom.errors import DarkroomError

REGION = "us-east-1"


def _table() -> Callable[[], str]:
    client = boto3.client("dynamodb", region_name=REGION)
    keys = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    client.create_table(
        TableName="there",
        AttributeDefinitions=keys,  # type: ignore[arg-type]
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return probes.table("there", client)


def _bucket() -> Callable[[], str]:
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket="there")
    return probes.bucket("there", client)


def _queue() -> Callable[[], str]:
    client = boto3.client("sqs", region_name=REGION)
    url = client.create_queue(QueueName="there")["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="{}")
    return probes.queue(url, client)


@pytest.mark.parametrize(
    ("make", "said"),
    [(_table, "It can be read."), (_bucket, "It is there."), (_queue, "About 1 messages wait.")],
)
@mock_aws
def test_what_is_there_says_so(make: Callable[[], Callable[[], str]], said: str) -> None:
    assert make()() == said


@mock_aws
def test_what_is_not_there_raises() -> None:
    _queue()
    absent = (
        probes.table("absent", boto3.client("dynamodb", region_name=REGION)),
        probes.bucket("absent", boto3.client("s3", region_name=REGION)),
        probes.queue("https://sqs.us-east-1.amazonaws.com/1/absent", boto3.client("sqs", region_name=REGION)),
    )
    for probe in absent:
        with pytest.raises(DarkroomError):
            probe()
