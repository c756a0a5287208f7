"""Pictures in chats: a provider gets a file written here, and never more of them than can be decoded in time."""

import base64
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from darkroom.errors import ImageTooLarge, UnreadableImage, UnsupportedImage
from darkroom.services.inputs.chat_pictures import rewritten
from tests.photos import load, save
from tests.unit.images.test_containers import EXACT, NEAR, UNSUPPORTED, WARNED, assert_is_sound, case


def url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def body(*urls: str, **fields: Any) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": each, "detail": "low"}} for each in urls]
    return {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Look"}, *parts]}],
        **fields,
    }


def sent(found: dict[str, Any], number: int = 1) -> tuple[str, bytes]:
    head, _, payload = found["messages"][0]["content"][number]["image_url"]["url"].partition(",")
    return head, base64.b64decode(payload)


@pytest.mark.parametrize("name", [*EXACT, *NEAR])
def test_a_provider_gets_a_sound_file(name: str) -> None:
    given = body(url(case(name)))
    found, warnings = rewritten(given)
    head, data = sent(found)
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    assert (head == "data:image/jpeg;base64") == (name.endswith((".jpg", ".heic")))
    assert_is_sound(data)
    assert load(data).size == (192, 256)
    assert [WARNED[name] in said for said in warnings if name in WARNED].count(True) == (name in WARNED)
    assert found["messages"][0]["content"][1]["image_url"]["detail"] == "low"
    assert given == body(url(case(name))), "what came is not changed"


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_supported_is_told_from_what_is_damaged(name: str) -> None:
    with pytest.raises(UnsupportedImage) as refused:
        rewritten(body(url(case(name))))
    assert (refused.value.status, refused.value.charged) == (415, False)


def _spelled() -> dict[str, str]:
    text = base64.b64encode(case("no_eoi.jpg")).decode()
    lines = "\r\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    return {
        "URL-safe": f"data:image/jpeg;base64,{text.translate(str.maketrans('+/', '-_'))}",
        "without padding": f"data:image/jpeg;base64,{text.rstrip('=')}",
        "in lines": f"data:image/jpeg;base64,{lines}",
        "percent-encoded": f"data:image/jpeg;base64,{quote(text, safe='')}",
        "in capitals": f"DATA:IMAGE/JPG;BASE64,{text}",
        "with a charset": f"data:image/jpg;charset=utf-8;base64,{text}",
    }


@pytest.mark.parametrize("spelling", _spelled())
def test_every_spelling_of_a_data_url(spelling: str) -> None:
    found, warnings = rewritten(body(_spelled()[spelling]))
    assert sent(found)[0] == "data:image/jpeg;base64"
    assert_is_sound(sent(found)[1])
    assert warnings


def test_other_ways_of_naming_pictures() -> None:
    shown = url(case("greyicc_in_rgb.png"))
    given = {
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": shown}]},
            {"role": "assistant", "content": "Words", "images": [{"type": "image_url", "image_url": {"url": shown}}]},
        ]
    }
    found, _ = rewritten(given)
    for each in (
        found["messages"][0]["content"][0]["image_url"]["url"],
        found["messages"][1]["images"][0]["image_url"]["url"],
    ):
        assert_is_sound(base64.b64decode(each.partition(",")[2]))


@pytest.mark.parametrize(
    "other", ["https://example.com/a.png", url(b"%PDF-1.7", "application/pdf"), "data:text/plain,hi"]
)
def test_what_is_no_picture_of_ours_stays(other: str) -> None:
    assert rewritten(body(other, tools=[{"a": 1}])) == (body(other, tools=[{"a": 1}]), ())


def test_pictures_that_cannot_be_read_are_refused_before_anything_is_spent() -> None:
    for data, error in ((case("jpeg12.jpg"), UnsupportedImage), (case("no_eoi.jpg")[:9000], UnreadableImage)):
        with pytest.raises(error) as refused:
            rewritten(body(url(data)))
        assert (refused.value.param, refused.value.charged) == ("messages", False)


def test_many_large_pictures_in_few_bytes_are_refused_by_their_headers() -> None:
    large = url(save(Image.new("L", (8000, 8000)), "PNG"))
    with pytest.raises(ImageTooLarge, match="together") as refused:
        rewritten(body(*[large] * 3))
    assert refused.value.param == "messages"
