"""What the queues in SQS have in common. A message is a JSON object that names what is to be looked at."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Final

from darkroom.adapters.aws import translated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# SQS hides a message for twelve hours at the most, counted from when it was received.
MOST_SECONDS: Final = 11 * 60 * 60
# How long a dead letter that is being looked at is kept from others.
_HIDDEN_SECONDS: Final = 60


class SqsQueue:
    def __init__(self, url: str, client: "SQSClient") -> None:
        self._url = url
        self._client = client

    def postpone(self, receipt_handle: str, wait: timedelta) -> None:
        """Has a message that was received, and will not be deleted, come again no sooner than after `wait`."""
        with translated():
            self._client.change_message_visibility(
                QueueUrl=self._url,
                ReceiptHandle=receipt_handle,
                VisibilityTimeout=min(MOST_SECONDS, max(0, ceil(wait.total_seconds()))),
            )

    def _send(self, message: Mapping[str, str], delay_seconds: int = 0) -> None:
        with translated():
            self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(message), DelaySeconds=delay_seconds)


class SqsJobQueue(SqsQueue):
    """Implements ports.JobQueue, and ports.RenderQueue: what is to be done stands in the job's row."""

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        self._send({"user": user, "job_id": job_id}, delay_seconds)


class SqsWebhookQueue(SqsQueue):
    """Implements ports.WebhookQueue: how a delivery stands is in its row. The messages share the queue of paid jobs."""

    def send(self, user: str, delivery_id: str, *, delay_seconds: int = 0) -> None:
        self._send({"user": user, "delivery_id": delivery_id}, delay_seconds)


class SqsDeadLetters:
    """Messages of jobs that failed on every delivery. Those of webhooks' deliveries are the sweep's without them."""

    def __init__(self, url: str, client: "SQSClient") -> None:
        self._url = url
        self._client = client

    def each(self, work: Callable[[str, str], object], *, most: int = 100) -> int:
        """Hands the user and the job's id of each message to `work`, and removes the message once that has returned.

        What cannot be read is removed. A message of which `work` raises stays, and is handed over another time.

        Args:
            most: how many messages are taken.

        Returns:
            How many were removed.
        """
        removed = 0
        for _ in range(most):
            with translated():
                found = self._client.receive_message(QueueUrl=self._url, VisibilityTimeout=_HIDDEN_SECONDS)
            messages = found.get("Messages", ())
            if not messages:
                break
            for message in messages:
                if (named := _named(message.get("Body", ""))) is not None:
                    work(*named)
                with translated():
                    self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                removed += 1
        return removed


def _named(body: str) -> tuple[str, str] | None:
    try:
        message = json.loads(body)
        return str(message["user"]), str(message["job_id"])
    except (ValueError, KeyError, TypeError):
        return None
