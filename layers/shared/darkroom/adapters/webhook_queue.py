"""The queue of webhook deliveries in SQS. A message names the delivery; how it stands is in the delivery's row."""

import json
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from darkroom.adapters.aws import translated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# SQS hides a message for twelve hours at the most, counted from when it was received.
MOST_SECONDS = 11 * 60 * 60


class SqsWebhookQueue:
    def __init__(self, url: str, client: "SQSClient") -> None:
        self._url = url
        self._client = client

    def send(self, user: str, delivery_id: str) -> None:
        body = json.dumps({"user": user, "delivery_id": delivery_id})
        with translated():
            self._client.send_message(QueueUrl=self._url, MessageBody=body)

    def postpone(self, receipt_handle: str, wait: timedelta) -> None:
        """Has a message that was received, and will not be deleted, come again no sooner than after `wait`."""
        with translated():
            self._client.change_message_visibility(
                QueueUrl=self._url,
                ReceiptHandle=receipt_handle,
                VisibilityTimeout=min(MOST_SECONDS, ceil(wait.total_seconds())),
            )
