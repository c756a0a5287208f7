"""Inputs of paid jobs: where they came from, what is kept of them, and who may have them."""

import hashlib

import pytest
from PIL import Image

from darkroom.errors import (
    CallerError,
    ImageTooLarge,
    InvalidParameter,
    NotFound,
    UnsupportedMediaType,
)
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.models.source import ImageSource
from darkroom.models.upload import UploadRequest
from darkroom.services.inputs.inputs import Input, Inputs, check_mask
from darkroom.services.inputs.sources import Sources
from darkroom.services.inputs.uploads import Uploads
from tests.application import no_versions
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore, MemoryJobStore
from tests.photos import load, photo, save

PHOTO = save(photo("coffee"), "JPEG", quality=80)
URL = "https://me:secret@x.example:8443/a%20b.jpg?X-Amz-Signature=secret#secret"


class OnePageWeb:
    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        return PHOTO


@pytest.fixture
def images(clock: SteppingClock) -> MemoryImageStore:
    return MemoryImageStore(clock)


@pytest.fixture
def jobs() -> MemoryJobStore:
    return MemoryJobStore()


@pytest.fixture
def inputs(images: MemoryImageStore, jobs: MemoryJobStore, clock: SteppingClock) -> Inputs:
    return Inputs(Sources(images, OnePageWeb(), jobs, clock, no_versions), images, max_megapixels=1)


def mask_file(size: tuple[int, int]) -> bytes:
    mask = Image.new("RGBA", size, "white")
    mask.paste((0, 0, 0, 0), (0, 0, 10, 10))
    return save(mask, "PNG")


def test_a_photograph_is_kept_by_its_content(inputs: Inputs, images: MemoryImageStore) -> None:
    found = inputs.read("alice", ImageSource("image", data=PHOTO))
    digest = hashlib.sha256(PHOTO).hexdigest()
    assert found.data == PHOTO
    assert found.image.model_dump() == {
        "key": f"inputs/alice/{digest}.jpg",
        "media_type": "image/jpeg",
        "width": 600,
        "height": 400,
        "bytes": len(PHOTO),
        "sha256": digest,
    }
    assert images.outputs == {}, "reading writes nothing"
    inputs.keep([found, found])
    inputs.keep([found])
    assert {key: (stored.data, stored.media_type) for key, stored in images.outputs.items()} == {
        found.image.key: (PHOTO, "image/jpeg")
    }


def test_the_parent_is_what_was_handed_over_not_what_is_kept(inputs: Inputs) -> None:
    gif = save(photo("coffee"), "GIF")
    found = inputs.read("alice", ImageSource("image", data=gif))
    assert found.image.media_type == "image/png"
    assert found.image.key == f"inputs/alice/{hashlib.sha256(found.data).hexdigest()}.png"
    assert found.parent.sha256 == hashlib.sha256(gif).hexdigest() != found.image.sha256
    assert (found.parent.kind, found.parent.ref, found.parent.role) == ("file", None, "image")


def test_a_url_is_remembered_without_its_secrets(inputs: Inputs) -> None:
    parent = inputs.read("alice", ImageSource("image", url=URL)).parent
    assert (parent.kind, parent.ref) == ("url", "https://x.example:8443/a%20b.jpg")
    long = inputs.read("alice", ImageSource("image", url="https://x.example/" + "a" * 5000)).parent
    assert len(long.ref or "") == 2048


def test_an_upload_is_remembered_by_its_id(inputs: Inputs, images: MemoryImageStore, clock: SteppingClock) -> None:
    upload = Uploads(images, clock).create("alice", UploadRequest(media_type="image/jpeg"))
    images.drop(upload.fields["key"], PHOTO)
    source = ImageSource("image[1]", upload_id=upload.upload_id)
    parent = inputs.read("alice", source).parent
    assert (parent.kind, parent.ref) == ("upload", upload.upload_id)
    with pytest.raises(NotFound) as refused:
        inputs.read("bob", source)
    assert refused.value.param == "image[1]"


def test_a_jobs_picture_is_remembered_by_job_and_index(
    inputs: Inputs, images: MemoryImageStore, jobs: MemoryJobStore, clock: SteppingClock
) -> None:
    made = StoredImage(key="outputs/a", media_type="image/jpeg", width=600, height=400, bytes=1, sha256="0")
    jobs.add(
        Job(id="job_1", user="alice", op="edit", status=JobStatus.SUCCEEDED, created_at=clock(), images=(made, made))
    )
    images.write_output("outputs/a", PHOTO, media_type="image/jpeg", metadata={})
    parent = inputs.read("alice", ImageSource("image", job_id="job_1", index=1)).parent
    assert (parent.kind, parent.ref, parent.index) == ("job", "job_1", 1)
    with pytest.raises(NotFound):
        inputs.read("bob", ImageSource("image", job_id="job_1", index=1))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"hello", UnsupportedMediaType),
        (b"", CallerError),
        (PHOTO[: len(PHOTO) // 2], CallerError),
        (save(Image.new("L", (1200, 1000)), "PNG"), ImageTooLarge),
    ],
)
@pytest.mark.parametrize("name", ["image[2]", "mask"])
def test_the_field_at_fault_is_named(inputs: Inputs, data: bytes, error: type[CallerError], name: str) -> None:
    with pytest.raises(error) as refused:
        inputs.read("alice", ImageSource(name, data=data), role="mask" if name == "mask" else "image")
    assert refused.value.param == name


def test_a_mask_is_kept_as_nothing_but_its_alpha(inputs: Inputs) -> None:
    mask = photo("coffee").convert("RGBA")
    mask.putalpha(Image.linear_gradient("L").resize(mask.size))
    found = inputs.read("alice", ImageSource("mask", data=save(mask, "WEBP", lossless=True)), role="mask")
    assert (found.parent.role, found.image.media_type) == ("mask", "image/png")
    kept = load(found.data)
    assert kept.mode == "LA"
    assert kept.getchannel("L").getextrema() == (0, 0)
    assert kept.getchannel("A").tobytes() == mask.getchannel("A").tobytes()
    again = inputs.read("alice", ImageSource("mask", data=found.data), role="mask")
    assert again.image == found.image, "what was kept is a mask itself"


@pytest.fixture
def first(inputs: Inputs) -> Input:
    sideways = Image.Exif()
    sideways[0x0112] = 6
    return inputs.read("alice", ImageSource("image", data=save(photo("coffee"), "JPEG", exif=sideways)))


def test_a_mask_has_the_size_of_the_upright_picture(inputs: Inputs, first: Input) -> None:
    check_mask(first.image, inputs.read("alice", ImageSource("mask", data=mask_file((400, 600))), role="mask"))
    with pytest.raises(InvalidParameter, match="600 x 400 pixels, and the first picture 400 x 600") as refused:
        check_mask(first.image, inputs.read("alice", ImageSource("mask", data=mask_file((600, 400))), role="mask"))
    assert refused.value.param == "mask"


def test_pictures_do_not_show_up_in_a_repr(inputs: Inputs) -> None:
    assert len(repr(inputs.read("alice", ImageSource("image", data=PHOTO)))) < 1000
