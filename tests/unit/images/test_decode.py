"""Reading files: every format and way of storing pixels comes out right, and everything else is refused by name."""

import struct
import time
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from darkroom.errors import CallerError, EmptyImage, ImageTooLarge, UnreadableImage, UnsupportedMediaType
from darkroom.images.decode import Picture, decode
from tests.photos import grey_profile, jpeg, odd_cmyk_profile, photo, save, swapped_rgb_profile

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


def pixel(data: bytes, at: tuple[int, int] = (0, 0)) -> object:
    return read(data).pixels.getpixel(at)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *, depth: int, colour: int, rows: bytes = b"", extra: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows)) if rows else b""
    return b"\x89PNG\r\n\x1a\n" + header + extra + body + chunk(b"IEND", b"")


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
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "a HEIC image"),
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
    assert refused.value.context == {"looks_like": looks_like, "accepted": list(FORMATS)}
    assert all(name in refused.value.fix for name in FORMATS)


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
        (png(6000, 5000, depth=8, colour=2), "30 megapixels"),
        (png(10000, 10000, depth=8, colour=2), "100 megapixels"),
        (png(20000, 20000, depth=1, colour=0), "400 megapixels"),
        (png(2**31 - 1, 2**31 - 1, depth=8, colour=6), "megapixels"),
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


@pytest.mark.parametrize("data", [png(0, 5, depth=8, colour=2, rows=b"\0"), bmp_header(0, 7), gif_header(0, 0)])
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


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000))),
        chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(50_000_000))),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(50_000_000))),
    ],
    ids=["zTXt", "iTXt", "iCCP"],
)
def test_refuses_chunks_that_unpack_to_far_more(extra: bytes) -> None:
    with pytest.raises(UnreadableImage):
        read(png(1, 1, depth=8, colour=0, rows=b"\0\0", extra=extra))


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


# --- ways of storing pixels ------------------------------------------------------------------------------------------


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
    picture = read(png(256, 2, depth=16, colour=2, rows=rows)).pixels
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
    deep = png(2, 1, depth=16, colour=0, rows=b"\0" + struct.pack(">2H", 257 * 30, 257 * 60),
               extra=chunk(b"tRNS", struct.pack(">H", 257 * 60)))  # fmt: skip
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


# --- whatever else there may be --------------------------------------------------------------------------------------


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


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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


@settings(max_examples=300, deadline=None)
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
