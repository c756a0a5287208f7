"""The whole way of a stack by an emulator's CloudFormation: a first deployment that fails, the second, an update, one
that fails, a table restored from its backup, and the end. What an emulator cannot show stands in docs/deploy.md.
"""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from darkroom.adapters.clock import utc_now
from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.services.accounts.links import Links
from local.aws import ENVIRONMENT, REGION
from local.deployed.checks import Check
from local.deployed.destroy import Destroyer
from local.deployed.target import Account, Target
from local.emulator import Emulator
from local.findings import BAD
from tests.conftest import ROOT
from tests.deployment.emulated import SERVICES, Deployment

NAME = "Darkroom-Try"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with Emulator(tmp_path_factory.mktemp("emulator"), services=SERVICES) as emulator:
        account = Account(boto3.Session("local", "local", region_name=REGION), emulator.url)
        yield Deployment(account, emulator.url, NAME)


def _kept(account: Account) -> dict[str, list[str]]:
    buckets = [each["Name"] for each in account.client("s3").list_buckets()["Buckets"]]
    kms = account.client("kms")
    keys = [each["KeyId"] for each in kms.list_keys()["Keys"]]
    return {
        "buckets": sorted(each for each in buckets if each.startswith("darkroom-")),
        "tables": account.client("dynamodb").list_tables()["TableNames"],
        "keys": [key for key in keys if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"],
    }


def _bad(deployment: Deployment) -> list[str]:
    found = Check(deployment.account, Target(NAME)).findings()
    return [each.text for each in found if each.mark == BAD]


def _run(deployment: Deployment, module: str, *arguments: str) -> str:
    """What a command says that the Makefile runs, against the emulator's account."""
    environment = {**os.environ, **ENVIRONMENT, "AWS_ENDPOINT_URL": deployment.url}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def _token(deployment: Deployment) -> str:
    """As `make token USER=alice STACK=…` makes it."""
    return _run(deployment, "local.token", "alice", "--stack", NAME)


def _destroy(deployment: Deployment) -> bool:
    answers = io.StringIO(f"{NAME}\nDELETE EVERYTHING\n")
    return Destroyer(deployment.account, NAME, deployment.remove).run(answers, print)


def test_a_first_deployment_that_fails_leaves_nothing_in_the_way(deployment: Deployment) -> None:
    assert deployment.deploy(fails=True) == "ROLLBACK_COMPLETE"
    assert _kept(deployment.account) == {"buckets": [], "tables": [], "keys": []}
    (said,) = _bad(deployment)
    assert f"make destroy STACK={NAME}" in said
    assert _destroy(deployment)
    assert _bad(deployment) == []


@pytest.fixture(scope="module")
def deployed(deployment: Deployment) -> Deployment:
    """The second deployment, which works."""
    if deployment.account.stack(NAME):
        deployment.remove()
    assert deployment.deploy() == "CREATE_COMPLETE"
    return deployment


@pytest.fixture(scope="module")
def token(deployed: Deployment) -> str:
    return _token(deployed)


def test_the_second_answers(deployed: Deployment, token: str) -> None:
    health = deployed.get("/healthz")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    jobs = deployed.get("/v1/jobs", token)
    assert (jobs.status_code, jobs.json()["data"]) == (200, [])
    assert deployed.get("/v1/jobs").status_code == 401
    assert deployed.get("/v1/nothing", token).status_code == 404


def test_what_comes_next_is_told_with_its_url_and_a_link_that_signs_in(deployed: Deployment) -> None:
    said = _run(deployed, "local.deployed.next_steps", "--stack", NAME, "--user", "alice")
    url = deployed.outputs["Url"]
    assert f"curl {url}/healthz" in said
    assert f"make -s token USER=alice STACK={NAME}" in said
    (link,) = [word for word in said.split() if word.startswith(f"{url}/oauth/link?")]
    # The emulator answers under another name than the link's, so it is looked up and not opened.
    links = Links(DynamoLinkStore(deployed.outputs["Table"], deployed.account.client("dynamodb")), utc_now)
    assert links.look(link.removesuffix("&return_to=%2F").partition("?key=")[2]).user == "alice"


def test_an_update_changes_what_it_says_and_keeps_the_rest(deployed: Deployment, token: str) -> None:
    before = _kept(deployed.account)
    assert deployed.deploy({"OutputRetentionDays": "99"}) == "UPDATE_COMPLETE"
    assert _kept(deployed.account) == before
    assert _variables(deployed, "JobsFunction")["DARKROOM_RETENTION_DAYS"] == "99"
    assert deployed.get("/v1/jobs", token).status_code == 200


def test_an_update_that_fails_is_taken_back(deployed: Deployment, token: str) -> None:
    before, retention = _kept(deployed.account), _variables(deployed, "JobsFunction")["DARKROOM_RETENTION_DAYS"]
    assert deployed.deploy({"OutputRetentionDays": "5"}, fails=True) == "UPDATE_ROLLBACK_COMPLETE"
    assert _kept(deployed.account) == before
    assert _variables(deployed, "JobsFunction")["DARKROOM_RETENTION_DAYS"] == retention
    assert deployed.get("/v1/jobs", token).status_code == 200
    assert _bad(deployed) == []


def test_a_table_comes_back_from_its_backup_under_its_name(deployed: Deployment, token: str) -> None:
    """The steps of docs/deploy.md. The emulator restores what is there now, whatever the time that is named."""
    dynamodb, table = deployed.account.client("dynamodb"), deployed.outputs["Table"]
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=table, TargetTableName=f"{table}-restored", UseLatestRestorableTime=True
    )
    backup = dynamodb.create_backup(TableName=f"{table}-restored", BackupName="restored")["BackupDetails"]["BackupArn"]
    dynamodb.delete_table(TableName=table)
    assert deployed.get("/v1/jobs", token).status_code >= 500
    dynamodb.restore_table_from_backup(TargetTableName=table, BackupArn=backup)
    dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
    )
    assert deployed.get("/v1/jobs", token).status_code == 200
    indexes = dynamodb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"]
    assert [each["IndexName"] for each in indexes] == ["open-work"]
    dynamodb.delete_table(TableName=f"{table}-restored")


def test_what_a_removed_stack_keeps_is_not_in_the_way_of_the_next(deployed: Deployment, token: str) -> None:
    assert deployed.remove() == "gone"
    kept = _kept(deployed.account)
    assert {kind: len(names) for kind, names in kept.items()} == {"buckets": 2, "tables": 1, "keys": 1}
    assert _bad(deployed) == []
    assert deployed.deploy() == "CREATE_COMPLETE"
    assert len(_kept(deployed.account)["buckets"]) == 4
    assert deployed.get("/v1/jobs", token).status_code == 401, "another table, and so other tokens"
    assert deployed.get("/v1/jobs", _token(deployed)).status_code == 200


def test_the_end_leaves_nothing_of_it(deployed: Deployment) -> None:
    s3 = deployed.account.client("s3")
    for key in ("inbox/alice/a.jpg", "inbox/alice/a.jpg"):
        s3.put_object(Bucket=deployed.outputs["UploadsBucket"], Key=key, Body=b"not a picture")
    mine = {deployed.outputs["UploadsBucket"], deployed.outputs["OutputsBucket"]}
    assert _destroy(deployed)
    assert deployed.account.stack(NAME) is None
    assert not mine & set(_kept(deployed.account)["buckets"])


def _variables(deployment: Deployment, function: str) -> dict[str, Any]:
    resources = deployment.account.client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
    (name,) = [each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == function]
    told: dict[str, Any] = deployment.account.client("lambda").get_function(FunctionName=name)
    return dict(told["Configuration"]["Environment"]["Variables"])
