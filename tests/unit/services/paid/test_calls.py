"""What a provider is given is a file written here, wherever the picture was before."""

import hashlib
from datetime import UTC, datetime

import pytest

from darkroom.errors import UnreadableImage
from darkroom.models.deadline import Deadline
from darkroom.models.generation import GenerationRequest
from darkroom.models.job import PaidWork, StoredImage
from darkroom.ports import PaidCall, Watch
from darkroom.services.paid.calls import prepare, unheard
from tests.fakes.memory import MemoryImageStore
from tests.unit.images.test_containers import assert_is_sound, case

NOW = datetime(2026, 11, 30, tzinfo=UTC)


class Recorder:
    """A provider that keeps what it is given."""

    name = "recorder"

    def __init__(self) -> None:
        self.given: list[bytes | None] = []

    def generate(self, request: GenerationRequest, _call: PaidCall) -> None:
        self.given += [each.data for each in request.references]


def work(store: MemoryImageStore, key: str, data: bytes) -> PaidWork:
    store.write_output(key, data, media_type="image/png", metadata={})
    image = StoredImage(
        key=key, media_type="image/png", width=192, height=256, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    return PaidWork(request=GenerationRequest(model="m", prompt="p"), inputs=(image,))


def given(store: MemoryImageStore, wanted: PaidWork) -> bytes:
    provider = Recorder()
    carry_out = prepare(wanted, provider, store)  # type: ignore[arg-type]
    nobody = Watch(lambda *_: None, lambda *_: None, lambda *_: None, unheard)
    carry_out("key", Deadline(60), nobody)
    (data,) = provider.given
    assert data is not None
    return data


def test_what_a_model_painted_is_written_again() -> None:
    store = MemoryImageStore(lambda: NOW)
    for name in ("png_idat_badcrc.png", "greyicc_in_rgb.png", "png_comfy_ztxt_many.png"):
        assert_is_sound(given(store, work(store, "outputs/alice/job_1/0.png", case(name))))


def test_what_came_in_was_written_here_and_is_sent_as_it_is_kept() -> None:
    store = MemoryImageStore(lambda: NOW)
    assert given(store, work(store, "inputs/alice/ab.png", case("_reference.png"))) == case("_reference.png")


def test_what_is_no_picture_is_refused_before_anything_is_sent() -> None:
    store = MemoryImageStore(lambda: NOW)
    with pytest.raises(UnreadableImage) as refused:
        prepare(work(store, "outputs/alice/job_1/0.png", case("_reference.png")[:5000]), Recorder(), store)  # type: ignore[arg-type]
    assert refused.value.charged is False
