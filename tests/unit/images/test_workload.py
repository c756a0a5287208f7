"""What pictures would cost in time is told by their headers, and files made to take long are refused by them."""

import struct
from collections.abc import Callable
from typing import Final

import pytest
from PIL import Image

from darkroom.errors import CallerError, ImageTooLarge, UnreadableImage, UnsupportedImage
from darkroom.images.containers.bmp import MAX_RUN_LENGTH_BYTES
from darkroom.images.containers.heif import avif_contents, heif_contents
from darkroom.images.containers.png import MAX_CHUNKS
from darkroom.images.containers.tiff import MAX_STRIPS
from darkroom.images.decode import decode, read_header
from darkroom.images.workload import MAX_SECONDS, Workload, seconds
from tests.photos import png_chunk, png_file, save

SIZE: Final = (4000, 3000)
BLANK: Final = Image.new("RGB", SIZE)


def portrait() -> Image.Exif:
    exif = Image.Exif()
    exif[0x112] = 6
    return exif


GIF: Final = save(Image.new("P", (16, 16), 1), "GIF", palette=bytes((0, 0, 0, 9, 99, 200)))
GIF_HEADER: Final = 13 + 3 * (2 << (GIF[10] & 7))


def put_in(data: bytes, at: int, more: bytes) -> bytes:
    return data[:at] + more + data[at:]


def bmp(width: int, height: int, *, depth: int, compression: int = 0, body: bytes = b"") -> bytes:
    palette = bytes(4 << depth) if depth <= 8 else b""
    at = 54 + len(palette)
    size = struct.pack("<IiiHHI", 40, width, height, 1, depth, compression)
    return b"BM" + struct.pack("<IHHI", at + len(body), 0, 0, at) + size + bytes(20) + palette + body


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: save(BLANK, "JPEG"), 12 * 0.02),
        (lambda: save(BLANK, "JPEG", exif=portrait()), 12 * 0.04),
        (lambda: save(BLANK, "JPEG")[:-2], 12 * 0.04),  # is decoded twice
        (lambda: save(BLANK, "PNG"), 12 * 0.06),
        (lambda: save(BLANK, "PNG", exif=portrait()), 12 * 0.17),
        (lambda: save(BLANK, "WEBP"), 12 * 0.04),
        (lambda: save(BLANK, "TIFF", compression="tiff_deflate"), 12 * 0.16),
        (lambda: save(BLANK.quantize(2), "GIF"), 12 * 0.12),
        (lambda: bmp(*SIZE, depth=8, compression=1, body=bytes(2_000_000)), 12 * 0.16 + 1.0),
    ],
    ids=[
        "JPEG",
        "turned JPEG",
        "JPEG without an end",
        "PNG",
        "turned PNG",
        "WebP",
        "TIFF",
        "GIF",
        "BMP of run lengths",
    ],
)
def test_how_long_a_picture_takes_is_told_by_kind(make: Callable[[], bytes], expected: float) -> None:
    assert seconds(read_header(make())) == pytest.approx(expected, rel=0.01)


def test_every_scan_beyond_the_usual_ones_counts() -> None:
    jpeg = save(BLANK, "JPEG", progressive=True)
    at = jpeg.rindex(b"\xff\xda")
    bomb = jpeg[:at] + jpeg[at:-2] * 41 + b"\xff\xd9"
    assert seconds(read_header(bomb)) == pytest.approx(12 * (0.02 + 0.01 * 40))


def test_sixteen_portraits_of_a_telephone_are_taken() -> None:
    workload = Workload()
    for _ in range(16):
        workload.add(save(BLANK, "JPEG", exif=portrait()), max_megapixels=25)


def test_what_takes_too_long_together_is_refused_before_it_is_decoded() -> None:
    headers_alone = png_file(5000, 5000, depth=8, colour=2, rows=b"\0")  # with no pixels to decode
    workload = Workload()
    for _ in range(int(MAX_SECONDS / (25 * 0.06))):
        workload.add(headers_alone, max_megapixels=25)
    with pytest.raises(ImageTooLarge, match="first 7 pictures have 175 megapixels together") as refused:
        workload.add(headers_alone, max_megapixels=25)
    assert (refused.value.code, refused.value.charged) == ("IMAGE_TOO_LARGE", False)
    assert "JPEG" in refused.value.fix
    assert refused.value.context == {"max_seconds": 10.0, "megapixels": 175.0}


def test_one_too_large_picture_is_refused_for_its_own_size() -> None:
    with pytest.raises(ImageTooLarge, match="at most 25 megapixels"):
        Workload().add(png_file(8000, 8000, depth=8, colour=2, rows=b"\0"), max_megapixels=25)


def png_of_pieces() -> bytes:
    png = png_file(1, 1, depth=8, colour=0, rows=b"\0\1")
    return png.replace(png_chunk(b"IEND", b""), png_chunk(b"tEXt", b"") * MAX_CHUNKS + png_chunk(b"IEND", b""))


def tiff_of_strips() -> bytes:
    tags = [(256, 4, 1, 1), (257, 4, 1, 25_000_000), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 25_000_000, 8)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)


def heic_of_boxes() -> bytes:
    return struct.pack(">I4s4sI4s", 20, b"ftyp", b"heic", 0, b"mif1") + struct.pack(">I4s", 8, b"free") * 20_000


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (png_of_pieces, UnreadableImage, f"more than {MAX_CHUNKS} pieces"),
        (tiff_of_strips, UnreadableImage, f"more than {MAX_STRIPS} strips"),
        (heic_of_boxes, UnreadableImage, "more boxes"),
        (lambda: bmp(60_000, 60_000, depth=1), ImageTooLarge, "megapixels"),
        (lambda: bmp(2**31 - 1, -(2**31), depth=32), ImageTooLarge, "megapixels"),
        (
            lambda: bmp(100, 100, depth=8, compression=1, body=bytes(MAX_RUN_LENGTH_BYTES)),
            UnsupportedImage,
            "RLE8 of more than 10 MB",
        ),
        (lambda: put_in(save(BLANK, "JPEG"), 2, b"\xff\xfe\0\3x" * 20_000), UnreadableImage, "10000 segments"),
        (lambda: put_in(save(BLANK, "JPEG"), 2, b"\xff\xc4\0\2" * 20_000), UnreadableImage, "10000 segments"),
        (lambda: put_in(save(BLANK, "JPEG"), 2, b"\xff\1" * 20_000), UnreadableImage, "10000 segments"),
        (lambda: put_in(GIF, GIF_HEADER, b"\x21\xfe\1x\0" * 200_000), UnreadableImage, "100000 blocks"),
        (lambda: put_in(GIF, GIF_HEADER, b"\1" * 200_000), UnreadableImage, "100000 blocks"),
        (
            lambda: put_in(GIF, GIF_HEADER, b"\x21\xfe" + b"\1x" * 1_000_001 + b"\0"),
            UnreadableImage,
            "1000000 pieces",
        ),
    ],
    ids=[
        "PNG chunks",
        "TIFF strips",
        "HEIC boxes",
        "BMP bits",
        "BMP sides",
        "BMP run lengths",
        "JPEG comments",
        "JPEG tables",
        "JPEG markers",
        "GIF comments",
        "GIF bytes between blocks",
        "GIF sub-blocks",
    ],
)
def test_files_made_to_take_long_are_refused(make: Callable[[], bytes], error: type[CallerError], said: str) -> None:
    for read in (lambda data: decode(data, max_megapixels=25), lambda data: Workload().add(data, max_megapixels=25)):
        with pytest.raises(error, match=said):
            read(make())


def test_what_follows_the_first_frame_of_a_gif_is_not_gone_through() -> None:
    frame = GIF[GIF_HEADER:-1]
    for behind, more in ((b"\x21\xfe\1x\0" * 200_000, False), (b"\1" * 200_000, False), (frame * 50_000, True)):
        picture = decode(GIF[:-1] + behind + b";", max_megapixels=25)
        assert picture.pixels.getpixel((5, 5)) == (9, 99, 200)
        assert ["more than one frame" in warning for warning in picture.warnings] == [True] * more


def test_boxes_within_boxes_are_counted_too() -> None:
    inner = struct.pack(">I4s", 8, b"free") * 20_000
    meta = bytes(4) + inner
    for contents in (avif_contents, heif_contents):
        with pytest.raises(UnreadableImage, match="more boxes"):
            contents(heic_of_boxes()[:20] + struct.pack(">I4s", 8 + len(meta), b"meta") + meta)
