"""A request as ASGI has it, as the event that API Gateway would have made of it: what the routes read.

HTTP API, payload format 2.0: headers in lower case and joined, cookies apart, the path decoded, the body as base64.
"""

import base64
import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from darkroom.models.deadline import Deadline

Scope = Mapping[str, Any]
# In which AWS's Lambda Web Adapter hands on the invocation's context; it replaces what a client sent by that name.
_CONTEXT = "x-amzn-lambda-context"


class Invocation:
    """What of a Lambda context the routes ask."""

    def __init__(self, seconds: float, request_id: str) -> None:
        self.aws_request_id = request_id
        self._deadline = Deadline(seconds)

    @classmethod
    def of(cls, headers: Mapping[str, str], *, otherwise: float, now: datetime) -> "Invocation":
        """Args: otherwise: seconds that there are where Lambda does not say."""
        told = _context(headers)
        ends = told.get("deadline")
        seconds = ends / 1000 - now.timestamp() if isinstance(ends, int | float) else otherwise
        return cls(seconds, str(told.get("request_id", "")))

    def get_remaining_time_in_millis(self) -> int:
        return int(self._deadline.left() * 1000)


def event_of(scope: Scope, body: bytes, route: str, path: str, *, now: datetime) -> dict[str, Any]:
    """Args:
    route: its key, `POST /v1/images/edits`.
    path: decoded, as the route knows it.
    """
    headers, cookies = _headers(scope["headers"])
    query = scope["query_string"].decode("latin-1")
    client = scope.get("client")
    method = str(scope["method"])
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "domainName": headers.get("host", ""),
            "http": {
                "method": method,
                # As it was asked for: by its prefix the routes know clients of OpenRouter.
                "path": str(scope["path"]),
                "protocol": "HTTP/1.1",
                "sourceIp": client[0] if client else "",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": _request_id(headers),
            "routeKey": route,
            "stage": "$default",
            "time": now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": bool(body),
    }
    if cookies:
        event["cookies"] = cookies
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True))
    if body:
        event["body"] = base64.b64encode(body).decode()
    return event


def _headers(given: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], list[str]]:
    lowered = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in given]
    cookies = [part.strip() for name, value in lowered if name == "cookie" for part in value.split(";")]
    return _joined((name, value) for name, value in lowered if name != "cookie"), [part for part in cookies if part]


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(items) for name, items in values.items()}


def _context(headers: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        found = json.loads(headers.get(_CONTEXT, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _request_id(headers: Mapping[str, str]) -> str:
    """Lambda's own, which its log has, too."""
    return str(_context(headers).get("request_id") or uuid.uuid4())
