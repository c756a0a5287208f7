"""The event that API Gateway makes of an HTTP request, and the response it makes of a handler's result.

HTTP API, payload format 2.0. What the documentation leaves open follows what the real service does: the path arrives
decoded and the query string as it was sent, an absent body or query string is an absent field, and only text/*,
application/json, application/xml and application/javascript bodies arrive as text, so that forms and bodies without a
type are base64 too. What the real service makes of text that is no UTF-8 is told nowhere; here such a body goes in
whole, and what reads bodies knows bytes that were replaced by their number.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from local.aws import ACCOUNT
from local.routes import Match

API_ID = "local"
_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")
# The gateway's own to say.
_RESERVED_HEADERS = ("connection", "content-length", "transfer-encoding")


class MalformedResponse(Exception):
    """The handler answered something that API Gateway cannot turn into a response."""


@dataclass(frozen=True)
class HttpRequest:
    method: str
    path: str
    """Decoded."""
    query: str
    """As it was sent."""
    headers: Sequence[tuple[str, str]]
    body: bytes
    client: str


@dataclass(frozen=True)
class HttpResponse:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def to_event(request: HttpRequest, match: Match, request_id: str, now: datetime) -> dict[str, Any]:
    headers, cookies = _headers(request.headers)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": {**headers, **_forwarded(request, headers)},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "domainName": headers.get("host", ""),
            "domainPrefix": API_ID,
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.client,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": match.route.key,
            "stage": "$default",
            "time": now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True))
    if match.parameters:
        event["pathParameters"] = match.parameters
    if request.body:
        event["isBase64Encoded"] = not _is_text(headers.get("content-type", ""), request.body)
        text = base64.b64encode(request.body) if event["isBase64Encoded"] else request.body
        event["body"] = text.decode()
    return event


def from_result(result: Any) -> HttpResponse:
    """The response that a handler's result stands for.

    Raises:
        MalformedResponse: it stands for none; the message says why.
    """
    if not isinstance(result, dict) or "statusCode" not in result:
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, separators=(",", ":"))
        return HttpResponse(200, [("content-type", "application/json")], text.encode())
    status = result["statusCode"]
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise MalformedResponse(f"statusCode is {status!r}, not a number from 200 to 599")
    headers = _response_headers(result.get("headers") or {}, result.get("cookies") or [])
    return HttpResponse(status, headers, _body(result))


def _headers(given: Sequence[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """Headers by lower-case name, repeated ones joined, and the cookies apart from them."""
    lowered = [(name.lower(), value) for name, value in given]
    cookies = [part.strip() for name, value in lowered if name == "cookie" for part in value.split(";")]
    return _joined((name, value) for name, value in lowered if name != "cookie"), [part for part in cookies if part]


def _joined(pairs: Any) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(items) for name, items in values.items()}


def _forwarded(request: HttpRequest, headers: Mapping[str, str]) -> dict[str, str]:
    before = headers.get("x-forwarded-for")
    port = headers.get("host", "").rpartition(":")[2]
    return {
        "x-forwarded-for": f"{before}, {request.client}" if before else request.client,
        "x-forwarded-port": port if port.isdigit() else "80",
        "x-forwarded-proto": "http",
    }


def _is_text(content_type: str, body: bytes) -> bool:
    """Bytes that are no UTF-8 cannot be text in JSON, whatever their type; they go in whole."""
    media_type = content_type.split(";")[0].strip().lower()
    if not media_type.startswith("text/") and media_type not in _TEXT_TYPES:
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _response_headers(given: Any, cookies: Any) -> list[tuple[str, str]]:
    if not isinstance(given, dict) or not isinstance(cookies, list):
        raise MalformedResponse("headers is not an object, or cookies not a list")
    for name, value in given.items():
        if not isinstance(value, (str, int, float)):
            raise MalformedResponse(f"the header {name} is {type(value).__name__}, not text")
    headers = [(name.lower(), _header_text(value)) for name, value in given.items()]
    headers = [(name, value) for name, value in headers if name not in _RESERVED_HEADERS]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    return [*headers, *(("set-cookie", str(cookie)) for cookie in cookies)]


def _header_text(value: str | float) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not text.isprintable() or not text.isascii():
        raise MalformedResponse("a header holds something other than printable ASCII")
    return text


def _body(result: Mapping[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResponse(f"body is {type(body).__name__}, not text")
    if not result.get("isBase64Encoded", False):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedResponse("isBase64Encoded is true, but body is not base64") from error
