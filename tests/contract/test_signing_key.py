"""The stack's signing key: random, made once, and the same for every process."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from darkroom.adapters.dynamo import to_item
from darkroom.adapters.signing_key_store import DynamoSigningKey
from darkroom.ports import SigningKey
from tests.contract.conftest import Cloud
from tests.fakes.memory import MemorySigningKey

ROW = {"pk": "SIGNING_KEY", "sk": "SIGNING_KEY"}


@pytest.fixture
def signing_key(cloud: Cloud | None) -> SigningKey:
    if cloud is None:
        return MemorySigningKey()
    cloud.aws.dynamodb.delete_item(TableName=cloud.table, Key=to_item(ROW))
    return DynamoSigningKey(cloud.table, cloud.aws.dynamodb)


def test_it_stays_as_it_was_made(signing_key: SigningKey) -> None:
    made = signing_key.load()
    assert len(made) >= 32
    assert signing_key.load() == made


# Not moto, in whose process two conditional writes at the same time can both succeed.
@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
def test_every_process_has_the_same(signing_key: SigningKey, cloud: Cloud) -> None:
    others = [DynamoSigningKey(cloud.table, cloud.aws.dynamodb) for _ in range(8)]
    with ThreadPoolExecutor(len(others)) as threads:
        found = set(threads.map(lambda other: other.load(), others))
    assert found == {signing_key.load()}


@pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)
def test_another_stack_has_another(signing_key: SigningKey, cloud: Cloud) -> None:
    first = signing_key.load()
    cloud.aws.dynamodb.delete_item(TableName=cloud.table, Key=to_item(ROW))
    assert DynamoSigningKey(cloud.table, cloud.aws.dynamodb).load() != first
