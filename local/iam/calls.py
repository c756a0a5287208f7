"""What a call of AWS needs to be allowed: actions, on resources, in a context.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from local.iam.policies import Context

Params = Mapping[str, Any]

# DynamoDB has no actions by these names: each of their parts needs the action of its own kind.
_TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_OF_BUCKETS = {
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
}
_OF_OBJECTS = {
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "HeadObject": "GetObject",
    "UploadPart": "PutObject",
}
_VERSIONED = ("GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging")
_SECRET_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")


@dataclass(frozen=True)
class Need:
    """One action on one resource."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


class Calls:
    """
    Args:
        region, account: of resources that calls name without them.
        partition_keys: the attribute that is the partition key, by the ARN of a table or an index.
    """

    def __init__(self, region: str, account: str, partition_keys: Mapping[str, str]) -> None:
        self._place = f"{region}:{account}"
        self._partition_keys = partition_keys
        self._services: dict[str, Callable[[str, Params], Iterator[Need]]] = {
            "dynamodb": self._dynamodb,
            "kms": self._kms,
            "s3": self._s3,
            "secretsmanager": self._secretsmanager,
            "sqs": self._sqs,
        }

    def needs(self, service: str, operation: str, params: Params) -> list[Need]:
        """
        Args:
            service: as requests to it are signed, such as `s3`.
            operation: such as `PutObject`.
            params: as they are given to the client.
        """
        found = self._services.get(service)
        return list(found(operation, params)) if found else [Need(f"{service}:{operation}", "*")]

    def _dynamodb(self, operation: str, params: Params) -> Iterator[Need]:
        if operation in ("TransactWriteItems", "TransactGetItems"):
            for item in params["TransactItems"]:
                for kind, part in item.items():
                    yield self._item(_TRANSACTED.get(kind, "GetItem"), part)
        elif operation == "BatchGetItem":
            for table, asked in params["RequestItems"].items():
                yield self._rows(operation, table, asked["Keys"])
        elif operation == "BatchWriteItem":
            for table, requests in params["RequestItems"].items():
                rows = [each.get("PutRequest", {}).get("Item") or each["DeleteRequest"]["Key"] for each in requests]
                yield self._rows(operation, table, rows)
        elif operation == "Query":
            table = self._table(params["TableName"])
            resource = f"{table}/index/{params['IndexName']}" if "IndexName" in params else table
            yield Need("dynamodb:Query", resource, self._leading(_queried(params, self._partition_keys.get(resource))))
        elif operation == "Scan" and "IndexName" in params:
            yield Need("dynamodb:Scan", f"{self._table(params['TableName'])}/index/{params['IndexName']}")
        elif "Key" in params or "Item" in params:
            yield self._item(operation, params)
        else:
            yield Need(f"dynamodb:{operation}", self._table(params["TableName"]) if "TableName" in params else "*")

    def _item(self, action: str, part: Params) -> Need:
        return self._rows(action, part["TableName"], [part.get("Key") or part["Item"]])

    def _rows(self, action: str, table: str, rows: list[Any]) -> Need:
        resource = self._table(table)
        key = self._partition_keys.get(resource, "")
        return Need(f"dynamodb:{action}", resource, self._leading([row[key] for row in rows if key in row]))

    def _leading(self, values: list[Any]) -> Context:
        texts = tuple(dict.fromkeys(str(next(iter(value.values()))) for value in values))
        return {"dynamodb:leadingkeys": texts} if texts else {}

    def _table(self, name: str) -> str:
        return name if name.startswith("arn:") else f"arn:aws:dynamodb:{self._place}:table/{name}"

    def _s3(self, operation: str, params: Params) -> Iterator[Need]:
        bucket = f"arn:aws:s3:::{params['Bucket']}" if "Bucket" in params else "*"
        if operation in _OF_BUCKETS or "Key" not in params:
            if operation == "DeleteObjects":
                for each in params["Delete"]["Objects"]:
                    yield Need(_versioned("DeleteObject", each), f"{bucket}/{each['Key']}")
                return
            prefix = {"s3:prefix": (str(params["Prefix"]),)} if "Prefix" in params else {}
            yield Need(f"s3:{_OF_BUCKETS.get(operation, operation)}", bucket, prefix)
            return
        thing = f"{bucket}/{params['Key']}"
        if operation in ("CopyObject", "UploadPartCopy"):
            yield _copied(params["CopySource"])
            yield Need("s3:PutObject", thing)
        else:
            yield Need(_versioned(_OF_OBJECTS.get(operation, operation), params), thing)
        for name, action in (("Tagging", "s3:PutObjectTagging"), ("ACL", "s3:PutObjectAcl")):
            if name in params and operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
                yield Need(action, thing)

    def _sqs(self, operation: str, params: Params) -> Iterator[Need]:
        name = params.get("QueueName") or str(params.get("QueueUrl", "*")).rsplit("/", 1)[-1]
        yield Need(f"sqs:{operation.removesuffix('Batch')}", f"arn:aws:sqs:{self._place}:{name}")

    def _kms(self, operation: str, params: Params) -> Iterator[Need]:
        key = str(params.get("KeyId", ""))
        resource = key if key.startswith("arn:") else f"arn:aws:kms:{self._place}:key/{key}"
        given = params.get("EncryptionContext", {})
        context = {f"kms:encryptioncontext:{name}".lower(): (value,) for name, value in given.items()}
        if given:
            context["kms:encryptioncontextkeys"] = tuple(given)
        yield Need(f"kms:{operation}", resource, context)

    def _secretsmanager(self, operation: str, params: Params) -> Iterator[Need]:
        secret = str(params.get("SecretId", "*"))
        arn = secret if secret.startswith("arn:") else f"arn:aws:secretsmanager:{self._place}:secret:{secret}"
        # A name, or an ARN without the six characters that AWS puts behind it: policies are asked with the whole one.
        yield Need(f"secretsmanager:{operation}", arn if _SECRET_SUFFIX.search(arn) else f"{arn}-local1")


def _queried(params: Params, key: str | None) -> list[Any]:
    """The partition that is asked for: the key's value in the expression."""
    names: Mapping[str, str] = params.get("ExpressionAttributeNames", {})
    values: Mapping[str, Any] = params.get("ExpressionAttributeValues", {})
    for name, placeholder in re.findall(r"([#\w.]+)\s*=\s*(:\w+)", params.get("KeyConditionExpression", "")):
        if names.get(name, name) == key and placeholder in values:
            return [values[placeholder]]
    return []


def _versioned(action: str, params: Params) -> str:
    return f"s3:{action}Version" if action in _VERSIONED and params.get("VersionId") else f"s3:{action}"


def _copied(source: Any) -> Need:
    if not isinstance(source, str):
        return Need(_versioned("GetObject", source), f"arn:aws:s3:::{source['Bucket']}/{source['Key']}")
    path, _, version = source.removeprefix("/").partition("?versionId=")
    return Need(_versioned("GetObject", {"VersionId": version}), f"arn:aws:s3:::{unquote(path)}")
