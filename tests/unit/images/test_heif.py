"""HEIC and AVIF: which side is up, colours, tiles, items beside the picture, and what is cut short or made to do harm.

The HEIC files were written by pillow-heif 1.8 (libheif 1.23, x265) from `_reference.png` at half its size; other kinds
are put together here from what is in them. AVIF is Pillow's.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import pytest
from PIL import Image

from darkroom.errors import CallerError, ImageTooLarge, UnreadableImage, UnsupportedImage
from darkroom.images.containers.av1 import frame_size
from darkroom.images.measure import measure
from darkroom.images.normalise import normalise
from tests.heif_files import Item, box, full_box, grid, heif_file, imir, irot, ispe, items_of, nclx, prof, replace
from tests.photos import save, swapped_rgb_profile
from tests.unit.images.test_containers import CASES, assert_is_sound, case, read

SMALL: Final = Image.open(CASES / "_reference.png").convert("RGB").resize((96, 128), Image.Resampling.LANCZOS)
NEAR: Final = 3.5  # mean difference of a channel, as what the encoder lost
AVIF_BRANDS: Final = (b"avif", b"avif", b"mif1", b"miaf")
TURN: Final = Image.Transpose

HEIC: Final = items_of(case("heic_plain.heic"))[0]
AVIF: Final = items_of(save(SMALL, "AVIF", quality=90))[0]
Written = Callable[[list[Item]], bytes]
FORMATS: Final[dict[str, tuple[Item, Written]]] = {
    "HEIC": (HEIC, heif_file),
    "AVIF": (AVIF, lambda items: heif_file(items, brands=AVIF_BRANDS)),
}


def exif(orientation: int) -> Item:
    written = Image.Exif()
    written[0x112] = orientation
    return Item(b"Exif", bytes(4) + written.tobytes()[6:], refers=((b"cdsc", (1,)),))


def assert_shows(data: bytes, expected: Image.Image, *, sent: bool = True) -> None:
    """To a decoder, a size check, and a receiver of ours alike."""
    picture = read(data)
    assert picture.pixels.size == expected.size == measure(data)
    assert picture.warnings == ()
    assert _difference(picture.pixels, expected) < NEAR
    if sent:
        found = normalise(data, max_megapixels=25)
        assert_is_sound(found.data)
        assert (found.width, found.height) == expected.size
        assert _difference(read(found.data).pixels, expected) < NEAR + 1


def _difference(one: Image.Image, other: Image.Image) -> float:
    first, second = (np.asarray(each.convert("RGB"), np.int64) for each in (one, other))
    return float(np.abs(first - second).mean())


@pytest.mark.parametrize(
    "name",
    ["heic_plain.heic", "heic_grid.heic", "heic_turned_grid_exif6.heic", "heic_alpha.heic", "heic_10bit_p3.heic"],
)
def test_reads_what_encoders_write(name: str) -> None:
    assert_shows(case(name), SMALL)
    picture = read(case(name))
    assert picture.source_format == "HEIC"
    assert picture.pixels.mode == ("RGBA" if "alpha" in name else "RGB")
    assert (picture.icc is not None and b"Display P3" in picture.icc) == ("p3" in name)
    if picture.pixels.mode == "RGBA":
        rows = np.asarray(picture.pixels.getchannel("A"), np.int64).mean(axis=1)
        assert np.abs(rows - np.linspace(0, 255, 128)).max() < 6


TURNED: Final[list[tuple[str, list[bytes], list[Image.Transpose]]]] = [
    ("as it is", [], []),
    ("irot 0", [irot(0)], []),
    ("irot 1", [irot(1)], [TURN.ROTATE_90]),
    ("irot 2", [irot(2)], [TURN.ROTATE_180]),
    ("irot 3", [irot(3)], [TURN.ROTATE_270]),
    ("imir 0", [imir(0)], [TURN.FLIP_TOP_BOTTOM]),
    ("imir 1", [imir(1)], [TURN.FLIP_LEFT_RIGHT]),
    *(
        (f"irot {turn}, imir {axis}", [irot(turn), imir(axis)], [quarter, flip])
        for turn, quarter in ((1, TURN.ROTATE_90), (2, TURN.ROTATE_180), (3, TURN.ROTATE_270))
        for axis, flip in ((0, TURN.FLIP_TOP_BOTTOM), (1, TURN.FLIP_LEFT_RIGHT))
    ),
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("properties", "steps"), [each[1:] for each in TURNED], ids=[each[0] for each in TURNED])
@pytest.mark.parametrize("has_exif", [False, True], ids=["without EXIF", "with EXIF"])
def test_the_container_says_which_side_is_up_and_exif_has_no_say(
    name: str, properties: list[bytes], steps: list[Image.Transpose], has_exif: bool
) -> None:
    """EXIF says how a camera was held; a file's own boxes say what of that is still to be done."""
    item, written = FORMATS[name]
    expected = SMALL
    for step in steps:
        expected = expected.transpose(step)
    data = written([item.adding(*properties), *([exif(6)] if has_exif else [])])
    assert_shows(data, expected, sent=has_exif)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_an_avif_as_pillow_writes_it_with_exif_is_upright(orientation: int) -> None:
    written = Image.Exif()
    written[0x112] = orientation
    turned = {1: SMALL, 3: SMALL.rotate(180), 6: SMALL.transpose(TURN.ROTATE_270), 8: SMALL.transpose(TURN.ROTATE_90)}
    assert_shows(save(SMALL, "AVIF", quality=90, exif=written.tobytes()), turned[orientation])


@pytest.mark.parametrize("name", FORMATS)
def test_gain_maps_previews_and_depth_are_left_alone(name: str) -> None:
    item, written = FORMATS[name]
    kinds = ("urn:com:apple:photo:2020:aux:hdrgainmap", "urn:mpeg:hevc:2015:auxid:2")
    others = [
        replace(item.adding(full_box(b"auxC", kind.encode() + b"\0")), is_hidden=True, refers=((b"auxl", (1,)),))
        for kind in kinds
    ]
    preview = replace(item, refers=((b"thmb", (1,)),))
    assert_shows(written([item, *others, preview]), SMALL)
    assert read(written([item, *others, preview])).pixels.mode == "RGB"


@pytest.mark.parametrize(
    "brands",
    [(b"mif1", b"heic", b"mif1"), (b"mif1", b"mif1"), (b"heix", b"mif1"), (b"msf1", b"hevc", b"mif1", b"msf1")],
)
def test_a_still_picture_is_read_under_every_brand(brands: tuple[bytes, ...]) -> None:
    assert_shows(heif_file([HEIC], brands=brands), SMALL)


@pytest.mark.parametrize("name", FORMATS)
def test_colours_told_by_numbers_become_a_profile(name: str) -> None:
    item, written = FORMATS[name]
    bare = item.without(b"colr")
    wide = read(written([bare.adding(nclx(12, 13, 6))]))
    assert wide.icc is not None
    assert b"Display P3" in wide.icc
    video = read(written([bare.adding(nclx(9, 1, 9))]))
    assert video.icc is not None
    assert b"BT.2020" in video.icc
    assert "HDR (PQ)" in read(written([bare.adding(nclx(9, 16, 9))])).warnings[0]
    profile = read(written([bare.adding(prof(swapped_rgb_profile()))]))
    assert profile.icc == swapped_rgb_profile()
    both = read(written([bare.adding(prof(swapped_rgb_profile()), nclx(12, 13, 6))]))
    assert both.icc == swapped_rgb_profile()
    assert read(written([bare])).icc is None


def test_the_colours_of_a_grid_may_be_told_with_its_tiles() -> None:
    whole, *tiles = items_of(case("heic_grid.heic"))
    wide = [tile.without(b"colr").adding(nclx(12, 13, 6)) for tile in tiles]
    for items in ([whole.without(b"colr"), *wide], [whole.without(b"colr").adding(nclx(12, 13, 6)), *wide]):
        picture = read(heif_file([items[0], *(replace(tile, is_hidden=True) for tile in items[1:])]))
        assert picture.icc is not None
        assert b"Display P3" in picture.icc
        assert _difference(picture.pixels, SMALL) < NEAR


@pytest.mark.parametrize("name", FORMATS)
def test_a_grid_of_avif_or_heic_is_put_together(name: str) -> None:
    item, written = FORMATS[name]
    properties = (ispe(192, 256), item.of_kind(b"pixi"))
    whole = Item(b"grid", grid(2, 2, 192, 256), properties, ((b"dimg", (2, 3, 4, 5)),))
    expected = Image.new("RGB", (192, 256))
    for at in ((0, 0), (96, 0), (0, 128), (96, 128)):
        expected.paste(SMALL, at)
    assert_shows(written([whole, *[replace(item, is_hidden=True)] * 4]), expected)


# --- cut short, damaged, not supported --------------------------------------------------------------------------------

AVIF_GRID: Final = FORMATS["AVIF"][1](
    [
        Item(b"grid", grid(2, 2, 192, 256), (ispe(192, 256), AVIF.of_kind(b"pixi")), ((b"dimg", (2, 3, 4, 5)),)),
        *[replace(AVIF, is_hidden=True)] * 4,
    ]
)


@pytest.mark.parametrize("kept", [0.05, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("name", ["heic_plain.heic", "heic_grid.heic", "heic_alpha.heic", "AVIF", "AVIF grid"])
def test_what_is_cut_short_is_damaged(name: str, kept: float) -> None:
    """The decoder of HEIC fills in for missing tiles without a word."""
    made = {"AVIF": save(SMALL, "AVIF"), "AVIF grid": AVIF_GRID}
    data = made[name] if name in made else case(name)
    with pytest.raises(UnreadableImage) as refused:
        read(data[: int(len(data) * kept)])
    assert refused.value.status == 400
    assert "not supported" not in refused.value.detail


@pytest.mark.parametrize("left", [lambda data: data[: len(data) // 2], lambda data: bytes(len(data)), lambda _: b"x"])
def test_a_tile_without_its_pixels_is_damaged(left: Callable[[bytes], bytes]) -> None:
    whole, *tiles = items_of(case("heic_grid.heic"))
    tiles[2] = replace(tiles[2], data=left(tiles[2].data))
    with pytest.raises(UnreadableImage, match="missing"):
        read(heif_file([whole, *tiles]))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (heif_file([replace(HEIC, kind=b"avc1")]), "H.264"),
        (heif_file([replace(HEIC, kind=b"jpeg")], brands=(b"mif1", b"mif1")), "JPEG"),
        (heif_file([replace(HEIC, kind=b"vvc1")]), "VVC"),
        (heif_file([replace(HEIC, kind=b"unci")], brands=(b"mif1", b"mif1")), "plain values"),
        (heif_file([AVIF]), "AV1"),
        (
            box(b"ftyp", b"msf1" + bytes(4) + b"hevcmsf1") + box(b"moov", box(b"mvhd", bytes(100))) + bytes(200),
            "sequence of images",
        ),
    ],
    ids=["H.264", "JPEG", "VVC", "plain values", "AV1", "sequence"],
)
def test_other_codings_and_sequences_are_not_supported(data: bytes, what: str) -> None:
    with pytest.raises(UnsupportedImage, match=what) as refused:
        read(data)
    assert "damaged" not in refused.value.detail


# --- made to do harm --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_a_size_that_is_too_large_is_refused_by_the_header(name: str) -> None:
    item, written = FORMATS[name]
    with pytest.raises(ImageTooLarge) as refused:
        read(written([item.without(b"ispe").adding(ispe(30_000, 30_000))]))
    assert refused.value.context["megapixels"] == 900


FLAT: Final = {
    "HEIC": items_of(case("heic_flat_10bit_tile.heic"))[0],
    "AVIF": items_of(save(Image.new("RGB", (64, 64)), "AVIF"))[0],
}


@pytest.mark.parametrize("name", FORMATS)
def test_thousands_of_tiles_are_refused_before_any_is_decoded(name: str) -> None:
    written, tile = FORMATS[name][1], FLAT[name]
    whole = Item(b"grid", grid(40, 40, 3000, 3000), (ispe(3000, 3000),), ((b"dimg", tuple(range(2, 1602))),))
    with pytest.raises(UnreadableImage, match=r"1000 tiles|same bytes"):
        read(written([whole, *[tile] * 1600]))
    for count in (1600, 40_000):
        side = round(count**0.5)
        whole = Item(b"grid", grid(side, side, 96, 128), (ispe(96, 128),), ((b"dimg", (2,) * count),))
        with pytest.raises(UnreadableImage, match=r"1000 tiles|same bytes"):
            read(written([whole, tile]))


def test_more_pixels_than_the_file_says_are_refused_before_any_is_decoded() -> None:
    (large,) = items_of(save(Image.new("RGB", (2400, 2400)), "AVIF", speed=10))
    assert frame_size(large.data) == (2400, 2400)
    alpha = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
    lying = large.without(b"ispe").adding(ispe(96, 128))
    whole = Item(b"grid", grid(1, 1, 96, 128), (ispe(96, 128), AVIF.of_kind(b"pixi")), ((b"dimg", (2,)),))
    written = FORMATS["AVIF"][1]
    for items in (
        [lying],
        [whole, lying],
        [AVIF, replace(lying.adding(alpha), refers=((b"auxl", (1,)),))],
    ):
        with pytest.raises(UnreadableImage, match="more pixels than it says"):
            read(written(items))
    small = Item(b"grid", grid(5, 5, 96, 128), (ispe(96, 128),), ((b"dimg", tuple(range(2, 27))),))
    with pytest.raises(UnreadableImage, match="more pixels than it says"):
        read(heif_file([small, *[FLAT["HEIC"]] * 25]))


def test_references_in_a_circle_and_in_a_long_chain_come_to_an_end() -> None:
    circle = [Item(b"grid", grid(1, 1, 96, 128), (ispe(96, 128),), ((b"dimg", (each,)),)) for each in (2, 1)]
    chain = [Item(b"iden", b"", (ispe(96, 128),), ((b"dimg", (number + 2,)),)) for number in range(3000)]
    doubled = [Item(b"grid", grid(2, 2, 96, 128), (ispe(96, 128),), ((b"dimg", (n + 2,) * 4),)) for n in range(12)]
    for items in (circle, [*chain, HEIC], [*doubled, HEIC]):
        with pytest.raises(CallerError):
            read(heif_file(items))


def test_a_sequence_header_that_is_none_has_no_size() -> None:
    for data in (b"", b"\x0a", b"\x0a\x02\xff\xff", bytes(100), b"\x0a\xff\xff\xff\xff\xff\xff", b"\x12\x00" * 40):
        assert frame_size(data) is None
    assert frame_size(AVIF.data) == (96, 128)
