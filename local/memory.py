"""What a stack remembers of the one before it, and puts to use when it starts; nothing, where nothing is kept."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from darkroom.errors import InvalidToken
from darkroom.services.accounts.tokens import Tokens
from local.aws import Aws
from local.emulator import Emulator
from local.journal import Journal
from local.kept import AWS, SIMULATORS, CannotKeep, Kept
from local.ports import usable
from local.template import Template

logger = logging.getLogger(__name__)

# What holds rows, pictures and the keys to them.
_HOLDING = frozenset({"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"})


class Memory:
    """Args: kept: where it is; None for a stack that remembers nothing.

    Attributes:
        is_of_an_earlier_run: whether a stack has run on it before.
    """

    def __init__(self, kept: Kept | None) -> None:
        self._kept = kept
        self.is_of_an_earlier_run = self.recall("names") is not None

    def recall(self, name: str, otherwise: Any = None) -> Any:
        found = self._kept.get(name) if self._kept else None
        return otherwise if found is None else found

    def remember(self, **values: Any) -> None:
        """Raises CannotKeep: the disk refuses them."""
        if self._kept:
            self._kept.set(**values)

    def port(self, name: str) -> int:
        """The port that it had before, if it is free; else 0, for another one."""
        return usable(self.recall("ports", {}).get(name))

    def remember_ports(self, **ports: int | None) -> None:
        self.remember(ports={**self.recall("ports", {}), **ports})

    @contextmanager
    def emulator(self, logs: Path) -> Iterator[Emulator]:
        """Runs the emulator on what it has kept, on the port that it had: links to pictures have it in them.

        Raises:
            CannotKeep, EmulatorError: what is kept cannot be used.
        """
        with ExitStack() as opened:
            kept: dict[str, Any] = {}
            if self._kept:
                kept = {"lock": opened.enter_context(self._kept.locked()), "state": self._kept.folder}
                if self.recall("names"):
                    self._kept.check_has(AWS)
            emulator = opened.enter_context(Emulator(logs, self.port("emulator"), **kept))
            self.remember_ports(emulator=emulator.port)
            yield emulator

    @contextmanager
    def books(self) -> Iterator[Journal | None]:
        """The simulators' journal.

        Raises:
            CannotKeep, JournalError: it cannot be used.
        """
        if self._kept is None:
            yield None
            return
        if self.recall("keys"):
            self._kept.check_has(SIMULATORS)
        journal = Journal(self._kept.folder / SIMULATORS)
        for sentence in journal.warnings:
            logger.warning(sentence)
        try:
            yield journal
        finally:
            journal.close()

    def token(self, tokens: Tokens, user: str) -> str:
        """The token that was told before, unless it has been revoked since; else a new one."""
        if known := self.recall("token"):
            with suppress(InvalidToken):
                tokens.authenticate(known)
                return str(known)
        _, token = tokens.create(user=user, name="make up")
        self.remember(token=token)
        return token

    def check(self, template: Template, aws: Aws) -> None:
        """Tells what was kept under names that the template does not have any more.

        Raises:
            CannotKeep: these are of rows, pictures or keys, so that all of it would seem to be gone.
        """
        if self._kept is None:
            return
        ids = template.scope.ids
        names = {logical_id: name for logical_id, name in ids.items() if template.resource(logical_id).type in _HOLDING}
        for logical_id, name in self.recall("names", {}).items():
            if names.get(logical_id) != name:
                raise CannotKeep(
                    f"What is kept has {name} for {logical_id}, and this version of Darkroom has "
                    f"{names.get(logical_id)}. Nothing was changed. Run the version that kept it, or `make reset`."
                )
        self.remember(names=names)
        for url in set(aws.sqs.list_queues().get("QueueUrls", [])) - set(ids.values()):
            told = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            if count := int(told["ApproximateNumberOfMessages"]):
                name = url.rsplit("/", 1)[-1]
                logger.warning("%s messages in %s stay unread: this version has no such queue.", count, name)

    def end_leases(self, table: str, aws: Aws) -> int:
        """End the leases of workers of an earlier run, none of which is alive. Returns how many.

        A lease lets a worker finish undisturbed for five minutes. Without one the first sweep goes on with the job.
        """
        if not self.is_of_an_earlier_run:
            return 0
        now = {":now": {"N": str(int(time.time()))}}
        ended = 0
        for row in _open_jobs(table, aws):
            with suppress(aws.dynamodb.exceptions.ConditionalCheckFailedException):
                aws.dynamodb.update_item(
                    TableName=table,
                    Key={name: row[name] for name in ("pk", "sk")},
                    UpdateExpression="SET lease_expires_at = :now",
                    ConditionExpression="lease_expires_at > :now",
                    ExpressionAttributeValues=now,
                )
                ended += 1
        return ended


def _open_jobs(table: str, aws: Aws) -> Iterator[dict[str, Any]]:
    """Rows of the table's sparse indexes, with their keys at least."""
    for index in aws.dynamodb.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", []):
        for page in aws.dynamodb.get_paginator("scan").paginate(TableName=table, IndexName=index["IndexName"]):
            yield from page["Items"]
