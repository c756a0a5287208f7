"""Answers HTTP events: by the last segment of the path, else with the event itself."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

time.sleep(float(os.environ.get("IMPORT_SECONDS", "0")))


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    what = event["rawPath"].rsplit("/", 1)[-1]
    if what == "raise":
        raise ValueError("the secret is 1234")
    if what == "held":
        gate = Path(os.environ["GATE"])
        gate.with_suffix(".reached").touch()
        while not gate.exists():
            time.sleep(0.02)
        return {"statusCode": 200, "body": "released"}
    if what == "asleep":
        time.sleep(50)
    if what == "environ":
        return dict(os.environ)
    if what == "image":
        body = base64.b64encode(b"\x89PNG\x00\xff").decode()
        return {"statusCode": 201, "headers": {"Content-Type": "image/png"}, "body": body, "isBase64Encoded": True}
    if what == "bare":
        return {"a": "ü", "b": [1, 2]}
    if what == "text":
        return "plain words"
    if what == "plain":
        return {"statusCode": 200, "body": "no type"}
    if what == "cookies":
        return {"statusCode": 204, "cookies": ["a=1; HttpOnly", "b=2"], "headers": {"X-Number": 3}}
    if what == "cors":
        headers = {"Access-Control-Allow-Origin": "*", "access-control-allow-credentials": "true"}
        return {"statusCode": 200, "headers": headers, "body": "{}"}
    if what == "malformed":
        return {"statusCode": "OK", "body": "the secret is 1234"}
    if what == "big":
        return {"statusCode": 200, "body": "x" * 6_291_556}
    if what == "missing":
        return {"statusCode": 404, "headers": {"content-type": "application/problem+json"}, "body": "{}"}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}
