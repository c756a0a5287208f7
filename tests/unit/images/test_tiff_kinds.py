"""Kinds of TIFF: each comes out as tifffile reads it, or is refused as not supported. Nothing comes out garbled."""

from io import BytesIO
from itertools import product
from typing import Any, Final, Literal

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from darkroom.errors import UnreadableImage, UnsupportedImage
from darkroom.images.decode import decode
from darkroom.images.normalise import normalise
from tests.photos import photo, save

SIZE: Final = (24, 36)  # rows, columns
EIGHT: Final[NDArray[np.uint8]] = np.asarray(photo("coffee").resize((SIZE[1], SIZE[0])))
TYPES: Final[dict[str, NDArray[Any]]] = {
    "uint8": EIGHT,
    "uint16": EIGHT.astype(np.uint16) * 257,
    "uint32": EIGHT.astype(np.uint32) * 16_843_009,
    "int8": (EIGHT // 2).astype(np.int8),
    "int16": EIGHT.astype(np.int16) * 128,
    "float16": (EIGHT / 255).astype(np.float16),
    "float32": (EIGHT / 255).astype(np.float32),
    "float64": EIGHT / 255,
}
# Which is read; of any other kind it is enough that it is refused by name.
READ: Final = {
    ("uint8", "rgb", "contig"),
    ("uint8", "rgb", "separate"),
    ("uint8", "rgba", "contig"),
    ("uint8", "minisblack", ""),
    ("uint8", "miniswhite", ""),
    ("uint16", "rgb", "contig"),
    ("uint16", "rgba", "contig"),
    ("uint16", "minisblack", ""),
    ("float32", "minisblack", ""),
}


def tiff(
    samples: NDArray[Any], kind: str, planes: str, order: Literal["<", ">"], compression: str | None, big: bool
) -> bytes:
    options: dict[str, Any] = {"photometric": "rgb" if kind.startswith("rgb") else kind}
    if kind == "rgba":
        options["extrasamples"] = ["unassalpha"]
        opaque = 1 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max
        alpha = np.full((*SIZE, 1), opaque, samples.dtype)
        samples = np.concatenate([samples, alpha], axis=2)
    if planes:
        options["planarconfig"] = planes
        samples = np.moveaxis(samples, 2, 0) if planes == "separate" else samples
    else:
        samples = samples[..., 1]
        if kind == "miniswhite":
            samples = samples.max() - samples if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max - samples
    buffer = BytesIO()
    tifffile.imwrite(
        buffer, np.ascontiguousarray(samples), byteorder=order, compression=compression, bigtiff=big, **options
    )
    return buffer.getvalue()


KINDS: Final = [
    *product(TYPES, ["rgb", "rgba"], ["contig", "separate"]),
    *product(TYPES, ["minisblack", "miniswhite"], [""]),
]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(("depth", "kind", "planes"), KINDS)
def test_each_kind_comes_out_right_or_is_not_supported(
    depth: str, kind: str, planes: str, order: Literal["<", ">"], compression: str | None
) -> None:
    for big in (False, True):
        data = tiff(TYPES[depth], kind, planes, order, compression, big)
        why: UnsupportedImage | None = None
        try:
            found = np.asarray(decode(data, max_megapixels=1).pixels, int)
        except UnsupportedImage as refused:
            why = refused
        if why is not None:
            is_odd = order == ">" and (big or (depth == "float32" and compression is not None))
            assert (depth, kind, planes) not in READ or is_odd, why.detail
            assert (why.status, "TIFF" in why.detail, "damaged" in why.detail) == (415, True, False)
            continue
        expected = EIGHT.astype(int) if planes else np.repeat(EIGHT[..., 1:2], 3, axis=2).astype(int)
        assert np.abs(found[..., :3] - expected).max() <= 1
        assert found.shape[2] == (4 if kind == "rgba" else 3)
        assert found.shape[2] == 3 or (found[..., 3] == 255).all()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits(bits: int) -> None:
    rows = np.arange(64, dtype=np.uint8).reshape(8, 8) % (1 << bits)
    packed = np.packbits(((rows[..., np.newaxis] >> np.arange(bits)[::-1]) & 1).reshape(8, -1), axis=1)
    buffer = BytesIO()
    tifffile.imwrite(buffer, packed, photometric="minisblack")
    page = tifffile.TiffFile(BytesIO(buffer.getvalue())).pages[0]
    data = bytearray(buffer.getvalue())
    for tag, value in ((256, 8), (258, bits)):
        at = page.tags[tag].valueoffset  # type: ignore[union-attr]
        data[at : at + 2] = value.to_bytes(2, "little")
    found = np.asarray(decode(bytes(data), max_megapixels=1).pixels, int)
    assert np.abs(found[..., 0] - rows.astype(int) * 255 // ((1 << bits) - 1)).max() <= 1


def test_what_is_read_goes_to_models_as_png() -> None:
    for data in (
        tiff(TYPES["uint16"], "rgb", "contig", ">", None, False),
        tiff(EIGHT, "rgb", "separate", "<", None, False),
    ):
        found = normalise(data, max_megapixels=1)
        assert (found.media_type, found.width, found.height) == ("image/png", SIZE[1], SIZE[0])
        difference = np.asarray(decode(found.data, max_megapixels=1).pixels, int) - EIGHT
        assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("extra", [["unassalpha"], ["assocalpha"], ["unspecified"], ["unspecified", "unassalpha"]])
@pytest.mark.parametrize("depth", ["uint8", "uint16"])
def test_further_channels_beside_four_inks_are_left_out_or_not_supported(depth: str, extra: list[str]) -> None:
    inks = np.concatenate([255 - EIGHT, np.zeros((*SIZE, 1), np.uint8)], axis=2)
    samples = np.concatenate([inks, np.full((*SIZE, len(extra)), 90, np.uint8)], axis=2)
    if depth == "uint16":
        samples = samples.astype(np.uint16) * 257
    buffer = BytesIO()
    tifffile.imwrite(buffer, samples, photometric="separated", planarconfig="contig", extrasamples=extra)
    if depth == "uint8" and extra == ["unspecified"]:
        found = np.asarray(decode(buffer.getvalue(), max_megapixels=1).pixels, int)
        assert np.abs(found - EIGHT).max() <= 1
        return
    with pytest.raises(UnsupportedImage) as refused:
        decode(buffer.getvalue(), max_megapixels=1)
    assert "damaged" not in refused.value.detail


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_what_is_cut_short_is_damaged_wherever_it_is_cut(compression: str | None) -> None:
    """Whether the directory stands in front of the pixels or behind them."""
    in_front = tiff(EIGHT, "rgb", "contig", "<", compression, False)
    behind = save(photo("coffee").resize((36, 24)), "TIFF", compression="tiff_deflate" if compression else None)
    for data in (in_front, behind):
        for kept in (9, 20, 100, len(data) // 2, len(data) - 50, len(data) - 3):
            with pytest.raises(UnreadableImage):
                decode(data[:kept], max_megapixels=1)


def test_a_directory_without_size_or_place_is_damaged() -> None:
    data = tiff(EIGHT, "rgb", "contig", "<", None, False)
    for tag in (256, 257, 273):
        entry = tag.to_bytes(2, "little")
        at = data.index(entry, 8)
        with pytest.raises(UnreadableImage):
            decode(data[:at] + b"\xff\xff" + data[at + 2 :], max_megapixels=1)
