"""Answers of HTTP/1.1 as they come over a connection: heads, and bodies in pieces. Source: RFC 9112.

The standard library reads headers as those of an e-mail, and h11 makes objects of all that comes: each takes more
processor time than the rest of a small exchange.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct

PIECE: Final = 65_536
"""Bytes that are read or written at once."""
_MAX_HEAD: Final = 100 * 1024
_END_OF_HEAD: Final = re.compile(rb"\n\r?\n")
_STATUS: Final = re.compile(r"HTTP/1\.([0-9]) ([0-9]{3})(?: |$)")
_SIZE: Final = re.compile(r"[0-9a-fA-F]{1,15}")
_LINE_ENDS: Final = re.compile("[\r\n\0]")


class Malformed(Exception):
    """What came is no HTTP. Says nothing of what was in it."""


class EndedEarly(Malformed):
    """There is no more, and it was not all."""


class Headers(dict[str, str]):
    """Asked for by names in whatever case. A field that came several times is one, with commas.

    Args: given: names in lower case.
    """

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class Head(Struct, frozen=True):
    """Args:
    keeps: whether the other end keeps the connection, as far as the head says.
    length: of the body in bytes; None: in chunks, or up to the end.
    """

    status: int
    headers: Headers
    keeps: bool
    length: int | None
    in_chunks: bool


def request(lines: list[str], content: bytes) -> bytes:
    """A request as it is sent.

    Args: lines: the first, and a header each.

    Raises:
        ValueError: there is a line end in one of them: what comes after it would be another header, or another request.
            Or one is no Latin-1. It does not show the line, in which a key may be.
    """
    if any(map(_LINE_ENDS.search, lines)):
        raise ValueError("a header with a line end")
    try:
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + content
    except UnicodeEncodeError:
        raise ValueError("a header that is no Latin-1") from None


class Reader:
    """Reads one answer after the other from a connection.

    Args: receive: gives the next bytes, at least one, or b"" at the end; what it raises is raised.
    """

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self.left = b""

    def head(self) -> Head:
        """Of the next answer; one that only announces it (100 Continue) is passed over. Raises Malformed."""
        while True:
            lines = self._head_lines()
            found = _STATUS.match(lines[0])
            if found is None:
                raise Malformed("It does not begin as HTTP does.")
            status = int(found[2])
            if status >= 200 or status == 101:
                return _head(status, _headers(lines), is_old=found[1] == "0")

    def pieces(self, head: Head) -> Iterator[bytes]:
        """Yields the body as it comes. Raises Malformed."""
        if head.in_chunks:
            yield from self._chunks()
        elif head.length is not None:
            yield from self._exactly(head.length)
        else:
            if self.left:
                yield self._taken(len(self.left))
            while piece := self._receive():
                yield piece

    def _head_lines(self) -> list[str]:
        while (end := _END_OF_HEAD.search(self.left)) is None:
            if len(self.left) > _MAX_HEAD:
                raise Malformed("A head does not end.")
            self.left += self._more()
        if end.start() > _MAX_HEAD:
            raise Malformed("A head is too long.")
        text = self.left[: end.start()].decode("latin-1")
        self.left = self.left[end.end() :]
        return text.replace("\r", "").lstrip("\n").split("\n")

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._taken(size) if self.left else self._more()
            if len(piece) > size:
                self.left, piece = piece[size:], piece[:size]
            size -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while size := _number(self._line().partition(";")[0].strip(), 16):
            yield from self._exactly(size)
            if self._line():
                raise Malformed("A chunk is longer than it says.")
        while self._line():
            pass

    def _line(self) -> str:
        while (at := self.left.find(b"\n")) < 0:
            if len(self.left) > _MAX_HEAD:
                raise Malformed("A line does not end.")
            self.left += self._more()
        return self._taken(at + 1).decode("latin-1").rstrip("\r\n")

    def _taken(self, most: int) -> bytes:
        found, self.left = self.left[:most], self.left[most:]
        return found

    def _more(self) -> bytes:
        piece = self._receive()
        if not piece:
            raise EndedEarly("It ended too early.")
        return piece


def _headers(lines: list[str]) -> Headers:
    found: dict[str, str] = {}
    name = ""
    for line in lines[1:]:
        if line[0] in " \t" and name:
            # As headers were once continued.
            found[name] = f"{found[name]} {line.strip()}"
            continue
        given, colon, value = line.partition(":")
        name = given.lower()
        if not colon or not name or name != name.strip():
            raise Malformed("A header has no name.")
        value = value.strip()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return Headers(found)


def _head(status: int, headers: Headers, *, is_old: bool) -> Head:
    """Args: is_old: of HTTP/1.0."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    keeps = not is_old and "close" not in headers.get("connection", "").lower()
    if status in (204, 304):
        return Head(status, headers, keeps, 0, in_chunks=False)
    if coding is not None:
        if coding.lower() != "chunked":
            raise Malformed("Its body is coded in a way that there is not.")
        return Head(status, headers, keeps, None, in_chunks=True)
    if length is None:
        return Head(status, headers, keeps=False, length=None, in_chunks=False)
    said = {each.strip() for each in length.split(",")}
    if len(said) > 1:
        raise Malformed("It has two lengths.")
    return Head(status, headers, keeps, _number(said.pop(), 10), in_chunks=False)


def _number(text: str, base: int) -> int:
    if _SIZE.fullmatch(text) is None or (base == 10 and not text.isdecimal()):
        raise Malformed("A length is no number.")
    return int(text, base)
