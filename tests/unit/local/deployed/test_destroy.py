"""Taking a stack down with all that it keeps, in an emulator: asked twice, and good to be broken off and run again."""

import io
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from local.deployed.destroy import Destroyer, NothingToDestroy
from local.deployed.target import Account
from tests.unit.local.deployed.conftest import create, settled

KEPT = """
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Uploads:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
    Properties: {BucketName: NAME-uploads, VersioningConfiguration: {Status: Enabled}}
  Outputs: {Type: AWS::S3::Bucket, DeletionPolicy: RetainExceptOnCreate, Properties: {BucketName: NAME-outputs}}
  Vault: {Type: AWS::KMS::Key, DeletionPolicy: RetainExceptOnCreate}
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: RetainExceptOnCreate
    Properties:
      TableName: NAME
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
"""


class Deployed:
    """A stack with files in its buckets, and what taking it down says."""

    def __init__(self, account: Account, name: str) -> None:
        self.account, self.name, self.said = account, name, [""]
        create(account, name, KEPT.replace("NAME", name))
        s3 = account.client("s3")
        for version in (b"one", b"two"):
            s3.put_object(Bucket=f"{name}-uploads", Key="inbox/alice/cat.jpg", Body=version)
        s3.delete_object(Bucket=f"{name}-uploads", Key="inbox/alice/cat.jpg")
        s3.create_multipart_upload(Bucket=f"{name}-uploads", Key="half")
        s3.put_object(Bucket=f"{name}-outputs", Key="outputs/alice/cat.png", Body=b"png")
        resources = account.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
        self.key = next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "Vault")

    def destroy(self, *answers: str, remove: Callable[[], None] | None = None) -> bool:
        destroyer = Destroyer(self.account, self.name, remove or self.remove)
        return destroyer.run(io.StringIO("".join(f"{each}\n" for each in answers)), self.said.append)

    def remove(self) -> None:
        self.account.client("cloudformation").delete_stack(StackName=self.name)
        settled(self.account, self.name)

    def left(self) -> set[str]:
        """What is there still of it."""
        buckets = {each["Name"] for each in self.account.client("s3").list_buckets()["Buckets"]}
        tables = set(self.account.client("dynamodb").list_tables()["TableNames"])
        state = self.account.client("kms").describe_key(KeyId=self.key)["KeyMetadata"]["KeyState"]
        return {
            *({"stack"} if self.account.stack(self.name) else set()),
            *(each.removeprefix(f"{self.name}-") for each in buckets if each.startswith(f"{self.name}-")),
            *({"table"} if self.name in tables else set()),
            *({"key"} if state != "PendingDeletion" else set()),
        }


ALL = {"stack", "uploads", "outputs", "table", "key"}
BOTH = "DELETE EVERYTHING"


@pytest.mark.parametrize("answers", [(), ("yes",), ("{name}",), ("{name}", "yes"), ("other", BOTH), (BOTH, "{name}")])
def test_nothing_goes_before_both_questions_are_answered(account: Account, answers: tuple[str, ...]) -> None:
    deployed = Deployed(account, f"asked-{len(answers)}{sum(map(len, answers))}")
    assert not deployed.destroy(*(each.format(name=deployed.name) for each in answers))
    assert deployed.left() == ALL
    assert "Nothing was removed." in deployed.said


def test_all_that_the_stack_kept_goes_with_it(account: Account) -> None:
    deployed = Deployed(account, "whole")
    assert deployed.destroy("whole", BOTH)
    assert deployed.left() == set()
    said = "\n".join(deployed.said)
    for part in (
        "whole-uploads",
        "whole-outputs",
        "1 files",
        "receipts",
        f"cancel-key-deletion --key-id {deployed.key}",
    ):
        assert part in said


def test_a_stack_that_is_gone_is_remembered_by_what_it_left(account: Account) -> None:
    deployed = Deployed(account, "gone")
    deployed.remove()
    assert deployed.left() == ALL - {"stack"}
    assert deployed.destroy("gone", BOTH, remove=lambda: pytest.fail("there is no stack to remove"))
    assert deployed.left() == set()
    # And once more, as after having been broken off at the very end.
    assert deployed.destroy("gone", BOTH)
    assert any("already" in line for line in deployed.said)


def test_what_cannot_be_removed_is_told_and_the_rest_waits(account: Account) -> None:
    deployed = Deployed(account, "held")

    def refused() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteStack")

    with pytest.raises(ClientError):
        deployed.destroy("held", BOTH, remove=refused)
    assert deployed.left() == ALL


def test_where_there_was_none_there_is_nothing_to_remove(account: Account) -> None:
    with pytest.raises(NothingToDestroy, match="no stack never"):
        Destroyer(account, "never", lambda: None).run(io.StringIO("never\nDELETE EVERYTHING\n"), print)
