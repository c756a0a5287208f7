"""What every RawAnswerStore does."""

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darkroom.adapters.clock import utc_now
from darkroom.adapters.raw_answer_store import S3RawAnswerStore
from darkroom.models.generation import RawAnswer
from darkroom.ports import RawAnswerStore
from tests.contract.conftest import Cloud
from tests.fakes.memory import MemoryImageStore
from tests.fakes.paid import MemoryRawAnswerStore

ANSWER = RawAnswer(body=b'{"data": []}', media_type="application/json", generation_id="gen-img-1", complete=True)
# Twelve characters of a percent-encoded value per character at the most.
WORDS = st.text(min_size=1, max_size=40)


Read = Callable[[str], tuple[bytes, dict[str, str]]]
"""(the name of a picture) -> its bytes, and what everybody is told who has a link to it."""
SECRET = "ab" * 32
JPEG = b"\xff\xd8\xff" + bytes(range(256)) * 8


@pytest.fixture
def images() -> MemoryImageStore:
    return MemoryImageStore(utc_now)


@pytest.fixture
def raw_answer_store(cloud: Cloud | None, images: MemoryImageStore) -> RawAnswerStore:
    return S3RawAnswerStore(cloud.outputs, cloud.aws.s3) if cloud else MemoryRawAnswerStore(images)


@pytest.fixture
def read(cloud: Cloud | None, images: MemoryImageStore) -> Read:
    def of_memory(key: str) -> tuple[bytes, dict[str, str]]:
        return images.outputs[key].data, dict(images.outputs[key].metadata)

    def of_s3(key: str) -> tuple[bytes, dict[str, str]]:
        assert cloud is not None
        found = cloud.aws.s3.get_object(Bucket=cloud.outputs, Key=key)
        return found["Body"].read(), found["Metadata"]

    return of_s3 if cloud else of_memory


def _said(picture: str, **more: object) -> RawAnswer:
    body = json.dumps({"data": [{"b64_json": picture}], "usage": {"cost": 0.014}, **more}).encode()
    return ANSWER.model_copy(update={"body": body, "model": "a/b"})


def test_an_answer_is_read_until_it_is_removed(raw_answer_store: RawAnswerStore, user: str) -> None:
    assert raw_answer_store.read(user, "01A") is None
    raw_answer_store.write(user, "01A", ANSWER)
    assert raw_answer_store.read(user, "01A") == ANSWER
    for _ in range(2):
        raw_answer_store.remove(user, "01A")
    assert raw_answer_store.read(user, "01A") is None


def test_the_last_one_stands(raw_answer_store: RawAnswerStore, user: str) -> None:
    raw_answer_store.write(user, "01A", ANSWER)
    broken = RawAnswer(body=b"", media_type="text/event-stream", generation_id=None, complete=False)
    raw_answer_store.write(user, "01A", broken)
    assert raw_answer_store.read(user, "01A") == broken


def test_answers_of_others_and_of_other_jobs_are_others(raw_answer_store: RawAnswerStore, user: str) -> None:
    raw_answer_store.write(user, "01A", ANSWER)
    assert raw_answer_store.read(user, "01") is None
    assert raw_answer_store.read(f"{user}x", "01A") is None
    raw_answer_store.remove(f"{user}x", "01A")
    assert raw_answer_store.read(user, "01A") == ANSWER


def test_each_of_a_jobs_several_calls_has_its_own(raw_answer_store: RawAnswerStore, user: str) -> None:
    for index in range(2):
        raw_answer_store.write(user, f"01A/{index}", ANSWER)
    assert raw_answer_store.read(user, "01A") is None
    raw_answer_store.remove(user, "01A/0")
    assert [raw_answer_store.read(user, f"01A/{index}") for index in range(2)] == [None, ANSWER]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answer=st.builds(
        RawAnswer,
        body=st.binary(max_size=2000),
        media_type=WORDS,
        generation_id=st.none() | WORDS,
        complete=st.booleans(),
    )
)
def test_whatever_came_is_read_as_it_came(raw_answer_store: RawAnswerStore, user: str, answer: RawAnswer) -> None:
    raw_answer_store.write(user, "01A", answer)
    assert raw_answer_store.read(user, "01A") == answer


@pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)
def test_an_absurd_header_does_not_lose_the_answer(raw_answer_store: RawAnswerStore, user: str) -> None:
    absurd = RawAnswer(body=b"\x89PNG", media_type="ü" * 2000, generation_id="x" * 10_000, complete=True)
    raw_answer_store.write(user, "01A", absurd)
    kept = RawAnswer(body=b"\x89PNG", media_type="application/octet-stream", generation_id=None, complete=True)
    assert raw_answer_store.read(user, "01A") == kept


@pytest.mark.parametrize("cloud", ["moto", "emulator"], indirect=True)
def test_it_lies_where_no_link_leads(cloud: Cloud, user: str) -> None:
    S3RawAnswerStore(cloud.outputs, cloud.aws.s3).write(user, "01A", ANSWER)
    found = cloud.aws.s3.get_object(Bucket=cloud.outputs, Key=f"raw/{user}/01A")
    assert found["Body"].read() == ANSWER.body
    assert found["Metadata"] == {"media-type": "application/json", "generation-id": "gen-img-1", "complete": "true"}


@pytest.mark.parametrize("form", ["base64", "data URL", "bytes"])
def test_an_answer_that_is_one_picture_is_kept_as_that_and_read_as_it_came(
    raw_answer_store: RawAnswerStore, read: Read, user: str, form: str
) -> None:
    text = base64.b64encode(JPEG).decode()
    answer = _said(text if form == "base64" else f"data:image/jpeg;base64,{text}")
    if form == "bytes":
        answer = answer.model_copy(update={"body": JPEG, "media_type": "image/jpeg"})
    raw_answer_store.write(user, "01A", answer, as_picture=SECRET)
    picture = raw_answer_store.write(user, "01A", answer, as_picture=SECRET)
    assert picture is not None
    assert picture.key == f"outputs/{user}/01A/0.jpg"
    data, told = read(picture.key)
    assert data == JPEG
    # Nobody who has a link to the picture learns what it cost.
    assert "0.014" not in str(told)
    assert "gen-img" not in str(told)
    assert sum(len(name) + len(value) for name, value in told.items()) < 2000
    kept = raw_answer_store.read(user, "01A", as_picture=SECRET)
    assert kept == answer.model_copy(update={"picture": picture})
    raw_answer_store.remove(user, "01A")
    assert raw_answer_store.read(user, "01A", as_picture=SECRET) == kept
    assert raw_answer_store.read(user, "01A") is None
    assert raw_answer_store.read(user, "01A", as_picture="cd" * 32) is None
    assert raw_answer_store.read(user, "01", as_picture=SECRET) is None


@pytest.mark.parametrize(
    "answer",
    [
        _said("bm8gcGljdHVyZQ=="),
        _said(base64.b64encode(JPEG).decode(), text="".join(f"{n:x}" for n in range(9000))),
        _said(base64.b64encode(JPEG).decode(), other=base64.b64encode(JPEG * 6).decode()),
        _said(base64.b64encode(JPEG).decode().rstrip("=") + "\n"),
        _said(base64.urlsafe_b64encode(JPEG).decode()),
        ANSWER,
        ANSWER.model_copy(update={"body": b""}),
    ],
    ids=["no-picture", "much-around-it", "two-pictures", "line-end", "other-alphabet", "no-text", "empty"],
)
def test_any_other_answer_lies_by_itself(raw_answer_store: RawAnswerStore, user: str, answer: RawAnswer) -> None:
    assert raw_answer_store.write(user, "01A", answer, as_picture=SECRET) is None
    assert raw_answer_store.read(user, "01A") == answer
    assert raw_answer_store.read(user, "01A", as_picture=SECRET) == answer
