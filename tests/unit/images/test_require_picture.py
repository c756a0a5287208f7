"""Whether a file is a picture is found out without making its pixels, and it comes to what a decoder says."""

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from darkroom.errors import CallerError, ImageTooLarge
from darkroom.images.decode import decode, require_picture

_SIDE: Final = 9


def _chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(body, zlib.crc32(name)).to_bytes(4, "big")


def _png(rows: bytes, *, depth: int = 8, colour: int = 2, interlace: int = 0, tail: bytes = b"", cut: int = 0) -> bytes:
    """A file of 9 x 9 pixels whose checksums are right, whatever is in it."""
    header = _SIDE.to_bytes(4, "big") * 2 + bytes([depth, colour, 0, 0, interlace])
    packed = zlib.compress(rows)
    pixels = packed[: len(packed) - cut] + tail
    palette = _chunk(b"PLTE", bytes(range(48))) if colour == 3 else b""
    parts = [_chunk(b"IDAT", pixels[at : at + 40]) for at in range(0, len(pixels), 40)]
    start = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + palette
    return start + b"".join(parts) + _chunk(b"IEND", b"")


def _rows(count: int = _SIDE, *, filters: bytes = b"\0\1\2\3\4", size: int = 27) -> bytes:
    return b"".join(bytes([filters[n % len(filters)]]) + bytes(range(n, n + size)) for n in range(count))


FILES: Final[dict[str, bytes]] = {
    "sound": _png(_rows()),
    "grey, a bit each": _png(_rows(size=2), depth=1, colour=0),
    "palette": _png(_rows(size=5), depth=4, colour=3),
    "sixteen bits": _png(_rows(size=54), depth=16),
    "a filter that there is not": _png(_rows(filters=b"\0\5")),
    "a filter that there is not, at the end": _png(_rows(8) + b"\xff" + bytes(27)),
    "a row too few": _png(_rows(8)),
    "a row too many": _png(_rows(10)),
    "an end that is missing": _png(_rows(), cut=3),
    "half": _png(_rows(), cut=30),
    "more behind it": _png(_rows(), tail=b"more"),
    "nothing": _png(b""),
    "interlaced, of another size": _png(_rows(), interlace=1),
}


def _error_of(ask: Callable[..., object], data: bytes) -> str | None:
    try:
        ask(data, max_megapixels=1.0, enough=256)
    except CallerError as error:
        return error.code
    return None


@pytest.mark.parametrize("name", FILES)
def test_it_is_one_where_a_decoder_says_so(name: str) -> None:
    assert _error_of(require_picture, FILES[name]) == _error_of(decode, FILES[name])


def test_a_wrong_checksum_of_what_is_right_by_another_is_no_damage() -> None:
    """Chunks have one, too, and browsers go by that."""
    made = bytearray(_png(_rows()))
    end = made.rindex(b"IDAT") + 4 + int.from_bytes(made[made.rindex(b"IDAT") - 4 : made.rindex(b"IDAT")], "big")
    made[end - 1] ^= 1
    start = made.rindex(b"IDAT")
    made[end : end + 4] = zlib.crc32(made[start:end]).to_bytes(4, "big")
    assert _error_of(require_picture, bytes(made)) is None


@pytest.mark.parametrize("head", [b"\x78\x02", b"\x88\x1c", b"\x77\x01", b"\x78\xbb"])
def test_pixels_that_do_not_begin_as_a_stream_are_none(head: bytes) -> None:
    made = bytearray(_png(_rows()))
    start = made.index(b"IDAT")
    size = int.from_bytes(made[start - 4 : start], "big")
    made[start + 4 : start + 6] = head
    made[start + 4 + size : start + 8 + size] = zlib.crc32(made[start : start + 4 + size]).to_bytes(4, "big")
    assert _error_of(require_picture, bytes(made)) == _error_of(decode, bytes(made)) == "UNREADABLE_IMAGE"


def test_sound_files_are_pictures_and_a_filter_that_there_is_not_makes_none() -> None:
    assert _error_of(require_picture, FILES["sound"]) is None
    assert _error_of(require_picture, FILES["a filter that there is not"]) == "UNREADABLE_IMAGE"
    assert _error_of(require_picture, FILES["half"]) == "UNREADABLE_IMAGE"


@given(data=st.data())
def test_a_damaged_file_is_refused_where_a_decoder_refuses_it(data: st.DataObject) -> None:
    made = BytesIO()
    mode = data.draw(st.sampled_from(["1", "L", "P", "RGB", "RGBA", "LA"]))
    Image.radial_gradient("L").resize((40, 30)).convert(mode).save(made, "PNG")
    file = bytearray(made.getvalue())
    at = data.draw(st.integers(8, len(file) - 1))
    file[at] ^= data.draw(st.integers(0, 255))
    cut = bytes(file[: data.draw(st.integers(at, len(file)))])
    assert _error_of(require_picture, cut) == _error_of(decode, cut)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "PNG"])
def test_other_kinds_are_decoded(kind: str) -> None:
    made = BytesIO()
    Image.radial_gradient("L").save(made, kind)
    whole = made.getvalue()
    assert _error_of(require_picture, whole) is None
    assert _error_of(require_picture, whole[: len(whole) // 2]) == "UNREADABLE_IMAGE"


def test_one_that_is_too_large_is_refused_before_it_is_inflated() -> None:
    header = (30_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"")) + _chunk(b"IEND", b"")
    with pytest.raises(ImageTooLarge):
        require_picture(bomb, max_megapixels=64.0)
