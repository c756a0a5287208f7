"""What every AnswerStore does. The ledger puts answers in; here a row is put as it does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from ulid import ULID

from darkroom.adapters.answer_store import DynamoAnswerStore, answer_key, answer_row
from darkroom.adapters.dynamo import to_item, to_row
from darkroom.models.admission import PendingAnswer
from darkroom.ports import AnswerStore
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.paid import MemoryAnswerStore

SHA256 = "a" * 64
Admit = Callable[[PendingAnswer], PendingAnswer]


@pytest.fixture
def answer_store(cloud: Cloud | None, clock: SteppingClock) -> AnswerStore:
    return DynamoAnswerStore(cloud.table, cloud.aws.dynamodb, clock) if cloud else MemoryAnswerStore(clock)


@pytest.fixture
def admit(answer_store: AnswerStore, cloud: Cloud | None) -> Admit:
    def put(answer: PendingAnswer) -> PendingAnswer:
        if isinstance(answer_store, MemoryAnswerStore):
            answer_store.answers[answer.user, answer.request_sha256, answer.job_id] = answer
        else:
            assert cloud is not None
            cloud.aws.dynamodb.put_item(TableName=cloud.table, Item=to_item(answer_row(answer)))
        return answer

    return put


def _answer(user: str, clock: SteppingClock, **changes: Any) -> PendingAnswer:
    held = PendingAnswer(
        user=user,
        request_sha256=SHA256,
        job_id=str(ULID()),
        state="held",
        held_until=clock.now + timedelta(seconds=25),
        changed_at=clock.now,
        expires_at=clock.now + timedelta(minutes=15),
    )
    return held.model_copy(update=changes)


def _told(answer: PendingAnswer, clock: SteppingClock) -> PendingAnswer:
    return answer.model_copy(update={"state": "told", "changed_at": clock.now})


def test_a_request_s_answers_come_oldest_first(
    answer_store: AnswerStore, admit: Admit, clock: SteppingClock, user: str
) -> None:
    jobs = [f"01K{number:02}" for number in range(12)]
    for job in reversed(jobs):
        admit(_answer(user, clock, job_id=job))
    assert [answer.job_id for answer in answer_store.of_request(user, SHA256)] == jobs


def test_others_requests_are_none_of_ours(
    answer_store: AnswerStore, admit: Admit, clock: SteppingClock, user: str
) -> None:
    mine = admit(_answer(user, clock))
    admit(_answer(f"{user}x", clock))
    admit(_answer(user, clock, request_sha256="b" * 64))
    assert answer_store.of_request(user, SHA256) == [mine]
    assert answer_store.of_request(user, "c" * 64) == []
    # A digest that begins like another one is another one.
    assert answer_store.of_request(user, SHA256[:-1]) == []


def test_an_answer_is_found_as_it_was_put(
    answer_store: AnswerStore, admit: Admit, clock: SteppingClock, user: str
) -> None:
    clock.step(timedelta(microseconds=123456))
    answer = admit(_answer(user, clock))
    assert answer_store.find(user, SHA256, answer.job_id) == answer
    assert answer_store.find(user, SHA256, "01NONE") is None
    assert answer_store.find(f"{user}x", SHA256, answer.job_id) is None
    assert answer_store.find(user, "b" * 64, answer.job_id) is None


def test_an_expired_answer_is_gone(answer_store: AnswerStore, admit: Admit, clock: SteppingClock, user: str) -> None:
    old = admit(_answer(user, clock))
    clock.step(timedelta(minutes=15) - timedelta(microseconds=1))
    new = admit(_answer(user, clock))
    assert answer_store.of_request(user, SHA256) == [old, new]
    clock.step(timedelta(microseconds=1))
    assert answer_store.of_request(user, SHA256) == [new]
    assert answer_store.find(user, SHA256, old.job_id) is None


def test_a_change_is_stored(answer_store: AnswerStore, admit: Admit, clock: SteppingClock, user: str) -> None:
    answer = admit(_answer(user, clock))
    clock.step(timedelta(seconds=1))
    told = _told(answer, clock).model_copy(update={"expires_at": clock.now + timedelta(minutes=15)})
    assert answer_store.change(answer, to=told)
    assert answer_store.find(user, SHA256, answer.job_id) == told
    assert answer_store.of_request(user, SHA256) == [told]


@pytest.mark.parametrize("change", [{"state": "free"}, {"changed_at": timedelta(microseconds=1)}])
def test_what_has_changed_meanwhile_is_left_alone(
    answer_store: AnswerStore, admit: Admit, clock: SteppingClock, user: str, change: dict[str, Any]
) -> None:
    seen = _answer(user, clock)
    if "changed_at" in change:
        change = {"changed_at": clock.now + change["changed_at"]}
    stored = admit(seen.model_copy(update=change))
    assert not answer_store.change(seen, to=_told(seen, clock))
    assert answer_store.find(user, SHA256, seen.job_id) == stored
    assert answer_store.change(stored, to=_told(seen, clock))


def test_what_is_not_there_is_not_changed(answer_store: AnswerStore, clock: SteppingClock, user: str) -> None:
    answer = _answer(user, clock)
    assert not answer_store.change(answer, to=_told(answer, clock))
    assert answer_store.find(user, SHA256, answer.job_id) is None


@pytest.mark.parametrize("cloud", ["memory", "emulator"], indirect=True)
def test_of_many_at_the_same_time_one_changes_it(
    answer_store: AnswerStore, admit: Admit, clock: SteppingClock, user: str
) -> None:
    free = admit(_answer(user, clock, state="free"))
    clock.step(timedelta(seconds=1))
    claims = [
        free.model_copy(
            update={"state": "held", "changed_at": clock.now, "held_until": clock.now + timedelta(seconds=n)}
        )
        for n in range(20)
    ]
    with ThreadPoolExecutor(20) as threads:
        won = list(threads.map(lambda claim: answer_store.change(free, to=claim), claims))
    assert sum(won) == 1
    assert answer_store.find(user, SHA256, free.job_id) == claims[won.index(True)]


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
def test_the_row_is_expired_by_the_table(cloud: Cloud, clock: SteppingClock, user: str) -> None:
    answer = _answer(user, clock)
    store = DynamoAnswerStore(cloud.table, cloud.aws.dynamodb, clock)
    cloud.aws.dynamodb.put_item(TableName=cloud.table, Item=to_item(answer_row(answer)))
    assert store.change(answer, to=_told(answer, clock))
    key = to_item(answer_key(user, SHA256, answer.job_id))
    row = to_row(cloud.aws.dynamodb.get_item(TableName=cloud.table, Key=key)["Item"])
    assert row["expires_at"] == int(answer.expires_at.timestamp())
    assert row["state"] == "told"
