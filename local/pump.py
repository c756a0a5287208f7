"""Lambda's part behind queues and schedules: what arrives or is due is handed to its function."""

import json
import logging
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import ACCOUNT, REGION
from local.functions import EventTooLarge, FunctionPool, Throttled
from local.template import QueueSource, Schedule
from local.worker import Outcome

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef, MessageTypeDef

logger = logging.getLogger(__name__)

# The longest that SQS holds an empty answer back; a message that arrives meanwhile ends the wait.
POLL_SECONDS = 20
# Batches of one queue under way at the same time, unless the template says fewer. Lambda would go on to hundreds.
CONCURRENCY = 4


class Pump:
    """Runs threads between `start` and `stop`.

    Args:
        sqs: client of the queues' service.
        pools: a pool per function's logical id.
        queues: the queues to empty.
        schedules: what is due every so often.
        is_overdue: whether the schedules are due at once, as after a time in which they were not kept.
    """

    def __init__(
        self,
        sqs: "SQSClient",
        pools: Mapping[str, FunctionPool],
        queues: Iterable[QueueSource],
        schedules: Iterable[Schedule] = (),
        *,
        is_overdue: bool = False,
    ) -> None:
        self._sqs = sqs
        self._is_overdue = is_overdue
        self._pools = pools
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._drain, args=(source,), name=f"pump {source.queue_name}", daemon=True)
            for source in queues
            for _ in range(min(source.concurrency or CONCURRENCY, CONCURRENCY, pools[source.function].cap))
        ]
        self._threads += [
            threading.Thread(target=self._tick, args=(schedule,), name=f"schedule {schedule.name}", daemon=True)
            for schedule in schedules
            if schedule.seconds is not None
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Takes nothing more. A thread that waits for a message notices when the wait ends or its service does."""
        self._stopping.set()

    def join(self, timeout: float) -> None:
        for thread in self._threads:
            thread.join(timeout)

    def _drain(self, source: QueueSource) -> None:
        try:
            url = self._sqs.get_queue_url(QueueName=source.queue_name)["QueueUrl"]
        except (BotoCoreError, ClientError) as error:
            logger.error("The queue %s cannot be read: %s", source.queue_name, error)
            return
        while not self._stopping.is_set():
            try:
                self._drain_once(source, url)
            except (BotoCoreError, ClientError) as error:
                if not self._stopping.is_set():
                    logger.error("The queue %s cannot be read: %s", source.queue_name, error)
                    self._stopping.wait(1)

    def _drain_once(self, source: QueueSource, url: str) -> None:
        received = self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(source.batch_size, 10),
            WaitTimeSeconds=POLL_SECONDS,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = received.get("Messages", [])
        if not messages or self._stopping.is_set():
            return
        done = self._handle(source, messages)
        # What is not deleted comes back when its visibility timeout is over, which the function may have changed, or
        # moves to the dead-letter queue.
        self._delete(source, url, [message for message in messages if message["MessageId"] in done])

    def _delete(self, source: QueueSource, url: str, messages: "Sequence[MessageTypeDef]") -> None:
        if not messages:
            return
        entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(messages)
        ]
        answer = self._sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        for failed in answer.get("Failed", []):
            # One that the function has deleted itself, or that somebody else received meanwhile.
            message_id = messages[int(failed["Id"])]["MessageId"]
            logger.info("%s: the message %s was not deleted: %s", source.queue_name, message_id, failed["Code"])

    def _handle(self, source: QueueSource, messages: "Sequence[MessageTypeDef]") -> set[str]:
        """Calls the function on the batch. Returns the ids of the messages it is done with."""
        try:
            outcome = self._pools[source.function].call(sqs_event(messages, source.queue_arn), patience=300.0)
        except (EventTooLarge, Throttled) as error:
            if not self._stopping.is_set():
                logger.error("%s was not called: %s", source.function, error)
            return set()
        ids = [message["MessageId"] for message in messages]
        return set() if outcome.is_error else set(ids) - failed_of(outcome, ids, source.reports_failures)

    def _tick(self, schedule: Schedule) -> None:
        wait = 0 if self._is_overdue else schedule.seconds
        while not self._stopping.wait(wait):
            wait = schedule.seconds
            try:
                self._pools[schedule.function].call(scheduled_event(schedule))
            except Throttled as error:
                if not self._stopping.is_set():
                    logger.error("%s was not called: %s", schedule.function, error)


def sqs_event(messages: "Sequence[MessageTypeDef]", queue_arn: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {
                    name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
                },
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": REGION,
            }
            for message in messages
        ]
    }


def scheduled_event(schedule: Schedule) -> dict[str, Any]:
    """What EventBridge sends: the rule's own input, or else that it was due."""
    if schedule.input is not None:
        given: dict[str, Any] = json.loads(schedule.input)
        return given
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{schedule.name}"],
        "detail": {},
    }


def failed_of(outcome: Outcome, ids: Sequence[str], reports_failures: bool) -> set[str]:
    """Which messages a batch's response says are not done.

    Without ReportBatchItemFailures the response does not matter. With it, an empty or null response or list means that
    all went well, and a response that cannot be understood means that nothing did.
    """
    response = outcome.value
    if not reports_failures or not response:
        return set()
    failures = response.get("batchItemFailures") if isinstance(response, dict) else "not even a response"
    if failures is None:
        return set()
    if not isinstance(failures, list) or not all(isinstance(item, dict) for item in failures):
        named = {""}
    else:
        named = {str(item.get("itemIdentifier")) for item in failures}
    if not named <= set(ids):
        logger.error("A batch's response cannot be understood, so all of the batch counts as failed: %s", response)
        return set(ids)
    return named


def _attribute(value: Any) -> dict[str, Any]:
    names = {"StringValue": "stringValue", "DataType": "dataType"}
    return {short: value[name] for name, short in names.items() if name in value}
