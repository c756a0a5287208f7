"""Objects that are written, and links that are signed, by `object_calls` are what botocore makes of them."""

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, NoCredentialsError, ParamValidationError
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from darkroom.adapters import object_calls
from darkroom.adapters.aws import s3_config
from darkroom.adapters.object_calls import link
from tests.servers import Exchange, answering, response, serving, unused_port

_WRITTEN: dict[str, Any] = {
    "Bucket": "dark-out",
    "Key": "outputs/ü/a b+c.png",
    "Body": b"\x00picture",
    "ContentType": "image/png",
    "Metadata": {"job": "job_1", "around": "x y"},
    "Tagging": "retention-days=7",
}


def _client(*, lean: bool, region: str = "eu-west-1", port: int | None = None, token: str | None = "token") -> Any:
    session = Session()
    session.set_credentials("AKID", "secret", token)
    if lean:
        object_calls.install(session)
    url = None if port is None else f"http://127.0.0.1:{port}"
    config = s3_config({} if port is None else {"AWS_ENDPOINT_URL": str(url)})
    return session.create_client("s3", region_name=region, endpoint_url=url, config=config)


def _sent(
    answer: Callable[[Exchange], None], *, lean: bool, removes: bool = False, **params: Any
) -> tuple[Any, dict[str, str], str]:
    """What came of it, the headers that were sent, and the first line."""
    with serving(answer) as server:
        client = _client(lean=lean, port=server.port)
        try:
            if removes:
                came = client.delete_object(Bucket="dark-out", Key=_WRITTEN["Key"], **params)
            else:
                came = client.put_object(**{**_WRITTEN, **params})
        except ClientError as error:
            came = (type(error).__name__, error.response["Error"], str(error))
        finally:
            client.close()
    line, *lines = server.heads[0].split("\r\n")
    return came, {name.lower(): value for name, value in (each.split(": ", 1) for each in lines)}, line


_HEADERS = (
    *("content-type", "x-amz-meta-job", "x-amz-meta-around", "x-amz-tagging", "x-amz-security-token"),
    *("x-amz-checksum-crc32", "content-length"),
)


def test_an_object_is_written_as_botocore_writes_it() -> None:
    answer = answering(response(headers={"ETag": '"e"', "x-amz-version-id": "v", "Connection": "close"}))
    ours, theirs = (_sent(answer, lean=lean) for lean in (True, False))
    assert ours[2] == theirs[2] == "PUT /dark-out/outputs/%C3%BC/a%20b%2Bc.png HTTP/1.1"
    assert {name: ours[1].get(name) for name in _HEADERS} == {name: theirs[1].get(name) for name in _HEADERS}
    for came in (ours[0], theirs[0]):
        assert (came["ETag"], came["VersionId"], came["ResponseMetadata"]["HTTPStatusCode"]) == ('"e"', "v", 200)


def test_an_object_is_removed_as_botocore_removes_it() -> None:
    answer = answering(response(b"", "204 No Content", {"Connection": "close"}))
    ours, theirs = (_sent(answer, lean=lean, removes=True) for lean in (True, False))
    assert ours[2] == theirs[2] == "DELETE /dark-out/outputs/%C3%BC/a%20b%2Bc.png HTTP/1.1"
    assert ours[1]["x-amz-security-token"] == theirs[1]["x-amz-security-token"]
    assert ours[0]["ResponseMetadata"]["HTTPStatusCode"] == theirs[0]["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_version_is_removed_by_botocore() -> None:
    answer = answering(response(b"", "204 No Content", {"Connection": "close"}))
    assert "?versionId=v" in _sent(answer, lean=True, removes=True, VersionId="v")[2]


def test_a_refusal_is_raised_as_botocore_raises_it() -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>m</Message><RequestId>r</RequestId></Error>"
    answer = answering(response(body, "403 Forbidden", {"Connection": "close"}))
    ours, theirs = (_sent(answer, lean=lean)[0] for lean in (True, False))
    assert ours == theirs
    assert ours[1]["Code"] == "AccessDenied"


@pytest.mark.parametrize("body", [b"", b"x" * 300_000])
def test_the_signature_is_botocores(body: bytes) -> None:
    _, head, line = _sent(answering(response(headers={"Connection": "close"})), lean=True, Body=body)
    signed = head["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    signer = S3SigV4Auth(_client(lean=False)._request_signer._credentials, "s3", "eu-west-1")
    theirs: Any = AWSRequest("PUT", f"http://{head['host']}{line.split(' ')[1]}", {n: head[n] for n in signed}, body)
    theirs.context["timestamp"] = head["x-amz-date"]
    asked = signer.canonical_request(theirs)
    assert head["authorization"].endswith(f"Signature={signer.signature(signer.string_to_sign(theirs, asked), theirs)}")


def test_metadata_that_no_header_can_have_is_refused() -> None:
    client = _client(lean=True, port=unused_port())
    with pytest.raises(ParamValidationError):
        client.put_object(**{**_WRITTEN, "Metadata": {"job": "é"}})


def test_without_credentials_nothing_is_written() -> None:
    client = _client(lean=True, port=unused_port())
    link(client, "dark-out", "a", {}, 60)
    client._request_signer._credentials = None
    with pytest.raises(NoCredentialsError):
        client.put_object(**_WRITTEN)
    with pytest.raises(NoCredentialsError):
        link(client, "dark-out", "a", {}, 60)


def test_what_is_not_plain_is_left_to_botocore() -> None:
    _, head, _ = _sent(answering(response(headers={"Connection": "close"})), lean=True, CacheControl="no-store")
    assert head["cache-control"] == "no-store"


@cache
def _clients(region: str, port: int | None, token: str | None) -> tuple[Any, Any]:
    return _client(lean=True, region=region, port=port, token=token), _client(
        lean=False, region=region, port=port, token=token
    )


def _both(region: str, port: int | None, key: str, more: dict[str, str], token: str | None = "token") -> list[str]:
    """The link by our signer and by botocore's, of the same second."""
    while True:
        found = [link(client, "dark-out", key, more, 3600) for client in _clients(region, port, token)]
        if len({each.partition("X-Amz-Date=")[2][:16] for each in found}) == 1:
            return found


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
@pytest.mark.parametrize("token", ["to/ken+=", None])
def test_a_link_is_botocores_to_the_byte(region: str, token: str | None) -> None:
    ours, theirs = _both(region, None, "outputs/u/job_1/0.png", {}, token)
    assert ours == theirs
    assert urlsplit(ours).netloc.startswith(f"dark-out.s3.{region}.")


def test_a_link_to_a_drawing_has_it_saved_as_botocore_says_so() -> None:
    ours, theirs = _both("eu-west-1", None, "outputs/u/0.svg", {"response-content-disposition": "attachment"})
    assert ours == theirs
    assert "response-content-disposition=attachment" in ours


_emulated = unused_port()


@given(key=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20))
def test_a_link_at_an_emulator_is_botocores(key: str) -> None:
    ours, theirs = _both("eu-west-1", _emulated, f"o/{key}", {})
    assert ours == theirs


def test_who_listens_to_parameters_hears_of_links() -> None:
    heard: list[tuple[str, str, bool]] = []
    client = _client(lean=True, port=_emulated)
    link(client, "dark-out", "a", {}, 60)
    client.meta.events.register(
        "before-parameter-build",
        lambda params, model, context, **_: heard.append((model.name, params["Key"], context["is_presign_request"])),
    )
    link(client, "dark-out", "b", {}, 60)
    assert heard == [("GetObject", "b", True)]
