"""Answers of HTTP/1.1, in whatever pieces they come."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.net.http1 import EndedEarly, Malformed, Reader, request

_HEAD = b"HTTP/1.1 200 OK\r\n"
_ANSWERS = {
    "of a length": _HEAD + b"Content-Length: 5\r\n\r\nhello",
    "of a length that is said twice": _HEAD + b"Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello",
    "in chunks": _HEAD + b"Transfer-Encoding: Chunked\r\n\r\n4;a=b\r\nhell\r\n1\r\no\r\n0\r\nT: t\r\n\r\n",
    "until the end": _HEAD + b"\r\nhello",
    "after a hint": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + _HEAD + b"Content-Length: 5\r\n\r\nhello",
    "with plain line ends": b"HTTP/1.1 200\nContent-Length: 5\nA: b\n  c\n\nhello",
    "of an old server": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
}


def _reader(pieces: Iterator[bytes]) -> Reader:
    return Reader(lambda: next(pieces, b""))


def _cut(data: bytes, at: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(data), *(place for place in at if place < len(data))})
    return (data[a:b] for a, b in pairwise(places))


@pytest.mark.parametrize("name", _ANSWERS)
@given(at=st.lists(st.integers(1, 120), max_size=12))
def test_the_pieces_make_no_difference(name: str, at: list[int]) -> None:
    reader = _reader(_cut(_ANSWERS[name], at))
    head = reader.head()
    assert (head.status, b"".join(reader.pieces(head)), reader.left) == (200, b"hello", b"")
    assert head.keeps is (name not in ("until the end", "of an old server"))


@pytest.mark.parametrize("name", sorted(_ANSWERS.keys() - {"until the end"}))
@given(kept=st.integers(0, 200))
def test_what_ends_too_early_is_told(name: str, kept: int) -> None:
    whole = _ANSWERS[name]
    reader = _reader(iter([whole[: kept % len(whole)]]))
    with pytest.raises(EndedEarly):
        list(reader.pieces(reader.head()))


def test_one_answer_after_the_other_is_read() -> None:
    reader = _reader(iter([_ANSWERS["of a length"] + _ANSWERS["in chunks"]]))
    for _ in range(2):
        assert b"".join(reader.pieces(reader.head())) == b"hello"


def test_headers_are_joined_and_continued() -> None:
    head = _reader(iter([b"HTTP/1.1 204 No Content\r\nA:1\r\na: 2 \r\nB: x\r\n\ty\r\n\r\n"])).head()
    assert (head.headers["A"], head.headers.get("B"), head.length) == ("1, 2", "x y", 0)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        _HEAD + b"no colon\r\n\r\n",
        _HEAD + b"Name : value\r\n\r\n",
        _HEAD + b"Content-Length: -3\r\n\r\n",
        _HEAD + b"Content-Length: 1_0\r\n\r\n",
        _HEAD + b"Content-Length: ab\r\n\r\n",
        _HEAD + b"Content-Length: 5, 6\r\n\r\n",
        _HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        _HEAD + b"A: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told(said: bytes) -> None:
    reader = _reader(iter([said]))
    with pytest.raises(Malformed) as raised:
        list(reader.pieces(reader.head()))
    assert not isinstance(raised.value, EndedEarly)


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\r\nx: y", "a\0", "k€y"])
def test_a_header_that_cannot_be_sent_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ValueError, match=r"^a header (with a line end|that is no Latin-1)$") as raised:
        request(["GET / HTTP/1.1", f"Authorization: {value}"], b"")
    assert raised.value.__context__ is None or raised.value.__suppress_context__
