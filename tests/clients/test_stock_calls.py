"""Calls of the official `openai` SDK that stock code makes: qualities, formats, sizes and numbers of OpenAI."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from PIL import Image

from tests.conftest import ROOT
from tests.integration.users import KLEIN, People, User

PHOTO = ROOT / "events" / "photo.jpg"
PAINTER = "gpt-image-1"


@pytest.fixture
def user(people: People) -> User:
    return people.new("stock")


@pytest.fixture
def client(user: User) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{user.stack.url}/v1", api_key=user.token) as client:
        yield client


def opened(answer: Any) -> list[Image.Image]:
    pictures: list[Image.Image] = [
        Image.open(io.BytesIO(base64.b64decode(item.b64_json, validate=True))) for item in answer.data
    ]
    for each in pictures:
        each.load()
    return pictures


GENERATED: dict[str, tuple[dict[str, Any], str | None]] = {
    "everything auto": (
        {"model": PAINTER, "quality": "auto", "size": "auto", "background": "auto", "moderation": "auto"},
        None,
    ),
    "four squares": ({"model": PAINTER, "quality": "low", "n": 4, "size": "1024x1024"}, None),
    "three wide ones": ({"model": PAINTER, "quality": "low", "n": 3, "size": "1536x1024"}, None),
    "hd": ({"model": "dall-e-3", "quality": "hd", "style": "vivid", "response_format": "b64_json"}, None),
    "high": ({"model": PAINTER, "quality": "high"}, None),
    "standard, of a model without qualities": ({"model": KLEIN, "quality": "standard"}, "`quality`"),
    "WebP, of a model that makes none": ({"model": KLEIN, "output_format": "webp"}, None),
    "a screen's size": ({"model": PAINTER, "quality": "low", "size": "1920x1080"}, "size"),
}


@pytest.mark.parametrize("name", GENERATED)
def test_a_picture_is_made(client: OpenAI, user: User, name: str) -> None:
    fields, warned = GENERATED[name]
    answer = client.images.generate(prompt="A fox", **fields)
    pictures = opened(answer)
    assert len(pictures) == fields.get("n", 1)
    extra = answer.model_extra or {}
    assert (warned or "") in " ".join(extra["warnings"])
    if fields.get("output_format") == "webp":
        assert pictures[0].format == "WEBP"
    _paid(user, extra)


def _paid(user: User, extra: dict[str, Any]) -> None:
    charges, (receipt,) = user.charges(), user.receipts()
    assert receipt["actual_micro_usd"] == sum(charges) > 0
    assert (extra["cost"]["charged"], round(extra["cost"]["actual_usd"] * 1_000_000)) == (True, sum(charges))
    assert extra["cost"]["estimated_usd"] <= 0.25


@pytest.mark.parametrize(("count", "fields"), [(1, {}), (3, {"quality": "low"})])
def test_a_picture_is_changed(client: OpenAI, user: User, count: int, fields: dict[str, Any]) -> None:
    images = [(f"{number}.jpg", PHOTO.read_bytes()) for number in range(count)]
    answer = client.images.edit(model=PAINTER, prompt="Winter", image=images, size="1024x1024", **fields)
    assert [picture.size for picture in opened(answer)] == [(1024, 1024)]
    _paid(user, answer.model_extra or {})


def test_a_route_that_is_not_there_is_told_in_openais_words(client: OpenAI, user: User) -> None:
    for ask in (
        lambda: client.embeddings.create(model="text-embedding-3-small", input="x"),
        lambda: client.batches.list(),
        lambda: client.moderations.create(input="x"),
        lambda: client.files.list(),
    ):
        with pytest.raises(openai.NotFoundError) as refused:
            ask()
        assert refused.value.code
        assert "/v1/" in str(refused.value.body)
    assert user.paid_requests() == []
