from typing import Any

import httpx
import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from darkroom.errors import InvalidParameter
from darkroom.request_body import Request
from tests.events import http_event


def _form_of(*parts: tuple[str, str | bytes]) -> dict[str, Any]:
    """The fields of a form as httpx builds it; bytes are files."""
    sent = [(name, ("a.png", value) if isinstance(value, bytes) else (None, value)) for name, value in parts]
    built = httpx.Request("POST", "https://x.example", files=sent)
    event = http_event("POST", "/who", body=built.read(), content_type=built.headers["content-type"])
    return Request.of(APIGatewayProxyEventV2(event)).fields


def test_of_texts_with_one_name_the_last_counts_and_of_files_all() -> None:
    assert _form_of(("image", b"a"), ("n", "1"), ("n", "2"), ("image", b"b")) == {"image": [b"a", b"b"], "n": "2"}


def test_fields_whose_name_ends_in_brackets_are_lists_in_their_order() -> None:
    parts = (("image[]", b"a"), ("fallback_models[]", "x"), ("image[]", b"b"), ("image[]", "upl_1"), ("image", b"c"))
    assert _form_of(*parts) == {"image[]": [b"a", b"b", "upl_1"], "fallback_models[]": ["x"], "image": b"c"}
    assert _form_of(("image[0]", b"a"), ("image[]", b"")) == {"image[0]": b"a", "image[]": [b""]}


def test_empty_text_in_a_form_stays() -> None:
    assert _form_of(("prompt", ""), ("tags[]", "")) == {"prompt": "", "tags[]": [""]}


@pytest.mark.parametrize("size", [0, 5_000_000])
def test_files_of_any_size_come_as_bytes(size: int) -> None:
    data = bytes(range(256)) * (size // 256)
    assert _form_of(("image[]", data), ("image", data)) == {"image[]": [data], "image": data}


@pytest.mark.parametrize(
    "body",
    [
        b"junk",
        b"--x\r\n\r\nabc",
        b'--x\r\nContent-Disposition: form-data; name="a[]"\r\n\r\n\xff\r\n--x--',
        b'--x\r\nContent-Disposition: form-data; name="\xff[]"\r\n\r\na\r\n--x--',
    ],
)
def test_a_broken_form_is_the_callers_mistake(body: bytes) -> None:
    event = http_event("POST", "/who", body=body, content_type="multipart/form-data; boundary=x")
    with pytest.raises(InvalidParameter, match="form is broken"):
        Request.of(APIGatewayProxyEventV2(event))
