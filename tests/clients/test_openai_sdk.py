"""The official `openai` SDK, unmodified and with its own timeouts and retries, through the gateway.

All that is set is `base_url` and `api_key`. Charges are counted at the simulator, by the key of each user.
"""

import base64
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types import ImagesResponse
from PIL import Image

from tests.integration.users import KLEIN, STREAMING, UNPRICED, People, User, mask, picture

PRICE = 14_000


@pytest.fixture
def user(people: People) -> User:
    return people.new("sdk")


@pytest.fixture
def client(user: User) -> Iterator[OpenAI]:
    with _client(user) as client:
        yield client


def _client(user: User) -> OpenAI:
    return OpenAI(base_url=f"{user.stack.url}/v1", api_key=user.token)


def _image(answer: ImagesResponse, index: int = 0) -> Image.Image:
    assert answer.data is not None
    content = answer.data[index].b64_json
    assert content is not None
    return Image.open(io.BytesIO(base64.b64decode(content, validate=True)))


class TestGenerate:
    def test_a_picture_as_bytes_with_its_usage(self, client: OpenAI, user: User) -> None:
        answer = client.images.generate(model=KLEIN, prompt="A red fox", response_format="b64_json")
        assert _image(answer).size == (1024, 1024)
        assert (answer.size, answer.output_format) == ("1024x1024", "jpeg")
        assert answer.usage is not None
        assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
        assert answer.usage.input_tokens_details.text_tokens > 0
        assert user.charges() == [PRICE]

    def test_a_picture_as_a_link(self, client: OpenAI) -> None:
        answer = client.images.generate(model=KLEIN, prompt="A red fox", response_format="url")
        assert answer.data is not None
        assert answer.data[0].b64_json is None
        assert answer.data[0].url is not None
        stored = httpx.get(answer.data[0].url, trust_env=False)
        assert Image.open(io.BytesIO(stored.content)).size == (1024, 1024)

    def test_no_model_and_several_pictures(self, client: OpenAI, user: User) -> None:
        assert _image(client.images.generate(prompt="A red fox"))
        answer = client.images.generate(model=STREAMING, prompt="A red fox", n=2, size="1024x1024", quality="low")
        assert [_image(answer, index).size for index in range(2)] == [(1024, 1024)] * 2
        assert len(user.charges()) == 2

    def test_several_of_a_model_that_makes_one_are_calls_of_one_job(self, client: OpenAI, user: User) -> None:
        answer = client.images.generate(model=KLEIN, prompt="A red fox", n=4, response_format="url")
        assert answer.data is not None
        assert len({item.url for item in answer.data}) == 4
        assert [_linked(item.url).size for item in answer.data] == [(1024, 1024)] * 4
        _assert_each_call_is_a_line(user, answer, 4)

    def test_two_of_a_named_model_as_bytes(self, client: OpenAI, user: User) -> None:
        """What Open WebUI sends: a model, a size, `n`, and a format left to the default."""
        answer = client.images.generate(model=KLEIN, prompt="A red fox", n=2, size="512x512")
        assert answer.data is not None
        pictures = {item.b64_json for item in answer.data}
        assert len(pictures) == 2
        assert None not in pictures
        _assert_each_call_is_a_line(user, answer, 2)

    def test_what_is_ours_beside_it(self, client: OpenAI) -> None:
        raw = client.images.with_raw_response.generate(
            model=KLEIN, prompt="A red fox", size="1024x1536", extra_body={"max_cost_usd": 0.05, "seed": 7}
        )
        answer = raw.parse()
        assert raw.headers["x-cost-usd"] == "0.014000"
        assert answer.model_extra is not None
        assert answer.model_extra["cost"]["actual_usd"] == 0.014
        assert answer.model_extra["job"]["status"] == "succeeded"
        width, height = _image(answer).size
        assert width / height == pytest.approx(2 / 3, abs=0.02)


def _linked(url: str | None) -> Image.Image:
    assert url is not None
    return Image.open(io.BytesIO(httpx.get(url, trust_env=False).content))


def _assert_each_call_is_a_line(user: User, answer: ImagesResponse, calls: int) -> None:
    """One job, one receipt; the job and the receipt have a line for each entry of the invoice."""
    (listed,) = user.get("/v1/jobs").json()["data"]
    job, (receipt,) = user.job(listed["id"]), user.receipts()
    extra = answer.model_extra or {}
    assert extra["job"]["id"] == receipt["job_id"] == job["id"]
    assert extra["model_used"] == KLEIN
    charges = user.charges()
    assert len(charges) == len(user.paid_requests()) == calls
    assert sum(charges) == receipt["actual_micro_usd"] == round(user.budget()["spent_usd"] * 1_000_000)
    for lines in (job["calls"], receipt["calls"]):
        assert [(line["index"], line["images"], line["charged"]) for line in lines] == [
            (index, 1, True) for index in range(calls)
        ]
        assert sorted(round(line["cost_usd"] * 1_000_000) for line in lines) == sorted(charges)
        assert len({line["generation_id"] for line in lines}) == calls


class TestEdit:
    def test_one_file(self, client: OpenAI, user: User) -> None:
        answer = client.images.edit(model=KLEIN, image=("a.png", picture()), prompt="add a balloon")
        assert _image(answer)
        assert user.charges() == [receipt["actual_micro_usd"] for receipt in user.receipts()]
        assert len(user.charges()) == 1

    def test_a_list_of_files(self, client: OpenAI, user: User) -> None:
        files = [("a.png", picture("teal")), ("b.png", picture("red"))]
        answer = client.images.edit(model="google/gemini-2.5-flash-image", image=files, prompt="put one into the other")
        assert _image(answer)
        (sent,) = user.paid_requests()
        assert len(sent["body"]["input_references"]) == 2

    def test_outside_of_the_mask_nothing_changes(self, client: OpenAI) -> None:
        answer = client.images.edit(
            model=KLEIN, image=io.BytesIO(picture()), mask=io.BytesIO(mask()), prompt="add a balloon", size="auto"
        )
        edited, before = _image(answer).convert("RGB"), Image.open(io.BytesIO(picture())).convert("RGB")
        assert edited.size == before.size
        frame = (0, 0, before.width, before.height // 5)
        assert edited.crop(frame).tobytes() == before.crop(frame).tobytes()
        assert edited.tobytes() != before.tobytes()


def _tiny_mask() -> bytes:
    return mask((64, 64))


_REFUSED: list[tuple[str, Callable[[OpenAI], Any], type[openai.APIStatusError], str, str | None]] = [
    ("no prompt", lambda c: c.images.generate(model=KLEIN, prompt=""), openai.BadRequestError, "INVALID_PROMPT",
     "prompt"),
    ("many", lambda c: c.images.generate(model=KLEIN, prompt="x", n=11), openai.BadRequestError, "INVALID_PARAMETER",
     "n"),
    ("no model", lambda c: c.images.generate(model="nobody/nothing", prompt="x"), openai.BadRequestError,
     "UNSUPPORTED_MODEL", "model"),
    ("no size", lambda c: c.images.generate(model=KLEIN, prompt="x", size="1x9999"),
     openai.BadRequestError, "INVALID_DIMENSIONS", "size"),
    ("streamed", lambda c: c.images.generate(model=KLEIN, prompt="x", stream=True, partial_images=4),
     openai.BadRequestError, "INVALID_PARAMETER", "partial_images"),
    ("dear", lambda c: c.images.generate(model=KLEIN, prompt="x", extra_body={"max_cost_usd": 0.001}),
     openai.APIStatusError, "COST_LIMIT", "max_cost_usd"),
    ("unpriced", lambda c: c.images.generate(model=UNPRICED, prompt="x"), openai.APIStatusError, "PRICE_UNKNOWN",
     "max_cost_usd"),
    ("no picture", lambda c: c.images.edit(model=KLEIN, image=("a.png", b"zz"), prompt="x"), openai.APIStatusError,
     "UNSUPPORTED_MEDIA_TYPE", "image"),
    ("other mask", lambda c: c.images.edit(model=KLEIN, image=picture(), mask=_tiny_mask(), prompt="x"),
     openai.BadRequestError, "INVALID_PARAMETER", "mask"),
    ("no upload", lambda c: c.images.edit(model=KLEIN, image=picture(), prompt="x",
                                          extra_body={"upload_id": "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"}),
     openai.NotFoundError, "NOT_FOUND", "upload_id"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ask", "kind", "code", "param"), [row[1:] for row in _REFUSED], ids=[row[0] for row in _REFUSED]
)
def test_a_refusal_is_the_right_exception_is_not_repeated_and_costs_nothing(
    ask: Callable[[OpenAI], Any], kind: type[openai.APIStatusError], code: str, param: str | None,
    client: OpenAI, user: User,
) -> None:  # fmt: skip
    with pytest.raises(kind) as refused:
        ask(client)
    error = refused.value
    assert (error.code, error.param) == (code, param)
    assert isinstance(error.body, dict)
    assert error.body["message"]
    assert user.paid_requests() == []


def test_who_may_not(people: People, user: User) -> None:
    with OpenAI(base_url=f"{user.stack.url}/v1", api_key="dk_" + "x" * 43) as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            client.images.generate(prompt="x")
        assert refused.value.code == "INVALID_TOKEN"
    with _client(people.new("keyless", connected=False)) as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            client.images.generate(prompt="x")
        assert refused.value.code == "INVALID_API_KEY"
    limited = people.limited(user, day_limit=PRICE)
    with _client(limited) as client, pytest.raises(openai.APIStatusError) as exceeded:
        client.images.generate(prompt="x", model=KLEIN)
    assert (exceeded.value.status_code, exceeded.value.code) == (402, "BUDGET_EXCEEDED")


@pytest.mark.parametrize(
    ("scenario", "kind", "code"),
    [
        ("content_policy", openai.UnprocessableEntityError, "CONTENT_REFUSED"),
        ("out_of_credit", openai.APIStatusError, "INSUFFICIENT_CREDITS"),
        ("forbidden", openai.PermissionDeniedError, "FORBIDDEN"),
        ("no_image", openai.UnprocessableEntityError, "NO_IMAGE"),
    ],
)
def test_what_the_provider_refuses(
    scenario: str, kind: type[openai.APIStatusError], code: str, client: OpenAI, user: User
) -> None:
    user.scenario(scenario)
    with pytest.raises(kind) as refused:
        client.images.generate(model=KLEIN, prompt="x")
    assert refused.value.code == code
    assert user.charges() == []
    assert len(user.paid_requests()) == 1


def test_what_may_have_been_charged_is_never_sent_again(client: OpenAI, user: User) -> None:
    """A 502 which the SDK would repeat, were it not told otherwise."""
    user.scenario("cut_body")
    with pytest.raises(openai.InternalServerError) as failed:
        client.images.generate(model=KLEIN, prompt="x")
    assert failed.value.code == "NETWORK_ERROR"
    assert failed.value.response.headers["x-should-retry"] == "false"
    assert len(user.paid_requests()) == 1


def test_two_identical_calls_at_once_are_two_pictures(user: User) -> None:
    def ask(_number: int) -> ImagesResponse:
        with _client(user) as client:
            return client.images.generate(model=KLEIN, prompt="A red fox")

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(ask, range(2)))
    assert len({(answer.model_extra or {})["job"]["id"] for answer in answers}) == 2
    assert user.charges() == [PRICE, PRICE]
