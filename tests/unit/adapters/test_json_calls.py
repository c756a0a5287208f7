"""Clients that call by `json_calls` ask for, are told and raise what botocore's own do."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from darkroom.adapters import json_calls
from tests.servers import Exchange, response, serving, unused_port

_KEY = {"pk": {"S": "USER#a"}, "sk": {"S": "é"}}
_ROW = {**_KEY, "n": {"N": "7"}, "b": {"B": b"\x00\xff"}, "bs": {"BS": [b"a", b"b"]}, "B": {"M": {"B": {"S": "B"}}}}


def _client(port: int, *, lean: bool, service: str = "dynamodb", **config: Any) -> Any:
    session = Session()
    session.set_credentials("AKID", "secret", "token")
    if lean:
        json_calls.install(session)
    return session.create_client(
        service,
        region_name="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        config=Config(**{"retries": {"mode": "standard", "total_max_attempts": 3}, "proxies": {}, **config}),
    )


@dataclass
class Service:
    """Answers each request with the next of `answers`, and keeps what it was asked."""

    answers: list[bytes]
    heads: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    def listen(self, client: Any) -> None:
        client.meta.events.register("before-send", self._note)

    def _note(self, request: Any, **_: Any) -> None:
        self.bodies.append(json.loads(request.body))

    def __call__(self, exchange: Exchange) -> None:
        lines = exchange.head.split("\r\n")[1:]
        self.heads.append({name.lower(): value for name, value in (line.split(": ", 1) for line in lines)})
        exchange.send(self.answers.pop(0))


def _said(body: Any, status: str = "200 OK", **headers: str) -> bytes:
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    return response(said, status, {"x-amzn-RequestId": "r1", "Connection": "close", **headers})


def _error(code: str, status: str = "400 Bad Request", **more: Any) -> bytes:
    return _said({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "m", **more}, status)


_STORED = {**_ROW, "b": {"B": "AP8="}, "bs": {"BS": ["YQ==", "Yg=="]}}
_TOKEN = "tok"
_CALLS: dict[str, tuple[str, Callable[[Any], Any], list[bytes]]] = {
    "a row": ("dynamodb", lambda it: it.get_item(TableName="t", Key=_KEY), [_said({"Item": _STORED})]),
    "no row": ("dynamodb", lambda it: it.get_item(TableName="t", Key=_KEY), [_said({})]),
    "nothing": ("dynamodb", lambda it: it.get_item(TableName="t", Key=_KEY), [_said(b"")]),
    "a page": (
        "dynamodb",
        lambda it: it.query(TableName="t", KeyConditionExpression="pk = :pk", Limit=2),
        [_said({"Items": [_STORED, _STORED], "Count": 2, "ScannedCount": 2, "LastEvaluatedKey": None})],
    ),
    "all pages": (
        "dynamodb",
        lambda it: it.get_paginator("query").paginate(TableName="t").build_full_result(),
        [_said({"Items": [_STORED], "LastEvaluatedKey": _KEY}), _said({"Items": [_STORED]})],
    ),
    "a write": (
        "dynamodb",
        lambda it: it.transact_write_items(
            TransactItems=[{"Put": {"TableName": "t", "Item": _ROW}}], ClientRequestToken=_TOKEN
        ),
        [_said({})],
    ),
    "a write that is canceled": (
        "dynamodb",
        lambda it: it.transact_write_items(
            TransactItems=[{"Delete": {"TableName": "t", "Key": _KEY}}], ClientRequestToken=_TOKEN
        ),
        [
            _error(
                "TransactionCanceledException",
                CancellationReasons=[{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": _STORED}],
            )
        ],
    ),
    "a condition": (
        "dynamodb",
        lambda it: it.put_item(TableName="t", Item=_ROW),
        [_error("ConditionalCheckFailedException", Item=_STORED)],
    ),
    "throttled once": (
        "dynamodb",
        lambda it: it.get_item(TableName="t", Key=_KEY),
        [_error("ThrottlingException"), _said({"Item": _STORED})],
    ),
    "broken for good": (
        "dynamodb",
        lambda it: it.get_item(TableName="t", Key=_KEY),
        [_error("InternalServerError", "500 Internal Server Error")] * 3,
    ),
    "no JSON from a proxy": (
        "dynamodb",
        lambda it: it.get_item(TableName="t", Key=_KEY),
        [_said(b"<html>", "502 Bad Gateway")] * 3,
    ),
    "damaged on its way": (
        "dynamodb",
        lambda it: it.get_item(TableName="t", Key=_KEY),
        [_said({}, **{"x-amz-crc32": "1"}), _said(b"{}", **{"x-amz-crc32": str(crc32(b"{}"))})],
    ),
    "a message": (
        "sqs",
        lambda it: it.send_message(
            QueueUrl="http://q",
            MessageBody="b",
            MessageAttributes={"a": {"DataType": "Binary", "BinaryValue": b"\xff"}},
        ),
        [_said({"MessageId": "1", "MD5OfMessageBody": "x"})],
    ),
    "no such queue": (
        "sqs",
        lambda it: it.send_message(QueueUrl="http://q", MessageBody="b"),
        [
            _said(
                {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "m"},
                "400 Bad Request",
                **{"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"},
            )
        ],
    ),
    "what is not plain": ("dynamodb", lambda it: it.describe_table(TableName="t"), [_said({"Table": {}})]),
}
# What of a request a service looks at.
_HEADERS = ("content-type", "x-amz-target", "x-amzn-query-mode", "x-amz-security-token", "host")


def _outcome(name: str, *, lean: bool) -> tuple[Any, Any, Any]:
    service, call, answers = _CALLS[name]
    asked = Service(list(answers))
    with serving(asked) as server:
        client = _client(server.port, lean=lean, service=service)
        asked.listen(client)
        try:
            came = call(client)
        except ClientError as error:
            came = (type(error).__name__, error.response, str(error))
        finally:
            client.close()
    sent = [{name: head.get(name) for name in _HEADERS} for head in asked.heads]
    for head in sent:
        head["host"] = str(head["host"]).split(":")[0]
    return came, sent, asked.bodies


@pytest.mark.parametrize("name", _CALLS)
def test_a_call_is_as_botocore_makes_it(name: str) -> None:
    """The same questions, as often, in the same bytes' meaning; and the same result, or an error of the same class."""
    assert _outcome(name, lean=True) == _outcome(name, lean=False)


def test_all_attempts_of_a_write_have_one_token() -> None:
    asked = Service([_error("InternalServerError", "500 x"), _said({})])
    with serving(asked) as server:
        client = _client(server.port, lean=True)
        asked.listen(client)
        client.transact_write_items(TransactItems=[])
        client.close()
    first, second = (body["ClientRequestToken"] for body in asked.bodies)
    assert first == second


def test_an_answer_that_is_no_json_is_not_an_empty_one() -> None:
    asked = Service([_said(b"<html>")])
    with serving(asked) as server:
        client = _client(server.port, lean=True)
        with pytest.raises(ResponseParserError, match="GetItem"):
            client.get_item(TableName="t", Key=_KEY)
        client.close()


def test_who_does_not_answer_is_told_from_whom_no_connection_reaches() -> None:
    once = {"total_max_attempts": 1}
    with serving(Exchange.hold) as server:
        client = _client(server.port, lean=True, read_timeout=0.1, retries=once)
        with pytest.raises(ReadTimeoutError):
            client.get_item(TableName="t", Key=_KEY)
        client.close()
    with pytest.raises(EndpointConnectionError):
        _client(unused_port(), lean=True, retries=once).get_item(TableName="t", Key=_KEY)


def test_without_credentials_nothing_is_sent() -> None:
    asked = Service([])
    with serving(asked) as server:
        client = _client(server.port, lean=True)
        client._request_signer._credentials = None
        with pytest.raises(NoCredentialsError):
            client.get_item(TableName="t", Key={})
    assert asked.heads == []


def test_calls_through_a_proxy_are_left_to_botocore() -> None:
    asked = Service([_said({"Item": _STORED})])
    with serving(asked) as server:
        proxy = f"http://127.0.0.1:{server.port}"
        client = _client(unused_port(), lean=True, proxies={"http": proxy})
        assert client.get_item(TableName="t", Key=_KEY)["Item"]["b"] == {"B": b"\x00\xff"}
        client.close()
    assert asked.heads[0]["x-amz-target"] == "DynamoDB_20120810.GetItem"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Any]:
    client = _client(unused_port(), lean=True)
    yield client._endpoint_of_json
    client.close()


_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@given(body=st.binary(), secret=_TEXT, token=st.none() | _TEXT)
def test_a_signature_is_botocores(endpoint: Any, body: bytes, secret: str, token: str | None) -> None:
    signer = SigV4Auth(Credentials("AKID", secret, token).get_frozen_credentials(), "dynamodb", "eu-west-1")
    found = endpoint.signed({**endpoint.request("GetItem", {}, {}), "body": body}, signer)
    unsigned = {name: value for name, value in found.items() if name != "Authorization"}
    theirs: Any = AWSRequest("POST", endpoint.url, unsigned, body)
    theirs.context["timestamp"] = found["X-Amz-Date"]
    asked = signer.canonical_request(theirs)
    signature = signer.signature(signer.string_to_sign(theirs, asked), theirs)
    assert found["Authorization"].endswith(f"Signature={signature}")
    assert f"Credential={signer.scope(theirs)}, SignedHeaders={asked.splitlines()[-2]}," in found["Authorization"]
