"""What a stack makes of what the one before it kept."""

import logging
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from darkroom.services.accounts.tokens import Tokens
from local.aws import Aws
from local.journal import Journal
from local.kept import AWS, SIMULATORS, CannotKeep, Kept
from local.memory import Memory
from local.ports import free_port, listen
from local.resources import create_resources
from local.template import Template
from tests.fakes.people import MemoryTokenStore

TEMPLATE = """
Resources:
  %s: {Type: AWS::SQS::Queue}
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: %s}}
"""


def test_a_stack_that_remembers_nothing_begins_with_nothing(tmp_path: Path) -> None:
    memory = Memory(None)
    memory.remember(token="dk_1")
    memory.remember_ports(emulator=1)
    assert (memory.recall("token"), memory.recall("keys", {}), memory.port("emulator")) == (None, {}, 0)
    assert not memory.is_of_an_earlier_run
    with memory.books() as journal:
        assert journal is None


def test_a_port_is_the_same_while_it_is_free(tmp_path: Path) -> None:
    port = free_port()
    Memory(Kept(tmp_path)).remember_ports(emulator=port, other=free_port())
    memory = Memory(Kept(tmp_path))
    assert memory.port("emulator") == port
    with listen(port):
        assert memory.port("emulator") == 0
    assert memory.port("unheard-of") == 0


def test_the_token_is_the_same_until_it_is_revoked(tmp_path: Path) -> None:
    tokens = Tokens(MemoryTokenStore(), lambda: datetime.now(UTC))
    first = Memory(Kept(tmp_path)).token(tokens, "local")
    assert Memory(Kept(tmp_path)).token(tokens, "local") == first
    (token,) = tokens.of_user("local")
    tokens.revoke("local", token.id)
    second = Memory(Kept(tmp_path)).token(tokens, "local")
    assert second != first
    assert tokens.authenticate(second).name == "make up"


def test_files_that_were_there_and_are_not_are_told(tmp_path: Path) -> None:
    memory = Memory(Kept(tmp_path))
    with memory.books() as journal:
        assert journal is not None
    memory.remember(names={"Table": "a"}, keys={"openrouter": "sk-or-v1-1"})
    (tmp_path / SIMULATORS).unlink()
    with pytest.raises(CannotKeep, match=r"simulators\.sqlite3 is not there any more"), memory.books():
        pass
    with pytest.raises(CannotKeep, match=r"aws\.sqlite3 is not there any more"), memory.emulator(tmp_path / "logs"):
        pass
    assert not (tmp_path / AWS).exists()


def test_what_the_books_lost_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, kept = tmp_path / "a", Kept(tmp_path / "state")
    with closing(Journal(path)) as journal:
        for number in range(6):
            journal.write({("row", f"{number}"): b"x"})
        log = bytearray(path.with_name("a-wal").read_bytes())
        (kept.folder / SIMULATORS).write_bytes(path.read_bytes())
    log[len(log) // 2] ^= 1
    (kept.folder / f"{SIMULATORS}-wal").write_bytes(log)
    with Memory(kept).books(), caplog.at_level(logging.WARNING):
        pass
    assert "later writes are lost" in caplog.text


def test_what_is_kept_under_other_names_is_told(aws: Aws, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stack, memory = tmp_path.name.replace("_", "-")[-30:].strip("-"), Memory(Kept(tmp_path / "state"))

    def started(queue: str, bucket: str) -> Template:
        path = tmp_path / "template.yaml"
        path.write_text(TEMPLATE % (queue, f"{stack}-{bucket}"))
        template = Template.load(path, api_url="http://127.0.0.1:8000", stack=stack)
        create_resources(template, aws)
        memory.check(template, aws)
        return template

    assert not memory.is_of_an_earlier_run
    before = started("OldQueue", "pictures")
    assert Memory(Kept(tmp_path / "state")).is_of_an_earlier_run
    started("OldQueue", "pictures")
    aws.sqs.send_message(QueueUrl=str(before.scope.ref("OldQueue")), MessageBody="unread")
    started("NewQueue", "pictures")
    assert f"1 messages in {stack}-OldQueue stay unread" in caplog.text
    with pytest.raises(CannotKeep, match=rf"has {stack}-pictures for Bucket.*{stack}-images.*make reset"):
        started("NewQueue", "images")


TABLE = """
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: pk, AttributeType: S}
        - {AttributeName: sk, AttributeType: S}
        - {AttributeName: open, AttributeType: S}
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
      GlobalSecondaryIndexes:
        - IndexName: open-jobs
          KeySchema: [{AttributeName: open, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
          Projection: {ProjectionType: KEYS_ONLY}
"""
FAR_AWAY = "4000000000"


def test_leases_of_workers_of_an_earlier_run_are_over(aws: Aws, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(TABLE)
    template = Template.load(path, api_url="http://127.0.0.1:8000", stack="leases")
    create_resources(template, aws)
    table = str(template.scope.ref("Table"))
    rows = {
        "held": {"open": "1", "lease": FAR_AWAY},
        "over": {"open": "1", "lease": "5"},
        "queued": {"open": "1"},
        "done": {},
    }
    for name, row in rows.items():
        item = {"pk": {"S": "JOB"}, "sk": {"S": name}, **({"open": {"S": "1"}} if "open" in row else {})}
        lease = {"lease_expires_at": {"N": row["lease"]}} if "lease" in row else {}
        aws.dynamodb.put_item(TableName=table, Item={**item, **lease})
    first = Memory(Kept(tmp_path / "state"))
    assert first.end_leases(table, aws) == 0
    first.check(template, aws)
    assert Memory(Kept(tmp_path / "state")).end_leases(table, aws) == 1
    found = {row["sk"]["S"]: row for row in aws.dynamodb.scan(TableName=table)["Items"]}
    assert int(found["held"]["lease_expires_at"]["N"]) < int(FAR_AWAY)
    assert found["over"]["lease_expires_at"]["N"] == "5"
    assert ["lease_expires_at" in found[name] for name in ("queued", "done")] == [False, False]
