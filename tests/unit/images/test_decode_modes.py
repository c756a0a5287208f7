"""Reading files: every way of storing pixels comes out with the right colours."""

import struct

import numpy as np
import pytest
from PIL import Image

from darkroom.errors import UnreadableImage
from darkroom.images.decode import Picture, decode
from tests.photos import grey_profile, odd_cmyk_profile, photo, png_chunk, png_file, save, swapped_rgb_profile


def read(data: bytes) -> Picture:
    return decode(data, max_megapixels=25)


def pixel(data: bytes, at: tuple[int, int] = (0, 0)) -> object:
    return read(data).pixels.getpixel(at)


@pytest.mark.parametrize(
    ("ink", "colour"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 255, 255, 0), (255, 0, 0)),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_cmyk(ink: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
    picture = Image.new("CMYK", (16, 16), ink)
    jpeg_file = save(picture, "JPEG", quality=100)
    assert b"Adobe" in jpeg_file  # which means: stored inverted
    for data in (jpeg_file, save(picture, "TIFF")):
        found = read(data).pixels
        assert found.mode == "RGB"
        assert np.abs(np.asarray(found, int) - colour).max() <= 3


def test_cmyk_with_a_profile_is_converted_by_it() -> None:
    picture = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    for name in ("JPEG", "TIFF"):
        found = read(save(picture, name, icc_profile=odd_cmyk_profile()))
        red, green, blue = np.asarray(found.pixels)[8, 8].tolist()
        assert green > 150
        assert red < 60
        assert blue < 60
        assert found.icc is None
        assert found.warnings == ()


RAMP = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)


@pytest.mark.parametrize(
    "data",
    [
        save(Image.fromarray(RAMP), "PNG"),
        save(Image.fromarray(RAMP), "TIFF"),
        save(Image.frombytes("I;16B", (16, 16), RAMP.astype(">u2").tobytes()), "TIFF"),
        save(Image.fromarray(RAMP.astype(np.int32)), "TIFF"),
        save(Image.fromarray(RAMP.astype(np.float32)), "TIFF"),
        save(Image.fromarray((RAMP / 65535).astype(np.float32)), "TIFF"),
    ],
    ids=["PNG 16", "TIFF 16", "TIFF 16 big-endian", "TIFF 32", "TIFF float", "TIFF float to 1"],
)
def test_deep_grey_is_scaled_and_not_clipped(data: bytes) -> None:
    found = np.asarray(read(data).pixels, int)
    assert np.abs(found - (RAMP / 257)[..., np.newaxis]).max() <= 1
    assert (found[..., 0] == found[..., 1]).all()
    assert (found[..., 1] == found[..., 2]).all()


def test_values_without_a_usual_range_are_stretched_with_a_warning() -> None:
    values = np.linspace(-1000, 100_000, 256, dtype=np.int32).reshape(16, 16)
    for array in (values, values.astype(np.float32)):
        picture = read(save(Image.fromarray(array), "TIFF"))
        assert picture.pixels.getextrema() == ((0, 255),) * 3
        assert picture.warnings == ("The file's values reach from -1000 to 100000; they were scaled to 0 to 255.",)


def test_refuses_infinite_values() -> None:
    values = np.ones((8, 8), np.float32)
    values[2, 2] = np.inf
    with pytest.raises(UnreadableImage, match="finite"):
        read(save(Image.fromarray(values), "TIFF"))


def test_deep_colour_keeps_its_upper_bits() -> None:
    rows = b"".join(
        b"\0" + b"".join(struct.pack(">3H", x * 257, 65535 - x * 257, 1000) for x in range(256)) for _ in range(2)
    )
    picture = read(png_file(256, 2, depth=16, colour=2, rows=rows)).pixels
    assert [picture.getpixel((x, 1)) for x in (0, 100, 255)] == [(0, 255, 3), (100, 155, 3), (255, 0, 3)]


def test_one_bit_and_grey() -> None:
    half = Image.new("1", (8, 8))
    half.paste(1, (4, 0, 8, 8))
    assert [pixel(save(half, "PNG"), at) for at in ((0, 0), (7, 7))] == [(0, 0, 0), (255, 255, 255)]
    assert pixel(save(Image.new("L", (8, 8), 77), "PNG")) == (77, 77, 77)


def test_alpha_is_kept_with_straight_colours() -> None:
    assert pixel(save(Image.new("RGBA", (4, 4), (200, 100, 50, 128)), "PNG")) == (200, 100, 50, 128)
    assert pixel(save(Image.new("LA", (4, 4), (90, 40)), "PNG")) == (90, 90, 90, 40)


def test_palettes_with_transparency() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    assert [pixel(save(palette, "PNG"), (x, 0)) for x in (0, 1)] == [(255, 0, 0), (0, 0, 255)]
    by_index = save(palette, "GIF", transparency=1)
    assert [pixel(by_index, (x, 0)) for x in (0, 1)] == [(255, 0, 0, 255), (0, 0, 255, 0)]
    by_bytes = save(palette, "PNG", transparency=b"\x80\x10")
    assert [pixel(by_bytes, (x, 0)) for x in (0, 1)] == [(255, 0, 0, 128), (0, 0, 255, 16)]


def test_a_colour_that_stands_for_transparent() -> None:
    rgb = Image.new("RGB", (2, 1), (1, 2, 3))
    rgb.putpixel((1, 0), (9, 9, 9))
    data = save(rgb, "PNG", transparency=(9, 9, 9))
    assert [pixel(data, (x, 0)) for x in (0, 1)] == [(1, 2, 3, 255), (9, 9, 9, 0)]
    deep = png_file(2, 1, depth=16, colour=0, rows=b"\0" + struct.pack(">2H", 257 * 30, 257 * 60),
               extra=png_chunk(b"tRNS", struct.pack(">H", 257 * 60)))  # fmt: skip
    assert [pixel(deep, (x, 0)) for x in (0, 1)] == [(30, 30, 30, 255), (60, 60, 60, 0)]


def test_ycbcr_and_lab() -> None:
    ycbcr = Image.new("RGB", (16, 16), (220, 30, 40)).convert("YCbCr")
    assert np.abs(np.asarray(read(save(ycbcr, "TIFF")).pixels, int) - (220, 30, 40)).max() <= 3
    red, green, blue = np.asarray(read(save(Image.new("LAB", (16, 16), (153, 196, 60)), "TIFF")).pixels)[0, 0].tolist()
    assert blue > red > green  # a purple: a* above, b* below the middle


def test_grey_with_a_profile_is_converted_and_colour_keeps_its_own() -> None:
    grey = Image.new("L", (8, 8), 128)
    picture = read(save(grey, "PNG", icc_profile=grey_profile(1.0)))
    assert picture.pixels.getpixel((0, 0)) == (188, 188, 188)  # half of the light
    assert picture.icc is None
    with_alpha = save(Image.new("LA", (8, 8), (128, 55)), "PNG", icc_profile=grey_profile(1.0))
    assert pixel(with_alpha) == (188, 188, 188, 55)
    icc = swapped_rgb_profile()
    for name in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        colour = read(save(photo("coffee"), name, icc_profile=icc))
        assert (colour.icc, colour.warnings) == (icc, ())
