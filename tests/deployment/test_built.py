"""What `make build` has made answers when it is deployed, by the wheels that are in it."""

import sys
from collections.abc import Iterator

import boto3
import pytest

from local.aws import REGION
from local.deployed.target import Account
from local.emulator import Emulator
from tests.conftest import ROOT
from tests.deployment.emulated import SERVICES, Deployment

BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
# The emulator runs functions by the Python that runs it, and the layer's wheels are for Lambda's.
MISSING = [
    reason
    for is_missing, reason in (
        (not BUILT.exists(), "nothing is built: `make build`, which needs Docker and Python 3.13"),
        (sys.version_info[:2] != (3, 13), "this is not Python 3.13: PYTHON=python3.13 make test"),
        (sys.platform != "linux", "the layer is for Linux"),
    )
    if is_missing
]


@pytest.fixture
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with Emulator(tmp_path_factory.mktemp("emulator"), services=SERVICES) as emulator:
        account = Account(boto3.Session("local", "local", region_name=REGION), emulator.url)
        yield Deployment(account, emulator.url, "built", BUILT)


@pytest.mark.skipif(bool(MISSING), reason=f"NOT TRIED: the built layer and functions. {'; '.join(MISSING)}")
def test_what_was_built_answers(deployment: Deployment) -> None:
    assert deployment.deploy() == "CREATE_COMPLETE"
    health = deployment.get("/healthz")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert deployment.get("/v1/jobs").status_code == 401
