"""What calls of AWS have in common that do not go through botocore's models: events, attempts, errors (docs/adr/0042).

botocore writes, signs, sends and reads each request through its models of the services, for all protocols and
settings. Here the same clients make the calls of `json_calls` and `object_calls` by themselves, over `connections`.
Credentials, retries, errors, paginators and the events that others listen to are botocore's, and so are all other
calls.
"""

import os
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final, Protocol
from zlib import crc32

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.httpsession import get_cert_path
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.session import Session
from botocore.utils import get_environ_proxies

from darkroom.adapters.connections import Connections, Reply

_CHECKSUM: Final = "x-amz-crc32"


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

    def __init__(self, url: str, reply: Reply) -> None:  # not the base's, which copies the headers
        self.url, self.status_code, self.raw = url, reply.status, None
        self.headers: Any = reply.headers
        self._content = reply.body


class _Prepared(AWSPreparedRequest):
    """A request as those are shown it who listen; most look at nothing but the time."""

    def __init__(self, request: Mapping[str, Any], signed_headers: Mapping[str, str]) -> None:
        self.method, self.url, self.body = request["method"], request["url"], request["body"]
        self.stream_output = False
        self._signed_headers = signed_headers

    @cached_property
    def headers(self) -> Any:  # type: ignore[override]  # an attribute there
        return HeadersDict(self._signed_headers)


# botocore's own listeners that do nothing in calls made here, or what is done here: parameters without a checksum to be
# asked for, endpoints that need not be discovered, buckets with plain names, bodies that are bytes.
_IDLE: Final = frozenset(
    {
        "botocore.handlers._handle_request_validation_mode_member",
        "botocore.handlers.inject_api_version_header_if_needed",
        "botocore.handlers.sse_md5",
        "botocore.handlers.convert_body_to_file_like_object",
        "botocore.handlers.validate_bucket_name",
        "botocore.handlers.remove_bucket_from_url_paths_from_model",
        "botocore.handlers.add_expect_header",
        "botocore.utils.S3ExpressIdentityResolver.apply_signing_cache_key",
    }
)
_Listener = Callable[..., Any]


class _Listeners:
    """Who listens to a client's events. botocore looks them up, logs and lists answers for each event of each call."""

    def __init__(self, events: Any) -> None:
        self._emitter = events._emitter
        self._known: tuple[object, dict[str, tuple[_Listener, ...]]] = (None, {})

    @staticmethod
    def are_known(events: Any) -> bool:
        """Whether this botocore keeps them where they are looked for here."""
        emitter = getattr(events, "_emitter", None)
        return hasattr(emitter, "_lookup_cache") and hasattr(getattr(emitter, "_handlers", None), "prefix_search")

    def tell(self, event: str, **facts: Any) -> Any | None:
        """The first answer that there is; all are told."""
        answer = None
        for listener in self._of(event):
            said = listener(event_name=event, **facts)
            answer = said if answer is None else answer
        return answer

    def _of(self, event: str) -> tuple[_Listener, ...]:
        # botocore begins another cache when somebody begins or ends to listen.
        cache, found = self._known
        if cache is not self._emitter._lookup_cache:
            cache, found = self._known = self._emitter._lookup_cache, {}
        if event not in found:
            heard = self._emitter._handlers.prefix_search(event)
            found[event] = tuple(each for each in heard if _name_of(each) not in _IDLE)
        return found[event]


def _name_of(listener: Any) -> str:
    return f"{getattr(listener, '__module__', '')}.{getattr(listener, '__qualname__', '')}"


class PlainCalls:
    """What a client's class begins with."""

    certificates: str
    meta: Any
    exceptions: Any
    _request_signer: Any

    @cached_property
    def _listeners(self) -> _Listeners:
        return _Listeners(self.meta.events)

    def _plainly(
        self, endpoint: Endpoint, model: OperationModel, params: Mapping[str, Any], context: dict[str, Any]
    ) -> Any:
        """Makes a call, of which `provide-client-params` and `before-parameter-build` were told already."""
        tell, name = self._listeners.tell, f"{endpoint.service}.{model.name}"
        request = endpoint.request(model.name, params, context)
        signer = self._request_signer
        answer = tell(f"before-call.{name}", model=model, params=request, request_signer=signer, context=context)
        http, parsed = answer or self._in_attempts(endpoint, model, name, request)
        tell(f"after-call.{name}", http_response=http, parsed=parsed, model=model, context=context)
        if http.status_code >= 300:
            # SQS has codes by which its errors are known, and those that it had before it spoke JSON.
            code = context.get("error_code_override") or parsed.get("Error", {}).get("Code")
            raise self.exceptions.from_code(code)(parsed, model.name)
        return parsed

    def _built(self, name: str, model: OperationModel, api_params: Any, context: dict[str, Any]) -> Any:
        """The parameters, when all have seen them who listen."""
        tell = self._listeners.tell
        given = tell(f"provide-client-params.{name}", params=api_params, model=model, context=context)
        params = api_params if given is None else given
        tell(f"before-parameter-build.{name}", params=params, model=model, context=context)
        return params

    def _in_attempts(self, endpoint: Endpoint, model: OperationModel, name: str, request: dict[str, Any]) -> Any:
        """As often as those say who listen to "needs-retry"; botocore's own handler is among them.

        Of an answer that is as it should be nobody is asked: all of them would let it be.
        """
        attempts, wait = 0, None
        while attempts == 0 or wait is not None:
            if wait:
                time.sleep(wait)
            attempts += 1
            answer, fault = self._attempt(endpoint, model, name, request)
            wait = None
            if fault is not None or not _is_sound(answer[0]):
                wait = self._listeners.tell(
                    f"needs-retry.{name}",
                    response=answer,
                    endpoint=None,
                    operation=model,
                    attempts=attempts,
                    caught_exception=fault,
                    request_dict=request,
                )
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
        try:
            http = self._listeners.tell(f"before-send.{name}", request=_Prepared(request, headers))
            if http is None:
                reply = endpoint.connections.ask(request["method"], request["target"], headers, request["body"])
                http = Answer(request["url"], reply)
        except Exception as error:  # noqa: BLE001 - which of them are worth another attempt, the handlers say
            return None, error
        return (http, endpoint.read(http, model)), None


def _is_sound(http: AWSResponse) -> bool:
    """Whether it is a success and, where DynamoDB says a checksum of it, as it was sent."""
    if not 200 <= http.status_code < 300:
        return False
    said = http.headers.get(_CHECKSUM)
    return said is None or said == str(crc32(http.content))


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


def is_possible(client: Any) -> bool:
    """Whether this botocore has what is used here."""
    return hasattr(client, "_request_signer") and _Listeners.are_known(client.meta.events)


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
