"""The edge for events that are not HTTP: what S3 tells through SQS. Knows their shapes."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from darkroom.models.dropped import DroppedFile
from darkroom.observability import logger


def is_queue_event(event: dict[str, Any]) -> bool:
    # API Gateway always sends a request context, so nobody can pass for a queue from outside.
    return "requestContext" not in event


def each_dropped_file(event: dict[str, Any], context: Any, work: Callable[[DroppedFile], object]) -> Any:
    """Runs `work` on every file that a batch of messages names.

    A message whose work raises is reported as failed and delivered again, or becomes a dead letter; the others of
    its batch are done with.
    """

    def on_record(record: SQSRecord) -> None:
        for file in dropped_files(record):
            work(file)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event, on_record, processor, context)
    for _, error, _ in processor.exceptions:
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
            receives=int(record.attributes.approximate_receive_count),
        )
