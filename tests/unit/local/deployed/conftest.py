"""An account in an emulator that has CloudFormation."""

import time
from collections.abc import Iterator

import boto3
import pytest

from local.aws import REGION
from local.deployed.target import Account
from local.emulator import Emulator

SERVICES = ("cloudformation", "dynamodb", "iam", "kms", "lambda", "s3", "sqs", "sts")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with Emulator(tmp_path_factory.mktemp("emulator"), services=SERVICES) as emulator:
        yield account_at(emulator.url)


def account_at(url: str, region: str | None = REGION) -> Account:
    return Account(boto3.Session("local", "local", region_name=region), url)


def create(account: Account, name: str, template: str) -> None:
    account.client("cloudformation").create_stack(StackName=name, TemplateBody=template)
    settled(account, name)


def settled(account: Account, name: str, seconds: float = 30) -> str:
    """The stack's status once nothing is in progress; "" when it is gone."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = account.stack(name)
        if found is None:
            return ""
        if not found["StackStatus"].endswith("IN_PROGRESS"):
            return found["StackStatus"]
        time.sleep(0.05)
    raise AssertionError(f"{name} is still in progress after {seconds} s")
