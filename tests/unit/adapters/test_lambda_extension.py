"""The extension by which a process goes on when it has answered, on an Extensions API over a real socket."""

from collections.abc import Iterator
from concurrent.futures import Future
from http.client import HTTPConnection

import pytest

from darkroom.adapters.lambda_extension import LambdaExtension
from local.extensions_api import ROOT, ExtensionsApi
from local.ports import listen
from tests.servers import answering, response, serving

EVENT = {"eventType": "INVOKE"}


@pytest.fixture
def api() -> Iterator[ExtensionsApi]:
    served = ExtensionsApi()
    yield served
    served.close()


def _registered(api: ExtensionsApi) -> LambdaExtension:
    found = LambdaExtension.registered({"AWS_LAMBDA_RUNTIME_API": api.address})
    assert found is not None
    return found


def test_lambda_halts_the_process_when_what_was_begun_is_over(api: ExtensionsApi) -> None:
    extension = _registered(api)
    api.invoke(EVENT)
    first, second = (extension.keep(Future()) for _ in range(2))
    extension.returned()
    assert not api.wait_until_done(0.05)
    second.set_result(None)
    assert not api.wait_until_done(0.05)
    first.set_exception(ValueError("it failed, and is over"))
    assert api.wait_until_done(10)


def test_a_call_that_began_nothing_ends_with_its_answer(api: ExtensionsApi) -> None:
    extension = _registered(api)
    for _ in range(3):
        api.invoke(EVENT)
        # The handler is still at work.
        assert not api.wait_until_done(0.02)
        extension.returned()
        assert api.wait_until_done(10)


def test_a_handler_that_is_faster_than_its_event_is_waited_for_once(api: ExtensionsApi) -> None:
    extension = _registered(api)
    extension.returned()
    api.invoke(EVENT)
    assert api.wait_until_done(10)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"AWS_LAMBDA_RUNTIME_API": ""},
        {"AWS_LAMBDA_RUNTIME_API": "{api}", "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"},
    ],
    ids=["outside of Lambda", "empty", "SnapStart"],
)
def test_where_a_process_cannot_go_on_there_is_none(api: ExtensionsApi, environ: dict[str, str]) -> None:
    given = {name: value.format(api=api.address) for name, value in environ.items()}
    assert LambdaExtension.registered(given) is None
    # None was registered, so nothing is waited for.
    assert api.wait_until_done(0)


def test_an_api_that_is_not_there_or_refuses_leaves_the_function_without(
    api: ExtensionsApi, caplog: pytest.LogCaptureFixture
) -> None:
    closed = listen(0)
    address = f"127.0.0.1:{closed.getsockname()[1]}"
    closed.close()
    assert LambdaExtension.registered({"AWS_LAMBDA_RUNTIME_API": address}) is None
    assert "Extensions API" in caplog.text
    # A server that knows nothing of extensions.
    with serving(answering(response(b"What?", "404 Not Found"))) as other:
        assert LambdaExtension.registered({"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{other.port}"}) is None
    assert "registers no extension" in caplog.text


def test_the_api_refuses_what_lambdas_refuses(api: ExtensionsApi) -> None:
    connection = HTTPConnection(api.address)

    def answered(method: str, path: str, body: str | None = None, **headers: str) -> int:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    named = {"Lambda_Extension_Name": "x"}
    assert answered("POST", f"{ROOT}/register", '{"events": ["INVOKE", "SHUTDOWN"]}', **named) == 403
    assert answered("POST", f"{ROOT}/register", '{"events": ["INVOKE"]}') == 403
    assert answered("GET", f"{ROOT}/event/next", Lambda_Extension_Identifier="unknown") == 403
    assert answered("POST", f"{ROOT}/register", '{"events": ["INVOKE"]}', **named) == 200
    connection.close()
