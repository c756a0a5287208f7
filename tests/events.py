"""Events as API Gateway, S3 and SQS send them."""

import base64
import json
from typing import Any
from urllib.parse import quote_plus, urlencode


class Context:
    """As much of Lambda's context object as a handler may look at."""

    function_name = "Function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:Function"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def http_event(
    method: str,
    path: str,
    *,
    token: str | None = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    body: bytes | str | dict[str, Any] | None = None,
    content_type: str | None = None,
) -> dict[str, Any]:
    """Payload format 2.0. A dict is sent as JSON, bytes as base64."""
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    if isinstance(body, dict):
        body, content_type = json.dumps(body), content_type or "application/json"
    if content_type:
        sent["content-type"] = content_type
    if token:
        sent["authorization"] = f"Bearer {token}"
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": sent,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "127.0.0.1",
            "domainPrefix": "127",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t"},
            "requestId": "req-1",
            "routeKey": f"{method} {path}",
            "stage": "$default",
            "time": "01/Mar/2026:12:00:00 +0000",
            "timeEpoch": 1772366400000,
        },
        "isBase64Encoded": isinstance(body, bytes),
    }
    if query:
        event["queryStringParameters"] = query
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return event


def s3_record(
    key: str, *, bucket: str = "uploads", version: str | None = "v1", sequencer: str = "01"
) -> dict[str, Any]:
    place = {"key": quote_plus(key, safe="/"), "size": 3, "eTag": "etag", "sequencer": sequencer}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-03-01T12:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {**place, **({"versionId": version} if version else {})},
        },
    }


def queue_event(*bodies: Any, receives: int = 1) -> dict[str, Any]:
    """One message per body, with ids m0, m1, …"""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"r{number}",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {
                    "ApproximateReceiveCount": str(receives),
                    "SentTimestamp": "1772366400000",
                    "SenderId": "s3",
                    "ApproximateFirstReceiveTimestamp": "1772366400000",
                },
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:uploads",
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }
