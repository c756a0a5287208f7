"""Pictures for models: what is fit stays byte for byte, metadata go, and the rest is written anew."""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from darkroom.errors import CallerError, ImageTooLarge, PayloadTooLarge, UnreadableImage, UnsupportedMediaType
from darkroom.images.decode import decode
from darkroom.images.normalise import MOST_BYTES, Normalised, normalise
from tests.photos import load, odd_cmyk_profile, photo, png_chunk, png_file, save, swapped_rgb_profile

PLACE = b"here I live"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + PLACE + b"</x:xmpmeta>"
ICC = swapped_rgb_profile()


def read(data: bytes) -> Normalised:
    return normalise(data, max_megapixels=25)


def pixels(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(decode(data, max_megapixels=25).pixels)


def exif(orientation: int = 1) -> Image.Exif:
    """A camera's: with the place, a remark, and perhaps which side is up."""
    found = Image.Exif()
    found[0x010E] = PLACE.decode()
    found[0x0112] = orientation
    found.get_ifd(0x8825).update({1: "N", 2: tuple(TiffImagePlugin.IFDRational(part) for part in (48, 51, 29))})
    return found


COFFEE = photo("coffee")
LEFT = COFFEE.crop((0, 0, 333, 201)).convert("RGBA")
LEFT.putalpha(Image.radial_gradient("L").resize(LEFT.size))

# Made when they are tried, not when the tests are collected, which each worker of a parallel run does.
FIT: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: save(COFFEE, "JPEG", quality=85),
    "grey JPEG": lambda: save(COFFEE.convert("L"), "JPEG"),
    "progressive JPEG with restart marks": lambda: save(COFFEE, "JPEG", progressive=True, restart_marker_rows=1),
    "JPEG with a profile": lambda: save(COFFEE, "JPEG", icc_profile=ICC),
    "PNG": lambda: save(COFFEE, "PNG"),
    "PNG with alpha": lambda: save(LEFT, "PNG"),
    "grey PNG": lambda: save(COFFEE.convert("L"), "PNG"),
    "PNG in black and white": lambda: save(COFFEE.convert("1"), "PNG"),
    "PNG with a palette": lambda: save(COFFEE.quantize(50), "PNG", transparency=3),
    "PNG with a profile": lambda: save(COFFEE, "PNG", icc_profile=ICC),
    "WebP": lambda: save(COFFEE, "WEBP"),
    "WebP with alpha": lambda: save(LEFT, "WEBP"),
    "lossless WebP": lambda: save(LEFT, "WEBP", lossless=True),
    "WebP with a profile": lambda: save(COFFEE, "WEBP", icc_profile=ICC),
}


@pytest.mark.parametrize("name", FIT)
def test_what_is_fit_stays_byte_for_byte(name: str) -> None:
    original = FIT[name]()
    found = read(original)
    assert found.data == original
    assert found.media_type.removeprefix("image/") in name.lower()
    assert (found.width, found.height) == load(original).size


def test_of_a_profile_the_part_behind_its_end_is_left_out() -> None:
    found = read(save(COFFEE, "JPEG", icc_profile=ICC + bytes(70_000)))
    assert load(found.data).info["icc_profile"] == ICC
    np.testing.assert_array_equal(np.asarray(load(found.data)), np.asarray(load(FIT["JPEG with a profile"]())))


def with_text(png: bytes) -> bytes:
    """With a comment before the pixels, one behind them, and a time."""
    end = len(png) - 12
    extra = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(PLACE)) + png_chunk(b"tIME", bytes(7))
    return png[:33] + png_chunk(b"tEXt", b"Comment\0" + PLACE) + png[33:end] + extra + png[end:]


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


TELLING: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: save(COFFEE, "JPEG", exif=exif(), xmp=XMP, comment=PLACE, icc_profile=ICC),
    "JPEG with IPTC": lambda: with_segment(save(COFFEE, "JPEG"), 0xED, b"Photoshop 3.0\0" + PLACE),
    "JPEG with a video behind it": lambda: save(COFFEE, "JPEG") + b"\0\0\0\x18ftypmp42" + PLACE,
    "JPEG with a second picture": lambda: save(COFFEE, "MPO", save_all=True, append_images=[COFFEE], exif=exif()),
    "JPEG with a preview of its own": lambda: with_segment(save(COFFEE, "JPEG"), 0xE0, b"JFXX\0\x13" + PLACE),
    "PNG": lambda: save(COFFEE, "PNG", exif=exif(), icc_profile=ICC),
    "PNG with texts": lambda: with_text(save(LEFT, "PNG")),
    "PNG with a file behind it": lambda: save(COFFEE, "PNG") + PLACE,
    "WebP": lambda: save(COFFEE, "WEBP", exif=exif(), xmp=XMP, icc_profile=ICC),
    "WebP with alpha": lambda: save(LEFT, "WEBP", exif=exif()),
    "lossless WebP": lambda: save(LEFT, "WEBP", xmp=XMP, lossless=True),
    "WebP with a file behind it": lambda: save(COFFEE, "WEBP") + PLACE,
}


@pytest.mark.parametrize("name", TELLING)
def test_metadata_go_and_the_picture_is_not_touched(name: str) -> None:
    original = TELLING[name]()
    assert PLACE in original or b"Exif" in original or b"EXIF" in original
    found = read(original)
    assert PLACE not in found.data
    assert len(found.data) < len(original)
    left = load(found.data)
    assert left.format != "WEBP" or found.data[12:16] != b"VP8X" or not found.data[20] & (0x08 | 0x04), "it says so"
    assert not left.getexif()
    assert set(left.info) & {"exif", "xmp", "comment", "Comment", "photoshop", "mp"} == set()
    assert left.info.get("icc_profile") == load(original).info.get("icc_profile")
    assert left.format is not None
    assert left.format in name.upper()
    # Not written anew: a lossy file would have other pixels.
    np.testing.assert_array_equal(pixels(found.data), pixels(original))


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {"quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True}), ("WEBP", {"quality": 95})],
)
def test_what_lies_on_its_side_is_set_upright(kind: str, options: dict[str, Any], orientation: int) -> None:
    original = save(COFFEE, kind, exif=exif(orientation), icc_profile=ICC, **options)
    found = read(original)
    left = load(found.data)
    assert (left.format, left.size, left.info["icc_profile"]) == (kind, (found.width, found.height), ICC)
    assert (found.width, found.height) == ((600, 400) if orientation < 5 else (400, 600))
    assert not left.getexif()
    difference = np.abs(np.asarray(left.convert("RGB"), int) - pixels(original).astype(int))
    assert difference.mean() < (1.5 if "quality" in options else 0.001)


def test_a_jpeg_set_upright_keeps_its_colours_sharp() -> None:
    found = load(read(save(COFFEE, "JPEG", exif=exif(6))).data)
    assert [sampling[1:3] for sampling in found.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]


FRAMES = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue", "lime")]
REDONE: dict[str, Callable[[], tuple[bytes, str]]] = {
    "GIF": lambda: (save(COFFEE, "GIF"), "image/png"),
    "TIFF": lambda: (save(LEFT, "TIFF"), "image/png"),
    "BMP": lambda: (save(COFFEE, "BMP"), "image/png"),
    "AVIF": lambda: (save(COFFEE, "AVIF"), "image/png"),
    "grey PNG with alpha": lambda: (save(LEFT.convert("LA"), "PNG"), "image/png"),
    "deep grey PNG": lambda: (save(Image.new("I;16", (9, 7), 40_000), "PNG"), "image/png"),
    "deep PNG": lambda: (png_file(2, 1, depth=16, colour=2, rows=b"\0" + bytes(range(12))), "image/png"),
    "CMYK JPEG": lambda: (save(COFFEE.convert("CMYK"), "JPEG", icc_profile=odd_cmyk_profile()), "image/jpeg"),
}


@pytest.mark.parametrize("name", REDONE)
def test_what_models_do_not_read_is_written_anew(name: str) -> None:
    original, media_type = REDONE[name]()
    found = read(original)
    assert (found.media_type, load(found.data).mode in ("RGB", "RGBA")) == (media_type, True)
    difference = np.abs(pixels(found.data).astype(int) - pixels(original).astype(int))
    assert difference.mean() < (1.5 if media_type == "image/jpeg" else 0.001)
    assert read(found.data).data == found.data


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_left_and_a_warning(name: str) -> None:
    found = read(save(FRAMES[0], name, save_all=True, append_images=FRAMES[1:]))
    left = load(found.data)
    assert (getattr(left, "n_frames", 1), left.size) == (1, (64, 48))
    red, green, blue = left.convert("RGB").getpixel((30, 20))  # type: ignore[misc]
    assert (red > 240, green < 15, blue < 15) == (True, True, True)
    assert ["first was used" in warning for warning in found.warnings] == [True]


def test_files_without_an_end_are_written_anew() -> None:
    # Pillow and others forgive this; who else would, nobody knows.
    original = save(COFFEE, "PNG")[:-12]
    found = read(original)
    assert found.data.endswith(b"IEND\xaeB`\x82")
    np.testing.assert_array_equal(pixels(found.data), np.asarray(COFFEE))


def test_more_than_20_mb_is_refused_with_the_limit() -> None:
    noise = Image.frombytes("RGB", (3000, 2500), np.random.default_rng(1).bytes(3000 * 2500 * 3))
    for file in (save(noise, "PNG", compress_level=0), save(noise, "BMP")):
        with pytest.raises(PayloadTooLarge, match=r"As image/png the picture has 21\.\d MB.* 20 MB") as refused:
            read(file)
        assert refused.value.context == {"max_bytes": MOST_BYTES}


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(UnsupportedMediaType):
        read(b"hello")
    with pytest.raises(UnreadableImage):
        read(FIT["JPEG"]()[:5000])
    with pytest.raises(ImageTooLarge):
        normalise(FIT["JPEG"](), max_megapixels=0.2)


def damaged(data: bytes) -> Iterator[bytes]:
    for at in range(min(len(data), 400)):
        yield data[:at] + bytes((data[at] ^ 0xFF,)) + data[at + 1 :]


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP"])
def test_a_damaged_file_is_refused_or_comes_out_as_it_is_read(name: str) -> None:
    small = COFFEE.resize((40, 30))
    for data in damaged(save(small, name.upper(), exif=exif())):
        try:
            expected = pixels(data)
        except CallerError:
            continue
        found = read(data)
        assert pixels(found.data).shape == expected.shape
