"""Forms, built in every way in which clients build them, and read to the same fields."""

import base64
import quopri
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import InvalidParameter
from darkroom.http.form_data import read_multipart, read_urlencoded

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF"
TYPE = "multipart/form-data; boundary=BB"

Fields = dict[str, str | bytes]


@dataclass(frozen=True)
class Style:
    """How a client writes a form. Args: files: what tells that a part is a file."""

    end: bytes = b"\r\n"
    boundary: str = "BB"
    quoted: bool = False
    named: bool = True
    preamble: bytes = b""
    epilogue: bytes = b""
    closed: Literal["closed", "newline", "open"] = "newline"
    files: Literal["filename", "filename*", "both", "type", "base64", "quoted-printable"] = "filename"
    charset: str | None = None
    padding: bytes = b""
    capitals: bool = False

    @property
    def content_type(self) -> str:
        kind = "Multipart/Form-Data" if self.capitals else "multipart/form-data"
        if not self.named:
            return kind
        boundary = f'"{self.boundary}"' if self.quoted else self.boundary
        return f"{kind}; {'Boundary' if self.capitals else 'boundary'}={boundary}"

    def build(self, fields: Fields) -> bytes:
        delimiter = b"--" + self.boundary.encode()
        parts = [
            delimiter + self.padding + self.end + self._headers(name, value) + self.end + self._content(value)
            for name, value in fields.items()
        ]
        closing = {
            "closed": self.end + delimiter + b"--",
            "newline": self.end + delimiter + b"--" + self.padding + self.end,
            "open": b"",
        }
        return self.preamble + self.end.join(parts) + closing[self.closed] + self.epilogue

    def _headers(self, name: str, value: str | bytes) -> bytes:
        disposition = f'form-data; name="{name}"'
        lines = []
        if isinstance(value, bytes):
            if self.files in ("filename", "both", "base64", "quoted-printable"):
                disposition += '; filename="a;b \\"c\\".png"'
            if self.files in ("filename*", "both"):
                disposition += "; filename*=UTF-8''%E2%80%AFPM.png"
            lines.append("content-type: image/png" if self.capitals else "Content-Type: image/png")
            if self.files in ("base64", "quoted-printable"):
                lines.append(f"Content-Transfer-Encoding: {self.files}")
        elif self.charset:
            lines.append(f"Content-Type: text/plain; charset={self.charset}")
        name_of = "CONTENT-DISPOSITION" if self.capitals else "Content-Disposition"
        return b"".join(line.encode() + self.end for line in (f"{name_of}: {disposition}", *lines))

    def _content(self, value: str | bytes) -> bytes:
        if isinstance(value, str):
            return value.encode(self.charset or "utf-8")
        if self.files == "base64":
            return base64.encodebytes(value)
        return quopri.encodestring(value) if self.files == "quoted-printable" else value


styles = st.builds(
    Style,
    end=st.sampled_from([b"\r\n", b"\n"]),
    boundary=st.from_regex(r"[A-Za-z0-9'()+_,./:=?-]{1,40}[A-Za-z0-9]", fullmatch=True),
    quoted=st.just(True),
    named=st.just(True),
    preamble=st.sampled_from([b"", b"\r\n", b"This is a multi-part message in MIME format.\r\n", b"--not it\n"]),
    epilogue=st.just(b""),
    closed=st.sampled_from(["closed", "newline"]),
    files=st.sampled_from(["filename", "filename*", "both", "type", "base64"]),
    padding=st.sampled_from([b"", b" \t"]),
    capitals=st.booleans(),
)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}(\[[0-9]{0,2}[a-z]\])?", fullmatch=True).filter(
    lambda name: name != "_charset_"
)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(
    lambda text: not text.startswith("\ufeff")
)
files = st.binary(max_size=200).map(lambda data: PNG + data) | st.just(b"\r\n--BB\r\n\r--BB--\n" + JPEG)


@given(style=styles, fields=st.dictionaries(names, texts | files, max_size=6))
def test_a_form_is_read_to_the_same_fields_however_it_is_written(style: Style, fields: Fields) -> None:
    delimiter = b"--" + style.boundary.encode()
    written = style.build(fields)
    if written.count(delimiter) != len(fields) + 1:
        return  # A value happens to hold the delimiter, which no client would have chosen.
    if not fields:
        written = style.preamble + delimiter + b"--"
    assert read_multipart(style.content_type, written) == fields


@given(
    st.binary(max_size=400), st.sampled_from([TYPE, "multipart/form-data", "multipart/form-data; boundary=", "x;;="])
)
def test_whatever_is_sent_is_a_form_or_a_clear_mistake(junk: bytes, content_type: str) -> None:
    for body in (junk, b"--BB\r\n" + junk, b'--BB\r\nContent-Disposition: form-data; name="a"\r\n' + junk):
        try:
            fields = read_multipart(content_type, body)
        except InvalidParameter:
            continue
        assert all(isinstance(value, str | bytes | list) for value in fields.values())


def test_a_form_in_line_feeds_keeps_a_files_carriage_returns() -> None:
    fields: Fields = {"image": PNG + b"\r", "mask": b"\r\n\r\n" + PNG + b"\n\r"}
    for end in (b"\r\n", b"\n"):
        assert read_multipart(TYPE, Style(end=end).build(fields)) == fields


def test_without_the_last_delimiter_the_form_ends_with_the_body() -> None:
    assert read_multipart(TYPE, Style(closed="open").build({"n": "2", "image": JPEG})) == {"n": "2", "image": JPEG}
    written = Style(closed="open").build({"image": JPEG, "prompt": "a fox"})
    assert read_multipart(TYPE, written + b"\r\n") == {"image": JPEG, "prompt": "a fox"}
    for cut in (b"\r\n--BB", b"\r\n--BB-"):
        assert read_multipart(TYPE, written + cut) == {"image": JPEG, "prompt": "a fox"}


def test_what_comes_after_the_last_delimiter_is_left_out() -> None:
    written = Style(epilogue=b"bye\r\n--BB\r\nContent-Disposition: form-data; name=n\r\n\r\n9\r\n").build({"n": "2"})
    assert read_multipart(TYPE, written) == {"n": "2"}


def test_a_boundary_that_the_header_forgot_is_the_forms_first_line() -> None:
    fields: Fields = {"prompt": "a fox", "image": PNG}
    written = Style(boundary="----WebKitFormBoundaryAbC").build(fields)
    assert read_multipart("multipart/form-data", written) == fields


@pytest.mark.parametrize("name", ["image", "image[]", "image[0]", "images", "mask", "background_image"])
@pytest.mark.parametrize("data", [PNG, JPEG, b"%PDF-1.7 \xe2\xe3", b"\xff\xfe"])
def test_a_part_without_file_name_and_type_is_a_file_if_its_field_takes_files(name: str, data: bytes) -> None:
    """Guzzle writes it so, and `requests` of `(None, data)`."""
    body = f'--BB\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + data + b"\r\n--BB--\r\n"
    assert read_multipart(TYPE, body) == {name: [data] if name.endswith("[]") else data}


@pytest.mark.parametrize("data", [PNG, JPEG, b"GIF89a\x01\0\x01\0", b"RIFF\x04\0\0\0WEBPVP8 ", b"BM\x46\0\0\0\0\0\0\0"])
def test_a_picture_is_a_file_in_whichever_field(data: bytes) -> None:
    body = b'--BB\r\nContent-Disposition: form-data; name="photo"\r\n\r\n' + data + b"\r\n--BB--\r\n"
    assert read_multipart(TYPE, body) == {"photo": data}


@pytest.mark.parametrize("text", ["BMW in the snow", "GIF89a as a word", "II*", "%PDF"])
def test_text_that_begins_like_a_file_is_text(text: str) -> None:
    body = f'--BB\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n{text}\r\n--BB--\r\n'
    assert read_multipart(TYPE, body.encode()) == {"prompt": text}


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.api+json; charset=utf-8", "TEXT/PLAIN"])
def test_json_in_a_part_of_its_own_is_text(kind: str) -> None:
    body = f'--BB\r\nContent-Disposition: form-data; name="provider"\r\nContent-Type: {kind}\r\n\r\n{{}}\r\n--BB--\r\n'
    assert read_multipart(TYPE, body.encode()) == {"provider": "{}"}


def _two(first: str, second: str) -> dict[str, Any]:
    return read_multipart(TYPE, f"--BB\r\n{first}\r\n--BB\r\n{second}\r\n--BB--\r\n".encode())


TEXT = 'Content-Disposition: form-data; name="prompt"\r\n\r\na fox'


@pytest.mark.parametrize("kind", ["", "\r\nContent-Type: application/octet-stream", "\r\nContent-Type: image/png"])
def test_a_file_input_for_which_nothing_was_chosen_is_absent(kind: str) -> None:
    assert _two(TEXT, f'Content-Disposition: form-data; name="mask"; filename=""{kind}\r\n\r\n') == {"prompt": "a fox"}


def test_a_file_that_is_empty_is_a_file() -> None:
    part = 'Content-Disposition: form-data; name="mask"; filename="mask.png"\r\n\r\n'
    assert _two(TEXT, part) == {"prompt": "a fox", "mask": b""}


def test_a_part_that_holds_nothing_may_lack_the_blank_line() -> None:
    body = b'--BB\r\nContent-Disposition: form-data; name="mask"; filename="m"\r\n\r\n--BB--'
    assert read_multipart(TYPE, body) == {"mask": b""}


@pytest.mark.parametrize("charset", ["ISO-8859-1", "windows-1252", "latin1", "UTF-8", "utf-16"])
def test_text_is_read_in_the_charset_that_its_part_names(charset: str) -> None:
    assert read_multipart(TYPE, Style(charset=charset).build({"prompt": "café"})) == {"prompt": "café"}


def test_text_is_read_in_the_charset_that_the_form_names() -> None:
    body = Style().build({"_charset_": "windows-1252"})[: -len(b"\r\n--BB--\r\n")] + b"\r\n"
    rest = b'--BB\r\nContent-Disposition: form-data; name="prompt"\r\n\r\ncaf\xe9\r\n--BB--'
    assert read_multipart(TYPE, body + rest) == {"prompt": "café"}
    assert read_multipart(f"{TYPE}; charset=ISO-8859-1", rest) == {"prompt": "café"}


@pytest.mark.parametrize(
    "charset", ["", "; charset=klingon", "; charset=punycode", "; charset=base64", "; charset=ascii"]
)
def test_text_that_cannot_be_read_is_refused_by_name(charset: str) -> None:
    part = f'Content-Disposition: form-data; name="prompt"\r\nContent-Type: text/plain{charset}'
    with pytest.raises(InvalidParameter, match=r"prompt|charset") as refused:
        read_multipart(TYPE, b"--BB\r\n" + part.encode() + b"\r\n\r\ncaf\xe9\r\n--BB--")
    assert refused.value.param == "prompt"
    assert "UTF-8" in refused.value.fix


def test_a_fields_name_may_be_in_latin_1() -> None:
    body = b'--BB\r\nContent-Disposition: form-data; name="caf\xe9"\r\n\r\nx\r\n--BB--'
    assert read_multipart(TYPE, body) == {"café": "x"}


def test_files_of_one_field_may_be_a_multipart_of_their_own() -> None:
    inner = b"".join(
        b"--CC\r\nContent-Disposition: file; filename=a\r\nContent-Type: image/png\r\n\r\n" + each + b"\r\n"
        for each in (PNG, JPEG)
    )
    head = b'--BB\r\nContent-Disposition: form-data; name="image"\r\nContent-Type: multipart/mixed; boundary=CC\r\n\r\n'
    assert read_multipart(TYPE, head + inner + b"--CC--\r\n--BB--\r\n") == {"image": [PNG, JPEG]}


@pytest.mark.parametrize(
    ("content_type", "body", "why"),
    [
        (TYPE, b"junk", "is not in it"),
        (TYPE, b"--CC\r\n\r\na\r\n--CC--", "is not in it"),
        ("multipart/form-data", b"junk", "names no `boundary`"),
        (TYPE, b"--BB\r\nno header\r\n--BB--", "no blank line"),
        (TYPE, b"--BB\r\nContent-Disposition: form-data\r\n\r\na\r\n--BB--", "has no `name`"),
        (TYPE, b"--BB\r\n\r\na\r\n--BB--", "has no `name`"),
        (TYPE, b"--BB\r\na--BB--", "no blank line"),
        (TYPE, b"--BB\r\nContent-Disposition: form-data; name=a" + b";a=b" * 65 + b"\r\n\r\nb\r\n--BB--", "parameters"),
        (TYPE, b'--BB\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' * 1001 + b"--BB--", "more than 1000"),
        (
            TYPE,
            b'--BB\r\nContent-Disposition: form-data; name="image"; filename=a\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n!\r\n--BB--",
            "base64",
        ),
    ],
)
def test_a_broken_form_is_refused_with_what_is_wrong(content_type: str, body: bytes, why: str) -> None:
    with pytest.raises(InvalidParameter, match=f"form is broken.*{why}"):
        read_multipart(content_type, body)


@given(st.dictionaries(names, texts, max_size=6))
def test_an_urlencoded_form_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    assert read_urlencoded("application/x-www-form-urlencoded", urlencode(fields).encode()) == fields
