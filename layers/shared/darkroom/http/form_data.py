"""Forms taken apart: multipart/form-data and application/x-www-form-urlencoded, as clients really write them.

Beside what RFC 7578 asks for: files without a file name or with `filename*` alone, a preamble, bare line feeds, a
missing last delimiter, a missing `boundary`, Content-Transfer-Encoding, files of one field in a multipart of their own,
and texts in the charset that they name. An empty text field and a file input for which nothing was chosen are absent.
"""

import base64
import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from email.utils import collapse_rfc2231_value
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import Struct

from darkroom.errors import DarkroomError, InvalidParameter
from darkroom.images.sniff import sniff

_MOST_PARTS: Final = 1000
_MOST_HEADERS: Final = 16_384
_MOST_PARAMETERS: Final = 64
_BLANK_LINE: Final = re.compile(rb"(?:\A|\r?\n)(?:\r?\n|\Z)")
_FIRST_LINE: Final = re.compile(rb"\s*--([^\r\n]{1,200}?)(?:--)?[ \t]*(?:\r?\n|\Z)")
_PICTURES: Final = re.compile(r"(?:image|images|mask|background_image)(?:\[\d*\])?", re.ASCII)
_TEXT_KINDS: Final = re.compile(r"text/.*|application/(?:.*\+)?(?:json|xml|x-www-form-urlencoded)")
_CHARSETS: Final = re.compile(
    r"utf-?(?:8|16(?:[lb]e)?)|(?:us-)?ascii|latin-?1|iso-?8859-?\d{1,2}|(?:windows-|cp)125\d|koi8-[ru]|"
    r"shift_jis|euc-(?:jp|kr)|iso-2022-jp|gb(?:2312|k|18030)|big5|macintosh"
)
_UTF_8: Final = "utf-8"


class _Part(Struct, frozen=True):
    headers: Message
    data: bytes
    """As it was sent, before any Content-Transfer-Encoding is undone."""

    def parameter(self, name: str, header: str = "content-disposition") -> str | None:
        found = self.headers.get_param(name, header=header)
        return None if found is None else collapse_rfc2231_value(found)

    @property
    def kind(self) -> str | None:
        """The type that it says it has, in lower case."""
        return self.headers.get_content_type() if "content-type" in self.headers else None


def read_multipart(content_type: str, body: bytes) -> dict[str, Any]:
    """Texts as str, files as bytes, by their fields' names.

    Of several texts with one name the last counts. Several files with one name are a list, for to drop one silently
    could be paid for; and those whose name ends in `[]` are a list, however many there are.

    Raises:
        InvalidParameter: it is no form, or a text is not in the charset it is said to be in.
    """
    whole = _headers(f"Content-Type: {content_type}")
    parts = list(_parts(whole.get_boundary(), body))
    named = [(_name(part), part) for part in parts]
    declared = next((part.data.decode("ascii", "replace") for name, part in named if name == "_charset_"), None)
    charset = declared or str(whole.get_param("charset") or _UTF_8)
    fields: dict[str, Any] = {}
    for name, part in named:
        if name != "_charset_":
            for value in _values(name, part, charset):
                _put(fields, name, value)
    return fields


def read_urlencoded(content_type: str, body: bytes) -> dict[str, Any]:
    """Texts, by their fields' names; those whose name ends in `[]` are a list.

    Raises:
        InvalidParameter: it is no form.
    """
    charset = _charset(str(_headers(f"Content-Type: {content_type}").get_param("charset") or _UTF_8), None)
    try:
        pairs = parse_qsl(body.decode(charset), encoding=charset, errors="strict", max_num_fields=_MOST_PARTS)
    except ValueError as error:
        raise InvalidParameter(
            f"The form's fields are not text in {charset.upper()}, or there are more than {_MOST_PARTS}.",
            fix="Send UTF-8, percent-encoded; or JSON.",
        ) from error
    fields: dict[str, Any] = {}
    for name, value in pairs:
        _put(fields, name, value)
    return fields


def _put(fields: dict[str, Any], name: str, value: str | bytes) -> None:
    before = fields.get(name)
    if name.endswith("[]"):
        fields.setdefault(name, []).append(value)
    elif isinstance(value, bytes) and before is not None:
        fields[name] = [*(before if isinstance(before, list) else [before]), value]
    else:
        fields[name] = value


def _parts(boundary: str | None, body: bytes) -> Iterator[_Part]:
    """Each part between two delimiters; what comes before the first and after the last is left out."""
    delimiter = b"--" + _boundary(boundary, body)
    opening = re.compile(rb"(?:\A|\n)" + re.escape(delimiter) + rb"(?:(--)|[ \t]*(\r?\n))")
    first = opening.search(body)
    if first is None:
        raise _broken(f"its delimiter {delimiter[:80].decode('latin-1')!r} is not in it")
    if first[1]:
        return
    # The line ends as the first did. What ends a line otherwise is part of a file.
    closing = re.compile(re.escape(first[2] + delimiter) + rb"(?:(--)|-?\Z|[ \t]*\r?\n)")
    begin, count = first.end(), 0
    while True:
        count += 1
        if count > _MOST_PARTS:
            raise _broken(f"it has more than {_MOST_PARTS} parts")
        # One line end may be that of a delimiter and of the next, with nothing between them.
        found = closing.search(body, begin - len(first[2]))
        if found is None or found.start() >= begin:
            yield _part(body[begin : found.start() if found else len(body)], is_last=found is None)
        if found is None or found[1] or found.end() == len(body):
            return
        begin = found.end()


def _boundary(boundary: str | None, body: bytes) -> bytes:
    """As the header says; a client that was told the type alone has forgotten it there, and the form begins with it."""
    if boundary:
        return boundary.encode("utf-8", "surrogateescape")
    found = _FIRST_LINE.match(body)
    if found is None:
        raise _broken("its Content-Type names no `boundary`")
    return found[1]


def _part(content: bytes, *, is_last: bool) -> _Part:
    """Args: is_last: the form ended without a delimiter."""
    blank = _BLANK_LINE.search(content, 0, _MOST_HEADERS)
    if blank is None:
        raise _broken("a part has no blank line after its headers")
    head, data = content[: blank.start()], content[blank.end() :]
    # Parameters are read in a time that grows with the square of their number.
    if head.count(b";") > _MOST_PARAMETERS:
        raise _broken(f"a part's headers have more than {_MOST_PARAMETERS} parameters")
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    part = _Part(_headers(text), data)
    if is_last and not _is_file(part):
        return _Part(part.headers, data.removesuffix(b"\n").removesuffix(b"\r"))
    return part


def _headers(text: str) -> Message:
    return HeaderParser().parsestr(text)


def _name(part: _Part) -> str:
    name = part.parameter("name")
    if not name:
        raise _broken("a part has no `name`")
    return name


def _values(name: str, part: _Part, charset: str) -> Iterator[str | bytes]:
    """None where nothing was written or chosen; several where a field's files are a multipart of their own."""
    if part.kind is not None and part.kind.startswith("multipart/"):
        for each in _parts(part.headers.get_boundary(), part.data):
            yield _decoded(each)
        return
    data = _decoded(part)
    if _is_file(part) or _holds_picture(name, data):
        if data or part.parameter("filename") != "":
            yield data
    elif data:
        yield _text(data, str(part.parameter("charset", "content-type") or charset), name)


def _is_file(part: _Part) -> bool:
    """Told by a file name, in either form, or by a type that is no text's."""
    return part.parameter("filename") is not None or bool(part.kind and not _TEXT_KINDS.fullmatch(part.kind))


def _holds_picture(name: str, data: bytes) -> bool:
    """Whether a part that says nothing of itself is a file all the same."""
    if b"\0" in data:
        try:
            return bool(sniff(data))
        except DarkroomError:
            pass
    if not _PICTURES.fullmatch(name):
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return False


def _decoded(part: _Part) -> bytes:
    encoding = str(part.headers.get("content-transfer-encoding", "")).strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(part.data)
    if encoding != "base64":
        return part.data
    try:
        return base64.b64decode(b"".join(part.data.split()), validate=True)
    except binascii.Error as error:
        raise _broken("a part that says it is base64 is not") from error


def _text(data: bytes, charset: str, name: str) -> str:
    charset = _charset(charset, name)
    try:
        return data.decode("utf-8-sig" if charset == _UTF_8 else charset)
    except UnicodeDecodeError as error:
        raise InvalidParameter(
            f"`{name[:64]}` is not text in {charset.upper()}.",
            fix="Send it in UTF-8, or name its charset in the part's Content-Type (`text/plain; charset=…`).",
            param=name,
        ) from error


def _charset(named: str, param: str | None) -> str:
    lowered = named.strip().lower()
    if not _CHARSETS.fullmatch(lowered) or not _is_known(lowered):
        raise InvalidParameter(f"The charset {named[:40]!r} is not known here.", fix="Send UTF-8.", param=param)
    name = codecs.lookup(lowered).name
    # UTF-8 has ASCII in it; and latin-1 is what browsers take it for.
    return {"ascii": _UTF_8, "iso8859-1": "cp1252"}.get(name, name)


def _is_known(charset: str) -> bool:
    try:
        codecs.lookup(charset)
    except LookupError:
        return False
    return True


def _broken(why: str) -> InvalidParameter:
    return InvalidParameter(f"The multipart form is broken: {why}.", fix="Let an HTTP client build the form.")
