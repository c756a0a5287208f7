"""Reading files: every format and way of storing pixels comes out right, and everything else is refused by name."""

import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from darkroom.errors import EmptyImage, ImageTooLarge, UnreadableImage, UnsupportedMediaType
from darkroom.images.decode import Picture, decode
from tests.photos import grey_profile, jpeg, photo, png_file, save, swapped_rgb_profile

FORMATS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95},
    "PNG": {},
    "WebP": {"quality": 95},
    "GIF": {},
    "TIFF": {},
    "BMP": {},
    "AVIF": {"quality": 95},
}


def read(data: bytes) -> Picture:
    return decode(data, max_megapixels=25)


# --- formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_reads_each_format(name: str) -> None:
    original = photo("coffee")
    picture = read(save(original, name.upper(), **FORMATS[name]))
    assert picture.source_format == name
    assert (picture.pixels.mode, picture.pixels.size, picture.icc) == ("RGB", original.size, None)
    assert picture.warnings == ()
    difference = np.abs(np.asarray(picture.pixels, int) - np.asarray(original, int)).mean()
    assert difference < (8 if name == "GIF" else 3)


def test_refuses_an_empty_file() -> None:
    with pytest.raises(EmptyImage, match="0 bytes"):
        read(b"")


@pytest.mark.parametrize(
    ("data", "looks_like"),
    [
        (b"hello, is there anybody?", "plain text"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"  <svg width='10' height='10'></svg>", "an SVG drawing"),
        (b"<!DOCTYPE html><title>Not found</title>", "an HTML page"),
        (b"<?xml version='1.0'?><Error/>", "an XML document"),
        (b'{"error": "expired"}', "JSON"),
        (b"data:image/png;base64,iVBORw0KGgo=", "base64 or a data URL"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "a PDF document"),
        (b"PK\x03\x04" + bytes(40), "a ZIP archive or an office document"),
        (b"8BPS\x00\x01" + bytes(40), "a Photoshop document"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2", "an MP4 or QuickTime video"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL image"),
        (b"\x00\x00\x01\x00\x01\x00\x10\x10", "an icon"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (bytes(range(128, 256)), "binary data of an unknown kind"),
        (bytes(64), "binary data of an unknown kind"),
        (b"\xff\xd8", "binary data of an unknown kind"),
    ],
)
def test_refuses_other_files_and_says_what_they_look_like(data: bytes, looks_like: str) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        read(data)
    assert looks_like in refused.value.detail
    assert refused.value.context == {"looks_like": looks_like, "accepted": [*FORMATS, "HEIC"]}
    assert all(name in refused.value.fix for name in (*FORMATS, "HEIC"))


def test_formats_pillow_knows_but_we_do_not_accept_are_refused() -> None:
    for other in ("PPM", "ICO", "TGA", "JPEG2000", "PDF", "EPS"):
        with pytest.raises(UnsupportedMediaType):
            read(save(photo("coffee"), other))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9])
def test_refuses_a_file_cut_short(name: str, kept: float) -> None:
    whole = save(photo("coffee"), name.upper(), **FORMATS[name])
    with pytest.raises(UnreadableImage, match=name):
        read(whole[: int(len(whole) * kept)])


# --- size ------------------------------------------------------------------------------------------------------------


def bmp_header(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


def gif_header(width: int, height: int) -> bytes:
    frame = b"," + struct.pack("<4HB", 0, 0, width, height, 0) + b"\x02\x01\x00\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + frame


def jpeg_header(width: int, height: int) -> bytes:
    data = bytearray(save(Image.new("RGB", (16, 16)), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "figure"),
    [
        (png_file(6000, 5000, depth=8, colour=2), "30 megapixels"),
        (png_file(10000, 10000, depth=8, colour=2), "100 megapixels"),
        (png_file(20000, 20000, depth=1, colour=0), "400 megapixels"),
        (png_file(2**31 - 1, 2**31 - 1, depth=8, colour=6), "megapixels"),
        (jpeg_header(65500, 65500), "4290.25 megapixels"),
        (gif_header(65535, 65535), "4294.84 megapixels"),
        (bmp_header(200000, 200000), "40000 megapixels"),
    ],
)
def test_refuses_too_many_pixels_by_the_header_alone(data: bytes, figure: str) -> None:
    # There are no pixels behind these headers: decoding first would give another error.
    guard = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ImageTooLarge) as refused:
        read(data)
    assert figure in refused.value.detail
    assert "25 megapixels" in refused.value.detail
    assert refused.value.context["max_megapixels"] == 25
    assert guard == Image.MAX_IMAGE_PIXELS


def test_the_limit_itself_is_allowed() -> None:
    data = save(Image.new("L", (500, 400)), "PNG")
    assert decode(data, max_megapixels=0.2).pixels.size == (500, 400)
    with pytest.raises(ImageTooLarge, match=r"0\.2 megapixels; at most 0\.19"):
        decode(data, max_megapixels=0.19)


def test_pictures_beyond_pillows_own_limit_are_decoded_where_allowed() -> None:
    data = save(Image.new("1", (10000, 9000)), "PNG")
    assert decode(data, max_megapixels=100).pixels.size == (10000, 9000)


@pytest.mark.parametrize("data", [png_file(0, 5, depth=8, colour=2, rows=b"\0"), bmp_header(0, 7), gif_header(0, 0)])
def test_refuses_a_picture_without_width(data: bytes) -> None:
    with pytest.raises(UnreadableImage):
        read(data)


def test_one_pixel_is_a_picture() -> None:
    assert read(save(Image.new("RGB", (1, 1), "red"), "PNG")).pixels.size == (1, 1)
    assert read(save(Image.new("RGB", (5000, 1), "red"), "JPEG")).pixels.size == (5000, 1)


# --- files made to do harm -------------------------------------------------------------------------------------------


def test_of_many_frames_only_the_first_is_read() -> None:
    one = save(Image.new("P", (40, 30)), "GIF")
    start = one.index(b",")
    data = one[:start] + one[start:-1] * 10_000 + b";"
    began = time.perf_counter()
    picture = read(data)
    assert time.perf_counter() - began < 0.5
    assert picture.warnings == ("The file holds more than one frame; only the first was used.",)
    assert read(one).warnings == ()


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_an_animation_gives_its_first_frame_and_a_warning(name: str) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue", "lime")]
    picture = read(save(frames[0], name, save_all=True, append_images=frames[1:]))
    red, green, blue = np.asarray(picture.pixels).reshape(-1, 3).mean(axis=0)
    assert red > 240
    assert green < 15
    assert blue < 15
    assert len(picture.warnings) == 1
    assert "first was used" in picture.warnings[0]


def test_ignores_a_damaged_or_oversized_colour_profile() -> None:
    for icc in (b"no profile at all", grey_profile(2.2), swapped_rgb_profile()[:200], bytes(5_000_000)):
        picture = read(save(photo("coffee"), "JPEG", icc_profile=icc))
        assert picture.icc is None
        assert len(picture.warnings) == 1
        assert "colour profile" in picture.warnings[0]


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(100),
        b"Exif\0\0",
    ],
)
def test_malformed_exif_does_not_matter(exif: bytes) -> None:
    for name in ("JPEG", "WEBP"):
        assert read(save(photo("coffee"), name, exif=exif)).pixels.size == photo("coffee").size


# --- orientation -----------------------------------------------------------------------------------------------------

# How the file's rows and columns become what is seen, in the words of the EXIF standard.
UPRIGHT: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("orientation", [*UPRIGHT, 0, 9, 700])
@pytest.mark.parametrize("name", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_turns_the_picture_upright(name: str, orientation: int) -> None:
    stored = np.asarray(photo("coffee").resize((60, 40)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless: dict[str, dict[str, Any]] = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    picture = read(save(Image.fromarray(stored), name, exif=exif, **lossless.get(name, {})))
    seen = UPRIGHT.get(orientation, UPRIGHT[1])(stored)
    assert picture.pixels.size == (seen.shape[1], seen.shape[0])
    assert np.abs(np.asarray(picture.pixels, int) - seen).max() <= (12 if name == "JPEG" else 0)


def test_nothing_but_pixels_and_profile_is_kept() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    data = save(photo("coffee"), "JPEG", exif=exif, comment=b"secret", xmp=b"<x:xmpmeta>secret</x:xmpmeta>")
    assert b"secret" in data
    assert read(data).pixels.info == {}


# --- smaller on purpose ----------------------------------------------------------------------------------------------


def test_a_jpeg_may_come_out_smaller_but_never_too_small() -> None:
    data = jpeg("rocket", 4)
    width, height = photo("rocket", 4).size
    assert decode(data, max_megapixels=25, enough=None).pixels.size == (width, height)
    assert decode(data, max_megapixels=25, enough=width).pixels.size == (width, height)
    for enough in (100, 500, 1000, width - 1):
        assert max(decode(data, max_megapixels=25, enough=enough).pixels.size) >= enough
    assert max(decode(data, max_megapixels=25, enough=500).pixels.size) < width / 2
    assert decode(save(photo("rocket"), "PNG"), max_megapixels=25, enough=20).pixels.size == photo("rocket").size
