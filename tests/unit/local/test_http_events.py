"""Events and responses have the shapes of payload format 2.0."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from local.http_events import HttpRequest, MalformedResponse, from_result, to_event
from local.routes import Match
from local.template import Route

NOW = datetime(2026, 3, 1, 12, 0, 5, 250_000, tzinfo=UTC)


def event_of(
    *,
    query: str = "",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    request = HttpRequest("POST", "/v1/things/7", query, [("Host", "127.0.0.1:8000"), *headers], body, "127.0.0.1")
    match = Match(Route("POST", "/v1/things/{id}", "ThingsFunction"), parameters or {})
    return to_event(request, match, "JKJaXmPLvHcESHA=", NOW)


def test_the_event_of_a_request() -> None:
    event = event_of(
        query="a=1&b=x%20y&a=2&empty=",
        headers=(("User-Agent", "curl/8"), ("Accept", "image/png"), ("ACCEPT", "text/html")),
        parameters={"id": "7"},
    )
    assert event["version"] == "2.0"
    assert event["routeKey"] == "POST /v1/things/{id}"
    assert event["rawPath"] == "/v1/things/7"
    assert event["rawQueryString"] == "a=1&b=x%20y&a=2&empty="
    assert event["queryStringParameters"] == {"a": "1,2", "b": "x y", "empty": ""}
    assert event["pathParameters"] == {"id": "7"}
    assert event["headers"]["accept"] == "image/png,text/html"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert event["headers"]["x-forwarded-port"] == "8000"
    assert event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["http"] == {
        "method": "POST",
        "path": "/v1/things/7",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "curl/8",
    }
    assert (context["accountId"], context["stage"], context["requestId"]) == (
        "000000000000",
        "$default",
        "JKJaXmPLvHcESHA=",
    )
    assert (context["time"], context["timeEpoch"]) == ("01/Mar/2026:12:00:05 +0000", 1772366405250)
    assert (context["routeKey"], context["domainName"]) == (event["routeKey"], "127.0.0.1:8000")


def test_what_a_request_does_not_have_is_absent() -> None:
    assert not {"body", "cookies", "queryStringParameters", "pathParameters"} & set(event_of())


def test_cookies_are_apart_from_headers() -> None:
    event = event_of(headers=(("Cookie", "a=1; b=2"), ("cookie", "c=3")))
    assert event["cookies"] == ["a=1", "b=2", "c=3"]
    assert "cookie" not in event["headers"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/csv; charset=utf-8", "application/json", "Application/JSON; charset=utf-8", "application/xml"],
)
def test_text_arrives_as_text(content_type: str) -> None:
    event = event_of(headers=(("content-type", content_type),), body="grün".encode())
    assert (event["body"], event["isBase64Encoded"]) == ("grün", False)


@pytest.mark.parametrize(
    "content_type",
    [
        "image/png",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/problem+json",
        "",
    ],
)
def test_everything_else_arrives_as_base64(content_type: str) -> None:
    headers = (("content-type", content_type),) if content_type else ()
    event = event_of(headers=headers, body=b"\x89PNG\x00\xff")
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\x89PNG\x00\xff"


def test_a_structured_response() -> None:
    response = from_result(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "image/png", "X-Count": 3, "X-On": True, "Content-Length": "999"},
            "cookies": ["a=1", "b=2; HttpOnly"],
            "body": base64.b64encode(b"\x89PNG").decode(),
            "isBase64Encoded": True,
        }
    )
    assert (response.status, response.body) == (201, b"\x89PNG")
    assert response.headers == [
        ("content-type", "image/png"),
        ("x-count", "3"),
        ("x-on", "true"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2; HttpOnly"),
    ]


@pytest.mark.parametrize(
    ("result", "body"),
    [({"a": "ü"}, '{"a":"ü"}'), (["x"], '["x"]'), ("plain words", "plain words"), (3, "3"), (None, "null")],
)
def test_a_bare_result_is_json_and_200(result: Any, body: str) -> None:
    response = from_result(result)
    assert (response.status, response.body.decode()) == (200, body)
    assert response.headers == [("content-type", "application/json")]


def test_a_structured_response_without_a_type_is_plain_text() -> None:
    response = from_result({"statusCode": 200, "body": "words"})
    assert response.headers == [("content-type", "text/plain;charset=UTF-8")]


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "200"},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"x": ["a", "b"]}},
        {"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b"}},
        {"statusCode": 200, "cookies": "a=1"},
    ],
)
def test_what_api_gateway_cannot_send_is_refused(result: Any) -> None:
    with pytest.raises(MalformedResponse):
        from_result(result)
