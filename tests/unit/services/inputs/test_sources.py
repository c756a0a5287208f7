import base64

import pytest

from darkroom.errors import InvalidParameter, NotFound, PayloadTooLarge, UrlRefused
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.models.source import ImageSource
from darkroom.models.upload import UploadRequest
from darkroom.services.inputs.sources import Sources, Versions
from darkroom.services.inputs.uploads import MAX_UPLOAD_BYTES, Uploads
from tests.application import no_versions
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore, MemoryJobStore


class OnePageWeb:
    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        return f"{url} {max_bytes}".encode()


@pytest.fixture
def images(clock: SteppingClock) -> MemoryImageStore:
    return MemoryImageStore(clock)


@pytest.fixture
def jobs() -> MemoryJobStore:
    return MemoryJobStore()


@pytest.fixture
def sources(images: MemoryImageStore, jobs: MemoryJobStore, clock: SteppingClock) -> Sources:
    return Sources(images, OnePageWeb(), jobs, clock, no_versions)


def test_a_file_is_taken_as_it_is(sources: Sources) -> None:
    assert sources.read("alice", ImageSource("image", data=b"")) == b""


def test_a_url_is_fetched(sources: Sources) -> None:
    assert sources.read("alice", ImageSource("image", url="https://x.example/a")).startswith(b"https://x.example/a ")


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_base64_is_decoded(sources: Sources, prefix: str) -> None:
    text = base64.encodebytes(bytes(range(256))).decode()
    assert sources.read("alice", ImageSource("image", b64=prefix + text)) == bytes(range(256))


@pytest.mark.parametrize("text", ["$$$", "abcde", "é", "data:image/png;base64,%%"])
def test_what_is_not_base64_names_the_field(sources: Sources, text: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        sources.read("alice", ImageSource("background", b64=text))
    assert refused.value.param == "background_b64"


def test_an_upload_is_read_by_its_owner_alone(sources: Sources, images: MemoryImageStore, clock: SteppingClock) -> None:
    upload = Uploads(images, clock).create("alice", UploadRequest(media_type="image/png"))
    images.drop(upload.fields["key"], b"abc")
    source = ImageSource("image", upload_id=upload.upload_id)
    assert sources.read("alice", source) == b"abc"
    with pytest.raises(NotFound):
        sources.read("bob", source)


JOB = "job_01JABCDEFGHJKMNPQRSTVWXYZ0"


@pytest.fixture
def done(images: MemoryImageStore, jobs: MemoryJobStore, clock: SteppingClock) -> Job:
    """A job of alice's with two pictures."""
    pictures = []
    for index in range(2):
        key = f"outputs/alice/{JOB}/{index}.png"
        images.write_output(key, b"picture %d" % index, media_type="image/png", metadata={})
        pictures.append(StoredImage(key=key, media_type="image/png", width=1, height=1, bytes=9, sha256="0" * 64))
    job = Job(
        id=JOB,
        user="alice",
        op="generation",
        status=JobStatus.SUCCEEDED,
        created_at=clock(),
        images=tuple(pictures),
    )
    jobs.add(job)
    return job


def of_job(job_id: str = JOB, index: int = 0) -> ImageSource:
    return ImageSource("image[1]", job_id=job_id, index=index)


def test_a_jobs_pictures_are_read_by_their_index(sources: Sources, done: Job) -> None:
    assert [sources.read("alice", of_job(index=index)) for index in (0, 1)] == [b"picture 0", b"picture 1"]


@pytest.mark.parametrize("index", [2, 9999, -1])
def test_an_index_beyond_the_jobs_pictures_is_refused(sources: Sources, done: Job, index: int) -> None:
    with pytest.raises(InvalidParameter, match="has 2 pictures, index 0 to 1") as refused:
        sources.read("alice", of_job(index=index))
    assert (refused.value.param, str(index) in refused.value.detail) == ("image[1]", True)


@pytest.mark.parametrize(("user", "job_id"), [("bob", JOB), ("alice", "job_x"), ("alice", ""), ("alice", "job_\ud800"),
                                              ("alice", "job_" + "x" * 3000)])  # fmt: skip
def test_anothers_or_no_job_is_not_found(sources: Sources, done: Job, user: str, job_id: str) -> None:
    with pytest.raises(NotFound) as refused:
        sources.read(user, of_job(job_id))
    assert refused.value.param == "image[1]"
    assert len(refused.value.detail) < 100


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.SUCCEEDED}))
def test_a_job_that_has_not_succeeded_says_how_it_stands(
    sources: Sources, jobs: MemoryJobStore, done: Job, status: JobStatus
) -> None:
    jobs.add(done.model_copy(update={"status": status}))
    with pytest.raises(InvalidParameter, match=f"is {status.value}") as refused:
        sources.read("alice", of_job())
    assert ("succeeded" in refused.value.fix, refused.value.param) == (True, "image[1]")


class StoreOfKeys(MemoryJobStore):
    """As DynamoDB is: it fails on ids that cannot be part of a key."""

    def find(self, user: str, job_id: str) -> Job | None:
        assert len(job_id.encode()) <= 64
        return super().find(user, job_id)


@pytest.mark.parametrize("job_id", ["job_\ud800", "job_" + "x" * 61])
def test_what_cannot_be_an_id_is_not_looked_up(images: MemoryImageStore, clock: SteppingClock, job_id: str) -> None:
    with pytest.raises(NotFound):
        Sources(images, OnePageWeb(), StoreOfKeys(), clock, no_versions).read("alice", of_job(job_id))


def test_a_picture_that_has_been_removed_is_not_found(sources: Sources, images: MemoryImageStore, done: Job) -> None:
    images.remove_outputs([done.images[0].key])
    with pytest.raises(NotFound):
        sources.read("alice", of_job())


def test_a_picture_too_large_to_be_worked_on_is_refused(sources: Sources, images: MemoryImageStore, done: Job) -> None:
    images.write_output(done.images[0].key, bytes(MAX_UPLOAD_BYTES + 1), media_type="image/png", metadata={})
    with pytest.raises(PayloadTooLarge):
        sources.read("alice", of_job())


CONVERSATION = "conv_01JABCDEFGHJKMNPQRSTVWXYZ0"


class NoFarther:
    """Refuses every address, as the guard does those of this machine."""

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        raise UrlRefused(f"{url} {max_bytes}")


def _of_version(done: Job) -> Versions:
    known = {("alice", CONVERSATION, "v1"): done.images[1]}
    return lambda *which: known.get(which)


LINKS = [
    ("https://outputs.example/outputs/alice/{job}/0.png?X-Amz-Signature=old", b"picture 0"),
    ("https://outputs.example/outputs/alice/{job}/1.png.thumb.webp?X-Amz-Signature=old", b"picture 1"),
    ("http://127.0.0.1:8000/v1/jobs/{job}/images/1?size=thumb&v=abc", b"picture 1"),
    ("/v1/jobs/{job}/images/0", b"picture 0"),
    ("http://127.0.0.1:8000/api/v1/jobs/{job}/images/0", b"picture 0"),
    ("http://localhost:8000/v1/conversations/{conversation}/versions/v1?size=thumb", b"picture 1"),
]


@pytest.mark.parametrize(("link", "picture"), LINKS)
def test_the_stacks_own_links_are_read_by_their_owner_alone(
    images: MemoryImageStore, jobs: MemoryJobStore, clock: SteppingClock, done: Job, link: str, picture: bytes
) -> None:
    sources = Sources(images, NoFarther(), jobs, clock, _of_version(done))
    source = ImageSource("image_url", url=link.format(job=JOB, conversation=CONVERSATION))
    assert sources.read("alice", source) == picture
    with pytest.raises(NotFound) as refused:
        sources.read("bob", source)
    assert (refused.value.param, refused.value.charged) == ("image_url", False)


@pytest.mark.parametrize(
    "key",
    [
        "raw/alice/job_1",
        "reports/alice/2026-11.json",
        "outputs/alice2/j/0.png",
        "outputs/bob/../alice/0.png",
        "alice",
    ],
)
def test_a_link_opens_nothing_but_ones_own_pictures(sources: Sources, images: MemoryImageStore, key: str) -> None:
    images.write_output(key, b"not a picture of alice's", media_type="image/png", metadata={})
    with pytest.raises(NotFound):
        sources.read("alice", ImageSource("image", url=images.link_output(key)))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1/jobs/1/images/0",
        "http://127.0.0.1/",
        "http://[",
        "https://outputs.example.com/outputs/alice/j/0.png",
    ],
)
def test_what_only_resembles_such_a_link_is_fetched_as_any_other(
    images: MemoryImageStore, jobs: MemoryJobStore, clock: SteppingClock, url: str
) -> None:
    with pytest.raises(UrlRefused):
        Sources(images, NoFarther(), jobs, clock, no_versions).read("alice", ImageSource("image", url=url))
