"""Reading files: whatever is done to one, it is read or refused, and nothing else happens."""

import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from darkroom.errors import CallerError, UnreadableImage
from darkroom.images.decode import Picture, decode
from tests.photos import odd_cmyk_profile, photo, save, swapped_rgb_profile

RAMP = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)


def read(data: bytes) -> Picture:
    return decode(data, max_megapixels=25)


def _small_files() -> list[bytes]:
    small = photo("coffee").resize((48, 32))
    exif = Image.Exif()
    exif[0x0112] = 6
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "hello", zip=True)
    frames = [small, small.transpose(Image.Transpose.ROTATE_180)]
    return [
        save(small, "JPEG", exif=exif, icc_profile=swapped_rgb_profile()),
        save(small.convert("CMYK"), "JPEG", icc_profile=odd_cmyk_profile()),
        save(small, "JPEG", progressive=True),
        save(small, "PNG", exif=exif, pnginfo=info, icc_profile=swapped_rgb_profile()),
        save(small.convert("P"), "PNG", transparency=b"\x80\x10"),
        save(Image.fromarray(RAMP), "PNG"),
        save(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        save(small, "WEBP", exif=exif, icc_profile=swapped_rgb_profile()),
        save(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True),
        save(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        save(small, "TIFF", compression="tiff_lzw"),
        save(small.convert("CMYK"), "TIFF", compression="tiff_deflate"),
        save(Image.fromarray(RAMP.astype(np.float32)), "TIFF"),
        save(small, "BMP"),
        save(small.convert("P"), "BMP"),
        save(small, "AVIF", exif=exif),
    ]


FILES = _small_files()
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "flip", "cut", "repeat", "end", "number"]),
        st.floats(0, 1),
        st.integers(0, 255),
        st.integers(1, 16),
    ),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, edits: list[tuple[str, float, int, int]]) -> bytes:
    found = bytearray(data)
    for what, where, value, length in edits:
        # Half of the edits fall into the first tenth, where the headers are.
        at = int((where if value % 2 else where / 10) * len(found))
        if what == "set":
            found[at : at + length] = bytes([value]) * length
        elif what == "flip" and at < len(found):
            found[at] ^= 1 << (value % 8)
        elif what == "cut":
            del found[at : at + length]
        elif what == "repeat":
            found[at:at] = found[at : at + length] * 3
        elif what == "end":
            del found[max(at, 12) :]
        else:
            found[at : at + 4] = struct.pack("<I" if value & 2 else ">I", (1 << 2 * length) - 1)
    return bytes(found)


@given(data=st.sampled_from(FILES), edits=EDITS)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(
    data: bytes, edits: list[tuple[str, float, int, int]]
) -> None:
    try:
        picture = decode(mutated(data, edits), max_megapixels=2)
    except CallerError:
        return
    assert picture.pixels.mode in ("RGB", "RGBA")
    assert picture.pixels.width * picture.pixels.height <= 2e6
    picture.pixels.tobytes()


@given(start=st.sampled_from([data[:size] for data in FILES for size in (4, 8, 16, 32)]), rest=st.binary(max_size=200))
def test_noise_behind_a_good_beginning(start: bytes, rest: bytes) -> None:
    with pytest.raises(CallerError):
        read(start + rest)


def test_the_parts_of_a_picture_file_pillow_would_sniff_differently_are_not_tried() -> None:
    # A TIFF by its beginning, with a whole PNG behind: one decoder is asked, the one for what the beginning says.
    data = b"II*\x00" + save(photo("coffee"), "PNG")
    assert Image.open(BytesIO(data[4:])).format == "PNG"
    with pytest.raises(UnreadableImage, match="TIFF"):
        read(data)
