"""What requests say, in each of the forms in which clients write it."""

import gzip
import json
import zlib
from typing import Any

import httpx
import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from darkroom.errors import DarkroomError, InvalidParameter, PayloadTooLarge, UnsupportedMediaType
from darkroom.http.body import Request, json_object
from tests.events import http_event


def _event(
    body: bytes | str,
    content_type: str | None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> APIGatewayProxyEventV2:
    return APIGatewayProxyEventV2(
        http_event("POST", "/who", body=body, content_type=content_type, headers=headers, query=query)
    )


def _body(body: bytes | str, content_type: str | None, **headers: str) -> dict[str, Any]:
    return Request.of(_event(body, content_type, {name.replace("_", "-"): each for name, each in headers.items()})).body


def _form_of(*parts: tuple[str, str | bytes]) -> dict[str, Any]:
    """The fields of a form as httpx builds it; bytes are files."""
    sent = [(name, ("a.png", value) if isinstance(value, bytes) else (None, value)) for name, value in parts]
    built = httpx.Request("POST", "https://x.example", files=sent)
    return _body(built.read(), built.headers["content-type"])


def test_of_texts_with_one_name_the_last_counts_and_of_files_all() -> None:
    assert _form_of(("image", b"a"), ("n", "1"), ("n", "2"), ("image", b"b")) == {"image": [b"a", b"b"], "n": "2"}


def test_fields_whose_name_ends_in_brackets_are_lists_in_their_order() -> None:
    parts = (("image[]", b"a"), ("fallback_models[]", "x"), ("image[]", b"b"), ("image[]", "upl_1"), ("image", b"c"))
    assert _form_of(*parts) == {"image[]": [b"a", b"b", "upl_1"], "fallback_models[]": ["x"], "image": b"c"}
    assert _form_of(("image[0]", b"a"), ("image[]", b"")) == {"image[0]": b"a", "image[]": [b""]}


def test_empty_text_in_a_form_is_as_good_as_absent() -> None:
    assert _form_of(("prompt", ""), ("tags[]", ""), ("n", "2")) == {"n": "2"}


@pytest.mark.parametrize("size", [0, 5_000_000])
def test_files_of_any_size_come_as_bytes(size: int) -> None:
    data = bytes(range(256)) * (size // 256)
    assert _form_of(("image[]", data), ("image", data)) == {"image[]": [data], "image": data}


PROMPT = {"prompt": "un café, la nuit"}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "APPLICATION/JSON ; Charset=UTF-8",
        "application/json, application/json",
        "application/vnd.api+json",
        "text/json",
        "text/plain;charset=UTF-8",  # fetch() with a string
        "application/x-www-form-urlencoded",  # curl -d
        "application/octet-stream",
        "",
        None,
    ],
)
@pytest.mark.parametrize("before", ["", "\ufeff", "\r\n  "])
def test_json_is_json_whatever_it_is_called(content_type: str | None, before: str) -> None:
    body = (before + json.dumps(PROMPT, ensure_ascii=False)).encode()
    assert _body(body, content_type) == PROMPT
    assert json_object(_event(body, content_type)) == PROMPT


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_json_in_another_encoding_of_unicode_is_read(encoding: str) -> None:
    assert _body(json.dumps(PROMPT, ensure_ascii=False).encode(encoding), "application/json") == PROMPT


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/json; charset=iso-8859-1", None]
)
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "shift_jis"])
def test_json_that_is_not_unicode_is_refused(content_type: str | None, encoding: str) -> None:
    text = "夜のカフェ" if encoding == "shift_jis" else PROMPT["prompt"]
    body = json.dumps({"prompt": text}, ensure_ascii=False).encode(encoding)
    event = _event(body, content_type)
    for read in (Request.of, json_object):
        with pytest.raises(InvalidParameter, match="not UTF-8") as refused:
            read(event)
        assert refused.value.charged is False


def test_what_api_gateway_put_in_a_bytes_place_is_told_from_what_was_written() -> None:
    sent = json.dumps(PROMPT, ensure_ascii=False).encode("latin-1")
    replaced = sent.decode(errors="replace")
    with pytest.raises(InvalidParameter, match="not UTF-8"):
        _body(replaced, "application/json", content_length=str(len(sent)))
    meant = json.dumps({"prompt": "a \ufffd sign"}, ensure_ascii=False)
    length = str(len(meant.encode()))
    assert _body(meant, "application/json", content_length=length) == {"prompt": "a \ufffd sign"}


DEEP = pytest.param(b"[" * 100_000, id="deep")


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b'{"a": NaN}', b'{"a": "\\ud800"}', DEEP, b"nul"])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidParameter, match=r"JSON|empty"):
        _body(body, "application/json")
    with pytest.raises(InvalidParameter, match=r"JSON|empty"):
        json_object(_event(body, "application/json"))


@pytest.mark.parametrize(
    "content_type", ["image/png", "multipart/form-data; boundary=x", "application/pdf", "text/csv"]
)
def test_a_route_of_json_alone_takes_nothing_else(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        json_object(_event(b"\x89PNG", content_type))


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_json_under_a_forms_name_is_json_and_a_form_that_begins_like_it_is_a_form(kind: str) -> None:
    assert _body(json.dumps(PROMPT, indent=1).encode(), kind) == PROMPT
    form = b'{ a preamble\r\n--x\r\nContent-Disposition: form-data; name="n"\r\n\r\n2\r\n--x--'
    if "boundary" in kind:
        assert _body(form, kind) == {"n": "2"}


def test_fields_may_come_urlencoded() -> None:
    body = "prompt=un+caf%C3%A9&n=2&quality=&stream=false&fallback_models%5B%5D=a&fallback_models%5B%5D=b"
    expected = {"prompt": "un café", "n": "2", "stream": "false", "fallback_models[]": ["a", "b"]}
    assert _body(body.encode(), "application/x-www-form-urlencoded") == expected
    assert _body(b"prompt=caf%E9", "application/x-www-form-urlencoded; charset=ISO-8859-1") == {"prompt": "café"}


@pytest.mark.parametrize("body", [b"prompt=caf%E9", b"prompt=caf\xe9", b"a&" * 2000])
def test_an_urlencoded_form_that_is_no_text_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidParameter, match="not text in UTF-8"):
        _body(body, "application/x-www-form-urlencoded")


@pytest.mark.parametrize("content_type", ["image/png", "Image/PNG", "application/octet-stream", "", None])
def test_a_file_may_be_the_body(content_type: str | None) -> None:
    assert _body(b"\x89PNG\xff", content_type) == {"image": b"\x89PNG\xff"}


@pytest.mark.parametrize("content_type", ["text/html", "application/pdf", "audio/mpeg", "text/plain"])
def test_a_body_of_another_kind_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        _body(b"x", content_type)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(json.dumps(PROMPT).encode(), mtime=0)),
        ("GZIP", gzip.compress(json.dumps(PROMPT).encode(), mtime=0)),
        ("deflate", zlib.compress(json.dumps(PROMPT).encode())),
        ("identity", json.dumps(PROMPT).encode()),
    ],
)
def test_a_compressed_body_is_unpacked(coding: str, packed: bytes) -> None:
    assert _body(packed, "application/json", content_encoding=coding) == PROMPT


@pytest.mark.parametrize(
    ("coding", "packed", "error"),
    [
        ("br", b"x", UnsupportedMediaType),
        ("gzip, gzip", b"x", UnsupportedMediaType),
        ("gzip", b'{"prompt": "x"}', InvalidParameter),
        ("gzip", gzip.compress(b"{}" + b" " * 1000, mtime=0)[:-9], InvalidParameter),
        ("gzip", gzip.compress(b" " * 200_000_000, compresslevel=1, mtime=0), PayloadTooLarge),
    ],
)
def test_a_compressed_body_is_bounded_and_whole(coding: str, packed: bytes, error: type[DarkroomError]) -> None:
    with pytest.raises(error):
        _body(packed, "application/json", content_encoding=coding)


def test_unknown_fields_of_the_query_are_ignored_and_the_bodys_are_not() -> None:
    event = _event(b'{"a": 1, "c": 2}', "application/json", query={"api-version": "2026-01-01", "a": "9", "b": "3"})
    assert Request.of(event).fields({"a", "b"}) == {"a": 1, "b": "3", "c": 2}
    assert Request.of(event).fields(lambda name: name == "a") == {"a": 1, "c": 2}
