"""BMP as various programs write it: masks in every order, alpha or none, and run lengths that end early."""

import struct
from typing import Final

import numpy as np
import pytest

from darkroom.errors import UnreadableImage, UnsupportedImage
from darkroom.images.normalise import normalise
from tests.photos import photo, swapped_rgb_profile
from tests.unit.images.test_containers import array, assert_is_sound, read

SMALL: Final = photo("coffee").resize((59, 44))
PIXELS: Final = np.asarray(SMALL)
ALPHA: Final = np.tile(np.linspace(0, 255, 59).astype(np.uint8), (44, 1))
BYTES: Final = {0xFF: 0, 0xFF00: 1, 0xFF0000: 2, 0xFF000000: 3}


def bmp(masks: tuple[int, ...], *, size: int = 40, compression: int = 3, downward: bool = False) -> bytes:
    """32 bits a pixel, with a channel where each mask says; a mask of 0 means no alpha."""
    rows = np.zeros((44, 59, 4), np.uint8)
    for channel, mask in zip((*np.moveaxis(PIXELS, 2, 0), ALPHA), masks, strict=False):
        if mask:
            rows[..., BYTES[mask]] = channel
    body = (rows if downward else rows[::-1]).tobytes()
    header = struct.pack("<IiiHHI20x", size, 59, -44 if downward else 44, 1, 32, compression)
    header += struct.pack(f"<{len(masks)}I", *masks)
    header = header.ljust(size, b"\0")
    return struct.pack("<2sIHHI", b"BM", 0, 0, 0, 14 + len(header)) + header + body


R, G, B, A = 0xFF0000, 0xFF00, 0xFF, 0xFF000000


@pytest.mark.parametrize("downward", [False, True], ids=["upward", "downward"])
@pytest.mark.parametrize("size", [40, 52, 56, 108, 124])
@pytest.mark.parametrize("masks", [(R, G, B), (B, G, R), (A, R, G), (G, R, B), (A, G, B)])
def test_channels_in_every_order(masks: tuple[int, ...], size: int, downward: bool) -> None:
    data = bmp((*masks, 0) if size >= 56 else masks, size=size, downward=downward)
    picture = read(data)
    assert (picture.pixels.mode, picture.warnings) == ("RGB", ())
    np.testing.assert_array_equal(np.asarray(picture.pixels), PIXELS)
    sent = normalise(data, max_megapixels=25)
    assert_is_sound(sent.data)
    np.testing.assert_array_equal(array(sent.data), PIXELS)


@pytest.mark.parametrize("masks", [(R, G, B, A), (B, G, R, A), (A, R, G, B), (A, B, G, R)])
@pytest.mark.parametrize(("size", "compression"), [(56, 3), (108, 3), (124, 3), (40, 6)])
def test_alpha_in_every_place(masks: tuple[int, ...], size: int, compression: int) -> None:
    found = read(bmp(masks, size=size, compression=compression)).pixels
    assert found.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(found), np.dstack([PIXELS, ALPHA]))


@pytest.mark.parametrize("masks", [(0x3FF00000, 0xFFC00, 0x3FF), (R, G, 0x7F), (R, R << 1, B), (R, 0, B)])
def test_masks_that_are_not_read_are_not_called_damaged(masks: tuple[int, ...]) -> None:
    data = bytearray(bmp((R, G, B)))
    data[54:66] = struct.pack("<3I", *masks)
    with pytest.raises(UnsupportedImage, match="masks") as refused:
        read(bytes(data))
    assert "damaged" not in refused.value.detail


def test_masks_that_are_not_told_are_the_usual_ones() -> None:
    data = bytearray(bmp((R, G, B)))
    data[54:66] = bytes(12)
    np.testing.assert_array_equal(np.asarray(read(bytes(data)).pixels), PIXELS)


def test_pixels_that_are_missing_are_noticed_whatever_their_order() -> None:
    for masks in ((R, G, B), (B, G, R)):
        with pytest.raises(UnreadableImage):
            read(bmp(masks)[:-500])


def run_lengths(body: bytes, *, depth: int = 8) -> bytes:
    palette = struct.pack("<4I", 0x00112233, 0x00FF0000, 0x0000FF00, 0x000000FF).ljust(4 << depth, b"\0")
    header = struct.pack("<IiiHHI20x", 40, 6, 4, 1, depth, {8: 1, 4: 2}[depth])
    return struct.pack("<2sIHHI", b"BM", 0, 0, 0, 54 + len(palette)) + header + palette + body


@pytest.mark.parametrize("depth", [4, 8])
def test_run_lengths_may_skip_and_end_before_the_last_row(depth: int) -> None:
    """What they leave out has the palette's first color."""
    value = 0x11 if depth == 4 else 1
    found = read(run_lengths(bytes((0, 2, 1, 1, 3, value, 0, 1)), depth=depth)).pixels
    first, set_ = (0x11, 0x22, 0x33), (0xFF, 0, 0)
    expected = np.full((4, 6, 3), first, np.uint8)
    expected[2, 1:4] = set_
    np.testing.assert_array_equal(np.asarray(found), expected)


def test_run_lengths_that_are_cut_off_are_damaged() -> None:
    with pytest.raises(UnreadableImage):
        read(run_lengths(bytes((6, 1, 0, 0, 6, 2))))


def test_an_embedded_profile_stays_with_pixels_that_were_put_in_order() -> None:
    icc = swapped_rgb_profile()
    for masks in ((R, G, B, 0), (B, G, R, 0)):
        data = bytearray(bmp(masks, size=124))
        data[14 + 56 : 14 + 60] = b"DEBM"
        data[14 + 112 : 14 + 120] = struct.pack("<II", len(data) - 14, len(icc))
        assert read(bytes(data) + icc).icc == icc
