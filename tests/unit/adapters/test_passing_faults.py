"""Whatever AWS says that passes by itself, every method of every adapter says so: try again, nothing was charged.

The clients are real; each call is answered with an error before it is sent. Methods and their arguments are found by
their type hints, so an adapter or a method that is added is tried as well.
"""

import inspect
import json
import pkgutil
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final, Literal

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.retries import standard
from pydantic import BaseModel

import darkroom.adapters
from darkroom.adapters.aws import PASSING_REASONS, translated
from darkroom.adapters.dynamo import Patience
from darkroom.adapters.sealing import KmsSealer, Sealed
from darkroom.errors import DarkroomError, InternalError, ServiceUnavailable
from darkroom.models.budget import BudgetRef
from darkroom.models.job import Job
from darkroom.models.key import SealedSecret, StoredKey
from darkroom.ports.jobs import OpenJob
from tests.paid_jobs import DOLLAR, day, paid_job
from tests.unit.adapters.answers import answer
from tests.unit.adapters.aws_codes import ANSWERS, CALLS, PASS, STAY, all_listed, of_call

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# Its stubs do not know the lists.
_BOTOCORE: Any = standard
CONFLICT = "TransactionCanceledException"


def test_every_error_of_the_calls_is_known() -> None:
    assert set(all_listed()) - PASS - STAY == ANSWERS
    assert not PASS & STAY


def test_all_that_botocore_tries_again_passes() -> None:
    tried = {
        *_BOTOCORE.ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
        *_BOTOCORE.TransientRetryableChecker._TRANSIENT_ERROR_CODES,
    }
    assert len(tried) > 10
    for code in tried:
        with pytest.raises(ServiceUnavailable), translated():
            raise _client_error(code)


@pytest.mark.parametrize("code", sorted(PASS))
def test_what_passes_is_worth_another_try_whatever_its_status(code: str) -> None:
    with pytest.raises(ServiceUnavailable) as raised, translated():
        raise _client_error(code)
    assert (raised.value.charged, raised.value.retryable, raised.value.retry_after) == (False, True, 2)


@pytest.mark.parametrize("code", sorted(STAY))
def test_what_stays_is_a_fault_of_the_stack(code: str) -> None:
    with pytest.raises(InternalError, match=code) as raised, translated():
        raise _client_error(code)
    assert (raised.value.charged, raised.value.retryable) == (False, False)


@pytest.mark.parametrize(("status", "code"), [(500, "500"), (503, "503"), (429, "429"), (503, "")])
def test_a_status_without_a_code_tells_as_much(status: int, code: str) -> None:
    """As S3 answers HEAD, which has no body."""
    with pytest.raises(ServiceUnavailable), translated():
        raise ClientError(
            {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
            "HeadObject",
        )


@pytest.mark.parametrize("reason", sorted(PASSING_REASONS))
def test_a_transaction_that_met_others_passes_wherever_it_is_made(reason: str) -> None:
    with pytest.raises(ServiceUnavailable), translated():
        raise _canceled("None", reason)


def test_a_transaction_that_was_refused_does_not_pass() -> None:
    with pytest.raises(InternalError), translated():
        raise _canceled("ConditionalCheckFailed", "TransactionConflict")
    with pytest.raises(InternalError), translated():
        raise _canceled("None", "ValidationError")


def _client_error(code: str) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": 400}},  # type: ignore[typeddict-item]
        "GetItem",
    )


def _canceled(*reasons: str) -> ClientError:
    said: Any = {"Error": {"Code": CONFLICT}, "CancellationReasons": [{"Code": each} for each in reasons]}
    return ClientError(said, "TransactWriteItems")


class Busy:
    """Clients whose every call fails with a code, where its service lists that code for the call.

    Args:
        code: of the error; TransactionCanceledException cancels every transaction for a conflict.
    """

    def __init__(self) -> None:
        self.code = ""
        self.failed: list[str] = []
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            made = boto3.client(  # type: ignore[call-overload]
                service,
                endpoint_url="http://127.0.0.1:9",
                config=Config(retries={"total_max_attempts": 1}, proxies={}),
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            made.meta.events.register_first("before-send", self._answer)
            self._clients[service] = made
        return self._clients[service]

    def say(self, code: str) -> None:
        self.code, self.failed = code, []

    def _answer(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        service, operation = event_name.removeprefix("before-send.").split(".")
        assert operation in CALLS[service], f"{service}.{operation} is not in CALLS"
        if self.code == CONFLICT and operation == "TransactWriteItems":
            self.failed.append(operation)
            reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
            return _response(request.url, self.code, service, CancellationReasons=reasons)
        if self.code != CONFLICT and self.code in of_call(service, operation):
            self.failed.append(operation)
            return _response(request.url, self.code, service)
        return _well(request, service, operation)


def _response(url: str, code: str, service: str, **more: Any) -> AWSResponse:
    body = json.dumps({"__type": f"x#{code}", **more})
    if service == "s3":
        body = f"<Error><Code>{code}</Code><Message>m</Message></Error>"
    return answer(url, 400, body, {"x-amzn-errortype": code})


def _well(request: Any, service: str, operation: str) -> AWSResponse:
    """An answer without anything in it, but for the row of a token, from which its removal goes on."""
    item = {name: {"S": "ab"} for name in ("pk", "sha256")}
    found = {"Item": item} if b"TOKEN#" in (request.body or b"") else {}
    bodies: dict[str, Any] = {
        "GetItem": found,
        "BatchGetItem": {"Responses": {}, "UnprocessedKeys": {}},
        "Query": {"Items": []},
    }
    body = "" if service == "s3" else json.dumps(bodies.get(operation, {}))
    return answer(request.url, 200, body)


JOB: Final = paid_job("alice", NOW, day(DOLLAR, NOW))
_BY_NAME: Final[Mapping[str, Any]] = {
    "client": "dynamodb",
    "dynamodb": "dynamodb",
    "kms": "kms",
    "S3Client": "s3",
    "SQSClient": "sqs",
}
_DAYS = timedelta(days=1)


def _sample(hint: Any, name: str) -> Any:
    """A value of that type."""
    known: dict[Any, Any] = {
        str: {"provider": "openrouter", "month": "2026-03"}.get(name, "k" * 8),
        int: 3,
        float: 1.5,
        bool: False,
        bytes: b"b",
        datetime: NOW,
        timedelta: _DAYS,
        Job: JOB,
        OpenJob: OpenJob(user="k" * 8, id=JOB.id, created_at=NOW),
        BudgetRef: day(DOLLAR, NOW),
        Sealed: Sealed(b"1" * 32, b"2" * 40),
        StoredKey: StoredKey(
            user="k" * 8,
            provider="openrouter",
            hint="abcd",
            sha256="0" * 64,
            connected_at=NOW,
            sealed=SealedSecret(data_key=b"1" * 32, ciphertext=b"2" * 40),
        ),
        Any: "x",
    }
    if hint in known:
        return known[hint]
    origin, within = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return within[0]
    if origin in (typing.Union, types.UnionType):
        return None if type(None) in within else _sample(within[0], name)
    if origin is Callable:
        return lambda *_: None
    if origin in (Mapping, dict):
        return {"k": _sample(within[1], name)}
    if origin in (Sequence, Collection, tuple):
        return (_sample(within[0], name),)
    if origin is Callable:
        return lambda *_: None
    if inspect.isclass(hint) and issubclass(hint, BaseModel):
        fields = {
            each: _sample(field.annotation, each) for each, field in hint.model_fields.items() if field.is_required()
        }
        return hint.model_construct(**fields)
    raise TypeError(f"{name}: what is a {hint}?")


def _adapters() -> Iterator[tuple[type, Mapping[str, inspect.Parameter]]]:
    for found in pkgutil.iter_modules(darkroom.adapters.__path__):
        module = import_module(f"darkroom.adapters.{found.name}")
        for each in vars(module).values():
            if inspect.isclass(each) and each.__module__ == module.__name__:
                parameters = inspect.signature(each).parameters
                if any("Client" in str(parameter.annotation) for parameter in parameters.values()):
                    yield each, parameters


def _made(adapter: type, parameters: Mapping[str, inspect.Parameter], busy: Busy) -> Any:
    given: dict[str, Any] = {}
    for name, parameter in parameters.items():
        said = str(parameter.annotation)
        if "Client" in said:
            given[name] = busy.client(said.strip("'\"").removesuffix("Client").lower())
        elif name == "sealer":
            given[name] = KmsSealer(kms=busy.client("kms"), key_id="k", clock=lambda: NOW, fix="")
        elif name == "clock":
            given[name] = lambda: NOW
        elif name == "providers":
            given[name] = lambda: ("openrouter",)
        elif name == "on_lost":
            given[name] = lambda *_lost: None
        elif name == "sleep":
            given[name] = lambda _seconds: None
        elif name == "uniform":
            given[name] = lambda _least, most: most
        elif name == "patience":
            given[name] = Patience(lambda _seconds: None, lambda _least, most: most)
        elif parameter.default is inspect.Parameter.empty:
            given[name] = "place"
    return adapter(**given)


# Which say nothing of it on purpose: a picture, a painting or a request goes on without them.
SILENT: Final = {"DynamoModelStatistics.record", "DynamoRequestCounts.add"}
METHODS: Final = [
    pytest.param(adapter, parameters, name, id=f"{adapter.__name__}.{name}")
    for adapter, parameters in _adapters()
    for name, _ in inspect.getmembers(adapter, inspect.isfunction)
    if not name.startswith("_") and name in vars(adapter)
]


@pytest.fixture(scope="module")
def busy() -> Busy:
    return Busy()


def test_the_adapters_are_found() -> None:
    assert len(METHODS) > 90
    assert {"DynamoTokenStore.add", "DynamoLedger.admit", "SqsJobQueue.send", "KmsKeyVault.store"} <= {
        each.id for each in METHODS
    }


@pytest.mark.parametrize(("adapter", "parameters", "name"), METHODS)
def test_a_method_says_that_it_passes(busy: Busy, adapter: type, parameters: Any, name: str) -> None:
    met = 0
    for code in sorted(PASS | {CONFLICT}):
        busy.say(code)
        method = getattr(_made(adapter, parameters, busy), name)
        said = _called(method, busy)
        if not busy.failed:
            continue
        met += 1
        if f"{adapter.__name__}.{name}" in SILENT:
            assert said is None, code
            continue
        assert isinstance(said, ServiceUnavailable), (code, said)
        assert (said.charged, said.retryable) == (False, True), code
        assert said.retry_after, code
    assert met or name in {"link_output", "linked_key", "presign_upload"}


def _called(method: Callable[..., Any], busy: Busy) -> DarkroomError | None:
    """What it raises of ours. It may trip over an answer without anything in it, as long as no call has failed."""
    hints = typing.get_type_hints(method, vars(import_module(method.__module__)))
    given = {
        name: _sample(hints[name], name)
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is inspect.Parameter.empty or name == "source"
    }
    try:
        result = method(**given)
        if inspect.isgenerator(result):
            list(result)
    except DarkroomError as error:
        return error
    except Exception:
        if busy.failed:
            raise
    return None
