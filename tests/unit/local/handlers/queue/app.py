"""Handles messages as their bodies say, and notes every one in the file named by NOTES."""

import json
import os
from pathlib import Path
from typing import Any


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(json.dumps(event) + "\n")
    records = event.get("Records", [])
    if any(record["body"] == "raise" for record in records):
        raise RuntimeError("cannot")
    if any(record["body"] == "nonsense" for record in records):
        return {"batchItemFailures": [{"itemIdentifier": "not one of the batch"}]}
    failed = [record["messageId"] for record in records if record["body"] == "fail"]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
