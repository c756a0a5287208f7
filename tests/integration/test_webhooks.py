"""Webhooks of paid jobs on the running stack: a real receiver verifies them with the Standard Webhooks library."""

import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.fakes.webhooks import Call, Receiver
from tests.integration.users import People, User, eventually


@pytest.fixture
def user(people: People) -> User:
    return people.new("hook")


def _hook(user: User, receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.port}/{user.name}?key=CANARY"


def _calls(user: User, receiver: Receiver, number: int) -> list[Call]:
    def mine() -> list[Call]:
        return [call for call in list(receiver.calls) if call.path == f"/{user.name}?key=CANARY"]

    found: list[Call] = eventually(mine, lambda calls: len(calls) >= number)
    assert len(found) == number
    return found


def _verified(user: User, call: Call) -> dict[str, Any]:
    secret = user.get("/v1/webhooks/secret").json()["secret"]
    Webhook(secret).verify(call.body.decode(), call.headers)
    event: dict[str, Any] = json.loads(call.body)
    return event


def test_a_picture_is_announced_once_and_signed(user: User, receiver: Receiver) -> None:
    ordered = user.order(webhook_url=_hook(user, receiver))
    assert ordered["input"]["webhook_url"] == _hook(user, receiver).partition("?")[0]
    (call,) = _calls(user, receiver, 1)
    event = _verified(user, call)
    job = user.job(ordered["id"])
    assert (event["type"], call.headers["webhook-id"]) == ("job.succeeded", f"msg_{job['id']}")
    told = event["data"]
    assert {name: told[name] for name in ("id", "status", "cost", "model_used", "generation_id")} == {
        name: job[name] for name in ("id", "status", "cost", "model_used", "generation_id")
    }
    assert told["cost"]["actual_usd"] == 0.014
    assert told["output"]["images"][0]["sha256"] == job["output"]["images"][0]["sha256"]


def test_a_failure_and_a_canceled_job_are_announced_too(user: User, receiver: Receiver) -> None:
    user.scenario("content_policy")
    user.order(webhook_url=_hook(user, receiver))
    user.order({"cancel-after": "0s"}, webhook_url=_hook(user, receiver))
    events = [_verified(user, call) for call in _calls(user, receiver, 2)]
    assert {event["type"] for event in events} == {"job.failed", "job.canceled"}
    assert {event["data"]["error"]["code"] for event in events} == {"CONTENT_REFUSED", "JOB_CANCELED"}
    assert all(event["data"]["cost"]["charged"] is False for event in events)


def test_one_that_was_not_taken_comes_again_as_the_same(user: User, receiver: Receiver) -> None:
    receiver.statuses = [500]
    user.order(webhook_url=_hook(user, receiver))
    first, second = _calls(user, receiver, 2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert _verified(user, second)["type"] == "job.succeeded"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://169.254.169.254/", "ftp://example.com/", "nonsense"])
def test_an_address_that_will_never_be_called_is_refused_before_anything(user: User, url: str) -> None:
    answer = user.generate(webhook_url=url)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["param"]) == (400, "URL_REFUSED", "webhook_url")
    assert user.paid_requests() == []


def test_nobody_is_told_who_did_not_ask(user: User, receiver: Receiver, people: People) -> None:
    silent = people.new("hook")
    silent.until(silent.order()["id"], "succeeded")
    user.order(webhook_url=_hook(user, receiver))
    _calls(user, receiver, 1)
    assert not [call for call in receiver.calls if silent.name in f"{call.path} {call.body!r}"]
