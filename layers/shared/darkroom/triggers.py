"""The edge for events that are not HTTP: messages from queues, and what S3 tells through one. Knows their shapes."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from darkroom.models.dropped import DroppedFile
from darkroom.observability import logger


class ComesAgain(Exception):
    """Not done with a message yet, as it should be: it is delivered again, later."""


def is_queue_event(event: dict[str, Any]) -> bool:
    # API Gateway always sends a request context, so nobody can pass for a queue from outside.
    return "requestContext" not in event


def each_message(event: dict[str, Any], context: Any, work: Callable[[dict[str, Any], SQSRecord], object]) -> Any:
    """Runs `work` on every message of a batch, each a JSON object.

    A message whose work raises is reported as failed and delivered again, or becomes a dead letter; the others of its
    batch are done with.
    """

    def on_record(record: SQSRecord) -> None:
        work(json.loads(record.body), record)

    return _each_record(event, context, on_record)


def each_dropped_file(
    event: dict[str, Any],
    context: Any,
    work: Callable[[DroppedFile], object],
    *,
    on_job: Callable[[str, str, int], object] | None = None,
) -> Any:
    """Runs `work` on every file that a batch of messages names, and `on_job` where a message names a job instead.

    Args:
        on_job: told the user, the job's id, and how often the message was received.

    A message whose work raises is reported as failed and delivered again, or becomes a dead letter; the others of
    its batch are done with.
    """

    def on_record(record: SQSRecord) -> None:
        message = json.loads(record.body)
        if on_job is not None and "job_id" in message:
            on_job(message["user"], message["job_id"], _receives(record))
            return
        for file in dropped_files(record):
            work(file)

    return _each_record(event, context, on_record)


def _each_record(event: dict[str, Any], context: Any, on_record: Callable[[SQSRecord], None]) -> Any:
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event, on_record, processor, context)
    for _, error, _ in processor.exceptions:
        if isinstance(error, ComesAgain):
            logger.info(str(error))
        else:
            logger.error("A message failed and will come again", exc_info=error)
    return answer


def dropped_files(record: SQSRecord) -> Iterator[DroppedFile]:
    """The files that a message from S3 names; none for the test message with which S3 tries a new notification."""
    message = json.loads(record.body)
    for entry in message.get("Records", ()):
        place = entry["s3"]
        yield DroppedFile(
            bucket=place["bucket"]["name"],
            key=unquote_plus(place["object"]["key"]),
            version=place["object"].get("versionId"),
            etag=place["object"].get("eTag", ""),
            sequencer=place["object"].get("sequencer", ""),
            receives=_receives(record),
        )


def _receives(record: SQSRecord) -> int:
    return int(record.attributes.approximate_receive_count)
