"""Whatever a person would recognize as the picture is the picture; and nothing that a provider sends does any harm."""

import base64
import io
import json
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from darkroom.errors import DarkroomError, UrlRefused, UrlUnreachable
from darkroom.models.chat import ChatMessage, ChatRequest, CompletionRequest
from darkroom.models.generation import GenerationRequest, RawAnswer
from darkroom.net.http1 import Headers
from darkroom.ports import Provider
from darkroom.providers import ProviderSettings, load
from darkroom.providers._pictures import MAX_PICTURE_BYTES, follow

NAMES = ("openrouter", "openai", "gemini")


def _drawn(form: str = "PNG", side: int = 24) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 90).convert("RGB").save(buffer, form)
    return buffer.getvalue()


PNG = _drawn()
B64 = base64.b64encode(PNG).decode()
URL_SAFE = base64.urlsafe_b64encode(PNG).decode()
ADDRESS = "https://cdn.example.com/x.png"
SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>"


class Shelf:
    """What lies at addresses; counts who asks."""

    def __init__(self, found: dict[str, bytes | DarkroomError] | None = None) -> None:
        self.found = {ADDRESS: PNG} if found is None else found
        self.asked: list[str] = []

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        assert max_bytes == MAX_PICTURE_BYTES
        self.asked.append(url)
        found = self.found.get(url, UrlUnreachable("The host's name does not resolve."))
        if isinstance(found, DarkroomError):
            raise found
        return found


def provider(name: str, shelf: Shelf | None = None) -> Provider:
    return load(name)(ProviderSettings(fetcher=shelf))


def raw(body: Any, media_type: str = "application/json") -> RawAnswer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RawAnswer(body=content, media_type=media_type, complete=True)


def painted(body: Any, *, name: str = "openrouter", n: int = 1, shelf: Shelf | None = None, **more: Any) -> Any:
    model = {"openrouter": "x/y", "openai": "openai/gpt-image-2", "gemini": "google/gemini-2.5-flash-image"}[name]
    request = GenerationRequest(model=model, prompt="A fox", n=n)
    return provider(name, shelf or Shelf()).reread(request, raw(body, **more))


def talked(body: Any, *, shelf: Shelf | None = None, **more: Any) -> Any:
    request = ChatRequest(
        model="x/y", messages=(ChatMessage(role="user", text="A fox"),), max_completion_tokens=9, paints="also"
    )
    return provider("openrouter", shelf or Shelf()).reread_chat(request, raw(body, **more))


def said(message: Any) -> dict[str, Any]:
    return {"choices": [{"finish_reason": "stop", "message": message}], "usage": {"cost": 0.01}}


def events(*frames: Any, done: bool = True) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(frame).encode() for frame in frames) + b"data: [DONE]\n\n" * done


IN_WORDS: dict[str, Any] = {
    "a chat's Markdown": said({"content": f"Here it is:\n\n![A fox]({ADDRESS})\n"}),
    "Markdown of a data URL": said({"content": f"![A fox](data:image/png;base64,{B64}) Enjoy!"}),
    "a part of a chat's text": said({"content": [{"type": "text", "text": f"![]({ADDRESS})"}]}),
    "Google's text": {"candidates": [{"content": {"parts": [{"text": f"![a fox]({ADDRESS})"}]}}]},
    "one field of text": {"text": f'<img src="{ADDRESS}">'},
}


@pytest.mark.parametrize("words", IN_WORDS)
def test_a_picture_that_words_show_is_read_where_one_was_bought(words: str) -> None:
    found = painted(IN_WORDS[words])
    assert [image.data for image in found.images] == [PNG]


def test_a_picture_that_the_words_of_a_stream_show_is_read() -> None:
    pieces = ("Here: ![a fox](https://cdn.exam", "ple.com/x.png)")
    body = events(*({"choices": [{"delta": {"content": each}}]} for each in pieces))
    found = painted(body, media_type="text/event-stream")
    assert [image.data for image in found.images] == [PNG]


SPELLINGS = {
    "as it should be": B64,
    "line breaks": "\r\n".join(B64[at : at + 76] for at in range(0, len(B64), 76)),
    "blanks around": f"  \n{B64}\t ",
    "no padding": B64.rstrip("="),
    "too much padding": B64.rstrip("=") + "====",
    "alphabet for URLs": URL_SAFE,
    "alphabet for URLs, no padding": URL_SAFE.rstrip("="),
    "escaped twice": B64.replace("/", "\\/")[:40] + "\\n" + B64.replace("/", "\\/")[40:],
    "a mark before it": f"base64,{B64}",
    "data URL": f"data:image/png;base64,{B64}",
    "data URL of another type": f"data:application/octet-stream;base64,{B64}",
    "data URL with a charset": f"data:image/png;charset=utf-8;base64,{B64}",
    "data URL without a type": f"data:;base64,{B64}",
    "data URL in another": f"data:image/png;base64,data:image/png;base64,{B64}",
    "data URL in capitals": f"DATA:IMAGE/PNG;BASE64,{B64}",
    "data URL for URLs": f"data:image/png;base64,{URL_SAFE.rstrip('=')}",
    "data URL, its base64 percent-encoded": f"data:image/png;base64,{quote(B64, safe='')}",
    "data URL that does not say base64": f"data:image/png,{B64}",
    "data URL of percent-encoded bytes": "data:image/png," + quote(PNG),
    "data URL, all of it percent-encoded": quote(f"data:image/png;base64,{B64}", safe=""),
    "an address": ADDRESS,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_picture_is_read_in_any_spelling(spelling: str) -> None:
    for found in (
        painted({"data": [{"b64_json": SPELLINGS[spelling]}], "usage": {"cost": 0.014}}),
        painted({"data": [{"b64_json": SPELLINGS[spelling]}]}, name="openai"),
        talked(said({"content": "", "images": [{"image_url": {"url": SPELLINGS[spelling]}}]})),
    ):
        assert [image.data for image in found.images] == [PNG]
        assert found.images[0].media_type == "image/png"
        assert found.warnings == ()


DATA_URL = f"data:image/png;base64,{B64}"
PLACES: dict[str, Any] = {
    "data, b64_json": {"data": [{"b64_json": B64}]},
    "data, url": {"data": [{"url": ADDRESS}]},
    "data, null beside url": {"data": [{"b64_json": None, "url": ADDRESS}]},
    "data, both": {"data": [{"b64_json": B64, "url": "https://cdn.example.com/gone.png"}]},
    "data, base64 broken beside url": {"data": [{"b64_json": "?", "url": ADDRESS}]},
    "data of texts": {"data": [DATA_URL]},
    "data, one object": {"data": {"b64_json": B64}},
    "images of objects": {"images": [{"url": DATA_URL, "content_type": "image/png"}]},
    "images of texts": {"images": [B64]},
    "image": {"image": B64},
    "image object": {"image": {"url": ADDRESS}},
    "image_url": {"image_url": DATA_URL},
    "image_url object": {"image_url": {"url": DATA_URL}},
    "url": {"url": ADDRESS},
    "output": {"output": [ADDRESS]},
    "output text": {"output": ADDRESS, "urls": {"get": "https://api.example.com/1"}},
    "result sample": {"id": "1", "status": "Ready", "result": {"sample": ADDRESS}},
    "artifacts": {"artifacts": [{"base64": B64, "finishReason": "SUCCESS"}]},
    "responses": {"output": [{"type": "image_generation_call", "result": B64}]},
    "choices": {"choices": [{"message": {"images": [{"image_url": {"url": DATA_URL}}]}}]},
    "content parts": {"choices": [{"message": {"content": [{"type": "image_url", "image_url": {"url": DATA_URL}}]}}]},
    "a source": {"content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": B64}}]},
    "inlineData": {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": B64}}]}}]},
    "inline_data": {"candidates": [{"content": {"parts": [{"inline_data": {"mime_type": "image/png", "data": B64}}]}}]},
    "predictions": {"predictions": [{"bytesBase64Encoded": B64, "mimeType": "image/png"}]},
    "imageBytes": {"generatedImages": [{"image": {"imageBytes": B64}}]},
    "bytes": {"images": [{"bytes": B64}]},
    "in two places": {"image": B64, "images": [B64]},
    "a list": [{"b64_json": B64}],
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", PLACES)
def test_a_picture_is_found_wherever_it_stands(place: str, name: str) -> None:
    assert [image.data for image in painted(PLACES[place], name=name).images] == [PNG]


STREAMS = {
    "with a type": events({"type": "image_generation.completed", "b64_json": B64, "usage": {"cost": 0.01}}),
    "of an edit": events({"type": "image_edit.completed", "b64_json": DATA_URL, "usage": {"cost": 0.01}}),
    "without a type": events({"b64_json": B64, "usage": {"cost": 0.01}}),
    "in data": events({"data": [{"url": ADDRESS}], "usage": {"cost": 0.01}}),
    "as a chat": events({"choices": [{"delta": {"images": [{"image_url": DATA_URL}]}}], "usage": {"cost": 0.01}}),
    "without an end": events({"b64_json": B64, "usage": {"cost": 0.01}}, done=False),
    "after a draft": events(
        {"type": "image_generation.partial_image", "partial_image_index": 0, "b64_json": "AAAA"},
        {"type": "image_generation.completed", "b64_json": B64, "usage": {"cost": 0.01}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("media_type", ["text/event-stream", "application/json", ""])
@pytest.mark.parametrize("stream", STREAMS)
def test_streams_are_read_as_bodies_are(stream: str, media_type: str) -> None:
    found = painted(STREAMS[stream], media_type=media_type)
    assert ([image.data for image in found.images], found.usage.cost) == ([PNG], 10_000)


@pytest.mark.parametrize(
    "content",
    [f"Here it is: ![fox]({DATA_URL})", f"![]({ADDRESS})", f'<img alt="x" src="{DATA_URL}">', DATA_URL, B64, ADDRESS],
)  # fmt: skip
def test_a_painter_that_shows_its_picture_in_its_text_is_understood(content: str) -> None:
    assert [image.data for image in talked(said({"content": content})).images] == [PNG]


def test_the_picture_itself_is_an_answer_and_an_svg_is_one_as_text() -> None:
    assert painted(PNG, media_type="image/png").images[0].data == PNG
    assert painted({"data": [{"b64_json": SVG}]}).images[0].media_type == "image/svg+xml"
    broken_lines = b'{"data":[{"b64_json":"' + b"\n".join([B64[:50].encode(), B64[50:].encode()]) + b'"}]}'
    assert painted(broken_lines).images[0].data == PNG


def test_a_link_in_words_of_a_model_that_does_not_paint_is_not_opened() -> None:
    shelf = Shelf()
    request = ChatRequest(model="x/y", messages=(ChatMessage(role="user", text="?"),), max_completion_tokens=9)
    body = said({"content": f"![fox]({ADDRESS})", "images": [{"image_url": {"url": ADDRESS}}]})
    assert provider("openrouter", shelf).reread_chat(request, raw(body)).images == ()
    assert shelf.asked == []


class TestAddresses:
    def test_trouble_of_a_moment_is_tried_again_and_what_is_refused_is_not(self) -> None:
        shelf, waits = Shelf({}), list[float]()
        fetch = follow(shelf, sleep=waits.append)
        assert fetch is not None
        with pytest.raises(UrlUnreachable):
            fetch(ADDRESS)
        assert (len(shelf.asked), waits) == (3, [0.5, 1.0])
        refusing = Shelf({ADDRESS: UrlRefused("Only https URLs are fetched here.")})
        error = _failure(lambda: painted({"data": [{"url": ADDRESS}], "usage": {"cost": 0.01}}, shelf=refusing))
        assert (error.code, error.charged, len(refusing.asked)) == ("UNUSABLE_ANSWER", True, 1)
        assert "could not be fetched from its address. Only https" in error.detail

    def test_nobody_waits_for_pictures_for_ever(self) -> None:
        fetch = follow(Shelf(), seconds=0.0)
        assert fetch is not None
        with pytest.raises(UrlUnreachable, match="no time left"):
            fetch(ADDRESS)


def _failure(ask: Callable[[], object]) -> DarkroomError:
    with pytest.raises(DarkroomError) as raised:
        ask()
    return raised.value


class TestWhatIsNoPicture:
    @pytest.mark.parametrize(
        "data",
        [PNG[: len(PNG) // 2], PNG[:40] + b"\0" * 400, _drawn("JPEG")[:200], b"\x89PNG\r\n\x1a\n", b"RIFF\x10   WEBP"],
    )  # fmt: skip
    def test_bytes_that_do_not_decode_are_not_sold_as_one(self, data: bytes) -> None:
        body = {"data": [{"b64_json": base64.b64encode(data).decode()}], "usage": {"cost": 0.01}}
        error = _failure(lambda: painted(body))
        assert (error.code, error.charged) == ("UNUSABLE_ANSWER", True)
        assert "cannot be decoded" in error.detail

    def test_a_header_that_promises_too_many_pixels_is_not_believed(self) -> None:
        huge = bytearray(PNG)
        huge[16:24] = (60_000).to_bytes(4, "big") * 2
        huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, "big")
        error = _failure(lambda: painted({"data": [{"b64_json": base64.b64encode(bytes(huge)).decode()}]}))
        assert "IMAGE_TOO_LARGE" in error.detail

    @pytest.mark.parametrize("body", [{"data": [{}]}, {"data": [{"b64_json": 7}]}, {"data": [{"novelty": "x"}]}])
    def test_something_that_is_not_understood_is_unusable_and_nothing_is_no_picture(self, body: Any) -> None:
        assert _failure(lambda: painted(body)).code == "UNUSABLE_ANSWER"
        assert _failure(lambda: painted({"data": []})).code == "NO_IMAGE"

    @pytest.mark.parametrize(
        "body",
        [
            {"status": "Request Moderated", "result": None},
            {"choices": [{"finish_reason": "content_filter", "message": {"content": ""}}]},
            {"choices": [{"finish_reason": "stop", "native_finish_reason": "IMAGE_SAFETY", "message": {}}]},
            {"promptFeedback": {"blockReason": "OTHER"}},
            {"candidates": [{"finishReason": "PROHIBITED_CONTENT"}]},
        ],
    )
    def test_a_refusal_in_place_of_a_picture_is_a_refusal(self, body: Any) -> None:
        for name in NAMES:
            assert _failure(partial(painted, body, name=name)).code == "CONTENT_REFUSED"


class TestBounds:
    def test_of_ten_thousand_pictures_those_that_were_asked_for_are_kept(self) -> None:
        shelf = Shelf()
        many = {"data": [*[{"b64_json": B64}] * 9_000, *[{"url": ADDRESS}] * 1_000], "usage": {"cost": 0.01}}
        for name in NAMES:
            n = 1 if name == "gemini" else 2
            found = painted(many, name=name, n=n, shelf=shelf)
            assert len(found.images) == n
            assert any("more than the" in warning for warning in found.warnings)
        assert shelf.asked == []
        error = _failure(lambda: painted({"data": [{"b64_json": "?"}] * 10_000}))
        assert len(json.dumps(error.problem())) < 4_000

    @pytest.mark.parametrize("cost", ["1e999999999999", "1e-999999999999", "NaN", "Infinity", "-Infinity", "1" * 5000])
    def test_numbers_that_are_none_are_not_known(self, cost: str) -> None:
        body = f'{{"data":[{{"b64_json":"{B64}"}}],"created":{cost},"usage":{{"prompt_tokens":{cost},"cost":{cost}}}}}'
        found = painted(body.encode())
        assert (len(found.images), found.usage.cost in (None, 0)) == (1, True)

    def test_labels_are_cut_and_ids_are_whole_or_none(self) -> None:
        long = "x" * 100_000
        request = ChatRequest(model="x/y", messages=(ChatMessage(role="user", text="?"),), max_completion_tokens=9)
        choice = {"finish_reason": long, "native_finish_reason": long, "message": {"content": long * 9}}
        answer = raw({"model": long, "provider": long, "choices": [choice], "usage": {"cost": 0}})
        found = provider("openrouter").reread_chat(request, answer.model_copy(update={"generation_id": long}))
        assert found.call.generation_id is None
        assert len(found.model_dump_json()) < 80_000
        lone = provider("openrouter").reread_chat(request, raw(b'{"choices":[{"message":{"content":"a\\ud800b"}}]}'))
        assert lone.text == "a?b"

    def test_what_is_passed_on_is_json_again(self) -> None:
        request = CompletionRequest(model="x/y", body={}, max_completion_tokens=9)
        body = b'{"choices":[{"message":{"content":"Hi"}}],"a":1e999,"b":NaN,"c":-Infinity,"d":0.5,"e":%b}' % (
            b"9" * 6000
        )
        found = provider("openrouter").reread_completion(request, raw(body)).body
        assert json.loads(json.dumps(found, allow_nan=False))["d"] == 0.5
        assert [found[name] for name in "abce"] == [None] * 4

    def test_a_body_of_millions_of_values_is_not_even_read(self) -> None:
        error = _failure(lambda: painted(b'{"data":[' + b"{}," * 1_500_000 + b"{}]}"))
        assert (error.code, error.charged) == ("UNUSABLE_ANSWER", "unknown")
        assert _failure(lambda: painted(b"[" * 200_000)).code == "UNUSABLE_ANSWER"


_NAMED = """
    data images image b64_json url image_url usage cost error code message type choices delta content
    finish_reason metadata raw candidates parts inlineData status usageMetadata promptTokenCount model provider
    created details availability
    param
"""
WORDS = st.sampled_from(_NAMED.split())
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from([B64, DATA_URL, ADDRESS, "stop", "SAFETY", "429", "\ud800", "http://10.0.0.1/x", "x" * 3000])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)


@given(value=VALUES, as_events=st.booleans(), n=st.integers(1, 3))
def test_nothing_that_a_provider_sends_is_more_than_an_error(value: Any, as_events: bool, n: int) -> None:
    body = json.dumps(value).encode() if not as_events else events(value, value)
    for name in NAMES:
        try:
            found = painted(body, name=name, n=n, shelf=Shelf())
        except DarkroomError as error:
            _check_size(error)
        else:
            assert 1 <= len(found.images) <= n
            found.model_dump_json(exclude={"images"}).encode()
    for ask in (talked, lambda body: of_status(500, body), lambda body: of_status(400, body)):
        try:
            ask(body)
        except DarkroomError as error:
            json.dumps(error.problem(), allow_nan=False)


def of_status(status: int, body: bytes) -> None:
    from darkroom.providers import _openai_like_errors, _openrouter_errors
    from darkroom.providers._errors import Asked
    from darkroom.providers._http import Answer

    answer = Answer(status, Headers({"content-type": "application/json"}), body)
    for module in (_openai_like_errors, _openrouter_errors):
        _check_size(module.refused(answer, Asked("x", "X", paid=True)))


def _check_size(error: DarkroomError) -> None:
    assert len(json.dumps(error.problem(), allow_nan=False).encode()) < 20_000
