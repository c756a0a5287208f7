"""Calls of AWS's JSON services, for a part of the processor time that botocore takes for one by itself.

botocore writes, signs, sends and reads each request through its models of the services, for all protocols and settings.
Here the same clients ask by the standard library's JSON and a pool of urllib3's connections. Credentials, retries,
errors, paginators and the events that others listen to are botocore's, and so are all other calls. See docs/adr/0042.
"""

import json
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property, reduce
from hashlib import sha256
from hmac import digest
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.hooks import first_non_none_response
from botocore.httpsession import get_cert_path
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError, create_parser
from botocore.session import Session
from botocore.utils import get_environ_proxies
from msgspec import Struct
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3 import exceptions as urllib3_errors

_SERVICES: Final = ("dynamodb", "sqs")
# Whose requests and answers are made of what JSON has, but for bytes in values of attributes.
_PLAIN: Final = frozenset(
    {
        *("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"),
        "SendMessage",
    }
)
# Headers that a signature is over begin like that. Others, a trace's among them, may be changed on their way.
_SIGNED: Final = ("Content-Type", "Host", "X-Amz-", "x-amzn-query")


def install(session: Session) -> None:
    """Has the clients that the session makes from now on call like this."""

    def add(base_classes: list[type], class_attributes: dict[str, Any], **_: Any) -> None:
        # Certificates as botocore finds them.
        own: Any = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")  # noqa: TID251
        class_attributes["certificates"] = get_cert_path(own or True)
        base_classes.insert(0, JsonCalls)

    handler: Any = add  # which the stubs want to take anything
    for service in _SERVICES:
        session.register(f"creating-client-class.{service}", handler, unique_id=f"json-calls-{service}")


class JsonCalls:
    """What a client's class begins with."""

    certificates: str
    meta: Any
    exceptions: Any
    _request_signer: Any

    @cached_property
    def _endpoint_of_json(self) -> "_Endpoint | None":
        """None: with these settings, or in this version, botocore has to do all of it."""
        return _Endpoint.of(self.meta, self.certificates) if hasattr(self, "_request_signer") else None

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        if self._endpoint_of_json is not None:
            self._endpoint_of_json.pool.close()

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        """Makes a call. The name is botocore's: each of its methods comes here."""
        endpoint = self._endpoint_of_json
        model: OperationModel = self.meta.service_model.operation_model(operation_name)
        if endpoint is None or operation_name not in _PLAIN:
            return super()._make_api_call(operation_name, api_params)  # type: ignore[misc]
        emit, name = self.meta.events.emit, f"{endpoint.service}.{operation_name}"
        context = {"client_region": self.meta.region_name, "client_config": self.meta.config, "auth_type": "v4"}
        given = emit(f"provide-client-params.{name}", params=api_params, model=model, context=context)
        params = first_non_none_response(given, default=api_params)
        emit(f"before-parameter-build.{name}", params=params, model=model, context=context)
        request = endpoint.request(operation_name, params, context)
        answers = emit(
            f"before-call.{name}", model=model, params=request, request_signer=self._request_signer, context=context
        )
        http, parsed = first_non_none_response(answers) or self._in_attempts(endpoint, model, name, request)
        emit(f"after-call.{name}", http_response=http, parsed=parsed, model=model, context=context)
        if http.status_code >= 300:
            # SQS has codes by which its errors are known, and those that it had before it spoke JSON.
            code = context.get("error_code_override") or parsed.get("Error", {}).get("Code")
            raise self.exceptions.from_code(code)(parsed, operation_name)
        return parsed

    def _in_attempts(self, endpoint: "_Endpoint", model: OperationModel, name: str, request: dict[str, Any]) -> Any:
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
        self, endpoint: "_Endpoint", model: OperationModel, name: str, request: dict[str, Any]
    ) -> tuple[Any, Exception | None]:
        """The HTTP response and what it says, or what kept it from coming."""
        headers = endpoint.signed(
            request, self._request_signer.get_auth_instance(endpoint.signing_name, endpoint.region)
        )
        prepared = AWSPreparedRequest("POST", endpoint.url, headers, request["body"], False)  # type: ignore[arg-type]
        try:
            http = first_non_none_response(self.meta.events.emit(f"before-send.{name}", request=prepared))
            http = endpoint.send(prepared) if http is None else http
        except Exception as error:  # noqa: BLE001 - which of them are worth another attempt, the handlers say
            return None, error
        return (http, _read(http, model)), None


class _Endpoint(Struct, frozen=True):
    """Where a client's calls go.

    Args:
        service: as events name it.
        headers: those of every request; `target`: what is before the operation in another.
    """

    url: str
    host: str
    path: str
    service: str
    target: str
    region: str
    signing_name: str
    headers: Mapping[str, str]
    pool: HTTPConnectionPool

    @staticmethod
    def of(meta: Any, certificates: str) -> "_Endpoint | None":
        """None: for this client botocore has to do it itself."""
        model, config, url = meta.service_model, meta.config, meta.endpoint_url.rstrip("/") + "/"
        proxies = get_environ_proxies(url) if config.proxies is None else config.proxies
        if model.resolved_protocol != "json" or proxies:
            return None
        headers = {
            "Content-Type": f"application/x-amz-json-{model.metadata['jsonVersion']}",
            "User-Agent": config.user_agent,
        }
        if "awsQueryCompatible" in model.metadata:
            headers["x-amzn-query-mode"] = "true"
        place = urlsplit(url)
        return _Endpoint(
            url=url,
            host=place.netloc,
            path=place.path,
            service=model.service_id.hyphenize(),
            target=model.metadata["targetPrefix"],
            region=meta.region_name,
            signing_name=model.signing_name,
            headers=headers,
            pool=_pool(place, config, certificates),
        )

    def request(self, operation: str, params: Mapping[str, Any], context: dict[str, Any]) -> dict[str, Any]:
        """As botocore has one for its events."""
        body = json.dumps(params, default=_encode, separators=(",", ":")).encode()
        headers = {**self.headers, "X-Amz-Target": f"{self.target}.{operation}"}
        return {
            "method": "POST",
            "url": self.url,
            "url_path": "/",
            "headers": headers,
            "body": body,
            "context": context,
        }

    def signed(self, request: Mapping[str, Any], signer: Any) -> dict[str, str]:
        """The request's headers, signed (SigV4) with the credentials of botocore's signer as of now.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
        """
        if signer.credentials is None:
            raise NoCredentialsError
        access_key, secret, token = signer.credentials[:3]
        time_stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = {**request["headers"], "Host": self.host, "X-Amz-Date": time_stamp}
        if token:
            headers["X-Amz-Security-Token"] = token
        own = sorted((name.lower(), value) for name, value in headers.items() if name.startswith(_SIGNED))
        names = ";".join(name for name, _ in own)
        lines = "".join(f"{name}:{value}\n" for name, value in own)
        asked = f"POST\n{self.path}\n\n{lines}\n{names}\n{sha256(request['body']).hexdigest()}"
        scope = f"{time_stamp[:8]}/{self.region}/{self.signing_name}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{time_stamp}\n{scope}\n{sha256(asked.encode()).hexdigest()}"
        key = reduce(lambda key, part: digest(key, part.encode(), "sha256"), scope.split("/"), f"AWS4{secret}".encode())
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, "
            f"Signature={digest(key, text.encode(), 'sha256').hex()}"
        )
        return headers

    def send(self, request: Any) -> AWSResponse:
        """Raises what botocore does."""
        try:
            found: Any = self.pool.urlopen(
                "POST",
                self.path,
                body=request.body,
                headers=request.headers,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
            answer = AWSResponse(request.url, found.status, found.headers, found)
            _ = answer.content  # which reads it
        except urllib3_errors.SSLError as error:
            raise SSLError(endpoint_url=request.url, error=error) from error
        except urllib3_errors.NewConnectionError as error:
            raise EndpointConnectionError(endpoint_url=request.url, error=error) from error
        except urllib3_errors.ConnectTimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=request.url, error=error) from error
        except urllib3_errors.ReadTimeoutError as error:
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except urllib3_errors.ProtocolError as error:
            raise ConnectionClosedError(endpoint_url=request.url, error=error, request=request) from error
        except urllib3_errors.HTTPError as error:
            raise HTTPClientError(error=error) from error
        return answer


def _pool(place: SplitResult, config: Any, certificates: str) -> HTTPConnectionPool:
    timeout = Timeout(connect=config.connect_timeout, read=config.read_timeout)
    host = place.hostname or ""
    if place.scheme == "http":
        return HTTPConnectionPool(host, place.port, timeout, config.max_pool_connections)
    return HTTPSConnectionPool(
        host,
        place.port,
        timeout,
        config.max_pool_connections,
        cert_reqs="CERT_REQUIRED",
        ca_certs=certificates,
    )


def _encode(value: Any) -> str:
    return b64encode(value).decode()


def _decode(value: dict[str, Any]) -> dict[str, Any]:
    """A value of DynamoDB's, if it is bytes: nothing else has a text, or a list of texts, by these names."""
    if len(value) == 1:
        if isinstance(value.get("B"), str):
            return {"B": b64decode(value["B"])}
        if isinstance(value.get("BS"), list):
            return {"BS": [b64decode(each) for each in value["BS"]]}
    return value


def _read(http: AWSResponse, model: OperationModel) -> dict[str, Any]:
    """What an answer says, as botocore has it.

    Raises:
        ResponseParserError: it is no JSON. botocore takes such an answer of status 200 for one that says nothing.
    """
    if http.status_code >= 300:
        return _read_error(http, model)
    try:
        found = json.loads(http.content or b"{}", object_hook=_decode)
    except ValueError as error:
        raise ResponseParserError(f"{model.name} was answered with what is no JSON") from error
    said = {name: value for name, value in found.items() if value is not None}
    headers = {name.lower(): value for name, value in http.headers.items()}
    said["ResponseMetadata"] = {
        "RequestId": headers.get("x-amzn-requestid", ""),
        "HTTPStatusCode": http.status_code,
        "HTTPHeaders": headers,
    }
    return said


def _read_error(http: AWSResponse, model: OperationModel) -> dict[str, Any]:
    parser: Any = create_parser("json")
    answer = {"body": http.content, "headers": http.headers, "status_code": http.status_code}
    said: dict[str, Any] = parser.parse(answer, model.output_shape)
    shape = model.service_model.shape_for_error_code(said.get("Error", {}).get("Code"))
    if shape is not None:
        said.update(parser.parse(answer, shape))
    return said
