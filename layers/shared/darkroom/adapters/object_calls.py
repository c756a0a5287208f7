"""Objects written to S3 and removed, and links to them, without botocore's models: see plain_calls.

Where a bucket is, path or host, region and partition, botocore says once for each, by a link that it signs.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

from botocore.awsrequest import AWSResponse
from botocore.model import OperationModel
from botocore.session import Session
from msgspec import Struct

from darkroom.adapters import plain_calls, signing
from darkroom.adapters.connections import Connections
from darkroom.adapters.plain_calls import PlainCalls

# What the client's method is called by which a bucket is looked for.
_METHODS: Final = {"PutObject": "put_object", "DeleteObject": "delete_object"}
_NAMES: Final = {"ContentType": "Content-Type", "Tagging": "x-amz-tagging"}
_TAKEN: Final = frozenset({"Bucket", "Key", "Body", "Metadata", *_NAMES})
# Not an ARN, nor one of S3's other kinds of bucket, which are signed differently.
_PLAIN_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]+(?<!--x-s3)")
_SAID: Final = {"etag": "ETag", "x-amz-version-id": "VersionId"}


def install(session: Session) -> None:
    """Has the clients that the session makes from now on write objects like this."""
    plain_calls.install(session, ObjectCalls, "s3")


class ObjectCalls(PlainCalls):
    @cached_property
    def _buckets(self) -> "dict[str, _Bucket | None]":
        return {}

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        for bucket in self._buckets.values():
            if bucket is not None:
                bucket.connections.close()

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        """Makes a call. The name is botocore's: each of its methods comes here."""
        method = _METHODS.get(operation_name) if _is_plain(operation_name, api_params) else None
        bucket = self._bucket(str(api_params["Bucket"]), str(api_params["Key"]), method) if method else None
        if bucket is None:
            return super()._make_api_call(operation_name, api_params)  # type: ignore[misc]
        model: OperationModel = self.meta.service_model.operation_model(operation_name)
        context = {"client_region": bucket.region, "client_config": self.meta.config, "auth_type": "v4"}
        params = self._built(f"s3.{operation_name}", model, dict(api_params), context)
        return self._plainly(bucket, model, params, context)

    def link(self, bucket: str, key: str, more: Mapping[str, str], seconds: int) -> str | None:
        """As the function of this name; None: botocore has to do it."""
        place = self._bucket(bucket, key, "get_object")
        if place is None:
            return None
        model: OperationModel = self.meta.service_model.operation_model("GetObject")
        self._built("s3.GetObject", model, {"Bucket": bucket, "Key": key}, {"is_presign_request": True})
        signer = place.auth(self._request_signer)
        return signing.link(place.base, key, more, seconds=seconds, region=place.region, signer=signer)

    def _bucket(self, name: str, key: str, method: str) -> "_Bucket | None":
        """None: botocore has to do it. `method`: what is done, and so what the caller may do."""
        if name not in self._buckets:
            is_plain = _PLAIN_BUCKET.fullmatch(name) and plain_calls.is_possible(self)
            self._buckets[name] = self._found(name, key, method) if is_plain else None
        return self._buckets[name]

    def _found(self, name: str, key: str, method: str) -> "_Bucket | None":
        asked: Any = self
        linked = urlsplit(asked.generate_presigned_url(method, Params={"Bucket": name, "Key": key}))
        query, path = parse_qs(linked.query), f"/{signing.encoded(key)}"
        if "X-Amz-Credential" not in query or not linked.path.endswith(path):
            return None
        place = linked._replace(path=linked.path.removesuffix(path), query="")
        if plain_calls.goes_through_proxy(self.meta, place.geturl()):
            return None
        region = query["X-Amz-Credential"][0].split("/")[2]
        config = self.meta.config
        connections = Connections.of(place, config, self.certificates)
        return _Bucket(place.geturl(), place.netloc, place.path, region, str(config.user_agent), connections)


def _is_plain(operation: str, params: Mapping[str, Any]) -> bool:
    if not (params.get("Bucket") and params.get("Key")):
        return False
    if operation == "DeleteObject":
        return len(params) == 2
    return operation == "PutObject" and params.keys() <= _TAKEN and isinstance(params.get("Body"), bytes)


def link(client: Any, bucket: str, key: str, more: Mapping[str, str], seconds: int) -> str:
    """A link by which an object can be read for so long, as `generate_presigned_url` makes it.

    Args: more: parameters, by the names that they have in the query.
    """
    made = client.link(bucket, key, more, seconds) if isinstance(client, ObjectCalls) else None
    if made is not None:
        return made
    params = {"Bucket": bucket, "Key": key, **{_parameter(name): value for name, value in more.items()}}
    linked: str = client.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)
    return linked


def _parameter(name: str) -> str:
    """`response-content-disposition` as botocore names it."""
    return "".join(part.capitalize() for part in name.split("-"))


class _Bucket(Struct, frozen=True):
    """Where a bucket's objects are. Implements plain_calls.Endpoint."""

    base: str
    host: str
    path: str
    region: str
    user_agent: str
    connections: Connections
    service: ClassVar[str] = "s3"

    def request(self, operation: str, params: Mapping[str, Any], context: dict[str, Any]) -> dict[str, Any]:
        body: bytes = params.get("Body", b"")
        target = f"{self.path}/{signing.encoded(params['Key'])}"
        is_written = operation == "PutObject"
        return {
            "method": "PUT" if is_written else "DELETE",
            "url": f"{self.base.removesuffix(self.path)}{target}",
            "url_path": target,
            "target": target,
            "headers": {**(_described(params, body) if is_written else {}), "User-Agent": self.user_agent},
            "body": body,
            "context": context,
        }

    def auth(self, request_signer: Any) -> Any:
        return request_signer.get_auth_instance("s3", self.region)

    def signed(self, request: Mapping[str, Any], signer: Any) -> dict[str, str]:
        hashed = sha256(request["body"]).hexdigest()
        headers = {**request["headers"], "Host": self.host, "X-Amz-Content-SHA256": hashed}
        return signing.signed(
            request["method"], request["target"], headers, hashed, region=self.region, name="s3", signer=signer
        )

    def read(self, http: AWSResponse, model: OperationModel) -> dict[str, Any]:
        if http.status_code >= 300:
            return plain_calls.read_error(http, model, "rest-xml")
        headers = http.headers
        said: dict[str, Any] = {name: headers[header] for header, name in _SAID.items() if header in headers}
        return {**said, "ResponseMetadata": plain_calls.metadata_of(http)}


def _described(params: Mapping[str, Any], body: bytes) -> dict[str, str]:
    """The headers of an object that is written."""
    return {
        **{name: str(params[field]) for field, name in _NAMES.items() if field in params},
        **{f"x-amz-meta-{name}": value for name, value in params.get("Metadata", {}).items()},
        # By which S3 finds out whether these are the bytes that were sent, now and when they are read.
        "x-amz-checksum-crc32": b64encode(crc32(body).to_bytes(4, "big")).decode(),
    }
