"""Each call of AWS needs the actions that AWS's service authorization reference names for it."""

from typing import Any

import pytest

from local.iam.calls import Calls

PLACE = "us-east-1:000000000000"
TABLE = f"arn:aws:dynamodb:{PLACE}:table/t"
CALLS = Calls("us-east-1", "000000000000", {TABLE: "pk", f"{TABLE}/index/open-jobs": "open"})
ROW = {"pk": {"S": "USER#a"}, "sk": {"S": "JOB#1"}}
USER = {"dynamodb:leadingkeys": ("USER#a",)}


def needs(service: str, operation: str, params: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(need.action, need.resource, dict(need.context)) for need in CALLS.needs(service, operation, params)]


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("GetItem", {"TableName": "t", "Key": ROW}, [("dynamodb:GetItem", TABLE, USER)]),
        ("GetItem", {"TableName": TABLE, "Key": ROW}, [("dynamodb:GetItem", TABLE, USER)]),
        ("PutItem", {"TableName": "t", "Item": {**ROW, "n": {"N": "1"}}}, [("dynamodb:PutItem", TABLE, USER)]),
        (
            "BatchGetItem",
            {"RequestItems": {"t": {"Keys": [ROW, {**ROW, "pk": {"S": "MODEL#m"}}]}}},
            [("dynamodb:BatchGetItem", TABLE, {"dynamodb:leadingkeys": ("USER#a", "MODEL#m")})],
        ),
        (
            "BatchWriteItem",
            {"RequestItems": {"t": [{"PutRequest": {"Item": ROW}}, {"DeleteRequest": {"Key": ROW}}]}},
            [("dynamodb:BatchWriteItem", TABLE, USER)],
        ),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "t", "Item": ROW}},
                    {"Update": {"TableName": "t", "Key": ROW}},
                    {"Delete": {"TableName": "t", "Key": ROW}},
                    {"ConditionCheck": {"TableName": "t", "Key": {**ROW, "pk": {"S": "TOKEN#x"}}}},
                ]
            },
            [
                ("dynamodb:PutItem", TABLE, USER),
                ("dynamodb:UpdateItem", TABLE, USER),
                ("dynamodb:DeleteItem", TABLE, USER),
                ("dynamodb:ConditionCheckItem", TABLE, {"dynamodb:leadingkeys": ("TOKEN#x",)}),
            ],
        ),
        (
            "TransactGetItems",
            {"TransactItems": [{"Get": {"TableName": "t", "Key": ROW}}]},
            [("dynamodb:GetItem", TABLE, USER)],
        ),
        (
            "Query",
            {
                "TableName": "t",
                "KeyConditionExpression": "pk = :pk AND begins_with(sk, :job)",
                "ExpressionAttributeValues": {":pk": {"S": "USER#a"}, ":job": {"S": "JOB#"}},
            },
            [("dynamodb:Query", TABLE, USER)],
        ),
        (
            "Query",
            {
                "TableName": "t",
                "IndexName": "open-jobs",
                "KeyConditionExpression": "#open = :open",
                "ExpressionAttributeNames": {"#open": "open"},
                "ExpressionAttributeValues": {":open": {"S": "1"}},
            },
            [("dynamodb:Query", f"{TABLE}/index/open-jobs", {"dynamodb:leadingkeys": ("1",)})],
        ),
        ("Scan", {"TableName": "t"}, [("dynamodb:Scan", TABLE, {})]),
        ("Scan", {"TableName": "t", "IndexName": "open-jobs"}, [("dynamodb:Scan", f"{TABLE}/index/open-jobs", {})]),
        ("DescribeTable", {"TableName": "t"}, [("dynamodb:DescribeTable", TABLE, {})]),
    ],
)
def test_dynamodb(operation: str, params: dict[str, Any], expected: list[Any]) -> None:
    assert needs("dynamodb", operation, params) == expected


THING = {"Bucket": "b", "Key": "outputs/u/1"}
ARN = "arn:aws:s3:::b/outputs/u/1"


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("GetObject", THING, [("s3:GetObject", ARN)]),
        ("GetObject", {**THING, "VersionId": "v"}, [("s3:GetObjectVersion", ARN)]),
        ("HeadObject", THING, [("s3:GetObject", ARN)]),
        ("PutObject", THING, [("s3:PutObject", ARN)]),
        ("PutObject", {**THING, "Tagging": "a=1"}, [("s3:PutObject", ARN), ("s3:PutObjectTagging", ARN)]),
        ("PutObject", {**THING, "ACL": "private"}, [("s3:PutObject", ARN), ("s3:PutObjectAcl", ARN)]),
        ("DeleteObject", THING, [("s3:DeleteObject", ARN)]),
        ("DeleteObjects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "a"}, {"Key": "c", "VersionId": "v"}]}},
         [("s3:DeleteObject", "arn:aws:s3:::b/a"), ("s3:DeleteObjectVersion", "arn:aws:s3:::b/c")]),
        ("CopyObject", {**THING, "CopySource": {"Bucket": "c", "Key": "x y"}, "Tagging": "a=1"},
         [("s3:GetObject", "arn:aws:s3:::c/x y"), ("s3:PutObject", ARN), ("s3:PutObjectTagging", ARN)]),
        ("CopyObject", {**THING, "CopySource": "c/x%20y?versionId=v"},
         [("s3:GetObjectVersion", "arn:aws:s3:::c/x y"), ("s3:PutObject", ARN)]),
        ("UploadPart", {**THING, "UploadId": "u"}, [("s3:PutObject", ARN)]),
        ("GetObjectTagging", THING, [("s3:GetObjectTagging", ARN)]),
        ("ListObjectsV2", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("HeadBucket", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
    ],
)  # fmt: skip
def test_s3(operation: str, params: dict[str, Any], expected: list[Any]) -> None:
    assert [(action, resource) for action, resource, _ in needs("s3", operation, params)] == expected


def test_what_a_list_is_limited_to_is_told() -> None:
    assert needs("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "outputs/"})[0][2] == {"s3:prefix": ("outputs/",)}


@pytest.mark.parametrize(
    ("service", "operation", "params", "action", "resource"),
    [
        ("sqs", "SendMessage", {"QueueUrl": "http://x/000000000000/q"}, "sqs:SendMessage", f"arn:aws:sqs:{PLACE}:q"),
        ("sqs", "SendMessageBatch", {"QueueUrl": "http://x/0/q"}, "sqs:SendMessage", f"arn:aws:sqs:{PLACE}:q"),
        ("sqs", "GetQueueUrl", {"QueueName": "q"}, "sqs:GetQueueUrl", f"arn:aws:sqs:{PLACE}:q"),
        ("kms", "Decrypt", {"KeyId": "k"}, "kms:Decrypt", f"arn:aws:kms:{PLACE}:key/k"),
        ("kms", "Decrypt", {"KeyId": f"arn:aws:kms:{PLACE}:key/k"}, "kms:Decrypt", f"arn:aws:kms:{PLACE}:key/k"),
        (
            *("secretsmanager", "GetSecretValue", {"SecretId": "darkroom/key"}),
            *("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{PLACE}:secret:darkroom/key-local1"),
        ),
        (
            *("secretsmanager", "GetSecretValue", {"SecretId": f"arn:aws:secretsmanager:{PLACE}:secret:key-AbCd12"}),
            *("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{PLACE}:secret:key-AbCd12"),
        ),
        ("sns", "Publish", {"TopicArn": "arn"}, "sns:Publish", "*"),
    ],
)
def test_other_services(service: str, operation: str, params: dict[str, Any], action: str, resource: str) -> None:
    assert [each[:2] for each in needs(service, operation, params)] == [(action, resource)]


def test_what_a_secret_is_sealed_for_is_told() -> None:
    (need,) = needs("kms", "Decrypt", {"KeyId": "k", "EncryptionContext": {"Purpose": "openai", "user": "a"}})
    assert need[2] == {
        "kms:encryptioncontext:purpose": ("openai",),
        "kms:encryptioncontext:user": ("a",),
        "kms:encryptioncontextkeys": ("Purpose", "user"),
    }
