"""Links and upload forms name the host that the bucket has in its region: the one that real calls go to, too."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from darkroom.adapters.aws import CLIENT_CONFIG, s3_config
from darkroom.adapters.image_store import S3ImageStore
from tests.unit.adapters.answers import answer

_PARTITIONS = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}
# us-east-1 has two hosts of its own, and regions since 2019 refuse the global one.
_AT_LEAST = {"us-east-1", "eu-central-1", "ap-southeast-2", "af-south-1", "eu-south-2", "me-central-1", "cn-north-1"}
REGIONS = [
    pytest.param(region, suffix, id=region)
    for partition, suffix in _PARTITIONS.items()
    for region in sorted(boto3.Session().get_available_regions("s3", partition_name=partition))
]


def _client(region: str, environ: dict[str, str], endpoint: str | None = None) -> Any:
    return boto3.client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        config=s3_config(environ),
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _store(client: Any) -> S3ImageStore:
    return S3ImageStore(
        uploads="dark-up", outputs="dark-out", client=client, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC)
    )


def _hosts(store: S3ImageStore, client: Any) -> Iterator[str]:
    """Of a link, of a call, and of an upload form."""
    sent: list[str] = []

    def send(request: Any, **_: Any) -> AWSResponse:
        sent.append(request.url)
        return answer(request.url, 204)

    client.meta.events.register_first("before-send.s3.DeleteObject", send)
    store.remove_outputs(["outputs/a.png"])
    yield urlsplit(store.link_output("outputs/a.png")).netloc
    yield urlsplit(sent[0]).netloc
    yield urlsplit(store.presign_upload("uploads/u/a", media_type="image/png", max_bytes=9).url).netloc


def test_the_regions_are_found() -> None:
    assert {each.id for each in REGIONS} >= _AT_LEAST


@pytest.mark.parametrize(("region", "suffix"), REGIONS)
def test_link_form_and_call_have_the_regional_host(region: str, suffix: str) -> None:
    client = _client(region, {"AWS_ENDPOINT_URL": ""})
    link, call, form = _hosts(_store(client), client)
    assert link == call == f"dark-out.s3.{region}.{suffix}"
    assert form == f"dark-up.s3.{region}.{suffix}"


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost:4566", "host.docker.internal:4566"])
def test_an_emulators_host_stays_as_it_is(variable: str, host: str) -> None:
    """Below such a name there is no host of a bucket."""
    store = _store(_client("us-east-1", {variable: f"http://{host}"}, f"http://{host}"))
    link = urlsplit(store.link_output("outputs/a.png"))
    assert (link.netloc, link.path) == (host, "/dark-out/outputs/a.png")
    assert store.presign_upload("uploads/u/a", media_type="image/png", max_bytes=9).url == f"http://{host}/dark-up"


def test_s3_is_otherwise_called_as_the_others_are() -> None:
    for environ in ({}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}):
        config: Any = s3_config(environ)
        assert (config.connect_timeout, config.read_timeout) == (
            CLIENT_CONFIG.connect_timeout,  # type: ignore[attr-defined]
            CLIENT_CONFIG.read_timeout,  # type: ignore[attr-defined]
        )
        assert config.retries == CLIENT_CONFIG.retries  # type: ignore[attr-defined]
        assert config.signature_version == "s3v4"
