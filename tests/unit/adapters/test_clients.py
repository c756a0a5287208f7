"""One client per service, made by botocore, that heeds the deadline."""

import subprocess
import sys

import pytest

from darkroom.adapters.aws import READ, OutOfTime, within
from darkroom.adapters.clients import Clients
from darkroom.models.deadline import Deadline

SERVICES = ("dynamodb", "s3", "sqs", "kms", "secretsmanager")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.mark.parametrize("service", SERVICES)
def test_there_is_one_client_of_a_service(service: str) -> None:
    clients = Clients({})
    client = getattr(clients, service)
    assert client is getattr(clients, service)
    assert client.meta.service_model.service_name == service
    assert client.meta.region_name == "eu-west-1"
    assert vars(client.meta.config)["read_timeout"] == READ


def test_s3_is_asked_in_its_region_unless_there_is_an_emulator() -> None:
    regional, emulated = Clients({}).s3, Clients({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}).s3
    assert vars(regional.meta.config)["s3"]["addressing_style"] == "virtual"
    assert not vars(emulated.meta.config)["s3"]


def test_a_client_calls_nothing_when_no_time_is_left() -> None:
    with within(Deadline(0.0)), pytest.raises(OutOfTime):
        Clients({}).sqs.list_queues()


def test_making_one_loads_nothing_of_boto3() -> None:
    script = (
        "import sys; from darkroom.adapters.clients import Clients; "
        "clients = Clients({}); clients.s3, clients.dynamodb; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 's3transfer', 'multiprocessing'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
