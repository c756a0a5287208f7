"""A stack whose owner's key, kept in Secrets Manager, pays for those who have none; under the policies for that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws import ACCOUNT, REGION
from local.stack import Stack
from tests.integration.canary import leaks, refusals
from tests.integration.users import People, User

# As people copy it by hand: without the characters that Secrets Manager puts behind the name.
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:operator"


@pytest.fixture(scope="module")
def operated(weights_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    parameters = {"BackgroundModel": "u2netp", "OperatorKeySecret": SECRET}
    with Stack(tmp_path_factory.mktemp("operated"), weights=weights_dir, parameters=parameters) as running:
        key = running.describe()["openrouter_key"]
        running.aws.secretsmanager.create_secret(Name="operator", SecretString=key)
        yield running
        assert leaks(running) == []


@pytest.fixture
def user(operated: Stack) -> User:
    return People(operated).new(connected=False)


def test_it_pays_for_one_who_has_no_key(operated: Stack, user: User) -> None:
    answer = user.generate(response_format="url")
    assert answer.status_code == 200, answer.text
    (receipt,) = user.receipts()
    assert receipt["actual_usd"] > 0
    assert user.get("/v1/keys").json()["data"] == [{"object": "key", "provider": "openrouter", "owner": "stack"}]
    assert refusals(operated.logs) == []


def test_its_health_is_told_to_its_users_without_the_right_to_its_key(operated: Stack, user: User) -> None:
    found = user.get("/healthz", params={"deep": "1"})
    assert (found.status_code, found.json()["failed"]) == (200, []), found.text
    assert refusals(operated.logs) == []
