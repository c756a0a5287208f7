"""Background removal over HTTP and through the inbox, on the running stack with the real model."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.services.accounts.tokens import Tokens
from local.stack import Stack
from tests.conftest import ROOT, SteppingClock
from tests.openapi import CHECKED
from tests.photos import jpeg, load, photo, save

ROUTE = "/v1/images/background-removals"
PHOTO = (ROOT / "events" / "photo.jpg").read_bytes()
PATIENCE = 90.0


@pytest.fixture
def other(stack: Stack, clock: SteppingClock) -> Iterator[httpx.Client]:
    """Somebody else, with a token of their own."""
    store = DynamoTokenStore(stack.template.scope.ref("Table"), stack.aws.dynamodb)
    _, token = Tokens(store, clock).create(user="somebody-else")
    headers = {"X-Api-Key": token}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60, trust_env=False, event_hooks=CHECKED) as calls:
        yield calls


def _jobs(client: httpx.Client, key: str) -> list[dict[str, Any]]:
    jobs = client.get("/v1/jobs", params={"limit": 100}).json()["data"]
    return [job for job in jobs if job["input"].get("key") == key]


def _finished(client: httpx.Client, key: str, count: int = 1) -> list[dict[str, Any]]:
    """The jobs for a dropped key, once so many are over."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        jobs = [job for job in _jobs(client, key) if job["status"] in ("succeeded", "failed")]
        if len(jobs) >= count:
            return jobs
        time.sleep(0.1)
    raise AssertionError(f"{key}: {_jobs(client, key)}")


def _drop(stack: Stack, key: str, data: bytes) -> dict[str, Any]:
    """Puts a file into the bucket; returns the record with which S3 tells of it."""
    bucket = stack.template.scope.ref("UploadsBucket")
    put = stack.aws.s3.put_object(Bucket=bucket, Key=key, Body=data)
    place = {"key": key, "versionId": put["VersionId"], "eTag": put["ETag"].strip('"'), "sequencer": "01", "size": 1}
    return {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": place}}


def _outputs(stack: Stack, user: str = "local") -> list[str]:
    bucket = stack.template.scope.ref("OutputsBucket")
    found = stack.aws.s3.list_objects_v2(Bucket=bucket, Prefix=f"outputs/{user}/")
    return [item["Key"] for item in found.get("Contents", [])]


class TestOverHttp:
    def test_every_way_in_gives_the_same_picture(self, client: httpx.Client) -> None:
        accept = {"accept": "image/png"}
        upload = client.post("/v1/uploads", json={"media_type": "image/jpeg"}).json()
        sent = httpx.post(upload["url"], data=upload["fields"], files={"file": PHOTO}, trust_env=False)
        assert sent.status_code == 204, sent.text
        ways = {
            "form": client.post(ROUTE, files={"image": ("a.jpg", PHOTO)}, headers=accept),
            "body": client.post(ROUTE, content=PHOTO, headers={**accept, "content-type": "image/jpeg"}),
            "base64": client.post(ROUTE, json={"image_b64": base64.b64encode(PHOTO).decode()}, headers=accept),
            "upload": client.post(ROUTE, json={"upload_id": upload["upload_id"]}, headers=accept),
        }
        assert {name: answer.status_code for name, answer in ways.items()} == dict.fromkeys(ways, 200)
        assert len({answer.content for answer in ways.values()}) == 1
        picture = load(ways["form"].content)
        assert (picture.mode, picture.size) == ("RGBA", (512, 512))
        alpha = picture.getchannel("A")
        face, wall = alpha.getpixel((230, 120)), alpha.getpixel((330, 60))
        assert isinstance(face, int)
        assert face >= 250
        assert wall == 0

    def test_what_is_handed_out_counts_though_no_job_is_left(self, other: httpx.Client) -> None:
        def so_far() -> int:
            return int(other.get("/v1/usage").json()["totals"]["cutouts"])

        before, jobs = so_far(), other.get("/v1/jobs").json()["data"]
        answer = other.post(ROUTE, files={"image": PHOTO}, headers={"accept": "image/png"})
        assert answer.status_code == 200, answer.text
        assert (so_far(), other.get("/v1/jobs").json()["data"]) == (before + 1, jobs)

    def test_json_links_to_the_stored_picture(self, client: httpx.Client) -> None:
        answer = client.post(ROUTE, files={"image": PHOTO}, data={"crop": "true", "margin": "10", "format": "webp"})
        body = answer.json()
        assert answer.status_code == 200, body
        linked = httpx.get(body["url"], trust_env=False)
        assert linked.headers["content-type"] == "image/webp"
        assert hashlib.sha256(linked.content).hexdigest() == body["sha256"]
        assert load(linked.content).size == (body["width"], body["height"])
        assert body["model"] == "u2netp"
        assert body["cost_usd"] == 0
        shown = client.get(body["job"]["urls"]["get"]).json()
        assert shown["output"]["images"][0]["sha256"] == body["sha256"]

    def test_what_lambda_cannot_carry_comes_by_link(self, client: httpx.Client) -> None:
        upload = client.post("/v1/uploads", json={"media_type": "image/jpeg"}).json()
        large = jpeg("astronaut", 12)
        httpx.post(upload["url"], data=upload["fields"], files={"file": large}, trust_env=False)
        answer = client.post(ROUTE, json={"upload_id": upload["upload_id"]}, headers={"accept": "image/png"})
        assert answer.status_code == 303
        picture = load(httpx.get(answer.headers["location"], trust_env=False).content)
        assert picture.size == photo("astronaut", 12).size

    @pytest.mark.parametrize(
        ("data", "status", "code"),
        [
            (b"", 400, "EMPTY_IMAGE"),
            (PHOTO[: len(PHOTO) // 2], 400, "UNREADABLE_IMAGE"),
            (b"just some text", 415, "UNSUPPORTED_MEDIA_TYPE"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ],
    )
    def test_what_is_no_picture_is_refused(self, client: httpx.Client, data: bytes, status: int, code: str) -> None:
        answer = client.post(ROUTE, content=data, headers={"content-type": "image/jpeg"})
        assert (answer.status_code, answer.json()["code"], answer.json()["charged"]) == (status, code, False)

    def test_a_picture_with_too_many_pixels_is_refused_by_its_header(self, client: httpx.Client) -> None:
        huge = save(photo("camera").convert("1").resize((30_000, 900)), "PNG")
        answer = client.post(ROUTE, content=huge, headers={"content-type": "image/png"})
        assert answer.json()["code"] == "IMAGE_TOO_LARGE"
        assert "27" in answer.json()["detail"]

    @pytest.mark.parametrize("name", ["u2net_human_seg", "isnet-general-use", "nonsense"])
    def test_a_model_that_is_not_here_is_refused_with_those_that_are(self, client: httpx.Client, name: str) -> None:
        problem = client.post(ROUTE, files={"image": PHOTO}, data={"model": name}).json()
        assert problem["code"] == "UNSUPPORTED_MODEL"
        assert "u2netp" in problem["available"]

    def test_a_licence_nobody_acknowledged_is_in_the_way(self, client: httpx.Client) -> None:
        answer = client.post(ROUTE, files={"image": PHOTO}, data={"model": "bria-rmbg"})
        assert (answer.status_code, answer.json()["code"]) == (403, "LICENCE_NOT_ACKNOWLEDGED")

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:1/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "ftp://x/y"]
    )
    def test_a_url_into_the_house_is_refused(self, client: httpx.Client, url: str) -> None:
        assert client.post(ROUTE, json={"image_url": url}).json()["code"] == "URL_REFUSED"

    def test_another_sees_none_of_it(self, client: httpx.Client, other: httpx.Client) -> None:
        job = client.post(ROUTE, files={"image": PHOTO}).json()["job"]
        upload = client.post("/v1/uploads", json={"media_type": "image/jpeg"}).json()
        httpx.post(upload["url"], data=upload["fields"], files={"file": PHOTO}, trust_env=False)
        assert other.get(f"/v1/jobs/{job['id']}").status_code == 404
        assert other.delete(f"/v1/jobs/{job['id']}").status_code == 404
        assert other.post(ROUTE, json={"upload_id": upload["upload_id"]}).status_code == 404
        assert other.get("/v1/jobs", params={"cursor": job["id"]}).status_code == 400

    def test_a_removed_job_takes_its_picture_along(self, client: httpx.Client) -> None:
        body = client.post(ROUTE, files={"image": PHOTO}).json()
        assert client.delete(f"/v1/jobs/{body['job']['id']}").status_code == 200
        assert httpx.get(body["url"], trust_env=False).status_code == 404


def test_matting_is_answered_compiled_or_not(client: httpx.Client) -> None:
    """On a checkout where it has yet to be compiled, which takes minutes, nothing waits for that."""
    answer = client.post(ROUTE, files={"image": ("photo.jpg", PHOTO)}, data={"matting": "true"})
    assert answer.status_code in (200, 202), answer.text
    job = answer.json() if answer.status_code == 202 else answer.json()["job"]
    assert job["cost"]["charged"] is False
    job = client.get(job["urls"]["get"]).raise_for_status().json()
    if answer.status_code == 202 and job["status"] != "succeeded":
        assert (job["status"], job["error"]) in (("queued", None), ("running", None))
        return
    assert "matte" in job["output"]["timings_ms"]
    (image,) = job["output"]["images"]
    assert load(httpx.get(image["url"], trust_env=False).content).mode == "RGBA"


class TestInbox:
    def test_a_dropped_file_is_cut_out(self, stack: Stack, client: httpx.Client) -> None:
        key = "inbox/local/a holiday + ü 漢字.jpg"
        _drop(stack, key, PHOTO)
        (job,) = _finished(client, key)
        assert job["status"] == "succeeded", job
        assert f"outputs/local/{job['id']}/a holiday + ü 漢字.png" in _outputs(stack)
        picture = load(httpx.get(job["output"]["images"][0]["url"], trust_env=False).content)
        assert picture.getchannel("A").getextrema() == (0, 255)

    def test_a_bad_file_fails_its_job_with_the_reason_and_holds_nobody_up(
        self, stack: Stack, client: httpx.Client
    ) -> None:
        _drop(stack, "inbox/local/bad.jpg", b"hello")
        _drop(stack, "inbox/local/good.jpg", PHOTO)
        (good,) = _finished(client, "inbox/local/good.jpg")
        (bad,) = _finished(client, "inbox/local/bad.jpg")
        assert (good["status"], bad["status"]) == ("succeeded", "failed")
        assert bad["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
        assert "dead_letter" not in bad["error"]

    def test_ten_more_deliveries_change_nothing(self, stack: Stack, client: httpx.Client) -> None:
        key = "inbox/local/again.jpg"
        record = _drop(stack, key, PHOTO)
        (job,) = _finished(client, key)
        queue = stack.template.scope.ids["PictureQueue"]
        for _ in range(10):
            stack.aws.sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Records": [record]}))
        until = time.monotonic() + PATIENCE
        while (waiting := _waiting(stack)) and time.monotonic() < until:
            time.sleep(0.1)
        assert waiting == 0
        assert len(_jobs(client, key)) == 1
        kept = [output.rpartition("/")[2] for output in _outputs(stack) if job["id"] in output]
        assert sorted(kept) == ["again.png", "alpha.png", "original"]

    def test_two_versions_of_a_file_are_two_jobs(self, stack: Stack, client: httpx.Client) -> None:
        key = "inbox/local/twice.jpg"
        _drop(stack, key, PHOTO)
        _drop(stack, key, jpeg("coffee"))
        jobs = _finished(client, key, count=2)
        sizes = {(image["width"], image["height"]) for job in jobs for image in job["output"]["images"]}
        assert sizes == {(512, 512), photo("coffee").size}

    def test_s3s_test_message_and_what_lies_outside_an_inbox_are_let_be(
        self, stack: Stack, client: httpx.Client
    ) -> None:
        queue = stack.template.scope.ids["PictureQueue"]
        stack.aws.sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Event": "s3:TestEvent"}))
        _drop(stack, "inbox/nobodys.jpg", PHOTO)
        _drop(stack, "uploads/local/elsewhere.jpg", PHOTO)
        _drop(stack, "inbox/local/after.jpg", PHOTO)
        _finished(client, "inbox/local/after.jpg")
        for key in ("inbox/nobodys.jpg", "uploads/local/elsewhere.jpg"):
            assert _jobs(client, key) == []


def _waiting(stack: Stack) -> int:
    """Messages that are in the queue or being worked on."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stack.aws.sqs.get_queue_attributes(
        QueueUrl=stack.template.scope.ids["PictureQueue"],
        AttributeNames=names,  # type: ignore[arg-type]
    )
    counts: dict[str, str] = dict(found["Attributes"])  # type: ignore[arg-type]
    return sum(int(counts[name]) for name in names)
