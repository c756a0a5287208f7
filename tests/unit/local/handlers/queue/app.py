"""Handles messages as their bodies say, and notes every one in the file named by NOTES."""

import json
import os
import time
from pathlib import Path
from typing import Any


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(json.dumps({**event, "noted_at": time.time()}) + "\n")
    records = event.get("Records", [])
    if any(record["body"] == "raise" for record in records):
        raise RuntimeError("cannot")
    if any(record["body"] == "nonsense" for record in records):
        return {"batchItemFailures": [{"itemIdentifier": "not one of the batch"}]}
    failed = [record["messageId"] for record in records if not _is_done(record)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _is_done(record: dict[str, Any]) -> bool:
    what, _, seconds = record["body"].partition(" ")
    if what == "sleep":
        time.sleep(float(seconds))
    if what == "own":
        _change(record, "delete_message")
    if what == "later" and record["attributes"]["ApproximateReceiveCount"] == "1":
        _change(record, "change_message_visibility", VisibilityTimeout=int(seconds))
        return False
    return what != "fail"


def _change(record: dict[str, Any], operation: str, **arguments: Any) -> None:
    import boto3

    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=record["eventSourceARN"].rsplit(":", 1)[1])["QueueUrl"]
    getattr(sqs, operation)(QueueUrl=url, ReceiptHandle=record["receiptHandle"], **arguments)
