"""`make token STACK=…` and `make invite STACK=…`, against a stack of the emulator's CloudFormation."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import boto3
import pytest

from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.services.accounts.links import LIFETIME, Links
from darkroom.services.accounts.tokens import Tokens
from local.emulator import SERVICES, Emulator
from local.invite import main as invite
from local.token import main

REGION = "us-east-1"
KEYS = {"pk": "HASH", "sk": "RANGE"}
TEMPLATE = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in KEYS],
                "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in KEYS.items()],
            },
        }
    },
    "Outputs": {"Table": {"Value": {"Ref": "Table"}}, "Url": {"Value": "https://studio.example"}},
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where there is a stack `studio` that is Darkroom's, and a stack `other` that is not."""
    with Emulator(tmp_path_factory.mktemp("emulator"), services=(*SERVICES, "cloudformation")) as emulator:
        cloudformation = boto3.Session("test", "test", region_name=REGION).client(
            "cloudformation", endpoint_url=emulator.url
        )
        for name, template in (("studio", TEMPLATE), ("other", {**TEMPLATE, "Outputs": {}})):
            cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
            waiter = cloudformation.get_waiter("stack_create_complete")
            waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        cloudformation.close()
        yield emulator.url


@pytest.fixture
def settings(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What leads AWS's own tools, and so `make token`, to that account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.mark.usefixtures("settings")
def test_the_token_is_for_the_deployed_stack(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ann", "--stack", "studio", "--name", "laptop"]) == 0
    said = capsys.readouterr()
    dynamodb = boto3.client("dynamodb")
    (table,) = [name for name in dynamodb.list_tables()["TableNames"] if name.startswith("studio-")]
    tokens = Tokens(DynamoTokenStore(table, dynamodb), partial(datetime.now, UTC))
    token = tokens.authenticate(said.out.strip())
    assert (token.user, token.name) == ("ann", "laptop")
    assert token.id in said.err
    assert said.out.strip() not in said.err


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("name", "complaint"),
    [("nowhere", "There is no stack nowhere in us-east-1"), ("other", "The stack other has no output Table")],
)
def test_a_stack_that_is_not_darkroom_s_is_said(capsys: pytest.CaptureFixture[str], name: str, complaint: str) -> None:
    assert main(["ann", "--stack", name]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert complaint in said.err


@pytest.mark.usefixtures("settings")
def test_the_invitation_is_a_link_to_the_deployed_stack(capsys: pytest.CaptureFixture[str]) -> None:
    assert invite(["ann", "--stack", "studio"]) == 0
    said = capsys.readouterr()
    address, _, key = said.out.strip().removesuffix("&return_to=%2F").partition("?key=")
    assert address == "https://studio.example/oauth/link"
    assert key not in said.err
    assert "15 minutes" in said.err
    dynamodb = boto3.client("dynamodb")
    (table,) = [name for name in dynamodb.list_tables()["TableNames"] if name.startswith("studio-")]
    links = Links(DynamoLinkStore(table, dynamodb), partial(datetime.now, UTC))
    link = links.use(key)
    assert (link.user, link.expires_at - link.created_at <= LIFETIME) == ("ann", True)


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ann", "--stack", "nowhere"], "There is no stack nowhere"),
        (["ann", "--stack", "other"], "no output Table"),
        (["Ann B", "--stack", "studio"], "The user name 'Ann B' is not accepted."),
    ],
)
def test_an_invitation_that_cannot_be_made_is_said(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert invite(arguments) == 1
    said = capsys.readouterr()
    assert (said.out, complaint in said.err) == ("", True)
