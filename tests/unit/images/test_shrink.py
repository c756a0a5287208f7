"""Pictures are encoded again until an answer has room for them."""

import io
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis.strategies import integers, lists
from PIL import Image, ImageCms

from darkroom.images.shrink import shrink


def noise(side: int, mode: str = "RGB") -> bytes:
    data = io.BytesIO()
    picture = Image.effect_noise((side, side), 80).convert("RGB")
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(data, "PNG", compress_level=1)
    return data.getvalue()


def unread() -> bytes:
    raise AssertionError("a picture that stays as it is was read")


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_what_fits_is_not_read() -> None:
    assert shrink([unread, unread], [40, 60], 100) == [None, None]


def test_a_small_one_leaves_its_share_to_the_large_one() -> None:
    large = noise(256)
    (small, found) = shrink([unread, lambda: large], [10, len(large)], 80_000)
    assert small is None
    assert found is not None
    assert found.media_type == "image/jpeg"
    assert 20_000 < len(found.data) <= 80_000 - 10
    assert (found.width, found.height) == opened(found.data).size == (256, 256)


def test_transparency_is_kept() -> None:
    data = noise(128, "RGBA")
    (found,) = shrink([lambda: data], [len(data)], len(data) // 2)
    assert found is not None
    assert (found.media_type, opened(found.data).mode) == ("image/webp", "RGBA")
    assert opened(found.data).getchannel("A").getextrema() == opened(data).getchannel("A").getextrema()


def test_the_profile_of_its_colors_is_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = io.BytesIO()
    opened(noise(128)).save(data, "PNG", icc_profile=profile)
    (found,) = shrink([data.getvalue], [len(data.getvalue())], len(data.getvalue()) // 3)
    assert found is not None
    assert opened(found.data).info["icc_profile"] == profile


def test_a_drawing_stays_as_it_is() -> None:
    assert shrink([lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"], [41], 10) == [None]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK"])
def test_every_mode(mode: str) -> None:
    data = io.BytesIO()
    Image.effect_noise((200, 200), 80).convert("RGB" if mode in ("CMYK", "P") else "L").convert(mode).save(
        data, "TIFF" if mode == "CMYK" else "PNG"
    )
    (found,) = shrink([data.getvalue], [len(data.getvalue())], 4000)
    assert found is not None
    assert len(found.data) <= 4000


def test_small_ones_are_made_smaller_too() -> None:
    """Six that are hardly larger than the smallest side, with room for less than any quality of them takes."""
    files = [noise(72)] * 6
    readers: list[Callable[[], bytes]] = [lambda data=data: data for data in files]  # type: ignore[misc]
    found = shrink(readers, [len(data) for data in files], 9_000)
    assert sum(len(each.data) for each in found if each) <= 9_000


@settings(max_examples=25)
@example([160, 160, 160, 160, 160, 160], 20_000)
@given(lists(integers(16, 160), min_size=1, max_size=6), integers(20_000, 60_000))
def test_together_they_never_take_more(sides: list[int], max_bytes: int) -> None:
    files = [noise(side) for side in sides]
    readers: list[Callable[[], bytes]] = [lambda data=data: data for data in files]  # type: ignore[misc]
    found = shrink(readers, [len(data) for data in files], max_bytes)
    assert sum(len(old if new is None else new.data) for old, new in zip(files, found, strict=True)) <= max_bytes
