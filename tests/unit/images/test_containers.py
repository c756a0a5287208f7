"""Taking files apart: faults in what is not the picture cost no picture, and none of them is passed on."""

import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from darkroom.errors import CallerError, ImageTooLarge, UnreadableImage, UnsupportedImage
from darkroom.images.containers import contents
from darkroom.images.containers.jpeg import MAX_SCANS
from darkroom.images.containers.png import START
from darkroom.images.decode import MAX_SIDE, Picture, decode
from darkroom.images.measure import measure
from darkroom.images.normalise import normalise
from tests.conftest import ROOT
from tests.photos import load, photo, png_chunk, png_file, save, swapped_rgb_profile

CASES: Final = ROOT / "tests" / "cases" / "pictures"
SMALL: Final = photo("coffee").resize((60, 44))


def read(data: bytes) -> Picture:
    return decode(data, max_megapixels=25)


def array(data: bytes) -> NDArray[np.int64]:
    return np.asarray(read(data).pixels.convert("RGB"), np.int64)


REFERENCE: Final = np.asarray(Image.open(CASES / "_reference.png").convert("RGB"), np.int64)

EXACT: Final = (
    "png_big_text.png",
    "png_comfy_ztxt_many.png",
    "png_big_iccp.png",
    "png_text_badcrc.png",
    "png_phys_short.png",
    "png_srgb_empty.png",
    "png_iccp_badmethod.png",
    "png_idat_badcrc.png",
    "png_cicp_p3.png",
    "greyicc_in_rgb.png",
    "xmp_only6.png",
    "bmp32_v5_alpha0.bmp",
)
UNSUPPORTED: Final = ("jpeg12.jpg", "tiff_float.tif", "tiff_f64.tif", "tiff_u32.tif", "tiff_u16_planar.tif")
NEAR: Final = ("no_eoi.jpg", "xmp_only6.jpg", "iphone.heic", "avif_nclx_p3.avif")
WARNED: Final = {
    "png_text_badcrc.png": "ignored (tEXt)",
    "png_phys_short.png": "ignored (pHYs)",
    "png_srgb_empty.png": "ignored (sRGB)",
    "png_iccp_badmethod.png": "colour profile",
    "greyicc_in_rgb.png": "colour profile",
    "png_idat_badcrc.png": "checksum",
    "no_eoi.jpg": "end mark",
}


def case(name: str) -> bytes:
    return Path(CASES / name).read_bytes()


@pytest.mark.parametrize("name", [*EXACT, *NEAR])
def test_reads_what_opens_everywhere(name: str) -> None:
    picture = read(case(name))
    found = np.asarray(picture.pixels, np.int64)
    assert (picture.pixels.mode, found.shape) == ("RGB", REFERENCE.shape)
    assert np.abs(found - REFERENCE).mean() <= (0 if name in EXACT else 3)
    expected = WARNED.get(name)
    assert [expected in warning if expected else warning for warning in picture.warnings] == [True] * bool(expected)
    assert measure(case(name)) == (192, 256)


@pytest.mark.parametrize("name", [*EXACT, *NEAR])
def test_what_models_get_is_a_sound_file_of_the_same_picture(name: str) -> None:
    found = normalise(case(name), max_megapixels=25)
    assert_is_sound(found.data)
    difference = np.abs(array(found.data) - array(case(name))).mean()
    assert difference <= (2 if name.endswith("heic") else 0)
    assert read(found.data).icc == read(case(name)).icc
    assert len(found.data) < 1.5 * max(len(case(name)), 90_000)
    assert found.media_type == ("image/jpeg" if name.endswith(("jpg", "heic")) else "image/png")


def assert_is_sound(data: bytes) -> None:
    """With nothing in it that a strict reader would refuse, and nothing that tells more than the picture."""
    picture = read(data)
    assert picture.warnings == ()
    left = load(data)
    assert (
        set(left.info) & {"exif", "xmp", "comment", "Comment", "photoshop", "mp", "XML:com.adobe.xmp", "gamma"} == set()
    )
    if data.startswith(START):
        assert chunks(data)[0][0] == b"IHDR"
        assert {name for name, _ in chunks(data)} <= {b"IHDR", b"iCCP", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Each chunk, whose checksum has to be right."""
    found, at = [], len(START)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert data[at + 8 + length : at + 12 + length] == struct.pack(">I", zlib.crc32(name + body))
        found.append((name, body))
        at += 12 + length
    return found


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_supported_is_not_called_damaged(name: str) -> None:
    with pytest.raises(UnsupportedImage) as refused:
        read(case(name))
    assert (refused.value.code, refused.value.status) == ("UNSUPPORTED_IMAGE", 415)
    assert "not supported" in refused.value.detail
    assert "damaged" not in refused.value.detail
    assert "PNG or JPEG" in refused.value.fix


# --- PNG -------------------------------------------------------------------------------------------------------------

PNGS: Final = {
    "RGB": save(SMALL, "PNG"),
    "RGBA": save(SMALL.convert("RGBA").rotate(30), "PNG"),
    "palette": save(SMALL.quantize(50), "PNG", transparency=3),
    "grey": save(SMALL.convert("L"), "PNG"),
    "grey with alpha": save(SMALL.convert("LA"), "PNG"),
}
ANCILLARY: Final = (
    b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"pHYs", b"tIME", b"bKGD", b"hIST", b"sPLT", b"sBIT",
    b"eXIf", b"cICP", b"mDCV", b"cLLI", b"acTL", b"fcTL", b"fdAT", b"caBX", b"vpAg", b"orNT", b"prVt",
)  # fmt: skip


def places(png: bytes) -> list[int]:
    """Where a chunk may be put in: behind the header, and before and behind the pixels."""
    found, at = [], len(START)
    for name, body in chunks(png):
        at += 12 + len(body)
        if name in (b"IHDR", b"IDAT"):
            found.append(at)
    return found


@given(data=st.data())
def test_no_ancillary_chunk_costs_the_picture(data: st.DataObject) -> None:
    """Whatever is in it, wherever it stands, with a right checksum or a wrong one."""
    png = PNGS[data.draw(st.sampled_from(sorted(PNGS)))]
    name = data.draw(st.sampled_from(ANCILLARY))
    body = data.draw(st.one_of(st.binary(max_size=80), st.binary(max_size=30).map(lambda text: b"Name\0\0" + text)))
    chunk = bytearray(png_chunk(name, body))
    if data.draw(st.booleans()):
        chunk[-1] ^= 0xFF
    at = data.draw(st.sampled_from(places(png)))
    damaged = png[:at] + bytes(chunk) + png[at:]
    expected, found = read(png).pixels, read(damaged)
    if name not in (b"eXIf", b"cICP", b"gAMA", b"cHRM"):  # which may say that colours or sides are others
        np.testing.assert_array_equal(np.asarray(found.pixels), np.asarray(expected))
    sent = normalise(damaged, max_megapixels=25)
    assert_is_sound(sent.data)
    np.testing.assert_array_equal(np.asarray(read(sent.data).pixels), np.asarray(found.pixels))


@pytest.mark.parametrize(
    "extra",
    [
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000))),
        png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(50_000_000))),
        png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(50_000_000))),
        png_chunk(b"tEXt", b"workflow\0" + b"{}" * 1_000_000) * 4,
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(900_000))) * 200,
        b"".join(png_chunk(b"tEXt", b"key%d\0value" % number) for number in range(5000)),
    ],
    ids=["zTXt", "iTXt", "iCCP", "large tEXt", "many zTXt", "many tEXt"],
)
def test_text_and_profiles_of_any_size_are_left_alone(extra: bytes) -> None:
    picture = read(png_file(1, 1, depth=8, colour=0, rows=b"\0\x55", extra=extra))
    assert (picture.pixels.getpixel((0, 0)), picture.icc) == ((0x55,) * 3, None)


def test_transparency_that_does_not_fit_is_ignored_with_a_warning() -> None:
    for colour, rows, alpha in ((2, b"\0\1\2\3", b"\0\1"), (6, b"\0\1\2\3\x80", b"\0\1\0\2\0\3"), (0, b"\0\7", b"")):
        picture = read(png_file(1, 1, depth=8, colour=colour, rows=rows, extra=png_chunk(b"tRNS", alpha)))
        assert picture.pixels.mode == ("RGBA" if colour == 6 else "RGB")
        assert ["tRNS" in warning for warning in picture.warnings] == [True]


def flipped(png: bytes, name: bytes, behind: int) -> bytes:
    """With one bit changed in the first chunk of that name."""
    at = png.index(name) + 4 + behind
    return png[:at] + bytes((png[at] ^ 1,)) + png[at + 1 :]


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE", b"IDAT"])
def test_what_is_damaged_where_the_picture_is_is_refused(name: bytes) -> None:
    with pytest.raises(UnreadableImage, match=name.decode()):
        read(flipped(PNGS["palette"], name, 5))


def test_apples_own_kind_of_png_is_not_supported() -> None:
    with pytest.raises(UnsupportedImage, match="Xcode"):
        read(PNGS["RGB"][:8] + png_chunk(b"CgBI", bytes(4)) + PNGS["RGB"][8:])


def test_what_hides_behind_the_pixels_is_not_passed_on() -> None:
    raw = b"".join(b"\0" + bytes(3) for _ in range(2))
    secret = b"48 51 29 N"
    hiding = png_file(1, 2, depth=8, colour=2, rows=b"x")
    body = zlib.compress(raw) + secret
    hiding = hiding.replace(png_chunk(b"IDAT", zlib.compress(b"x")), png_chunk(b"IDAT", body))
    assert secret in hiding
    assert secret not in normalise(hiding, max_megapixels=25).data


def test_interlaced_pictures_are_passed_on_as_they_are() -> None:
    raw = {8: b"".join(b"\0" + bytes(range(8)) for _ in range(8))}
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b"".join(b"\0" + bytes(range(x, 8, dx)) for x, y, dx, dy in passes for _ in range(y, 8, dy))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 1))
    data = START + header + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    assert [read(data).pixels.getpixel((x, 5)) for x in range(8)] == [(x, x, x) for x in range(8)]
    assert normalise(data, max_megapixels=25).data == data
    assert raw


# --- JPEG ------------------------------------------------------------------------------------------------------------

JPEGS: Final = {
    "baseline": save(SMALL, "JPEG", quality=90),
    "grey": save(SMALL.convert("L"), "JPEG"),
    "progressive": save(SMALL, "JPEG", progressive=True),
    "with restart marks": save(SMALL, "JPEG", restart_marker_blocks=3),
    "CMYK": save(SMALL.convert("CMYK"), "JPEG"),
}


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


@given(data=st.data())
def test_no_application_segment_costs_the_picture(data: st.DataObject) -> None:
    jpeg = JPEGS[data.draw(st.sampled_from(sorted(JPEGS)))]
    marker = data.draw(st.sampled_from([*range(0xE0, 0xF0), 0xFE]))
    start = data.draw(st.sampled_from([b"", b"JFIF\0", b"JFIF", b"JFXX\0", b"Exif\0\0", b"ICC_PROFILE\0", b"MPF\0"]))
    body = start + data.draw(st.binary(max_size=40))
    expected = read(jpeg).pixels
    if body.startswith(b"Exif\0\0MM\0*"):
        return
    damaged = jpeg[:2] + segment(marker, body) + jpeg[2:]
    found = read(damaged)
    np.testing.assert_array_equal(np.asarray(found.pixels), np.asarray(expected))
    sent = normalise(damaged, max_megapixels=25)
    assert_is_sound(sent.data)
    assert body not in sent.data or len(body) < 8


def test_a_short_jfif_segment_is_ignored_with_a_warning() -> None:
    jpeg = JPEGS["baseline"]
    assert jpeg[2:4] == b"\xff\xe0"
    short = jpeg[:2] + segment(0xE0, b"JFIF\0\1\1") + jpeg[20:]
    np.testing.assert_array_equal(array(short), array(jpeg))
    assert ["JFIF" in warning for warning in read(short).warnings] == [True]


@pytest.mark.parametrize("name", JPEGS)
def test_a_missing_end_mark_costs_nothing_and_missing_pixels_are_noticed(name: str) -> None:
    jpeg = JPEGS[name]
    assert jpeg.endswith(b"\xff\xd9")
    for ending in (b"", b"\xff", bytes(100)):
        found = read(jpeg[:-2] + ending)
        np.testing.assert_array_equal(np.asarray(found.pixels), np.asarray(read(jpeg).pixels))
        assert ["end mark" in warning for warning in found.warnings] == [True]
    for kept in (0.6, 0.8, 0.97):
        with pytest.raises(UnreadableImage, match="cut short"):
            read(jpeg[: int(len(jpeg) * kept)])


@pytest.mark.parametrize("name", ["progressive"])
def test_a_file_that_ends_between_two_scans_is_cut_short(name: str) -> None:
    jpeg = JPEGS[name]
    at = jpeg.rindex(b"\xff\xda")
    with pytest.raises(UnreadableImage, match="cut short"):
        read(jpeg[:at])


def test_scans_are_counted_before_any_is_decoded() -> None:
    jpeg = JPEGS["progressive"]
    at = jpeg.rindex(b"\xff\xda")
    last = jpeg[at:-2]
    assert read(jpeg[:at] + last * 20 + b"\xff\xd9").pixels.size == SMALL.size
    with pytest.raises(UnreadableImage, match=f"{MAX_SCANS + 1} scans"):
        read(jpeg[:at] + last * (MAX_SCANS + 1) + b"\xff\xd9")
    large = save(Image.new("RGB", (6000, 4000)), "JPEG", progressive=True)
    at = large.rindex(b"\xff\xda")
    with pytest.raises(UnreadableImage, match="32 scans"):  # 24 megapixels each
        contents(large[:at] + large[at:-2] * 60 + b"\xff\xd9", "JPEG")


@pytest.mark.parametrize(
    ("frame", "kind"),
    [(0xC3, "lossless"), (0xC5, "hierarchical"), (0xCB, "lossless"), (0xF7, "JPEG-LS")],
)
def test_other_kinds_of_jpeg_are_not_supported(frame: int, kind: str) -> None:
    with pytest.raises(UnsupportedImage, match=kind):
        read(JPEGS["baseline"].replace(b"\xff\xc0", bytes((0xFF, frame))))


# --- WebP, BMP, all ---------------------------------------------------------------------------------------------------


def test_a_webp_with_unknown_and_broken_chunks_is_read() -> None:
    webp = save(SMALL, "WEBP", lossless=True, icc_profile=swapped_rgb_profile(), exif=b"Exif\0\0broken")
    extra = webp + b"XMP \xff\xff\xff\x7f"
    found = read(extra)
    np.testing.assert_array_equal(np.asarray(found.pixels), np.asarray(SMALL))
    assert found.icc == swapped_rgb_profile()
    assert ["EXIF" in warning for warning in found.warnings] == [True]
    assert_is_sound(normalise(extra, max_megapixels=25).data)


def test_an_animated_webp_is_upright_as_its_exif_says() -> None:
    turned = Image.Exif()
    turned[0x112] = 6
    frames = {"save_all": True, "append_images": [SMALL.rotate(180)], "lossless": True}
    webp = save(SMALL, "WEBP", exif=turned.tobytes(), **frames)
    expected = SMALL.transpose(Image.Transpose.ROTATE_270)
    np.testing.assert_array_equal(array(webp), np.asarray(expected))
    assert measure(webp) == expected.size
    assert ["more than one frame" in warning for warning in read(webp).warnings] == [True]
    broken = read(save(SMALL, "WEBP", exif=b"Exif\0\0broken", **frames))
    assert (broken.pixels.size, "EXIF" in broken.warnings[0]) == (SMALL.size, True)


def test_only_a_bmp_that_is_clear_all_over_is_taken_for_opaque() -> None:
    clear = case("bmp32_v5_alpha0.bmp")
    assert read(clear).pixels.mode == "RGB"
    assert read(clear[:-1] + b"\1").pixels.mode == "RGBA"  # the last byte is a pixel's alpha
    nothing = SMALL.convert("RGBA")
    nothing.putalpha(0)
    assert read(save(nothing, "PNG")).pixels.mode == "RGBA"


@pytest.mark.parametrize("size", [(1, MAX_SIDE + 1), (25_000_000, 1)])
def test_a_side_of_too_many_pixels_is_refused_by_the_header(size: tuple[int, int]) -> None:
    with pytest.raises(ImageTooLarge) as refused:
        read(png_file(*size, depth=8, colour=0, rows=b"\0"))
    assert refused.value.context == {"max_side": MAX_SIDE}


@given(kind=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF", "HEIF"]), body=st.binary(max_size=300))
def test_taking_a_file_apart_never_raises_but_errors_of_ours(kind: str, body: bytes) -> None:
    starts = {"JPEG": b"\xff\xd8", "PNG": START, "WEBP": b"RIFF\xff\xff\0\0WEBPVP8X", "TIFF": b"II*\0\x08\0\0\0"}
    with suppress(CallerError):
        contents(starts.get(kind, b"") + body, kind)
