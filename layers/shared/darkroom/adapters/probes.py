"""Whether what AWS keeps for the stack is there and may be used. Each asks once, and reads nothing of anybody's."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


def table(name: str, client: "DynamoDBClient") -> Callable[[], str]:
    def probe() -> str:
        with translated():
            client.get_item(TableName=name, Key=to_item({"pk": "HEALTH", "sk": "HEALTH"}), ConsistentRead=True)
        return "It can be read."

    return probe


def bucket(name: str, client: "S3Client") -> Callable[[], str]:
    def probe() -> str:
        with translated():
            client.head_bucket(Bucket=name)
        return "It is there."

    return probe


def queue(url: str, client: "SQSClient") -> Callable[[], str]:
    def probe() -> str:
        with translated():
            found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return f"About {found['Attributes']['ApproximateNumberOfMessages']} messages wait."

    return probe
