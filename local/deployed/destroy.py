"""`make destroy STACK=name`: takes a deployed stack down, with all that it keeps. Asks twice.

    python -m local.deployed.destroy [--env NAME] [--stack NAME]

`sam delete` leaves the table, the key and the buckets. This removes them after it, in an order in which it can be
broken off anywhere and run again: what is left of a stack that is gone is found by the stack's id.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local import containers, state
from local.deployed.target import Account, NoTarget, parser, target_of

# CloudFormation tells of a deleted stack for this many days.
_REMEMBERED = 90
_KEPT = {"AWS::DynamoDB::Table": "table", "AWS::KMS::Key": "key", "AWS::S3::Bucket": "bucket"}
# After deletion is scheduled, for this many days a key can be had back: `aws kms cancel-key-deletion`.
KEY_DAYS = 30
_GONE = ("NoSuchBucket", "ResourceNotFoundException", "NotFoundException", "404")


@dataclass(frozen=True)
class Kept:
    """What a stack of Darkroom's leaves when it is removed."""

    buckets: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class NothingToDestroy(Exception):
    """There is no such stack, nor was there one of late."""


class Destroyer:
    """Args: remove: removes the stack itself, with the images and packages that `sam deploy` stored for it."""

    def __init__(self, account: Account, stack: str, remove: Callable[[], object]) -> None:
        self._account = account
        self._name = stack
        self._remove = remove

    def run(self, answers: TextIO, say: Callable[[str], None]) -> bool:
        """Asks, and removes. Returns whether it did. Raises NothingToDestroy, BotoCoreError, ClientError."""
        exists, kept = self.kept()
        for line in self._losses(exists, kept):
            say(line)
        for question, wanted in (
            (
                f"Type the stack's name to remove it from account {self._account_id()}, {self._account.region}:",
                self._name,
            ),
            ("Type DELETE EVERYTHING to lose all of that for good:", "DELETE EVERYTHING"),
        ):
            say(question)
            if answers.readline().strip() != wanted:
                say("Nothing was removed.")
                return False
        if exists:
            self._remove()
        for bucket in kept.buckets:
            say(f"Emptying and removing the bucket {bucket} …")
            self._bucket(bucket)
        for table in kept.tables:
            self._unless_gone(lambda name=table: self._account.client("dynamodb").delete_table(TableName=name))  # type: ignore[misc]
            say(f"Removed the table {table}. Its backup from the time of deletion is kept for 35 days, for nothing.")
        for key in kept.keys:
            self._key(key, say)
        return True

    def kept(self) -> tuple[bool, Kept]:
        """Whether the stack is there still, and what it has or had. Raises NothingToDestroy."""
        client = self._account.client("cloudformation")
        deployed = self._account.stack(self._name)
        stack_id = deployed["StackId"] if deployed else self._deleted()
        found: dict[str, list[str]] = {kind: [] for kind in _KEPT.values()}
        there = client.describe_stack_resources(StackName=stack_id)["StackResources"] if deployed else []
        events = client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        # What an update replaced or a removal skipped is told by the events alone.
        skipped = [
            each for page in events for each in page["StackEvents"] if each["ResourceStatus"] == "DELETE_SKIPPED"
        ]
        for resource in [*there, *skipped]:
            kind, name = _KEPT.get(resource["ResourceType"]), resource.get("PhysicalResourceId")
            # Without a physical id it was never made; with DELETE_COMPLETE it went in a rollback.
            if kind and name and resource["ResourceStatus"] != "DELETE_COMPLETE" and name not in found[kind]:
                found[kind].append(name)
        return deployed is not None, Kept(tuple(found["bucket"]), tuple(found["table"]), tuple(found["key"]))

    def _deleted(self) -> str:
        pages = self._account.client("cloudformation").get_paginator("list_stacks")
        gone = [
            stack
            for page in pages.paginate(StackStatusFilter=["DELETE_COMPLETE"])
            for stack in page["StackSummaries"]
            if stack["StackName"] == self._name
        ]
        if not gone:
            raise NothingToDestroy(
                f"There is no stack {self._name} in {self._account.region}, nor was there one in the last "
                f"{_REMEMBERED} days. STACK= names another, AWS_REGION another region."
            )
        latest: str = max(gone, key=lambda stack: stack["CreationTime"])["StackId"]
        return latest

    def _account_id(self) -> str:
        return str(self._account.client("sts").get_caller_identity()["Account"])

    def _losses(self, exists: bool, kept: Kept) -> list[str]:
        lines = [f"The stack {self._name}" + ("" if exists else ", which is gone itself, but has left:")]
        lines += [f"  bucket {name}: {self._number_of_files(name)}" for name in kept.buckets]
        lines += [f"  table {name}: every user's tokens, keys, jobs, budgets and receipts" for name in kept.tables]
        lines += [f"  key {name}: without it nobody's provider keys can be read, from no backup" for name in kept.keys]
        return lines

    def _number_of_files(self, bucket: str) -> str:
        try:
            page = self._account.client("s3").list_objects_v2(Bucket=bucket)
        except ClientError as error:
            return "gone already" if _is_gone(error) else _code(error)
        return f"{page['KeyCount']}{' files or more' if page.get('IsTruncated') else ' files'}"

    def _bucket(self, name: str) -> None:
        s3 = self._account.client("s3")

        def empty_and_remove() -> None:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
                named = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in named]
                if objects:
                    failed = s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True}).get(
                        "Errors", []
                    )
                    if failed:
                        raise ClientError({"Error": failed[0]}, "DeleteObjects")
            for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=name):
                for upload in page.get("Uploads", []):
                    s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
            s3.delete_bucket(Bucket=name)

        self._unless_gone(empty_and_remove)

    def _key(self, key: str, say: Callable[[str], None]) -> None:
        kms = self._account.client("kms")
        if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion":
            say(f"The key {key} is to be deleted already.")
            return
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)
        say(
            f"The key {key} is deleted in {KEY_DAYS} days, and costs nothing until then. To have it back: "
            f"aws kms cancel-key-deletion --key-id {key}"
        )

    @staticmethod
    def _unless_gone(step: Callable[[], object]) -> None:
        try:
            step()
        except ClientError as error:
            if not _is_gone(error):
                raise


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_gone(error: ClientError) -> bool:
    return _code(error) in _GONE


def sam_delete(stack: str, region: str) -> None:
    """Raises CalledProcessError."""
    sam = containers.sam(state.ROOT)
    command = [str(sam or "sam"), "delete", "--stack-name", stack, "--region", region, "--no-prompts"]
    subprocess.run(command, cwd=state.ROOT, env={**os.environ, "SAM_CLI_TELEMETRY": "0"}, check=True)


def main(arguments: Sequence[str] | None = None) -> int:
    made = parser("python -m local.deployed.destroy", "Takes a deployed stack down with all that it keeps; asks twice.")
    options = made.parse_args(arguments)
    try:
        target = target_of(options)
        account = Account(boto3.Session(region_name=target.region))
        destroyer = Destroyer(account, target.stack, lambda: sam_delete(target.stack, account.region))
        return 0 if destroyer.run(sys.stdin, lambda line: print(line, flush=True)) else 1
    except (NoTarget, NothingToDestroy, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
    except subprocess.CalledProcessError:
        print(
            "`sam delete` failed (the lines above say why): see the stack's events, then the same again.",
            file=sys.stderr,
        )
    return 1


if __name__ == "__main__":
    sys.exit(main())
