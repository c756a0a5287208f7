"""OpenRouter's own clients, unmodified, at Darkroom: their base URL and key alone are set. No call is paid twice."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from openrouter import OpenRouter, components, errors
from PIL import Image

from tests.integration.users import KLEIN, People, User

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TALKER = "google/gemini-2.5-flash"
PAINTER = "google/gemini-2.5-flash-image"


@pytest.fixture
def user(people: People) -> User:
    return people.new("openrouter")


@pytest.fixture(params=["/v1", "/api/v1"])
def client(request: pytest.FixtureRequest, user: User) -> Iterator[OpenRouter]:
    """At either address that a user may set."""
    url = f"{user.stack.url}{request.param}"
    with OpenRouter(api_key=user.token, server_url=url, retry_config=None) as client:
        yield client


def opened(b64_json: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(b64_json, validate=True)))


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_the_python_sdk(client: OpenRouter, user: User) -> None:
    made = client.images.generate(model=KLEIN, prompt="A fox", retries=None)
    assert isinstance(made, components.ImageGenerationResponse)
    assert opened(made.data[0].b64_json).size == (1024, 1024)
    assert made.usage is not None
    assert made.usage.cost == 0.014

    painted = client.chat.send(model=PAINTER, messages=said("A cat"), modalities=["image", "text"], retries=None)
    assert isinstance(painted, components.ChatResult)
    images = painted.choices[0].message.images
    assert images
    assert opened(images[0].image_url.url.partition(",")[2]).size == (1024, 1024)

    listed = client.models.list(retries=None)
    assert listed is not None
    assert TALKER in {model.id for model in listed.result.data}
    assert client.models.count(retries=None).data.count == len(listed.result.data)
    assert KLEIN in {model.id for model in client.images.list_models(retries=None).data}
    assert client.images.list_model_endpoints(author="openai", slug="gpt-image-2", retries=None).endpoints[0].pricing

    spent = sum(user.charges()) / 1_000_000
    key = client.api_keys.get_current_key_metadata(retries=None).data
    assert key.usage_daily == pytest.approx(spent)
    assert key.limit == 5.0
    assert client.credits.get_credits(retries=None).data.total_usage == pytest.approx(spent)
    found = client.generations.get_generation(id=painted.id, retries=None).data
    assert (found.model, found.api_type) == (PAINTER, "image")

    with pytest.raises(errors.BadRequestResponseError, match="no image model"):
        client.images.generate(model="nobody/knows", prompt="A fox", retries=None)
    answer = client.responses.send(model=TALKER, input="Hello there", retries=None)
    assert isinstance(answer, components.OpenResponsesResult)
    assert isinstance(answer.usage, components.Usage)
    assert round((answer.usage.cost or 0) * 1_000_000) == user.charges()[-1]
    assert len(user.charges()) == 3


def test_litellm(user: User) -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        import litellm

        way = {"api_base": f"{user.stack.url}/api/v1", "api_key": user.token}
        answer: Any = litellm.completion(
            model=f"openrouter/{PAINTER}", messages=said("A fox"), modalities=["image", "text"], **way
        )
        images = answer.choices[0].message.images
        assert opened(images[0]["image_url"]["url"].partition(",")[2]).size == (1024, 1024)
        made: Any = litellm.image_generation(model=f"openrouter/{PAINTER}", prompt="A red fox", **way)
        assert opened(made.data[0].b64_json)
    assert len(user.charges()) == 2
