"""The emulator, killed between and within requests and started again on what it has kept."""

import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local.aws import Aws
from local.emulator import Emulator, EmulatorError
from local.kept import AWS, OBJECTS, Kept
from local.resources import create_resources
from local.template import Template
from tests.conftest import ROOT

CONTEXT = {"tenant": "ann"}


class Cloud:
    """An emulator with the template's resources, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = Kept(folder / "state").folder
        self._running = ExitStack()

    def start(self, *, is_furnished: bool = False) -> "Cloud":
        """Args: is_furnished: whether it is left with the resources that it has, of an earlier start."""
        self.emulator = self._running.enter_context(Emulator(self.folder / "logs", state=self.kept))
        self.aws = self._running.enter_context(Aws(self.emulator.url))
        if is_furnished:
            return self
        template = Template.load(ROOT / "template.yaml", api_url="http://127.0.0.1:8000")
        create_resources(template, self.aws)
        self.ids = template.scope.ids
        return self

    def kill(self) -> None:
        os.kill(self.emulator.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        self._running.close()

    def restart(self, *, is_furnished: bool = True) -> "Cloud":
        self.kill()
        return self.start(is_furnished=is_furnished)

    def rows(self) -> list[dict[str, Any]]:
        pages = self.aws.dynamodb.get_paginator("scan").paginate(TableName=self.ids["Table"], ConsistentRead=True)
        return sorted((row for page in pages for row in page["Items"]), key=str)

    def empty(self) -> None:
        for row in self.rows():
            self.aws.dynamodb.delete_item(TableName=self.ids["Table"], Key={name: row[name] for name in ("pk", "sk")})


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path_factory.mktemp("shared")).start()
    yield cloud
    cloud.kill()


@pytest.fixture
def cloud(shared: Cloud) -> Cloud:
    """Without rows."""
    shared.empty()
    return shared


@dataclass
class Before:
    """What was there before the kill."""

    cloud: Cloud
    ids: dict[str, str]
    sealed: bytes
    versions: list[str]
    messages: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Before]:
    """Written, killed, and started again; the tests look at it."""
    cloud = Cloud(tmp_path_factory.mktemp("kept")).start()
    aws, ids = cloud.aws, dict(cloud.ids)
    sealed = aws.kms.encrypt(KeyId=ids["VaultKey"], Plaintext=b"secret", EncryptionContext=CONTEXT)["CiphertextBlob"]
    _write_rows(cloud)
    versions = [_put(cloud, "UploadsBucket", "uploads/ann/a", body) for body in (b"1", b"22")]
    _put(cloud, "UploadsBucket", "inbox/ann/Photo ü.JPG", b"dropped")
    _put(cloud, "OutputsBucket", "outputs/A.png", b"upper", ContentType="image/png", Metadata={"a": "b"})
    _put(cloud, "OutputsBucket", "outputs/a.png", b"lower", Tagging="keep=7")
    _put(cloud, "OutputsBucket", "outputs/gone.png", b"x")
    aws.s3.delete_object(Bucket=ids["OutputsBucket"], Key="outputs/gone.png")
    before = Before(cloud, ids, sealed, versions)
    for name in ("waiting", "in flight", "done", "delayed"):
        delay = 900 if name == "delayed" else 0
        aws.sqs.send_message(QueueUrl=ids["JobQueue"], MessageBody=name, DelaySeconds=delay)
    for message in aws.sqs.receive_message(QueueUrl=ids["JobQueue"], MaxNumberOfMessages=10)["Messages"]:
        before.messages[message["Body"]] = message["ReceiptHandle"]
    aws.sqs.delete_message(QueueUrl=ids["JobQueue"], ReceiptHandle=before.messages["done"])
    aws.sqs.change_message_visibility(
        QueueUrl=ids["JobQueue"], ReceiptHandle=before.messages["waiting"], VisibilityTimeout=0
    )
    cloud.restart(is_furnished=False)
    yield before
    cloud.kill()


def _write_rows(cloud: Cloud) -> None:
    table, dynamodb = cloud.ids["Table"], cloud.aws.dynamodb
    for name in ("put", "updated", "deleted", "batched", "checked"):
        dynamodb.put_item(TableName=table, Item=_row(name))
    dynamodb.update_item(
        TableName=table,
        Key=_key("updated"),
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "2"}},
    )
    dynamodb.delete_item(TableName=table, Key=_key("deleted"))
    requests: Any = [{"DeleteRequest": {"Key": _key("batched")}}, {"PutRequest": {"Item": _row("batch", open="yes")}}]
    dynamodb.batch_write_item(RequestItems={table: requests})
    dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": _row("together")}},
            {"Delete": {"TableName": table, "Key": _key("checked")}},
        ]
    )


def _key(name: str) -> dict[str, Any]:
    return {"pk": {"S": f"USER#ann\0ü{name}"}, "sk": {"S": f"ROW#{name}"}}


def _row(name: str, **strings: str) -> dict[str, Any]:
    deep = {"L": [{"N": "1.5"}, {"NULL": True}, {"M": {"b": {"B": b"\x00\xff"}}}]}
    more: dict[str, Any] = {key: {"S": value} for key, value in strings.items()}
    if more:
        more["open_since"] = {"S": "2026"}
    return {**_key(name), "n": {"N": "1"}, "deep": deep, "some": {"SS": ["x", "y"]}, **more}


def _put(cloud: Cloud, bucket: str, key: str, body: bytes, **more: Any) -> str:
    return cloud.aws.s3.put_object(Bucket=cloud.ids[bucket], Key=key, Body=body, **more).get("VersionId", "")


def test_rows_are_as_they_were(before: Before) -> None:
    expected = [_row("put"), {**_row("updated"), "n": {"N": "2"}}, _row("batch", open="yes"), _row("together")]
    assert before.cloud.rows() == sorted(expected, key=str)


def test_an_index_knows_the_rows(before: Before) -> None:
    found = before.cloud.aws.dynamodb.query(
        TableName=before.ids["Table"],
        IndexName="open-work",
        KeyConditionExpression="#open = :yes",
        ExpressionAttributeNames={"#open": "open"},
        ExpressionAttributeValues={":yes": {"S": "yes"}},
    )
    row = _row("batch", open="yes")
    assert found["Items"] == [{name: row[name] for name in ("pk", "sk", "open", "open_since")}]


def test_rows_still_expire(before: Before) -> None:
    table = before.cloud.aws.dynamodb.describe_time_to_live(TableName=before.ids["Table"])
    assert table["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_what_a_key_sealed_it_opens(before: Before) -> None:
    assert before.cloud.ids["VaultKey"] == before.ids["VaultKey"]
    kms = before.cloud.aws.kms
    opened = kms.decrypt(CiphertextBlob=before.sealed, EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == b"secret"
    with pytest.raises(ClientError, match="InvalidCiphertext"):
        kms.decrypt(CiphertextBlob=before.sealed, EncryptionContext={"tenant": "bob"})
    assert len(kms.list_keys()["Keys"]) == 1


def test_objects_have_their_data_type_metadata_and_tags(before: Before) -> None:
    s3, bucket = before.cloud.aws.s3, before.ids["OutputsBucket"]
    upper, lower = (s3.get_object(Bucket=bucket, Key=f"outputs/{name}.png") for name in ("A", "a"))
    assert (upper["Body"].read(), lower["Body"].read()) == (b"upper", b"lower")
    assert (upper["ContentType"], upper["Metadata"]) == ("image/png", {"a": "b"})
    tags = s3.get_object_tagging(Bucket=bucket, Key="outputs/a.png")["TagSet"]
    assert tags == [{"Key": "keep", "Value": "7"}]
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == ["outputs/A.png", "outputs/a.png"]


def test_versions_of_an_upload_are_kept(before: Before) -> None:
    s3, bucket = before.cloud.aws.s3, before.ids["UploadsBucket"]
    found = [
        s3.get_object(Bucket=bucket, Key="uploads/ann/a", VersionId=version)["Body"].read()
        for version in before.versions
    ]
    assert found == [b"1", b"22"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_messages_come_back_and_those_that_are_done_do_not(before: Before) -> None:
    sqs, queue = before.cloud.aws.sqs, before.cloud.ids["JobQueue"]
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])
    counts = {each["Body"]: each["Attributes"]["ApproximateReceiveCount"] for each in found["Messages"]}
    # The delivery that the kill interrupted counts.
    assert counts == {"waiting": "2", "in flight": "2"}
    left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert left["ApproximateNumberOfMessagesDelayed"] == "1"


def test_a_dropped_file_is_told_to_its_queue_once(before: Before) -> None:
    sqs, queue = before.cloud.aws.sqs, before.cloud.ids["PictureQueue"]
    bodies = [each["Body"] for each in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]]
    # A bucket tests its queue when it is first told of it, and not at every start.
    assert [("TestEvent" in body, "inbox/ann/Photo" in body) for body in bodies] == [(True, False), (False, True)]


def test_a_kill_at_any_moment_loses_no_answer_and_halves_no_transaction(cloud: Cloud) -> None:
    answered: list[int] = []

    def write(worker: int) -> None:
        """Until the emulator is gone. A transaction moves one from a budget into a receipt."""
        with suppress(BotoCoreError, ClientError):
            for number in range(worker, 100_000, 4):
                cloud.aws.dynamodb.transact_write_items(
                    TransactItems=[
                        {"Put": {"TableName": cloud.ids["Table"], "Item": _row(f"receipt-{number}")}},
                        {
                            "Update": {
                                "TableName": cloud.ids["Table"],
                                "Key": _key("budget"),
                                "UpdateExpression": "ADD spent :one",
                                "ExpressionAttributeValues": {":one": {"N": "1"}},
                            }
                        },
                    ]
                )
                answered.append(number)
                if len(answered) == 60:
                    os.kill(cloud.emulator.pid, signal.SIGKILL)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    told = {_row(f"receipt-{number}")["sk"]["S"] for number in answered}
    rows = {row["sk"]["S"]: row for row in cloud.restart().rows()}
    budget = rows.pop("ROW#budget")
    assert told <= rows.keys()
    assert int(budget["spent"]["N"]) == len(rows)


def test_a_transaction_that_is_sent_again_after_the_kill_is_not_done_again(cloud: Cloud) -> None:
    add: Any = {
        "TableName": cloud.ids["Table"],
        "Key": _key("budget"),
        "UpdateExpression": "ADD spent :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    for each in (cloud, cloud.restart()):
        each.aws.dynamodb.transact_write_items(TransactItems=[{"Update": add}], ClientRequestToken="the-same")
    assert [row["spent"] for row in cloud.rows()] == [{"N": "1"}]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs the limits of another process to be set")
def test_while_nothing_can_be_written_nothing_is_answered_and_nothing_lost(cloud: Cloud) -> None:
    table = cloud.ids["Table"]
    cloud.aws.dynamodb.put_item(TableName=table, Item=_row("before"))
    limits = resource.prlimit(cloud.emulator.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    with pytest.raises(ClientError, match=r"InternalServerError.*aws.sqlite3 cannot be used"):
        cloud.aws.dynamodb.put_item(TableName=table, Item=_row("refused"))
    with pytest.raises(ClientError, match="InternalServerError"):
        cloud.aws.dynamodb.get_item(TableName=table, Key=_key("before"))
    with pytest.raises(ClientError, match="InternalError"):
        _put(cloud, "OutputsBucket", "outputs/refused", b"x")
    resource.prlimit(cloud.emulator.pid, resource.RLIMIT_FSIZE, limits)
    _put(cloud, "OutputsBucket", "outputs/after", b"x")
    cloud.aws.dynamodb.put_item(TableName=table, Item=_row("after"))
    cloud.restart()
    # What became of a refused write is unknown, as with AWS's own faults; here it was written later.
    assert [row["sk"]["S"] for row in cloud.rows()] == ["ROW#after", "ROW#before", "ROW#refused"]
    objects = cloud.aws.s3.list_objects_v2(Bucket=cloud.ids["OutputsBucket"])["Contents"]
    assert "outputs/after" in [item["Key"] for item in objects]


def test_damaged_state_ends_it_with_a_sentence_and_is_left_alone(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path).start()
    cloud.aws.dynamodb.put_item(TableName=cloud.ids["Table"], Item=_row("a"))
    cloud.stop()
    # An orderly end leaves all of it in one file.
    assert sorted(path.name for path in cloud.kept.iterdir()) == [AWS, OBJECTS, "settings.json"]
    with closing(sqlite3.connect(cloud.kept / AWS)) as database, database:
        database.execute("UPDATE entries SET value = replace(value, 'ROW', 'raw') WHERE kind = 'row'")
    for sentence in (r"row .* is not what was written.*make reset", r"is damaged: it is empty.*make reset"):
        before = (cloud.kept / AWS).read_bytes()
        with pytest.raises(EmulatorError, match=sentence):
            cloud.start()
        assert (cloud.kept / AWS).read_bytes() == before
        (cloud.kept / AWS).write_bytes(b"")


def test_an_object_whose_data_is_gone_is_an_error_and_not_empty(
    cloud: Cloud, capfd: pytest.CaptureFixture[str]
) -> None:
    _put(cloud, "OutputsBucket", "outputs/a", b"1")
    (data,) = (cloud.kept / OBJECTS).rglob("outputs/a")
    data.unlink()
    with pytest.raises(ClientError, match=r"InternalError.*outputs/a is not on the disk"):
        cloud.aws.s3.get_object(Bucket=cloud.ids["OutputsBucket"], Key="outputs/a")
    cloud.restart()
    assert "the data of outputs/a is not there" in capfd.readouterr().err
    with pytest.raises(ClientError, match="NoSuchKey"):
        cloud.aws.s3.get_object(Bucket=cloud.ids["OutputsBucket"], Key="outputs/a")
