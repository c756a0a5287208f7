"""Thumbnails of stored pictures: made once, kept no longer than the picture, gone with it."""

from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from darkroom.errors import ImageExpired
from darkroom.models.job import StoredImage, thumbnail_key
from darkroom.services.thumbnails import Thumbnails
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore
from tests.photos import load, save

DAY = timedelta(days=1)


class WatchedStore(MemoryImageStore):
    """Tells what was read, and removes a picture while its thumbnail is made if it is told to."""

    def __init__(self, clock: SteppingClock) -> None:
        super().__init__(clock)
        self.read: list[str] = []
        self.removes_meanwhile = False

    def read_output(self, key: str, *, max_bytes: int) -> bytes:
        data = super().read_output(key, max_bytes=max_bytes)
        self.read.append(key)
        if self.removes_meanwhile:
            self.remove_outputs([key])
        return data


@pytest.fixture
def images(clock: SteppingClock) -> WatchedStore:
    return WatchedStore(clock)


def _stored(images: MemoryImageStore, **changes: Any) -> StoredImage:
    key, data = "outputs/alice/job_1/0.png", save(Image.new("RGB", (1_000, 500), "red"), "PNG")
    images.write_output(key, data, media_type="image/png", metadata={})
    image = StoredImage(key=key, media_type="image/png", width=1_000, height=500, bytes=len(data), sha256="ab" * 32)
    return image.model_copy(update=changes)


def test_it_is_made_once_beside_the_picture(images: WatchedStore, clock: SteppingClock) -> None:
    image, thumbnails = _stored(images), Thumbnails(images, clock)
    first = thumbnails.of(image, made_at=clock.now, until=None)
    assert first is not None
    assert load(first).size == (512, 256)
    assert thumbnails.of(image, made_at=clock.now, until=None) == first
    assert images.read == [image.key, thumbnail_key(image.key)]
    assert images.outputs[thumbnail_key(image.key)].media_type == "image/webp"
    images.remove_outputs([image.key])
    assert images.outputs == {}


@pytest.mark.parametrize(
    ("age", "left", "days"),
    [(0, 30, None), (2, None, None), (2, 28, 14), (2, 14, 14), (20, 10, 7), (26, 4, 3), (28, 2, 1), (29.5, 0.5, 1)],
)
def test_it_is_kept_no_longer_than_the_picture(
    images: WatchedStore, clock: SteppingClock, age: float, left: float | None, days: int | None
) -> None:
    image, made_at = _stored(images), clock.now
    clock.step(age * DAY)
    until = None if left is None else clock.now + left * DAY
    Thumbnails(images, clock).of(image, made_at=made_at, until=until)
    assert images.outputs[thumbnail_key(image.key)].keep_days == days


def test_a_picture_that_is_gone_or_goes_meanwhile_leaves_none(images: WatchedStore, clock: SteppingClock) -> None:
    image, thumbnails = _stored(images), Thumbnails(images, clock)
    images.removes_meanwhile = True
    for _ in range(2):
        with pytest.raises(ImageExpired):
            thumbnails.of(image, made_at=clock.now, until=None)
    assert images.outputs == {}


@pytest.mark.parametrize("changes", [{"media_type": "image/svg+xml"}, {"width": 8_001, "height": 5_000}])
def test_a_drawing_and_a_picture_too_large_for_the_function_have_none(
    images: WatchedStore, clock: SteppingClock, changes: dict[str, Any]
) -> None:
    image = _stored(images, **changes)
    assert Thumbnails(images, clock).of(image, made_at=clock.now, until=None) is None
    assert images.read == []
