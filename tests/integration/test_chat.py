"""Plain chat on the running stack: answers, jobs, replays and charges. Clients of OpenAI have tests of their own."""

import json

import pytest

from tests.integration.users import ASYNC, People, User

CHAT = "/v1/chat/completions"
TALKER = "google/gemini-2.5-flash"
HELLO = {"model": TALKER, "messages": [{"role": "user", "content": "Hello there"}], "max_completion_tokens": 200}


@pytest.fixture
def user(people: People) -> User:
    return people.new("chat")


def assert_paid_once(user: User) -> None:
    (charged,) = user.charges()
    assert [receipt["actual_micro_usd"] for receipt in user.receipts()] == [charged]
    assert charged > 0


def test_an_answer_says_what_it_cost_and_which_job_it_was(user: User) -> None:
    answer = user.post(CHAT, HELLO)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["choices"][0]["message"]["content"]
    job = user.job(body["darkroom"]["job"]["id"])
    assert (job["status"], job["op"]) == ("succeeded", "completion")
    assert round(job["cost"]["actual_usd"] * 1_000_000) == sum(user.charges())
    assert_paid_once(user)


def test_an_answer_that_is_not_waited_for_is_fetched_by_its_key(user: User) -> None:
    key = {"idempotency-key": "k"}
    told = user.post(CHAT, HELLO, headers={**ASYNC, **key})
    assert told.status_code == 202, told.text
    assert user.until(told.json()["id"])["status"] == "succeeded"
    first, second = (user.post(CHAT, HELLO, headers=key) for _ in range(2))
    assert (first.status_code, first.headers["idempotent-replayed"]) == (200, "true")
    assert first.json()["choices"] == second.json()["choices"]
    other = {**HELLO, "messages": [{"role": "user", "content": "Good bye"}]}
    assert user.post(CHAT, other, headers=key).status_code == 422
    assert_paid_once(user)


def test_a_stream_is_well_formed(user: User) -> None:
    answer = user.post(CHAT, {**HELLO, "stream": True, "stream_options": {"include_usage": True}})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    events = [line.removeprefix("data: ") for line in answer.text.split("\n") if line.startswith("data: ")]
    assert events.pop() == "[DONE]"
    chunks = [json.loads(event) for event in events]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    assert chunks[-1]["usage"]["total_tokens"] > 0
    assert_paid_once(user)


def test_what_cannot_be_answered_is_refused_before_anything_is_paid(user: User) -> None:
    for fields, param in (({"model": "nobody/nothing"}, "model"), ({"messages": []}, "messages"), ({"n": 2}, "n")):
        answer = user.post(CHAT, {**HELLO, **fields})
        assert (answer.status_code // 100, answer.json()["param"], answer.json()["charged"]) == (4, param, False)
    assert user.paid_requests() == []


def test_who_has_no_key_is_told_how_to_get_one(people: People) -> None:
    nobody = people.new("nobody", connected=False)
    answer = nobody.post(CHAT, HELLO)
    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_API_KEY")
