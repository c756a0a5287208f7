"""Front ends with a chat window, by the requests that they send with nothing but an address and a token set.

Each request is written as its front end writes it (same fields in the same order, same headers, same HTTP library where
there is one for Python), and each answer is read as it reads it. Nothing is set for the users: these are the limits,
models and formats of a stack as it was started.
"""

import base64
import io
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import anyio
import httpx
import pytest
from PIL import Image

from local.stack import Stack
from tests.conftest import ROOT
from tests.integration.users import PATIENCE, People, User, picture, plain_client

PHOTO = (ROOT / "events" / "photo.jpg").read_bytes()
TALKER = "google/gemini-2.5-flash"
HELLO = [{"role": "user", "content": "Hello there"}]
# What the openai package for JavaScript says of itself.
NODE = {
    "accept": "application/json",
    "content-type": "application/json",
    "user-agent": "OpenAI/JS 6.49.0",
    "x-stainless-arch": "x64",
    "x-stainless-lang": "js",
    "x-stainless-os": "Linux",
    "x-stainless-package-version": "6.49.0",
    "x-stainless-retry-count": "0",
    "x-stainless-runtime": "node",
    "x-stainless-runtime-version": "v22.12.0",
    "x-stainless-timeout": "600",
}


@pytest.fixture(scope="module", autouse=True)
def _all_is_answered_by_the_live_door(stack: Stack) -> Iterator[None]:
    """No function behind API Gateway is called for it."""

    def calls() -> dict[str, int]:
        logs = {name: stack.logs / f"{name}Function.log" for name in ("Generate", "Edit", "Chat", "Models")}
        return {name: log.read_text().count("\nREPORT RequestId") for name, log in logs.items() if log.exists()}

    before = calls()
    yield
    assert calls() == before


@pytest.fixture
def user(people: People) -> User:
    return people.new("front-end")


@dataclass(frozen=True)
class File:
    """A file of a form."""

    field: str
    data: bytes = PHOTO
    name: str = "photo.jpg"
    media_type: str = "image/jpeg"


def _answered(call: Callable[[], tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    """The answer. Where a busy machine takes longer than one answer may, the same request is sent again for it."""
    for _ in range(4):
        status, answer = call()
        if answer.get("code") != "STILL_RUNNING":
            break
    assert status == 200, answer
    return answer


def _decoded(text: str) -> Image.Image:
    image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    image.load()
    return image


# Open WebUI (backend/open_webui/routers/images.py): aiohttp; takes `url` before `b64_json`, and goes there with its
# own Authorization, which S3 refuses for a signed link.


def open_webui(user: User, path: str, fields: dict[str, Any], *files: File) -> dict[str, Any]:
    async def call() -> tuple[int, dict[str, Any]]:
        headers = _bearer(user)
        body: dict[str, Any] = {"json": fields}
        if files:
            form = aiohttp.FormData()
            for name, value in fields.items():
                form.add_field(name, str(value))
            for file in files:
                stream = io.BytesIO(file.data)
                form.add_field(file.field, stream, filename=f"{uuid.uuid4()}.jpg", content_type=file.media_type)
            body = {"data": form}
        else:
            headers["Content-Type"] = "application/json"
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{user.stack.url}/v1{path}", headers=headers, **body) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    return _answered(lambda: anyio.run(call))


def read_by_open_webui(answer: dict[str, Any]) -> list[Image.Image]:
    for item in answer["data"]:
        assert "url" not in item, "it would send its token to the link, and show nothing"
    return [_decoded(item["b64_json"]) for item in answer["data"]]


# LibreChat (api/app/clients/tools/structured/OpenAIImageTools.js): the openai package to make a picture, axios with a
# form of the package form-data to change one; reads the first `b64_json`, and calls it PNG.


def librechat(user: User, path: str, fields: dict[str, Any], *files: File) -> dict[str, Any]:
    if not files:
        return _posted(user, path, NODE, json.dumps(fields).encode())
    boundary = "--------------------------" + uuid.uuid4().hex[:24]
    parts = [_form_part(boundary, f'name="{name}"', str(value).encode()) for name, value in fields.items()]
    parts += [
        _form_part(boundary, f'name="{file.field}"; filename="{file.name}"', file.data, file.media_type)
        for file in files
    ]
    parts.append(f"--{boundary}--\r\n".encode())
    headers = {
        "accept": "application/json, text/plain, */*",
        "content-type": f"multipart/form-data; boundary={boundary}",
        "user-agent": "axios/1.13.5",
        "accept-encoding": "gzip, compress, deflate, br",
    }
    return _posted(user, path, headers, parts)


def _form_part(boundary: str, said: str, value: bytes, media_type: str = "") -> bytes:
    kind = f"\r\nContent-Type: {media_type}" if media_type else ""
    return f"--{boundary}\r\nContent-Disposition: form-data; {said}{kind}\r\n\r\n".encode() + value + b"\r\n"


def _posted(user: User, path: str, headers: dict[str, str], content: bytes | list[bytes]) -> dict[str, Any]:
    """What comes of a body, which goes in chunks where it is a list: so are streams sent whose length is not known."""

    def call() -> tuple[int, dict[str, Any]]:
        with plain_client(user.stack.url, timeout=PATIENCE) as client:
            body = content if isinstance(content, bytes) else iter(content)
            answer = client.post(f"/v1{path}", headers={**headers, **_bearer(user)}, content=body)
        return answer.status_code, answer.json()

    return _answered(call)


def _bearer(user: User) -> dict[str, str]:
    return {"authorization": f"Bearer {user.token}"}


def read_by_librechat(answer: dict[str, Any]) -> list[Image.Image]:
    return [_decoded(answer["data"][0]["b64_json"])]


# LobeChat (packages/model-runtime, createImage.ts): the openai package for both; `b64_json` before `url`.


def lobechat(user: User, path: str, fields: dict[str, Any], *files: File) -> dict[str, Any]:
    if not files:
        return _posted(user, path, NODE, json.dumps(fields).encode())
    # A form of undici's: fields as text, files under `image`, or `image[]` where there are several.
    form = [(name, (None, str(value).encode())) for name, value in fields.items()]
    sent = [(file.field, (file.name, file.data, file.media_type)) for file in files]
    written = httpx.Request("POST", user.stack.url, files=[*form, *sent])
    return _posted(user, path, {**NODE, "content-type": written.headers["content-type"]}, written.read())


def read_by_lobechat(answer: dict[str, Any]) -> list[Image.Image]:
    (item,) = answer["data"]
    if "b64_json" in item:
        return [_decoded(item["b64_json"])]
    stored = httpx.get(item["url"], trust_env=False)
    return [Image.open(io.BytesIO(stored.content))]


@dataclass(frozen=True)
class Replay:
    """A request of a front end.

    Args:
        calls: of the provider, each of them paid.
        size: of each picture, where the request says it and the model makes it.
        ratio: width by height, where the model makes the nearest that it can.
    """

    send: Callable[..., dict[str, Any]]
    read: Callable[[dict[str, Any]], list[Image.Image]]
    path: str
    fields: dict[str, Any]
    files: tuple[File, ...] = ()
    pictures: int = 1
    calls: int = 1
    size: tuple[int, int] | None = None
    ratio: float | None = None


_MAKE, _CHANGE = "/images/generations", "/images/edits"
_TWO = (File("image[]"), File("image[]", picture("red"), "red.png", "image/png"))
_WEBUI, _LIBRE, _LOBE = (
    (open_webui, read_by_open_webui),
    (librechat, read_by_librechat),
    (lobechat, read_by_lobechat),
)
_LIBRE_MAKES = {"background": "auto", "output_format": "png", "quality": "auto", "size": "auto"}
REPLAYS = {
    "Open WebUI, as installed": Replay(
        *_WEBUI, _MAKE, {"model": "dall-e-2", "prompt": "A fox", "n": 1, "size": "512x512",
                         "response_format": "b64_json"},
        ratio=1,
    ),
    "Open WebUI, GPT-IMAGE 1": Replay(
        *_WEBUI, _MAKE, {"model": "gpt-image-1", "prompt": "A fox", "n": 1, "size": "auto"}
    ),
    "Open WebUI, GPT-IMAGE 1.5 wide": Replay(
        *_WEBUI, _MAKE, {"model": "gpt-image-1.5", "prompt": "A fox", "n": 1, "size": "1536x1024"}, size=(1536, 1024)
    ),
    "Open WebUI, DALL·E 3 with parameters": Replay(
        *_WEBUI, _MAKE, {"model": "dall-e-3", "prompt": "A fox", "n": 1, "size": "1024x1024",
                         "response_format": "b64_json", "quality": "standard"},
        size=(1024, 1024),
    ),
    "Open WebUI, two pictures of a model that makes one": Replay(
        *_WEBUI, _MAKE, {"model": "black-forest-labs/flux.2-klein-4b", "prompt": "A fox", "n": 2, "size": "512x512",
                         "response_format": "b64_json", "quality": "standard"},
        pictures=2, calls=2, ratio=1,
    ),
    "Open WebUI, with an API version": Replay(
        *_WEBUI, f"{_MAKE}?api-version=2025-04-01-preview", {"model": "gpt-image-1", "prompt": "A fox", "n": 1}
    ),
    "Open WebUI changes a picture, as installed": Replay(
        *_WEBUI, _CHANGE, {"model": "", "prompt": "Make it winter", "response_format": "b64_json"}, (File("image"),)
    ),
    "Open WebUI changes a picture by GPT-IMAGE 1": Replay(
        *_WEBUI, f"{_CHANGE}?api-version=2025-04-01-preview",
        {"model": "gpt-image-1", "prompt": "Make it winter", "n": 1, "size": "1024x1024", "background": "auto"},
        (File("image"),), size=(1024, 1024),
    ),
    "Open WebUI changes two pictures": Replay(
        *_WEBUI, _CHANGE, {"model": "gpt-image-1", "prompt": "Put one into the other", "response_format": "b64_json"},
        _TWO,
    ),
    "LibreChat": Replay(*_LIBRE, _MAKE, {"model": "gpt-image-1", "prompt": "A fox", "n": 1, **_LIBRE_MAKES}),
    "LibreChat, as its model chose": Replay(
        *_LIBRE, _MAKE,
        {"model": "gpt-image-1", "prompt": "A fox", "n": 1, "background": "opaque", "output_format": "webp",
         "output_compression": 100, "quality": "low", "size": "1024x1536"},
        size=(1024, 1536),
    ),
    "LibreChat, DALL·E 3": Replay(
        *_LIBRE, _MAKE, {"model": "dall-e-3", "quality": "hd", "style": "natural", "size": "1024x1024",
                         "prompt": "A fox", "n": 1, "response_format": "b64_json"},
        size=(1024, 1024),
    ),
    "LibreChat changes a picture": Replay(
        *_LIBRE, _CHANGE, {"model": "gpt-image-1", "prompt": "Make it winter", "quality": "auto", "size": "auto"},
        (File("image[]"),),
    ),
    "LibreChat changes two pictures": Replay(
        *_LIBRE, _CHANGE, {"model": "gpt-image-1", "prompt": "Both in one", "quality": "auto", "size": "auto"}, _TWO
    ),
    "LobeChat": Replay(*_LOBE, _MAKE, {"model": "gpt-image-1", "n": 1, "prompt": "A fox"}),
    "LobeChat, DALL·E 3": Replay(
        *_LOBE, _MAKE, {"model": "dall-e-3", "n": 1, "response_format": "b64_json", "prompt": "A fox",
                        "quality": "standard", "size": "1024x1024"},
        size=(1024, 1024),
    ),
    "LobeChat, by aspect ratio": Replay(
        *_LOBE, _MAKE, {"model": "google/gemini-2.5-flash-image", "n": 1, "prompt": "A fox", "aspectRatio": "16:9",
                        "seed": None},
        ratio=16 / 9,
    ),
    "LobeChat changes a picture": Replay(
        *_LOBE, _CHANGE, {"model": "gpt-image-1", "n": 1, "input_fidelity": "high", "prompt": "Make it winter"},
        (File("image"),),
    ),
    "LobeChat changes two pictures": Replay(
        *_LOBE, _CHANGE, {"model": "gpt-image-1", "n": 1, "input_fidelity": "high", "prompt": "Both in one"}, _TWO
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REPLAYS)
def test_a_picture_is_had_with_nothing_set(user: User, name: str) -> None:
    replay = REPLAYS[name]
    answer = replay.send(user, replay.path, replay.fields, *replay.files)
    images = replay.read(answer)
    assert len(images) == replay.pictures
    for image in images:
        if replay.size:
            assert image.size == replay.size
        if replay.ratio:
            assert image.width / image.height == pytest.approx(replay.ratio, rel=0.03)
    for item in answer["data"]:
        assert ("b64_json" in item) != ("url" in item)
    _paid(user, answer, replay.calls)


def _paid(user: User, answer: dict[str, Any], calls: int) -> None:
    """The answer, the receipt and the invoice tell the same."""
    charges = user.charges()
    assert len(charges) == len(user.paid_requests()) == calls
    (receipt,) = user.receipts()
    assert (receipt["job_id"], receipt["actual_micro_usd"]) == (answer["job"]["id"], sum(charges))
    assert answer["cost"]["charged"] is True
    assert round(answer["cost"]["actual_usd"] * 1_000_000) == sum(charges)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/models", {"content-type": "application/json"}),
        ("/v1/models?user=6651a6d1f1", {"accept": "application/json, text/plain, */*", "user-agent": "axios/1.13.5"}),
        ("/v1/models", NODE),
    ],
    ids=["Open WebUI", "LibreChat", "LobeChat"],
)
def test_the_models_are_listed(user: User, path: str, headers: dict[str, str]) -> None:
    answer = user.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    models = {model["id"]: model for model in answer.json()["data"]}
    assert TALKER in models
    assert all(isinstance(model["created"], int) for model in models.values())
    assert user.paid_requests() == []


_SYSTEM = {"role": "system", "content": "Be brief."}
_STREAM = {"stream": True, "stream_options": {"include_usage": True}}
CHATS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "Open WebUI": (
        {"content-type": "application/json", "accept": "*/*", "user-agent": "Python/3.11 aiohttp/3.14.5"},
        {"stream": True, "model": TALKER, "messages": [_SYSTEM, *HELLO]},
    ),
    "Open WebUI, a title": (
        {"content-type": "application/json", "accept": "*/*", "user-agent": "Python/3.11 aiohttp/3.14.5"},
        {"model": TALKER, "messages": HELLO, "stream": False, "max_completion_tokens": 1000},
    ),
    "LibreChat": (
        NODE,
        {"model": TALKER, "temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0,
         "user": "6651a6d1f1",
         **_STREAM, "messages": HELLO},
    ),
    "LobeChat": (
        {**NODE, "accept": "*/*"},
        {"frequency_penalty": 0, "model": TALKER, "presence_penalty": 0, "temperature": 1, "top_p": 1, **_STREAM,
         "messages": [_SYSTEM, {"role": "user", "content": [{"type": "text", "text": "Hello there"}]}],
         "user": "user_2mZ"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHATS)
def test_a_chat_is_had_with_nothing_set(user: User, name: str) -> None:
    headers, body = CHATS[name]
    answer = user.post("/v1/chat/completions", body, headers=headers)
    assert answer.status_code == 200, answer.text
    if body["stream"]:
        assert answer.headers["content-type"].startswith("text/event-stream")
        *events, done = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
        assert done == "[DONE]"
        chunks = [json.loads(event) for event in events]
        text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
        assert ("usage" in chunks[-1]) == ("stream_options" in body)
    else:
        text = answer.json()["choices"][0]["message"]["content"]
    assert "Hello there" in text
    assert len(user.charges()) == 1
    assert user.charges() == [receipt["actual_micro_usd"] for receipt in user.receipts()]
