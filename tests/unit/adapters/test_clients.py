"""One client per service, made by botocore, that heeds the deadline."""

import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.session import Session

from darkroom.adapters.aws import CLIENT_CONFIG, READ, OutOfTime, s3_config, within
from darkroom.adapters.clients import Clients, session
from darkroom.models.deadline import Deadline
from local.aws_descriptions import FOLDER, descriptions

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
    assert client._client_config.user_agent == "Darkroom"


def test_s3_is_asked_in_its_region_unless_there_is_an_emulator() -> None:
    regional, emulated = Clients({}).s3, Clients({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}).s3
    assert vars(regional.meta.config)["s3"]["addressing_style"] == "virtual"
    assert not vars(emulated.meta.config)["s3"]


def test_a_client_calls_nothing_when_no_time_is_left() -> None:
    with within(Deadline(0.0)), pytest.raises(OutOfTime):
        Clients({}).sqs.receive_message(QueueUrl="https://sqs.eu-west-1.amazonaws.com/0/jobs")


def test_making_one_loads_nothing_of_boto3() -> None:
    script = (
        "import sys; from darkroom.adapters.clients import Clients; "
        "clients = Clients({}); clients.s3, clients.dynamodb; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 's3transfer', 'multiprocessing'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_clients_read_is_what_botocore_says_of_the_operations_that_are_called() -> None:
    """Where this fails, an operation is called that was not, or botocore is another one: `python -m
    local.aws_descriptions` writes the files."""
    files = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in FOLDER.rglob("*.json")}
    wanted = descriptions()
    assert [name for name in sorted(files.keys() | wanted.keys()) if files.get(name) != wanted.get(name)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_an_operation_is_described_as_by_botocore(service: str) -> None:
    ours = getattr(Clients({}), service).meta.service_model
    whole = Session().get_service_model(service)
    assert set(ours.operation_names) <= set(whole.operation_names)
    for name in ours.operation_names:
        mine, its = ours.operation_model(name), whole.operation_model(name)
        assert (mine.http, mine.auth, mine.http_checksum) == (its.http, its.auth, its.http_checksum)
        assert _shown(mine.input_shape) == _shown(its.input_shape)
        assert _shown(mine.output_shape) == _shown(its.output_shape)
        assert [each.name for each in mine.error_shapes] == [each.name for each in its.error_shapes]


def _shown(shape: Any, inside: tuple[str, ...] = ()) -> Any:
    """A shape with those inside it, down to where one is inside itself."""
    if shape is None or shape.name in inside:
        return shape and shape.name
    within_it, parts = (*inside, shape.name), {}
    if shape.type_name == "structure":
        parts = {name: _shown(member, within_it) for name, member in shape.members.items()}
    elif shape.type_name == "list":
        parts = {"member": _shown(shape.member, within_it)}
    elif shape.type_name == "map":
        parts = {"key": _shown(shape.key, within_it), "value": _shown(shape.value, within_it)}
    return shape.name, shape.type_name, shape.serialization, parts


@pytest.mark.parametrize(
    "region", ["us-east-1", "eu-central-2", "ap-southeast-7", "cn-north-1", "us-gov-west-1", "xx-new-9"]
)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_called_where_botocore_calls_it(
    service: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    session.cache_clear()
    ours = getattr(Clients({}), service)
    its: Any = Session().create_client(service, config=s3_config({}) if service == "s3" else CLIENT_CONFIG)
    session.cache_clear()
    assert ours.meta.endpoint_url == its.meta.endpoint_url
    assert ours.meta.partition == its.meta.partition
    if service == "s3":
        place = {"Bucket": "uploads", "Key": "a/b.png"}
        assert [_host(client.generate_presigned_url("get_object", Params=place)) for client in (ours, its)] == [
            f"uploads.s3.{region}.{'amazonaws.com.cn' if region.startswith('cn-') else 'amazonaws.com'}"
        ] * 2
        forms = [client.generate_presigned_post("uploads", "a/b.png") for client in (ours, its)]
        assert forms[0]["url"] == forms[1]["url"]


def _host(url: str) -> str:
    return urlsplit(url).netloc
