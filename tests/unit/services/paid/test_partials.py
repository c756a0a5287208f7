"""Which events' partial pictures are kept, by which names, and what an event that is none of them does: nothing."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import ServiceUnavailable
from darkroom.models.generation import GenerationRequest, PartialImage
from darkroom.models.job import Job, PaidWork
from darkroom.services.paid.partials import Partials
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore

PNG, JPEG, WEBP = b"\x89PNG\r\n\x1a\n1", b"\xff\xd8\xff\xe0", b"RIFF\x00\x00\x00\x00WEBP"
BEGUN = datetime(2026, 11, 30, tzinfo=UTC)


def _event(index: object, picture: bytes | str) -> str:
    encoded = picture if isinstance(picture, str) else base64.b64encode(picture).decode()
    return json.dumps({"type": "image_generation.partial_image", "partial_image_index": index, "b64_json": encoded})


class Away(MemoryImageStore):
    """Refuses the first writes."""

    refuses = 1

    def write_output(self, key: str, data: bytes, **more: Any) -> None:
        self.refuses -= 1
        if self.refuses >= 0:
            raise ServiceUnavailable("The bucket is away.")
        super().write_output(key, data, **more)


def _kept(images: MemoryImageStore, wanted: int, events: list[str]) -> tuple[dict[str, tuple[bytes, str]], list[str]]:
    """By its number what is kept of a job's events, and the alarms."""
    request = GenerationRequest(model="m", prompt="A fox", partial_images=wanted)
    job = Job(id="job_1", user="alice", op="generation", created_at=BEGUN, work=PaidWork(request=request))
    alarms: list[str] = []

    def alarm(name: str, /, **_facts: object) -> None:
        alarms.append(name)

    partials = Partials(job, images, alarm)
    for each in events:
        partials.hear(each)
    if partials._threads is not None:
        partials._threads.shutdown(wait=True)
    partials.end()
    prefix = "outputs/alice/job_1/partial/"
    assert all(key.startswith(prefix) for key in images.outputs)
    return {key.removeprefix(prefix): (each.data, each.media_type) for key, each in images.outputs.items()}, alarms


@pytest.fixture
def images(clock: SteppingClock) -> MemoryImageStore:
    return MemoryImageStore(clock)


def test_each_is_kept_as_it_came_and_no_more_than_are_asked_for(images: MemoryImageStore) -> None:
    kept, alarms = _kept(images, 3, [_event(index, each) for index, each in enumerate((PNG, JPEG, WEBP, PNG))])
    assert kept == {"0": (PNG, "image/png"), "1": (JPEG, "image/jpeg"), "2": (WEBP, "image/webp")}
    assert alarms == []


def test_where_none_is_asked_for_none_is_kept(images: MemoryImageStore) -> None:
    assert _kept(images, 0, [_event(0, PNG)]) == ({}, [])


def test_one_that_cannot_be_kept_leaves_no_gap(clock: SteppingClock) -> None:
    kept, alarms = _kept(Away(clock), 3, [_event(0, PNG), _event(1, JPEG), _event(2, WEBP)])
    assert kept == {"0": (JPEG, "image/jpeg"), "1": (WEBP, "image/webp")}
    assert alarms == ["NOT_PASSED_ON"]


def test_what_is_no_base64_is_passed_over(images: MemoryImageStore) -> None:
    assert _kept(images, 2, [_event(0, "!!!"), _event(1, PNG)]) == ({"0": (PNG, "image/png")}, [])


@given(st.text() | st.dictionaries(st.text(), st.none() | st.integers() | st.text()).map(json.dumps))
def test_any_event_is_a_partial_picture_or_none(data: str) -> None:
    assert PartialImage.of(data) is None


@pytest.mark.parametrize(
    "data",
    [
        _event("first", PNG),
        _event(None, PNG),
        json.dumps({"partial_image_index": 0}),
        json.dumps({"partial_image_index": 0, "b64_json": None}),
        json.dumps(["partial_image_index"]),
        '"partial_image_index"',
        '{"partial_image_index"',
        '{"partial_image_index":' + "[" * 100_000,
    ],
)
def test_what_only_looks_like_one_is_none(data: str) -> None:
    assert PartialImage.of(data) is None
