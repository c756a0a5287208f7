"""Calls of AWS's JSON services, for a part of the processor time that botocore takes for them: see plain_calls."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from botocore.awsrequest import AWSResponse
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError
from botocore.session import Session
from msgspec import Struct

from darkroom.adapters import plain_calls
from darkroom.adapters.connections import Connections
from darkroom.adapters.plain_calls import PlainCalls
from darkroom.adapters.signing import signed

# Whose requests and answers are made of what JSON has, but for bytes in values of attributes.
_PLAIN: Final = frozenset(
    {
        *("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"),
        "SendMessage",
    }
)


def install(session: Session) -> None:
    """Has the clients that the session makes from now on call like this."""
    plain_calls.install(session, JsonCalls, "dynamodb", "sqs")


class JsonCalls(PlainCalls):
    @cached_property
    def _endpoint_of_json(self) -> "_Endpoint | None":
        """None: with these settings, or in this version, botocore has to do all of it."""
        return _Endpoint.of(self.meta, self.certificates) if plain_calls.is_possible(self) else None

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        if self._endpoint_of_json is not None:
            self._endpoint_of_json.connections.close()

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        """Makes a call. The name is botocore's: each of its methods comes here."""
        endpoint = self._endpoint_of_json
        if endpoint is None or operation_name not in _PLAIN:
            return super()._make_api_call(operation_name, api_params)  # type: ignore[misc]
        model: OperationModel = self.meta.service_model.operation_model(operation_name)
        context = {"client_region": self.meta.region_name, "client_config": self.meta.config, "auth_type": "v4"}
        params = self._built(f"{endpoint.service}.{operation_name}", model, api_params, context)
        return self._plainly(endpoint, model, params, context)


class _Endpoint(Struct, frozen=True):
    """Where a client's calls go. Implements plain_calls.Endpoint.

    Args:
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
    connections: Connections

    @staticmethod
    def of(meta: Any, certificates: str) -> "_Endpoint | None":
        """None: for this client botocore has to do it itself."""
        model, config, url = meta.service_model, meta.config, meta.endpoint_url.rstrip("/") + "/"
        if model.resolved_protocol != "json" or plain_calls.goes_through_proxy(meta, url):
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
            connections=Connections.of(place, config, certificates),
        )

    def request(self, operation: str, params: Mapping[str, Any], context: dict[str, Any]) -> dict[str, Any]:
        try:
            body = msgspec.json.encode(params)
        except UnicodeEncodeError:
            # Half of a pair of surrogates, which JSON can escape: what comes of it, the service says.
            body = json.dumps(params, default=_encode, separators=(",", ":")).encode()
        headers = {**self.headers, "X-Amz-Target": f"{self.target}.{operation}"}
        return {
            "method": "POST",
            "url": self.url,
            "url_path": "/",
            "target": self.path,
            "headers": headers,
            "body": body,
            "context": context,
        }

    def auth(self, request_signer: Any) -> Any:
        return request_signer.get_auth_instance(self.signing_name, self.region)

    def signed(self, request: Mapping[str, Any], signer: Any) -> dict[str, str]:
        return signed(
            "POST",
            self.path,
            {**request["headers"], "Host": self.host},
            sha256(request["body"]).hexdigest(),
            region=self.region,
            name=self.signing_name,
            signer=signer,
        )

    def read(self, http: AWSResponse, model: OperationModel) -> dict[str, Any]:
        """What an answer says, as botocore has it.

        Raises:
            ResponseParserError: it is no JSON. botocore takes such an answer of status 200 for one that says nothing.
        """
        if http.status_code >= 300:
            return plain_calls.read_error(http, model, "json")
        try:
            found = _decoded(http.content or b"{}")
        except ValueError as error:
            raise ResponseParserError(f"{model.name} was answered with what is no JSON") from error
        said = {name: value for name, value in found.items() if value is not None}
        said["ResponseMetadata"] = plain_calls.metadata_of(http)
        return said


def _decoded(content: bytes) -> dict[str, Any]:
    """Raises ValueError: it is no JSON."""
    if b'"B' in content:
        found: dict[str, Any] = json.loads(content, object_hook=_decode)
        return found
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise ValueError from error
    return found


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
