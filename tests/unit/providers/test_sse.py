"""Events, however their bytes are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.providers._sse import events

_TEXT = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=40)
_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
_NOISE = st.sampled_from([": ", ": OPENROUTER PROCESSING", "event: message", "id: 7", "retry: 10", ":"])


@st.composite
def _streams(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """A stream with one kind of line end, and the data of its events."""
    end = draw(_ENDS)
    written, expected = [], []
    for lines in draw(st.lists(st.lists(_TEXT, min_size=1, max_size=3), max_size=6)):
        for line in lines:
            written += [noise.encode() for noise in draw(st.lists(_NOISE, max_size=2))]
            written.append(b"data:" + draw(st.sampled_from([b"", b" "])) + line.encode())
            # One blank belongs to the field, so a text that begins with one keeps it only behind another.
            written[-1] = b"data: " + line.encode() if line.startswith(" ") else written[-1]
        written.append(b"")
        expected.append("\n".join(lines))
    return end.join([*written, b""]), expected


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


@given(_streams(), st.lists(st.integers(0, 10_000), max_size=30))
def test_the_cuts_do_not_matter(stream: tuple[bytes, list[str]], places: list[int]) -> None:
    data, expected = stream
    assert list(events(_cut(data, places))) == expected


@given(_streams())
def test_nor_does_one_byte_at_a_time(stream: tuple[bytes, list[str]]) -> None:
    data, expected = stream
    assert list(events(data[at : at + 1] for at in range(len(data)))) == expected


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_any_bytes_are_read_without_an_error(chunks: list[bytes]) -> None:
    assert list(events(chunks)) == list(events([b"".join(chunks)]))


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"", []),
        (b": \n\n: \n\n", []),
        (b"data: one\n\ndata: [DONE]\n\n", ["one", "[DONE]"]),
        (b"data: one\r\n\r\ndata: two\r\n\r\n", ["one", "two"]),
        (b"\xef\xbb\xbfdata: marked\n\n", ["marked"]),
        (b"data\n\n", [""]),
        (b"data:\n\n", [""]),
        (b"data:  two blanks\n\n", [" two blanks"]),
        (b"datum: no\n\n", []),
        (b"data: not closed", ["not closed"]),
        (b"data: not closed\n", ["not closed"]),
        ("data: ü\u2028é\x0b\x85\n\n".encode(), ["ü\u2028é\x0b\x85"]),
        (b"data: \xff\n\n", ["\ufffd"]),
    ],
)
def test_the_letter_of_the_standard(stream: bytes, expected: list[str]) -> None:
    assert list(events([stream])) == expected


def test_a_line_of_many_megabytes_is_read_once() -> None:
    piece = b"A" * 65536
    chunks = [b"data: ", *[piece] * 512, b"\n\n"]
    (found,) = events(chunks)
    assert len(found) == 512 * 65536
