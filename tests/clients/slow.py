"""Answers that take longer than API Gateway waits for, as OpenAI's SDK gets them. Each function is one user's."""

import base64
import io
from collections.abc import Callable
from typing import Final

from openai import OpenAI
from openai.types import ImagesResponse
from PIL import Image

from tests.integration.users import KLEIN, STREAMING, User


def _client(user: User) -> OpenAI:
    return OpenAI(base_url=f"{user.stack.url}/v1", api_key=user.token)


def _is_had_and_paid_once(user: User, answer: ImagesResponse) -> None:
    assert answer.data is not None
    content = answer.data[0].b64_json
    assert content is not None
    assert Image.open(io.BytesIO(base64.b64decode(content, validate=True)))
    (job,) = user.get("/v1/jobs").json()["data"]
    assert (answer.model_extra or {})["job"]["id"] == job["id"]
    assert len(user.paid_requests()) == 1
    assert user.charges() == [receipt["actual_micro_usd"] for receipt in user.receipts()]
    assert len(user.charges()) == 1


def _in_forty_seconds(user: User, model: str) -> None:
    user.scenario("slow_headers", seconds=40)
    with _client(user) as client:
        answer = client.images.generate(model=model, prompt="A slow fox")
    _is_had_and_paid_once(user, answer)


def picture(user: User) -> None:
    _in_forty_seconds(user, KLEIN)


def streamed_picture(user: User) -> None:
    _in_forty_seconds(user, STREAMING)


def very_slow_picture(user: User) -> None:
    """For one that never asks again, as most clients beside the SDKs."""
    user.scenario("slow_headers", seconds=90)
    with _client(user) as client:
        answer = client.with_options(max_retries=0).images.generate(model=KLEIN, prompt="A very slow fox")
    _is_had_and_paid_once(user, answer)


def chat(user: User) -> None:
    user.scenario("slow_headers", seconds=35)
    with (
        _client(user) as client,
        client.chat.completions.create(
            model="google/gemini-2.5-flash", messages=[{"role": "user", "content": "Hello there"}], stream=True
        ) as stream,
    ):
        said = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "Hello there" in "".join(said)
    assert len(user.paid_requests()) == len(user.charges()) == 1


CALLS: Final[dict[str, Callable[[User], None]]] = {
    "picture": picture,
    "streamed picture": streamed_picture,
    "very slow picture": very_slow_picture,
    "chat": chat,
}
