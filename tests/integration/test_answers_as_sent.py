"""Answers as providers have really given them, through the gateway, the queue and the worker of the running stack.

What becomes of each in detail is told by `test_upstream_answers.py`, in one process.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT
from tests.fakes.webhooks import Receiver
from tests.integration.test_conversations import say
from tests.integration.users import EDITS, GENERATIONS, KLEIN, STREAMING, People, User, picture
from tests.photos import photo, save

CASES = ROOT / "tests" / "cases" / "answers"
COST = 14_000
CHAT = "/v1/chat/completions"
TALKER = "google/gemini-2.5-flash"
PHOTO = (ROOT / "events" / "photo.jpg").read_bytes()


@dataclass(frozen=True)
class Row:
    """What is answered.

    Args:
        message: what is told of the provider's own words.
    """

    status: int
    code: str | None = None
    charged: bool = False
    message: str | None = None
    model: str = KLEIN


_SAFETY = "Your request was rejected as a result of our safety system."
ROWS = {
    "b64_is_data_url": Row(200, charged=True),
    "image_https_url": Row(502, "UNUSABLE_ANSWER", charged=True),
    "200_error_content_policy_violation": Row(
        422, "CONTENT_REFUSED", message="Your request was rejected by the safety system"
    ),
    "400_moderation_blocked": Row(422, "CONTENT_REFUSED", message=_SAFETY),
    "200_error_string": Row(503, "SERVICE_UNAVAILABLE", message="Internal error"),
    "stream_error_without_type": Row(429, "RATE_LIMIT", model=STREAMING),
}


@pytest.fixture
def user(people: People) -> User:
    return people.new("answers")


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / f"up_{name}.json").read_text())
    return {field: found[field] for field in ("status", "headers", "body")}


def ask(user: User, route: str, model: str) -> httpx.Response:
    """Asks once more where a busy machine took longer than an answer may: that joins the same job."""
    answer = _asked(user, route, model)
    while answer.status_code == 503 and answer.json()["code"] == "STILL_RUNNING":
        answer = _asked(user, route, model)
    return answer


def _asked(user: User, route: str, model: str) -> httpx.Response:
    if route == EDITS:
        form = {"prompt": "x", "model": model}
        return user.request("POST", EDITS, data=form, files={"image": ("a.png", picture(), "image/png")})
    if route == CHAT:
        return user.post(CHAT, {"model": TALKER, "messages": [{"role": "user", "content": "x"}]})
    return user.generate(model=model)


def _settled(user: User, cost: int) -> None:
    """The job, its receipt, the day's budget and the invoice tell the same."""
    (listed,) = user.get("/v1/jobs").json()["data"]
    (receipt,) = user.receipts()
    job = user.job(listed["id"])
    assert user.charges() == [cost] * bool(cost)
    assert (receipt["job_id"], receipt["actual_micro_usd"]) == (job["id"], cost)
    assert (job["cost"]["settled"], round(job["cost"]["actual_usd"] * 1_000_000)) == (True, cost)
    assert job["cost"]["charged"] is (cost > 0)
    assert (round(user.budget()["spent_usd"] * 1_000_000), user.budget()["reserved_usd"]) == (cost, 0)


@pytest.mark.parametrize(
    ("route", "name"),
    [*((GENERATIONS, name) for name in ROWS), (EDITS, "b64_is_data_url"), (CHAT, "400_moderation_blocked")],
)
def test_an_answer_comes_to_what_it_says(user: User, route: str, name: str) -> None:
    row = ROWS[name]
    user.scenario("answer", **case(name))
    answer = ask(user, route, row.model)
    told = answer.json()
    assert answer.status_code == row.status, told
    if row.code is None:
        assert told["cost"]["charged"] is row.charged
    else:
        assert (told["code"], told["charged"]) == (row.code, row.charged)
        assert told["job"]["cost"]["charged"] is row.charged
    if row.message:
        assert told["upstream"]["message"] == row.message
    _settled(user, COST if row.charged else 0)


def test_a_picture_at_an_address_is_fetched(user: User, receiver: Receiver) -> None:
    """From the one server of this machine that the stack may call."""
    receiver.files["/painted.png"] = save(photo("chelsea").resize((40, 30)), "PNG")
    given = case("image_https_url")
    given["body"]["data"][0]["url"] = receiver.url.replace("/hook?key=CANARY", "/painted.png")
    user.scenario("answer", **given)
    answer = ask(user, GENERATIONS, KLEIN)
    assert answer.status_code == 200, answer.text
    stored = httpx.get(answer.json()["job"]["output"]["images"][0]["url"], trust_env=False).content
    assert hashlib.sha256(stored).digest() == hashlib.sha256(receiver.files["/painted.png"]).digest()
    _settled(user, COST)


def test_a_plan_after_prose_is_read_at_once(user: User) -> None:
    user.scenario("answer", path="/chat/completions", **case("planner_prose_before_json"))
    begun = user.request("POST", "/v1/conversations", files={"image": PHOTO})
    turn = say(user, begun.headers["location"], "make it warmer")
    assert turn["reply"] == "Done: warmer (20). I made it warmer."
    assert (turn["version"]["id"], turn["settled"]) == ("v2", True)
    assert [step["operation"]["op"] for step in turn["version"]["steps"]] == ["color_temperature"]
    assert len(user.paid_requests()) == 1
    (receipt,) = user.receipts()
    assert user.charges() == [receipt["actual_micro_usd"]] == [round(turn["cost_usd"] * 1_000_000)]
