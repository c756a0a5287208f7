"""The emulator holds what the real template declares: told by what the resources do."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import Aws
from local.emulator import Emulator
from local.intrinsics import TemplateError
from local.resources import create_resources
from local.state import ROOT
from local.template import Template

URL = "http://127.0.0.1:8000"


class Made:
    """The template's resources, in an emulator of their own."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.template = Template.load(ROOT / "template.yaml", parameters={"CorsOrigin": URL}, api_url=URL)
        create_resources(self.template, aws)

    def ref(self, logical_id: str) -> str:
        return str(self.template.scope.ref(logical_id))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator, Aws(emulator.url) as aws:
        yield Made(aws)


def test_conditional_writes_are_atomic(made: Made) -> None:
    table, key = made.ref("Table"), {"pk": {"S": "budget"}, "sk": {"S": "1"}}
    made.aws.dynamodb.put_item(TableName=table, Item={**key, "left": {"N": "50"}})

    def take(_: int) -> bool:
        try:
            made.aws.dynamodb.update_item(
                TableName=table,
                Key=key,
                UpdateExpression="SET #left = #left - :one",
                ConditionExpression="#left >= :one",
                ExpressionAttributeNames={"#left": "left"},
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ConditionalCheckFailedException"  # noqa: PT017
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(take, range(80))) == 50


def test_the_index_of_open_jobs_is_sparse(made: Made) -> None:
    table = made.ref("Table")
    job: dict[str, Any] = {"pk": {"S": "J"}, "sk": {"S": "1"}, "open": {"S": "yes"}, "open_since": {"S": "2026"}}
    made.aws.dynamodb.put_item(TableName=table, Item=job)
    made.aws.dynamodb.put_item(TableName=table, Item={"pk": {"S": "J"}, "sk": {"S": "2"}})
    found = made.aws.dynamodb.query(
        TableName=table,
        IndexName="open-work",
        KeyConditionExpression="#open = :yes",
        ExpressionAttributeNames={"#open": "open"},
        ExpressionAttributeValues={":yes": {"S": "yes"}},
    )
    assert found["Items"] == [job]


def test_rows_expire(made: Made) -> None:
    # The emulator removes what is expired once a minute, which is too long to wait for.
    expiry = made.aws.dynamodb.describe_time_to_live(TableName=made.ref("Table"))["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_the_table_can_be_restored(made: Made) -> None:
    backups = made.aws.dynamodb.describe_continuous_backups(TableName=made.ref("Table"))
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.parametrize("bucket", ["UploadsBucket", "OutputsBucket"])
def test_buckets_are_private_encrypted_and_tidied(made: Made, bucket: str) -> None:
    s3, name = made.aws.s3, made.ref(bucket)
    block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert all(block.values())
    assert len(block) == 4
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    ownership = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    removing = {rule["ID"]: rule["Expiration"]["Days"] for rule in rules if "Expiration" in rule}
    longest = {name: days for name, days in removing.items() if not name.startswith("remove-after-")}
    assert set(longest.values()) == {7 if bucket == "UploadsBucket" else 30}
    assert set(removing.values()) - set(longest.values()) == (set() if bucket == "UploadsBucket" else {1, 3, 7, 14})
    assert s3.get_bucket_cors(Bucket=name)["CORSRules"][0]["AllowedOrigins"] == [
        URL,
        "https://*.execute-api.us-east-1.amazonaws.com",
    ]
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Resource"][0]) == ("Deny", f"arn:aws:s3:::{name}")


def test_uploads_have_versions(made: Made) -> None:
    bucket = made.ref("UploadsBucket")
    first = made.aws.s3.put_object(Bucket=bucket, Key="uploads/a", Body=b"1")["VersionId"]
    made.aws.s3.put_object(Bucket=bucket, Key="uploads/a", Body=b"2")
    assert made.aws.s3.get_object(Bucket=bucket, Key="uploads/a", VersionId=first)["Body"].read() == b"1"


def test_only_the_inbox_is_told_to_the_queue(made: Made) -> None:
    bucket, queue = made.ref("UploadsBucket"), made.ref("PictureQueue")
    made.aws.s3.put_object(Bucket=bucket, Key="uploads/ann/b.jpg", Body=b"x")
    made.aws.s3.put_object(Bucket=bucket, Key="inbox/ann/a b+ü.jpg", Body=b"x")
    keys: list[str] = []
    tests = 0
    deadline = time.monotonic() + 60
    while not keys and time.monotonic() < deadline:
        for message in made.aws.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            body = json.loads(message["Body"])
            tests += body.get("Event") == "s3:TestEvent"
            keys += [record["s3"]["object"]["key"] for record in body.get("Records", [])]
    assert (keys, tests) == (["inbox/ann/a+b%2B%C3%BC.jpg"], 1)


def test_the_queue_gives_up_after_six_tries(made: Made) -> None:
    attributes = made.aws.sqs.get_queue_attributes(QueueUrl=made.ref("PictureQueue"), AttributeNames=["All"])
    redrive = json.loads(attributes["Attributes"]["RedrivePolicy"])
    assert redrive["maxReceiveCount"] == 6
    assert redrive["deadLetterTargetArn"] == made.template.scope.attribute("PictureDeadLetters", "Arn")
    assert attributes["Attributes"]["VisibilityTimeout"] == "360"
    assert attributes["Attributes"]["SqsManagedSseEnabled"] == "true"
    assert {statement["Sid"] for statement in json.loads(attributes["Attributes"]["Policy"])["Statement"]} == {
        "UploadsBucketSends",
        "TlsOnly",
    }


def test_the_key_binds_its_context(made: Made) -> None:
    key = made.ref("VaultKey")
    sealed = made.aws.kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"tenant": "ann"})
    opened = made.aws.kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"tenant": "ann"})
    assert opened["Plaintext"] == b"secret"
    with pytest.raises(ClientError, match="InvalidCiphertext"):
        made.aws.kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"tenant": "bob"})
    assert not made.aws.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]


@pytest.mark.parametrize(
    ("resource", "complaint"),
    [
        ("{Type: AWS::RDS::DBInstance}", "Thing is an AWS::RDS::DBInstance"),
        ("{Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}", "FifoQueue not understood"),
        ("{Type: AWS::S3::Bucket, Properties: {LifecycleConfiguration: {Rules: [{Status: Enabled, X: 1}]}}}", "X not"),
    ],
)
def test_what_nobody_taught_it_is_an_error(aws: Aws, tmp_path: Path, resource: str, complaint: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(f"Resources: {{Thing: {resource}}}")
    template = Template.load(path, api_url=URL, stack=tmp_path.name.replace("_", "-")[:40])
    with pytest.raises(TemplateError, match=complaint):
        create_resources(template, aws)


KEPT = """
Parameters: {Seconds: {Type: Number}, Days: {Type: Number}, Sort: {Type: String}}
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: !Ref Seconds}}
  Key: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {Version: "2012-10-17", Statement: []}}}
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {LifecycleConfiguration: {Rules: [{Id: old, Status: Enabled, ExpirationInDays: !Ref Days}]}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: !Ref Sort, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: !Ref Sort, KeyType: RANGE}]
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
"""


def test_what_is_there_becomes_what_is_declared_now_and_keeps_what_is_in_it(aws: Aws, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(KEPT)

    def created(**parameters: str) -> dict[str, str]:
        stack = tmp_path.name.replace("_", "-")[-40:].strip("-")
        template = Template.load(path, api_url=URL, stack=stack, parameters={"Sort": "sk", **parameters})
        create_resources(template, aws)
        return template.scope.ids

    before = created(Seconds="30", Days="7")
    aws.sqs.send_message(QueueUrl=before["Queue"], MessageBody="kept")
    sealed = aws.kms.encrypt(KeyId=before["Key"], Plaintext=b"kept")["CiphertextBlob"]
    assert created(Seconds="60", Days="30") == before
    attributes = aws.sqs.get_queue_attributes(QueueUrl=before["Queue"], AttributeNames=["All"])["Attributes"]
    assert (attributes["VisibilityTimeout"], attributes["ApproximateNumberOfMessages"]) == ("60", "1")
    (rule,) = aws.s3.get_bucket_lifecycle_configuration(Bucket=before["Bucket"])["Rules"]
    assert rule["Expiration"]["Days"] == 30
    assert aws.kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"kept"
    with pytest.raises(TemplateError, match=r"Table was kept with another KeySchema; `make reset`"):
        created(Seconds="60", Days="30", Sort="other")


INDEXED = """
Parameters: {Name: {Type: String}, Projection: {Type: String}}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: open, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      GlobalSecondaryIndexes:
        - IndexName: !Ref Name
          KeySchema: [{AttributeName: open, KeyType: HASH}]
          Projection: {ProjectionType: !Ref Projection}
"""


def test_a_table_of_before_gets_the_index_of_now_with_the_rows_that_are_in_it(aws: Aws, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(INDEXED)

    def created(**parameters: str) -> str:
        template = Template.load(path, api_url=URL, stack="reindexed", parameters=parameters)
        create_resources(template, aws)
        return str(template.scope.ids["Table"])

    table = created(Name="old", Projection="ALL")
    row: Any = {"pk": {"S": "1"}, "open": {"S": "job"}}
    aws.dynamodb.put_item(TableName=table, Item={**row, "more": {"S": "x"}})
    for _ in range(2):
        assert created(Name="new", Projection="KEYS_ONLY") == table
    indexes = aws.dynamodb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"]
    assert [each["IndexName"] for each in indexes] == ["new"]
    found = aws.dynamodb.query(
        TableName=table,
        IndexName="new",
        KeyConditionExpression="#open = :job",
        ExpressionAttributeNames={"#open": "open"},
        ExpressionAttributeValues={":job": {"S": "job"}},
    )
    assert found["Items"] == [row]
