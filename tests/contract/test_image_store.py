"""What every ImageStore does; and, against the emulator, what the presigned forms and links do."""

import json
import time
from collections.abc import Mapping
from contextvars import Context
from datetime import datetime, timedelta

import httpx
import pytest

from darkroom.errors import NotFound, PayloadTooLarge
from darkroom.models.job import thumbnail_key
from darkroom.ports import ImageStore
from darkroom.services.accounts.snapshot import read_once
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.memory import MemoryImageStore

BIG = 1_000_000


def _drop(store: ImageStore, cloud: Cloud | None, key: str, data: bytes) -> str | None:
    """Puts a file into the uploads bucket; returns its version."""
    if isinstance(store, MemoryImageStore):
        version = f"v{len(store.uploads)}"
        store.drop(key, data, version)
        return version
    assert cloud is not None
    return cloud.aws.s3.put_object(Bucket=cloud.uploads, Key=key, Body=data)["VersionId"]


def test_an_upload_is_read_as_it_was_put(image_store: ImageStore, cloud: Cloud | None, user: str) -> None:
    key = f"inbox/{user}/Grüße aus+Köln #1 (2).jpg"
    _drop(image_store, cloud, key, b"abc")
    assert image_store.read_upload(key, max_bytes=3) == b"abc"


def test_a_version_is_read_though_it_was_overwritten(image_store: ImageStore, cloud: Cloud | None, user: str) -> None:
    key = f"inbox/{user}/a.jpg"
    old = _drop(image_store, cloud, key, b"old")
    new = _drop(image_store, cloud, key, b"new")
    assert old != new
    assert image_store.read_upload(key, version=old, max_bytes=BIG) == b"old"
    assert image_store.read_upload(key, version=new, max_bytes=BIG) == b"new"
    assert image_store.read_upload(key, max_bytes=BIG) == b"new"


def test_what_is_not_there_is_not_found(image_store: ImageStore, user: str) -> None:
    with pytest.raises(NotFound):
        image_store.read_upload(f"inbox/{user}/none.jpg", max_bytes=BIG)


def test_what_is_too_large_is_refused(image_store: ImageStore, cloud: Cloud | None, user: str) -> None:
    _drop(image_store, cloud, f"inbox/{user}/a.jpg", b"abcd")
    with pytest.raises(PayloadTooLarge, match="4 bytes"):
        image_store.read_upload(f"inbox/{user}/a.jpg", max_bytes=3)


def test_an_output_is_read_as_it_was_written(image_store: ImageStore, user: str) -> None:
    key = f"outputs/{user}/Grüße 1+2.png"
    assert not image_store.has_output(key)
    image_store.write_output(key, b"abc", media_type="image/png", metadata={})
    assert image_store.has_output(key)
    assert image_store.read_output(key, max_bytes=3) == b"abc"
    with pytest.raises(PayloadTooLarge, match="3 bytes; 2 are accepted"):
        image_store.read_output(key, max_bytes=2)
    image_store.remove_outputs([key])
    with pytest.raises(NotFound) as gone:
        image_store.read_output(key, max_bytes=3)
    assert "upload" not in f"{gone.value.detail} {gone.value.fix}".lower()


def test_uploads_and_outputs_are_two_places(image_store: ImageStore, cloud: Cloud | None, user: str) -> None:
    key = f"uploads/{user}/a.png"
    _drop(image_store, cloud, key, b"in")
    with pytest.raises(NotFound):
        image_store.read_output(key, max_bytes=BIG)
    image_store.write_output(key, b"out", media_type="image/png", metadata={})
    assert image_store.read_upload(key, max_bytes=BIG) == b"in"
    assert image_store.read_output(key, max_bytes=BIG) == b"out"


def test_an_output_can_be_written_twice_and_removed_twice(image_store: ImageStore, user: str) -> None:
    key = f"outputs/{user}/a.png"
    for _ in range(2):
        image_store.write_output(key, b"abc", media_type="image/png", metadata={"job": "j"})
    link = image_store.link_output(key)
    assert key in link
    assert image_store.linked_key(link) == image_store.linked_key(link.partition("?")[0]) == key
    assert image_store.linked_key(link.replace(f"/{key}", "")) is None
    assert image_store.linked_key("https://example.com/" + key) is None
    for _ in range(2):
        image_store.remove_outputs([key])


@pytest.mark.parametrize("folder", ["inputs", "outputs"])
def test_in_one_request_a_picture_that_is_written_or_removed_is_read_as_it_is_then(
    image_store: ImageStore, user: str, folder: str
) -> None:
    key = f"{folder}/{user}/job_1/0.png"

    def write(data: bytes) -> None:
        image_store.write_output(key, data, media_type="image/png", metadata={})

    with read_once():
        write(b"first")
        assert [image_store.read_output(key, max_bytes=5) for _ in range(2)] == [b"first"] * 2
        with pytest.raises(PayloadTooLarge):
            image_store.read_output(key, max_bytes=4)
        write(b"second")
        assert image_store.read_output(key, max_bytes=10) == b"second"
        image_store.remove_outputs([key])
        with pytest.raises(NotFound):
            image_store.read_output(key, max_bytes=10)


@pytest.mark.parametrize(
    ("name", "read"), [("0.png", {b"first", b"second"}), ("manifest.json", {b"second"})], ids=["picture", "note"]
)
def test_what_another_process_writes_is_read_in_the_next_request_at_the_latest(
    image_store: ImageStore, user: str, name: str, read: set[bytes]
) -> None:
    """A picture may be kept for the rest of the request; what several processes write is read each time."""
    key = f"outputs/{user}/job_1/{name}"

    def write(data: bytes) -> None:
        # It knows nothing of this request.
        Context().run(image_store.write_output, key, data, media_type="image/png", metadata={})

    write(b"first")
    with read_once():
        assert image_store.read_output(key, max_bytes=10) == b"first"
        write(b"second")
        assert image_store.read_output(key, max_bytes=10) in read
    assert image_store.read_output(key, max_bytes=10) == b"second"


def test_a_thumbnail_goes_with_its_picture_and_no_other(image_store: ImageStore, user: str) -> None:
    keys = [f"outputs/{user}/job_1/{number}.png" for number in range(2)]
    for key in keys:
        assert not image_store.has_output(key)
        image_store.write_output(key, b"abc", media_type="image/png", metadata={})
        image_store.write_output(thumbnail_key(key), b"a", media_type="image/webp", metadata={}, keep_days=7)
    image_store.remove_outputs([keys[0]])
    there = [image_store.has_output(each) for key in keys for each in (key, thumbnail_key(key))]
    assert there == [False, False, True, True]
    image_store.remove_outputs_under(f"outputs/{user}/job_1/")
    assert not any(image_store.has_output(each) for each in (keys[1], thumbnail_key(keys[1])))


def test_what_is_under_a_prefix_is_removed_and_nothing_else(image_store: ImageStore, user: str) -> None:
    keys = [f"outputs/{user}/conv_1/{number}.png" for number in range(3)]
    others = [f"outputs/{user}/conv_10/1.png", f"outputs/{user}x/conv_1/1.png"]
    for key in (*keys, *others):
        image_store.write_output(key, b"abc", media_type="image/png", metadata={})
    for _ in range(2):
        image_store.remove_outputs_under(f"outputs/{user}/conv_1/")
    for key in keys:
        with pytest.raises(NotFound):
            image_store.read_output(key, max_bytes=BIG)
    assert [image_store.read_output(key, max_bytes=BIG) for key in others] == [b"abc", b"abc"]


def test_what_is_renewed_counts_as_new_and_stays_as_it_was(
    image_store: ImageStore, cloud: Cloud | None, user: str, clock: SteppingClock
) -> None:
    key, gone = f"outputs/{user}/ü 1+2.jpg", f"outputs/{user}/gone.jpg"
    image_store.write_output(key, b"abc", media_type="image/jpeg", metadata={"job": "j"})
    before = _described(image_store, cloud, key)
    # S3 counts in seconds.
    clock.step(timedelta(seconds=2))
    if cloud is not None:
        time.sleep(1.1)
    image_store.renew_outputs([key, gone])
    after = _described(image_store, cloud, key)
    assert after[:2] == before[:2] == ("image/jpeg", {"job": "j"})
    assert after[2] > before[2]
    assert image_store.read_output(key, max_bytes=BIG) == b"abc"
    with pytest.raises(NotFound):
        image_store.read_output(gone, max_bytes=BIG)


def _described(store: ImageStore, cloud: Cloud | None, key: str) -> tuple[str, Mapping[str, str], datetime]:
    """An output's type and metadata, and from when its age is counted."""
    if isinstance(store, MemoryImageStore):
        found = store.outputs[key]
        assert found.written_at is not None
        return found.media_type, found.metadata, found.written_at
    assert cloud is not None
    head = cloud.aws.s3.head_object(Bucket=cloud.outputs, Key=key)
    return head["ContentType"], head["Metadata"], head["LastModified"]


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
class TestOverHttp:
    def test_a_link_gives_the_picture_with_its_type(self, image_store: ImageStore, user: str) -> None:
        key = f"outputs/{user}/ü a.png"
        image_store.write_output(key, b"abc", media_type="image/png", metadata={"job": "j"})
        answer = httpx.get(image_store.link_output(key), trust_env=False)
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"abc", "image/png")
        image_store.remove_outputs([key])
        assert httpx.get(image_store.link_output(key), trust_env=False).status_code == 404

    def test_a_form_takes_the_file_it_was_made_for(self, image_store: ImageStore, user: str) -> None:
        key = f"uploads/{user}/upl_1"
        form = image_store.presign_upload(key, media_type="image/png", max_bytes=5)
        sent = httpx.post(form.url, data=form.fields, files={"file": ("a.png", b"12345")}, trust_env=False)
        assert sent.status_code == 204, sent.text
        assert image_store.read_upload(key, max_bytes=5) == b"12345"

    @pytest.mark.parametrize(
        ("changes", "data"),
        [({}, b"123456"), ({}, b""), ({"key": "inbox/other/x.png"}, b"1"), ({"Content-Type": "text/html"}, b"1")],
        ids=["too large", "empty", "another key", "another type"],
    )
    def test_a_form_takes_nothing_else(
        self, image_store: ImageStore, user: str, changes: dict[str, str], data: bytes
    ) -> None:
        form = image_store.presign_upload(f"uploads/{user}/upl_1", media_type="image/png", max_bytes=5)
        fields = {**form.fields, **changes}
        sent = httpx.post(form.url, data=fields, files={"file": ("a.png", data)}, trust_env=False)
        assert sent.status_code in (400, 403), json.dumps(dict(sent.headers))
