"""What calls of AWS have in common that do not go through botocore's models: events, attempts, errors (docs/adr/0042).

botocore writes, signs, sends and reads each request through its models of the services, for all protocols and
settings. Here the same clients make the calls of `json_calls` and `object_calls` by themselves, over `connections`.
Credentials, retries, errors, paginators and the events that others listen to are botocore's, and so are all other
calls.
"""

import os
import time
from collections.abc import Mapping
from typing import Any, Protocol

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.hooks import first_non_none_response
from botocore.httpsession import get_cert_path
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.session import Session
from botocore.utils import get_environ_proxies

from darkroom.adapters.connections import Connections, Reply


class Endpoint(Protocol):
    """Where requests of a kind go."""

    @property
    def service(self) -> str:
        """As events name it."""

    @property
    def connections(self) -> Connections: ...

    def request(self, operation: str, params: Mapping[str, Any], context: dict[str, Any]) -> dict[str, Any]:
        """As botocore has one for its events; `target` is the path."""

    def signed(self, request: Mapping[str, Any], signer: Any) -> dict[str, str]:
        """The request's headers. Raises NoCredentialsError."""

    def auth(self, request_signer: Any) -> Any:
        """botocore's signer for it, with the credentials of now."""

    def read(self, http: AWSResponse, model: OperationModel) -> dict[str, Any]:
        """What an answer says, as botocore has it."""


class Answer(AWSResponse):
    """An answer whose body is there."""

    def __init__(self, url: str, reply: Reply) -> None:
        none: Any = ()
        super().__init__(url, reply.status, none, None)
        self.headers: Any = reply.headers
        self._content = reply.body


class PlainCalls:
    """What a client's class begins with."""

    certificates: str
    meta: Any
    exceptions: Any
    _request_signer: Any

    def _plainly(
        self, endpoint: Endpoint, model: OperationModel, params: Mapping[str, Any], context: dict[str, Any]
    ) -> Any:
        """Makes a call, of which `provide-client-params` and `before-parameter-build` were told already."""
        emit, name = self.meta.events.emit, f"{endpoint.service}.{model.name}"
        request = endpoint.request(model.name, params, context)
        answers = emit(
            f"before-call.{name}", model=model, params=request, request_signer=self._request_signer, context=context
        )
        http, parsed = first_non_none_response(answers) or self._in_attempts(endpoint, model, name, request)
        emit(f"after-call.{name}", http_response=http, parsed=parsed, model=model, context=context)
        if http.status_code >= 300:
            # SQS has codes by which its errors are known, and those that it had before it spoke JSON.
            code = context.get("error_code_override") or parsed.get("Error", {}).get("Code")
            raise self.exceptions.from_code(code)(parsed, model.name)
        return parsed

    def _built(self, name: str, model: OperationModel, api_params: Any, context: dict[str, Any]) -> Any:
        """The parameters, when all have seen them who listen."""
        emit = self.meta.events.emit
        given = emit(f"provide-client-params.{name}", params=api_params, model=model, context=context)
        params = first_non_none_response(given, default=api_params)
        emit(f"before-parameter-build.{name}", params=params, model=model, context=context)
        return params

    def _in_attempts(self, endpoint: Endpoint, model: OperationModel, name: str, request: dict[str, Any]) -> Any:
        """As often as those say who listen to "needs-retry"; botocore's own handler is among them."""
        attempts, wait = 0, None
        while attempts == 0 or wait is not None:
            if wait:
                time.sleep(wait)
            attempts += 1
            answer, fault = self._attempt(endpoint, model, name, request)
            said = self.meta.events.emit(
                f"needs-retry.{name}",
                response=answer,
                endpoint=None,
                operation=model,
                attempts=attempts,
                caught_exception=fault,
                request_dict=request,
            )
            wait = first_non_none_response(said)
            wait = None if wait is False else wait
        if fault is not None:
            raise fault
        answer[1]["ResponseMetadata"]["RetryAttempts"] = attempts - 1
        return answer

    def _attempt(
        self, endpoint: Endpoint, model: OperationModel, name: str, request: dict[str, Any]
    ) -> tuple[Any, Exception | None]:
        """The HTTP response and what it says, or what kept it from coming."""
        headers = endpoint.signed(request, endpoint.auth(self._request_signer))
        method, url, body = request["method"], request["url"], request["body"]
        prepared = AWSPreparedRequest(method, url, headers, body, False)  # type: ignore[arg-type]
        try:
            http = first_non_none_response(self.meta.events.emit(f"before-send.{name}", request=prepared))
            if http is None:
                http = Answer(url, endpoint.connections.ask(method, request["target"], headers, body))
        except Exception as error:  # noqa: BLE001 - which of them are worth another attempt, the handlers say
            return None, error
        return (http, endpoint.read(http, model)), None


def install(session: Session, calls: type[PlainCalls], *services: str) -> None:
    """Has the session's clients of these services, from now on, begin with that class."""

    def add(base_classes: list[type], class_attributes: dict[str, Any], **_: Any) -> None:
        # Certificates as botocore finds them.
        own: Any = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")  # noqa: TID251
        class_attributes["certificates"] = get_cert_path(own or True)
        base_classes.insert(0, calls)

    handler: Any = add  # which the stubs want to take anything
    for service in services:
        session.register(f"creating-client-class.{service}", handler, unique_id=f"plain-calls-{service}")


def goes_through_proxy(meta: Any, url: str) -> bool:
    proxies = get_environ_proxies(url) if meta.config.proxies is None else meta.config.proxies
    return bool(proxies)


def metadata_of(http: AWSResponse) -> dict[str, Any]:
    headers: dict[str, str] = {name.lower(): value for name, value in http.headers.items()}
    request_id = headers.get("x-amzn-requestid") or headers.get("x-amz-request-id", "")
    return {"RequestId": request_id, "HTTPStatusCode": http.status_code, "HTTPHeaders": headers}


def read_error(http: AWSResponse, model: OperationModel, protocol: str) -> dict[str, Any]:
    parser: Any = create_parser(protocol)
    answer = {"body": http.content, "headers": http.headers, "status_code": http.status_code}
    said: dict[str, Any] = parser.parse(answer, model.output_shape)
    shape = model.service_model.shape_for_error_code(said.get("Error", {}).get("Code"))
    if shape is not None:
        said.update(parser.parse(answer, shape))
    return said
