"""The edge for events that are not HTTP: messages from queues, and what S3 tells through one. Knows their shapes."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote_plus

from darkroom.errors import DarkroomError
from darkroom.models.dropped import DroppedFile
from darkroom.observability import logged, logger
from darkroom.services.accounts.snapshot import read_once

Record = Mapping[str, Any]
"""A message as Lambda hands it over: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
Postpone = Callable[[str, timedelta], object]
"""Has the message of that receipt handle come again no sooner than after so long."""
# After a fault that passes by itself, by how often the message was received: in all as long as AWS is ever busy, and
# far less than its queue's visibility timeout, which is made for functions that were stopped.
BACK_OFF: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
)
# No message of a batch is begun that has less, in milliseconds: the longest of them has not ended by then.
_LEAST_LEFT: Final = 15_000


class ComesAgain(Exception):
    """Not done with a message yet, as it should be: it is delivered again, later."""


def is_queue_event(event: dict[str, Any]) -> bool:
    # API Gateway always sends a request context, so nobody can pass for a queue from outside.
    return "requestContext" not in event


def each_message(
    event: dict[str, Any], context: Any, work: Callable[[dict[str, Any]], object], postpone: Postpone
) -> Any:
    """Runs `work` on every message of a batch, each a JSON object.

    A message whose work raises is reported as failed and delivered again, or becomes a dead letter; the others of its
    batch are done with. What raised for a fault that passes comes again within seconds, and so does what there is no
    time left for.
    """

    def on_record(record: Record) -> None:
        work(json.loads(record["body"]))

    return _each_record(event, context, on_record, postpone)


def each_dropped_file(
    event: dict[str, Any],
    context: Any,
    work: Callable[[DroppedFile], object],
    postpone: Postpone,
    *,
    on_job: Callable[[str, str, int], object] | None = None,
) -> Any:
    """Runs `work` on every file that a batch of messages names, and `on_job` where a message names a job instead.

    Args:
        on_job: told the user, the job's id, and how often the message was received.

    What is said of messages in each_message holds for these.
    """

    def on_record(record: Record) -> None:
        message = json.loads(record["body"])
        if on_job is not None and "job_id" in message:
            on_job(message["user"], message["job_id"], _receives(record))
            return
        for file in dropped_files(record):
            work(file)

    return _each_record(event, context, on_record, postpone)


def _each_record(event: dict[str, Any], context: Any, on_record: Callable[[Record], None], postpone: Postpone) -> Any:
    """Lambda takes the messages for done that its answer does not name (ReportBatchItemFailures)."""
    first = event["Records"][0]["messageId"]

    def on_one(record: Record) -> None:
        left = context.get_remaining_time_in_millis()
        if record["messageId"] != first and left < _LEAST_LEFT:
            _come_again(record, timedelta(seconds=1), postpone)
            raise ComesAgain(f"{record['messageId']}: {left / 1000:.0f} s are left, which is too little for it.")
        try:
            with read_once():
                on_record(record)
        except DarkroomError as error:
            if error.retryable:
                asked = timedelta(seconds=error.retry_after or 0)
                _come_again(record, max(asked, BACK_OFF[min(_receives(record), len(BACK_OFF)) - 1]), postpone)
            raise

    def is_done(record: Record) -> bool:
        with logged(function_request_id=context.aws_request_id, **_whose(record)):
            try:
                on_one(record)
            except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the other messages are worked on
                _log(error)
                return False
        return True

    return {
        "batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in event["Records"] if not is_done(each)]
    }


def _whose(record: Record) -> dict[str, str]:
    """The user and the job of a message, for the log, where it names them."""
    try:
        message = json.loads(record["body"])
    except ValueError:
        return {}
    told = message if isinstance(message, dict) else {}
    facts = {"user": told.get("user"), "job": told.get("job_id")}
    return {name: value for name, value in facts.items() if isinstance(value, str)}


def _log(error: Exception) -> None:
    """Why a message will come again."""
    if isinstance(error, ComesAgain):
        logger.info(str(error))
    elif isinstance(error, DarkroomError) and error.retryable:
        # It passes by itself: a warning in the log, which sets off no alarm.
        logger.warning("A message will come again", extra={"code": error.code, "detail": error.detail})
    else:
        logger.error("A message failed and will come again", exc_info=error)


def _come_again(record: Record, wait: timedelta, postpone: Postpone) -> None:
    try:
        postpone(record["receiptHandle"], wait)
    except DarkroomError as error:
        # It comes again when its queue's visibility timeout is over.
        logger.warning("A message could not be put off", extra={"detail": error.detail})


def dropped_files(record: Record) -> Iterator[DroppedFile]:
    """The files that a message from S3 names; none for the test message with which S3 tries a new notification."""
    message = json.loads(record["body"])
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


def _receives(record: Record) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])
