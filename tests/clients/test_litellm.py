"""LiteLLM as a client, unmodified, through the gateway: pictures, edits and chat as an OpenAI-compatible endpoint."""

import asyncio
import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.integration.users import KLEIN, People, User

TALKER = "openai/google/gemini-2.5-flash"
HELLO = [{"role": "user", "content": "Hello there"}]
PHOTO = ROOT / "events" / "photo.jpg"
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def event_loop() -> Iterator[None]:
    """LiteLLM's logger takes the thread's event loop and makes one where there is none, which it never closes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="module")
def litellm(event_loop: None) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as environment:
        # It asks GitHub for prices otherwise.
        environment.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        import litellm

        litellm.telemetry = False
        yield litellm


@pytest.fixture
def user(people: People) -> User:
    return people.new("litellm")


@pytest.fixture
def way(user: User) -> dict[str, str]:
    return {"api_base": f"{user.stack.url}/v1", "api_key": user.token}


def paid_once(user: User) -> None:
    assert len(user.charges()) == 1
    assert user.charges() == [receipt["actual_micro_usd"] for receipt in user.receipts()]


def opened(answer: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(answer.data[0].b64_json, validate=True)))


def test_a_picture(litellm: Any, user: User, way: dict[str, str]) -> None:
    answer = litellm.image_generation(model=f"openai/{KLEIN}", prompt="A fox", **way)
    assert opened(answer).size == (1024, 1024)
    assert not answer.data[0].url
    paid_once(user)


def test_an_edit(litellm: Any, user: User, way: dict[str, str]) -> None:
    with Path(PHOTO).open("rb") as photo:
        answer = litellm.image_edit(model=f"openai/{KLEIN}", image=photo, prompt="Make it winter", **way)
    assert opened(answer)
    paid_once(user)


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat(litellm: Any, user: User, way: dict[str, str], stream: bool) -> None:
    answer = litellm.completion(model=TALKER, messages=HELLO, stream=stream, **way)
    if stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    else:
        text = answer.choices[0].message.content
    assert "Hello there" in text
    paid_once(user)


def test_a_refusal_has_the_right_class(litellm: Any, user: User, way: dict[str, str]) -> None:
    user.scenario("content_policy")
    with pytest.raises(litellm.BadRequestError, match="The content was refused"):
        litellm.image_generation(model=f"openai/{KLEIN}", prompt="A fox", **way)
    assert user.charges() == []
    assert len(user.paid_requests()) == 1


def test_a_response(litellm: Any, user: User, way: dict[str, str]) -> None:
    """`litellm.responses` hands on to the Responses API."""
    said = litellm.responses(model=TALKER, input="Hello there", **way)
    words = [part.text for item in said.output if item.type == "message" for part in item.content]
    assert "Hello there" in "".join(words)
    paid_once(user)


def test_as_a_proxy_of_its_own(litellm: Any, user: User, way: dict[str, str]) -> None:
    model = TALKER.removeprefix("openai/")
    said = litellm.completion(model=f"litellm_proxy/{model}", messages=HELLO, **way)
    assert "Hello there" in said.choices[0].message.content
    made = litellm.image_generation(model=f"litellm_proxy/{KLEIN}", prompt="A fox", **way)
    assert opened(made).size == (1024, 1024)
    assert len(user.charges()) == 2
