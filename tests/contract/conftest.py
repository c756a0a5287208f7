"""Each port behind each thing that can stand behind it: the fake, a running emulator, and moto in this process.

The tables and buckets are the template's own. Each test works as a user of its own, so one emulator serves all.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from moto import mock_aws
from ulid import ULID

from darkroom.adapters.identity_store import DynamoIdentityStore
from darkroom.adapters.image_store import S3ImageStore
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.key_vault import KmsKeyVault
from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.adapters.session_store import DynamoSessionStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.ports import (
    IdentityStore,
    ImageStore,
    JobStore,
    KeyVault,
    Ledger,
    LinkStore,
    SessionStore,
    TokenStore,
)
from local.aws import ACCOUNT, Aws
from local.emulator import Emulator
from local.resources import create_resources
from local.template import Template
from tests.conftest import ROOT, SteppingClock
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import MemoryImageStore, MemoryJobStore, MemoryKeyVault
from tests.fakes.people import MemoryIdentityStore, MemoryLinkStore, MemoryTokenStore
from tests.fakes.sessions import MemorySessionStore

# In what stands in brackets behind a test's name.
_MOTO = re.compile(r"(?<=[\[-])moto(?=[\]-])")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out moto where the emulator is asked the same: it takes four times as long. `make coverage` asks both."""
    if os.environ.get("DARKROOM_MOTO"):
        return
    asked = {item.nodeid for item in items}
    twice = {item for item in items if (other := _MOTO.sub("emulator", item.nodeid)) != item.nodeid and other in asked}
    config.hook.pytest_deselected(items=[item for item in items if item in twice])
    items[:] = [item for item in items if item not in twice]


@dataclass(frozen=True)
class Cloud:
    """An AWS, real enough, with the template's resources in it."""

    aws: Aws
    table: str
    uploads: str
    outputs: str
    vault_key: str


def _furnished(aws: Aws) -> Cloud:
    template = Template.load(ROOT / "template.yaml", api_url="http://127.0.0.1:8000")
    create_resources(template, aws)
    ids = template.scope.ids
    return Cloud(
        aws, table=ids["Table"], uploads=ids["UploadsBucket"], outputs=ids["OutputsBucket"], vault_key=ids["VaultKey"]
    )


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Emulator(Path(tmp_path_factory.mktemp("emulator"))) as emulator:
        yield _furnished(Aws(emulator.url))


@pytest.fixture(scope="session")
def mocked() -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        # The account that the template is resolved for.
        environment.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
        # Without an endpoint of its own a client asks AWS, which is where moto stands.
        cloud = _furnished(Aws(None))
        # moto takes every request for one without TLS, which the buckets' policies forbid.
        for bucket in (cloud.uploads, cloud.outputs):
            cloud.aws.s3.delete_bucket_policy(Bucket=bucket)
        yield cloud


@pytest.fixture
def clock() -> SteppingClock:
    """A time to come: by the real clock, the emulator removes what has expired."""
    clock = SteppingClock()
    clock.now = datetime(2099, 3, 1, 12, 0, tzinfo=UTC)
    return clock


@pytest.fixture
def user() -> str:
    return f"user-{str(ULID()).lower()}"


@pytest.fixture(params=["memory", "moto", "emulator"])
def cloud(request: pytest.FixtureRequest) -> Cloud | None:
    """None stands for the fake."""
    if request.param == "memory":
        return None
    found: Cloud = request.getfixturevalue("mocked" if request.param == "moto" else "emulated")
    return found


@pytest.fixture
def token_store(cloud: Cloud | None) -> TokenStore:
    return DynamoTokenStore(cloud.table, cloud.aws.dynamodb) if cloud else MemoryTokenStore()


@pytest.fixture
def job_store(cloud: Cloud | None) -> JobStore:
    return DynamoJobStore(cloud.table, cloud.aws.dynamodb) if cloud else MemoryJobStore()


@pytest.fixture
def ledger(cloud: Cloud | None, job_store: JobStore, clock: SteppingClock) -> Ledger:
    """It and `job_store` know the same jobs."""
    if isinstance(job_store, MemoryJobStore):
        return MemoryLedger(job_store, clock)
    assert cloud is not None
    return DynamoLedger(cloud.table, cloud.aws.dynamodb, clock=clock)


@pytest.fixture
def image_store(cloud: Cloud | None, clock: SteppingClock) -> ImageStore:
    if cloud is None:
        return MemoryImageStore(clock)
    return S3ImageStore(uploads=cloud.uploads, outputs=cloud.outputs, client=cloud.aws.s3, clock=clock)


@pytest.fixture
def session_store(cloud: Cloud | None) -> SessionStore:
    return DynamoSessionStore(cloud.table, cloud.aws.dynamodb) if cloud else MemorySessionStore()


@pytest.fixture
def link_store(cloud: Cloud | None) -> LinkStore:
    return DynamoLinkStore(cloud.table, cloud.aws.dynamodb) if cloud else MemoryLinkStore()


@pytest.fixture
def identity_store(cloud: Cloud | None) -> IdentityStore:
    return DynamoIdentityStore(cloud.table, cloud.aws.dynamodb) if cloud else MemoryIdentityStore()


@pytest.fixture
def key_vault(cloud: Cloud | None, clock: SteppingClock) -> KeyVault:
    if cloud is None:
        return MemoryKeyVault()
    return KmsKeyVault(
        table=cloud.table, dynamodb=cloud.aws.dynamodb, kms=cloud.aws.kms, key_id=cloud.vault_key, clock=clock
    )
