"""Writing files: our PNG is a PNG by the standard's rules, and no format carries anything but pixels and profile."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from darkroom.images.decode import decode
from darkroom.images.encode import encode, encode_png
from darkroom.models.cutout import MEDIA_TYPES
from tests.photos import load, photo, save, swapped_rgb_profile

COLOUR_TYPES = {"L": 0, "RGB": 2, "RGBA": 6}


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's name and body; fails on a wrong length or checksum."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at = 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert len(body) == length
        assert int.from_bytes(png[at + 8 + length : at + 12 + length], "big") == zlib.crc32(name + body)
        yield name, body
        at += 12 + length


def check(png: bytes, image: Image.Image) -> None:
    """By the standard: order of chunks, header, and a zlib stream (with its checksum) of exactly the rows."""
    parts = list(chunks(png))
    names = [name for name, _ in parts]
    assert names[0] == b"IHDR"
    assert names[-1] == b"IEND"
    assert names.count(b"IHDR") == names.count(b"IEND") == 1
    first, last = names.index(b"IDAT"), len(names) - 2
    assert names[first : last + 1] == [b"IDAT"] * (last + 1 - first)  # one after the other
    assert parts[0][1] == struct.pack(">IIBBBBB", *image.size, 8, COLOUR_TYPES[image.mode], 0, 0, 0)
    stream = zlib.decompressobj()
    rows = stream.decompress(b"".join(body for name, body in parts if name == b"IDAT"))
    assert stream.eof
    assert not stream.unused_data
    assert len(rows) == image.height * (1 + image.width * len(image.getbands()))
    assert set(rows[:: 1 + image.width * len(image.getbands())]) <= {0, 1, 2, 3, 4}
    Image.open(BytesIO(png)).verify()
    found = load(png)
    assert (found.mode, found.size) == (image.mode, image.size)
    assert found.tobytes() == image.tobytes()


@pytest.mark.parametrize("mode", COLOUR_TYPES)
@pytest.mark.parametrize("size", [(1, 1), (1, 37), (37, 1), (2, 2), (451, 300), (2000, 1501), (3, 90000), (70000, 2)])
def test_png_is_a_png_and_loses_nothing(mode: str, size: tuple[int, int]) -> None:
    image = photo("chelsea").convert("RGBA").resize(size)
    image.putalpha(photo("coffee").convert("L").resize(size))
    image = image.convert(mode)
    check(encode_png(image), image)


@pytest.mark.parametrize("mode", COLOUR_TYPES)
def test_png_of_noise_and_of_nothing(mode: str) -> None:
    shape = (800, 1100) if mode == "L" else (800, 1100, len(mode))
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, shape, np.uint8))
    check(encode_png(noise), noise)
    assert len(encode_png(noise)) < len(noise.tobytes()) * 1.01
    nothing = Image.new(mode, (1100, 800))
    check(encode_png(nothing), nothing)
    assert len(encode_png(nothing)) < 40_000


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4]))))
def test_png_of_anything(pixels: NDArray[np.uint8]) -> None:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    check(encode_png(image), image)


def test_png_is_not_much_larger_than_pillows() -> None:
    for name in ("astronaut", "chelsea", "rocket"):
        image = photo(name, 2)
        assert len(encode_png(image)) < 1.5 * len(save(image, "PNG"))


def test_png_carries_the_profile() -> None:
    icc = swapped_rgb_profile()
    png = encode_png(photo("coffee"), icc)
    check(png, photo("coffee"))
    name, _, packed = dict(chunks(png))[b"iCCP"].partition(b"\0")
    assert name == b"ICC Profile"
    assert packed[:1] == b"\0"
    assert zlib.decompress(packed[1:]) == icc
    assert load(png).info["icc_profile"] == icc


@pytest.mark.parametrize("output_format", [each for each in MEDIA_TYPES if each != "zip"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_every_format_carries_pixels_and_profile_and_nothing_else(output_format: str, mode: str) -> None:
    if (output_format, mode) == ("jpeg", "RGBA"):
        return  # put on a background before
    exif = Image.Exif()
    exif[0x010F] = "Secretive Cameras"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    source = save(
        photo("coffee"), "JPEG", quality=95, exif=exif, comment=b"secret", xmp=b"<x:xmpmeta>secret</x:xmpmeta>"
    )
    assert b"Secretive" in source
    assert b"secret" in source
    image = decode(source, max_megapixels=1).pixels.convert(mode)
    icc = None if mode == "L" else swapped_rgb_profile()
    data = encode(image, output_format, icc)  # type: ignore[arg-type]
    found = load(data)
    assert found.format == output_format.upper()
    assert found.size == image.size
    assert found.info.get("icc_profile") == icc
    assert dict(found.getexif()) == {}
    for trace in (b"secret", b"Secretive", b"Exif", b"xmpmeta", b"XMP "):
        assert trace not in data
    assert np.abs(np.asarray(found.convert(mode), int) - np.asarray(image, int)).mean() < 3


def test_the_parts_of_a_zip_carry_pixels_and_profile_and_nothing_else() -> None:
    source = save(photo("coffee"), "JPEG", quality=95, comment=b"secret")
    image, icc = decode(source, max_megapixels=1).pixels.convert("RGBA"), swapped_rgb_profile()
    image.putalpha(image.getchannel("R"))
    with ZipFile(BytesIO(encode(image, "zip", icc))) as parts:
        color, alpha = (parts.read(name) for name in ("color.jpg", "alpha.png"))
    assert load(color).info.get("icc_profile") == icc
    assert np.array_equal(np.asarray(load(alpha).convert("L")), np.asarray(image.getchannel("A")))
    assert b"secret" not in color + alpha


def test_transparency_survives_webp_and_hides_nothing() -> None:
    image = photo("coffee").convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.paste((0, 0, 0, 0), (0, 0, 200, 200))
    found = load(encode(image, "webp"))
    assert found.mode == "RGBA"
    assert np.abs(np.asarray(found.getchannel("A"), int) - np.asarray(image.getchannel("A"), int)).max() <= 1
    hidden = np.asarray(found, int)[:190, :190, :3]
    assert hidden.max() <= 40  # the black that was put there, as far as a lossy format keeps it
