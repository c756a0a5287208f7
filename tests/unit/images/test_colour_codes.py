"""Colours told by numbers come out as they are meant, never as if they were sRGB without a word."""

import struct
from typing import Final

import numpy as np
import pytest
from PIL import Image

from darkroom.images.colour import in_srgb
from darkroom.images.colour_codes import UNKNOWN_COLOURS, ColourCode, interpreted
from darkroom.images.decode import Picture, decode
from darkroom.images.normalise import normalise
from tests.photos import load, photo, png_chunk, save

# A colour in sRGB, and the same in Display P3 and in BT.2020 with sRGB's curve (CSS Color 4's sample code).
SRGB: Final = (200, 60, 40)
PATCH: Final = Image.new("RGB", (4, 4), SRGB)


def png(*extra: bytes, image: Image.Image = PATCH) -> bytes:
    data = save(image, "PNG")
    return data[:33] + b"".join(extra) + data[33:]


def cicp(primaries: int, transfer: int, matrix: int = 0, full: int = 1) -> bytes:
    return png_chunk(b"cICP", bytes((primaries, transfer, matrix, full)))


def gama(value: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def chrm(*points: float) -> bytes:
    return png_chunk(b"cHRM", struct.pack(">8I", *(round(point * 100_000) for point in points)))


SRGB_POINTS: Final = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
ADOBE_POINTS: Final = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


def read(data: bytes) -> Picture:
    return decode(data, max_megapixels=1)


def shown(data: bytes) -> tuple[int, ...]:
    """The colour in sRGB."""
    return tuple(np.asarray(in_srgb(read(data)))[1, 1].tolist())


@pytest.mark.parametrize(
    ("chunks", "stored", "expected"),
    [
        ((cicp(12, 13),), (186, 71, 51), (200, 60, 40)),  # Display P3
        ((cicp(12, 13),), (255, 0, 0), (255, 0, 0)),  # beyond sRGB: cut off at its edge
        ((cicp(9, 13),), (166, 81, 50), (200, 60, 40)),  # BT.2020
        ((gama(0.45455), chrm(*ADOBE_POINTS)), (174, 61, 43), (200, 60, 40)),  # Adobe RGB (1998)
    ],
)
def test_wide_colours_become_a_profile(
    chunks: tuple[bytes, ...], stored: tuple[int, int, int], expected: tuple[int, int, int]
) -> None:
    data = png(*chunks, image=Image.new("RGB", (4, 4), stored))
    picture = read(data)
    assert picture.icc is not None
    assert picture.pixels.getpixel((1, 1)) == stored, "they are as they were"
    assert np.abs(np.subtract(shown(data), expected)).max() <= 6
    sent = normalise(data, max_megapixels=1)
    assert (load(sent.data).info["icc_profile"], load(sent.data).getpixel((1, 1))) == (picture.icc, stored)


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        (gama(0.45455),),
        (gama(0.45455), chrm(*SRGB_POINTS)),
        (chrm(0.31269, 0.32899, 0.63999, 0.33001, 0.3, 0.6, 0.15, 0.05999),),
        (png_chunk(b"sRGB", b"\0"), gama(1.0)),
        (cicp(1, 13), gama(1.0)),
        (cicp(1, 1),),
        (cicp(2, 2),),
    ],
)
def test_what_says_srgb_in_other_words_is_srgb(chunks: tuple[bytes, ...]) -> None:
    picture = read(png(*chunks))
    assert (picture.icc, picture.warnings, picture.pixels.getpixel((1, 1))) == (None, (), SRGB)


@pytest.mark.parametrize("gamma", [0.00001, 0.05, 11.0, 42949.0])
def test_a_gamma_that_no_picture_has_is_ignored_with_a_warning(gamma: float) -> None:
    picture = read(png(gama(gamma)))
    assert (picture.icc, picture.pixels.getpixel((1, 1))) == (None, SRGB)
    assert ["not known" in warning for warning in picture.warnings] == [True]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_linear_light_is_brought_to_srgb(mode: str) -> None:
    grey = Image.new("L", (4, 4), 55).convert(mode)  # 21.6 % of the light
    picture = read(png(gama(1.0), image=grey))
    assert picture.pixels.getpixel((1, 1)) == ((128,) * 3 if mode != "RGBA" else (128, 128, 128, 255))
    assert (picture.icc, ["gamma 1" in warning for warning in picture.warnings]) == (None, [True])
    assert (
        load(normalise(png(gama(1.0), image=grey), max_megapixels=1).data).convert("RGB").getpixel((1, 1)) == (128,) * 3
    )


@pytest.mark.parametrize(
    ("transfer", "white"),
    [(16, 148), (18, 191)],  # diffuse white of 203 nits: 58 % in PQ, 75 % in HLG (BT.2408)
)
def test_hdr_is_brought_to_the_range_of_ordinary_screens(transfer: int, white: int) -> None:
    values = [0, white // 2, white, 200, 255]
    image = Image.new("RGB", (5, 1))
    image.putdata([(value,) * 3 for value in values])
    picture = read(png(cicp(9, transfer), image=image))
    found = np.asarray(picture.pixels)[0]
    assert picture.icc is None
    assert ["HDR" in warning for warning in picture.warnings] == [True]
    assert (np.abs(found - found[:, :1].astype(int)) <= 2).all(), "grey stays grey"
    tones = found[:, 0].tolist()
    assert tones == sorted(tones)
    assert tones[0] == 0
    assert 185 <= tones[2] <= 240, "white is bright, and below what shines"
    assert tones[-1] >= 250


def test_a_narrow_range_is_widened() -> None:
    image = Image.new("RGB", (3, 1))
    image.putdata([(16,) * 3, (126,) * 3, (235,) * 3])
    picture = read(png(cicp(1, 13, full=0), image=image))
    assert np.asarray(picture.pixels)[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    "code",
    [
        ColourCode(primaries=99),
        ColourCode(transfer=10),
        ColourCode(primaries=12, transfer=200),
        *(ColourCode(primaries=each, transfer=13) for each in (0, 3, 255)),
    ],
)
def test_what_is_not_known_is_told(code: ColourCode) -> None:
    assert interpreted(PATCH, code) == (PATCH, None, (UNKNOWN_COLOURS,))


def test_impossible_chromaticities_are_told() -> None:
    for points in ((0.0,) * 8, (0.3127, 0.329, 0.64, 0.33, 0.64, 0.33, 0.64, 0.33), (0.3127, 0, 1, 1, 1, 1, 1, 1)):
        assert read(png(chrm(*points))).warnings == (UNKNOWN_COLOURS,)


def test_a_profile_is_believed_before_numbers_but_not_before_cicp() -> None:
    from tests.photos import swapped_rgb_profile

    icc = swapped_rgb_profile()
    with_profile = save(PATCH, "PNG", icc_profile=icc)
    assert read(with_profile[:33] + gama(1.0) + with_profile[33:]).icc == icc
    told = read(with_profile[:33] + cicp(12, 13) + with_profile[33:]).icc
    assert told is not None
    assert told != icc


def test_nclx_of_an_avif_is_read() -> None:
    from tests.unit.images.test_containers import case

    picture = read(case("avif_nclx_p3.avif"))
    assert picture.icc == read(case("png_cicp_p3.png")).icc is not None
    plain = save(photo("coffee"), "AVIF")
    assert read(plain).icc is None
