import base64

import pytest

from darkroom.errors import InvalidParameter, NotFound
from darkroom.models.source import ImageSource
from darkroom.models.upload import UploadRequest
from darkroom.services.sources import Sources
from darkroom.services.uploads import Uploads
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore


class OnePageWeb:
    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        return f"{url} {max_bytes}".encode()


@pytest.fixture
def images(clock: SteppingClock) -> MemoryImageStore:
    return MemoryImageStore(clock)


@pytest.fixture
def sources(images: MemoryImageStore) -> Sources:
    return Sources(images, OnePageWeb())


def test_a_file_is_taken_as_it_is(sources: Sources) -> None:
    assert sources.read("alice", ImageSource("image", data=b"")) == b""


def test_a_url_is_fetched(sources: Sources) -> None:
    assert sources.read("alice", ImageSource("image", url="https://x.example/a")).startswith(b"https://x.example/a ")


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_base64_is_decoded(sources: Sources, prefix: str) -> None:
    text = base64.encodebytes(bytes(range(256))).decode()
    assert sources.read("alice", ImageSource("image", b64=prefix + text)) == bytes(range(256))


@pytest.mark.parametrize("text", ["$$$", "abc", "é", "data:image/png;base64,%%"])
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
