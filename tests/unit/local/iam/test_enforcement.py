"""A function's process refuses what its policies do not allow, as AWS does, and says so in its log."""

import json
from typing import Any

import pytest

from local.aws import Aws
from local.functions import FunctionPool
from local.iam.enforcement import REFUSED
from local.launch import Launch, spawned
from local.preloaded import Preloaded
from tests.unit.local.conftest import MakePool, needs_fork

USER = "arn:aws:sts::000000000000:assumed-role/darkroom-behaves/darkroom-behaves"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/rights"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:rights"
KEY = "arn:aws:kms:us-east-1:000000000000:key/k"
ROW = {"pk": {"S": "USER#a"}}
FORM = {"Bucket": "rights", "Key": "uploads/u/1"}


@pytest.fixture(params=["spawned", pytest.param("forked", marks=needs_fork)])
def launch(request: pytest.FixtureRequest) -> Launch:
    if request.param == "spawned":
        return spawned
    preloaded: Preloaded = request.getfixturevalue("preloaded")
    return preloaded.launch


@pytest.fixture(scope="module")
def made(aws: Aws) -> Aws:
    aws.dynamodb.create_table(
        TableName="rights",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    aws.s3.create_bucket(Bucket="rights")
    aws.sqs.create_queue(QueueName="rights")
    return aws


def limited(make_pool: MakePool, aws: Aws, *statements: dict[str, Any]) -> FunctionPool:
    rights = {
        "function": "darkroom-behaves",
        "user": USER,
        "region": "us-east-1",
        "account": "000000000000",
        "statements": statements,
        "partition_keys": {TABLE: "pk"},
    }
    return make_pool(endpoint_url=aws.endpoint_url, rights=json.dumps(rights))


def asked(pool: FunctionPool, *calls: tuple[str, str, dict[str, Any]]) -> Any:
    return pool.call({"do": "aws", "calls": calls}).value


def allow(action: str | list[str], resource: str, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


def test_what_is_allowed_is_done(make_pool: MakePool, made: Aws) -> None:
    pool = limited(
        make_pool,
        made,
        allow(
            ["dynamodb:PutItem", "dynamodb:GetItem"],
            TABLE,
            Condition={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["USER#*"]}},
        ),
        allow(["s3:PutObject"], "arn:aws:s3:::rights/uploads/*"),
        allow("sqs:SendMessage", QUEUE),
    )
    url = made.sqs.get_queue_url(QueueName="rights")["QueueUrl"]
    done = asked(
        pool,
        ("dynamodb", "put_item", {"TableName": "rights", "Item": ROW}),
        ("s3", "put_object", {**FORM, "Body": "x"}),
        ("s3", "generate_presigned_url", {"ClientMethod": "put_object", "Params": FORM}),
        ("s3", "generate_presigned_post", {**FORM, "Conditions": [["content-length-range", 0, 9]]}),
        ("s3", "generate_presigned_post", {**FORM, "Key": "uploads/u/${filename}"}),
        ("sqs", "send_message", {"QueueUrl": url, "MessageBody": "x"}),
    )
    assert done == ["done"] * 6
    assert REFUSED not in pool.log.read_text()
    (refused,) = asked(pool, ("dynamodb", "put_item", {"TableName": "rights", "Item": {"pk": {"S": "TOKEN#a"}}}))
    assert refused[0] == "AccessDeniedException"


def test_what_is_not_allowed_is_refused_in_the_words_of_each_service(make_pool: MakePool, made: Aws) -> None:
    def told(action: str, resource: str) -> str:
        why = f"because no identity-based policy allows the {action} action"
        return f"User: {USER} is not authorized to perform: {action} on resource: {resource} {why}"

    pool = limited(make_pool, made, allow("sqs:ReceiveMessage", QUEUE))
    thing = {"Bucket": "rights", "Key": "outputs/u/1"}
    arn = '"arn:aws:s3:::rights/outputs/u/1"'
    url = made.sqs.get_queue_url(QueueName="rights")["QueueUrl"]
    assert asked(
        pool,
        ("dynamodb", "get_item", {"TableName": "rights", "Key": ROW}),
        ("s3", "get_object", thing),
        ("s3", "head_object", thing),
        ("s3", "generate_presigned_url", {"ClientMethod": "get_object", "Params": thing}),
        ("s3", "generate_presigned_post", thing),
        ("sqs", "send_message", {"QueueUrl": url, "MessageBody": "x"}),
        ("kms", "decrypt", {"KeyId": KEY, "CiphertextBlob": "x"}),
    ) == [
        ["AccessDeniedException", 400, told("dynamodb:GetItem", TABLE)],
        ["AccessDenied", 403, told("s3:GetObject", arn)],
        ["403", 403, "Forbidden"],
        ["AccessDenied", 403, told("s3:GetObject", arn)],
        ["AccessDenied", 403, told("s3:PutObject", arn)],
        ["AccessDenied", 403, told("sqs:sendmessage", QUEUE)],
        ["AccessDeniedException", 400, told("kms:Decrypt", KEY)],
    ]
    log = pool.log.read_text()
    assert f"{REFUSED} darkroom-behaves: dynamodb:GetItem on {TABLE} (dynamodb:leadingkeys=USER#a; GetItem)" in log
    assert log.count(REFUSED) == 7


def test_a_deny_is_told_as_one(make_pool: MakePool, made: Aws) -> None:
    everything = allow("dynamodb:*", TABLE)
    pool = limited(make_pool, made, everything, {**allow("dynamodb:DeleteItem", "*"), "Effect": "Deny"})
    (done, refused) = asked(
        pool,
        ("dynamodb", "put_item", {"TableName": "rights", "Item": ROW}),
        ("dynamodb", "delete_item", {"TableName": "rights", "Key": ROW}),
    )
    assert done == "done"
    assert refused[2].endswith("with an explicit deny in an identity-based policy")


def test_a_transaction_needs_the_right_to_each_of_its_parts(make_pool: MakePool, made: Aws) -> None:
    pool = limited(make_pool, made, allow(["dynamodb:PutItem", "dynamodb:TransactWriteItems"], TABLE))
    put = {"Put": {"TableName": "rights", "Item": ROW}}
    checked = {"ConditionCheck": {"TableName": "rights", "Key": ROW, "ConditionExpression": "attribute_exists(pk)"}}
    (done, refused) = asked(
        pool,
        ("dynamodb", "transact_write_items", {"TransactItems": [put]}),
        ("dynamodb", "transact_write_items", {"TransactItems": [put, checked]}),
    )
    assert done == "done"
    assert "dynamodb:ConditionCheckItem" in refused[2]


@pytest.mark.parametrize(("may_list", "code", "status"), [(True, "NoSuchKey", 404), (False, "AccessDenied", 403)])
def test_that_an_object_is_missing_is_told_to_those_who_may_list(
    make_pool: MakePool, made: Aws, may_list: bool, code: str, status: int
) -> None:
    statements = [allow("s3:GetObject", "arn:aws:s3:::rights/*")]
    if may_list:
        statements.append(allow("s3:ListBucket", "arn:aws:s3:::rights"))
    pool = limited(make_pool, made, *statements)
    (refused,) = asked(pool, ("s3", "get_object", {"Bucket": "rights", "Key": "missing"}))
    assert refused[:2] == [code, status]
