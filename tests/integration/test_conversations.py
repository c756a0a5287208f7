"""Conversations on the running stack: every route, replies that are waited for and not, and what they cost."""

import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT
from tests.integration.users import ASYNC, People, User, eventually, picture
from tests.photos import load

CONVERSATIONS = "/v1/conversations"
PHOTO = (ROOT / "events" / "photo.jpg").read_bytes()
WAIT = {"prefer": "wait=25"}


@pytest.fixture
def alice(people: People) -> User:
    return people.new("alice")


def begin(user: User, data: bytes | None = PHOTO, **form: str) -> str:
    """A conversation about a picture, or about none; its path."""
    files = None if data is None else {"image": data}
    answer = user.request("POST", CONVERSATIONS, files=files, data=form)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def say(user: User, path: str, content: str, **headers: str) -> dict[str, Any]:
    """The turn, once it is over."""
    answer = user.post(f"{path}/messages", {"content": content}, headers={**WAIT, **headers})
    if answer.status_code == 202:
        # A machine that is busy with other things.
        user.until(answer.json()["id"], "succeeded")
        answer = user.post(f"{path}/messages", {"content": content}, headers={**WAIT, **headers})
    assert answer.status_code == 200, answer.text
    turn: dict[str, Any] = answer.json()
    return turn


def shown(user: User, path: str) -> dict[str, Any]:
    answer = user.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def read(version: dict[str, Any]) -> bytes:
    data = httpx.get(version["image"]["url"], trust_env=False).content
    assert hashlib.sha256(data).hexdigest() == version["image"]["sha256"]
    return data


def micro_dollars(dollars: float) -> int:
    return round(dollars * 1_000_000)


def assert_books_agree(user: User, path: str) -> None:
    """Invoice, receipts, messages, total."""
    charged = sum(user.charges())
    assert sum(receipt["actual_micro_usd"] for receipt in user.receipts()) == charged
    found = shown(user, path)
    assert sum(micro_dollars(message["cost_usd"]) for message in found["messages"]) == charged
    assert micro_dollars(found["total_usd"]) == charged


def test_a_conversation_by_all_its_routes(alice: User) -> None:
    path = begin(alice, title="A portrait")
    warm = say(alice, path, "make it warmer")
    assert (warm["reply"], warm["type"]) == ("Done: warmer (20). I made it warmer.", "technical")
    assert (warm["version"]["id"], warm["version"]["parent"]) == ("v2", "v1")
    painted = say(alice, path, "make it a watercolour painting")
    assert (painted["type"], painted["version"]["id"]) == ("artistic", "v3")
    assert say(alice, path, "undo that")["version"]["id"] == "v2"
    assert alice.post(f"{path}/redo").json()["current"] == "v3"
    assert alice.post(f"{path}/undo").json()["current"] == "v2"
    branched = alice.post(f"{path}/branch", {"version": "v1"}).json()
    assert (branched["current"], branched["can_redo"]) == ("v1", False)
    found = shown(alice, path)
    assert [(version["id"], version["parent"]) for version in found["versions"]] == [
        ("v1", None),
        ("v2", "v1"),
        ("v3", "v2"),
    ]
    files = [read(version) for version in found["versions"]]
    assert len(set(files)) == 3
    direct = alice.get(f"{path}/versions/v2", headers={"accept": "image/*"})
    assert (direct.headers["content-type"], direct.content) == ("image/jpeg", files[1])
    assert alice.get(f"{path}/versions/v2").json()["steps"] == warm["version"]["steps"]
    compared = alice.get(f"{path}/compare", params={"a": "v1", "b": "v2"}).json()
    assert 0 < compared["similarity"] < 1
    together = load(httpx.get(compared["url"], trust_env=False).content)
    assert together.height < together.width
    assert alice.get(f"{path}/recipe", params={"version": "v2"}).json()["steps"] == warm["version"]["steps"]
    (listed,) = alice.get(CONVERSATIONS).json()["data"]
    assert (listed["id"], listed["title"], listed["message_count"]) == (found["id"], "A portrait", 6)
    assert_books_agree(alice, path)
    assert alice.request("DELETE", path).json()["deleted"] is True
    assert alice.get(path).status_code == 404
    assert alice.get(CONVERSATIONS).json()["data"] == []


@pytest.mark.parametrize("case", ["up_planner_usage_missing", "up_planner_cost_null"])
def test_a_reply_does_not_wait_for_what_it_cost(alice: User, case: str) -> None:
    """The sweep, five minutes later, is the crash tests' and the unit tests'."""
    answered = json.loads((ROOT / "tests" / "cases" / "answers" / f"{case}.json").read_text())["body"]
    said = answered["choices"][0]["message"]["content"]
    alice.scenario("text_answer", path="/chat/completions", text=said)
    scenario = "missing_cost" if "usage" in answered else "missing_usage"
    alice.scenario(scenario, path="/chat/completions", form="null")
    path = begin(alice)
    turn = say(alice, path, "make it warmer")
    assert (turn["reply"], turn["version"]["id"]) == ("Done: warmer (20). I made it warmer.", "v2")
    assert (turn["settled"], turn["cost_usd"], turn["conversation"]["settled"]) == (False, None, False)
    cost = turn["job"]["cost"]
    assert (cost["settled"], cost["actual_usd"], cost["charged"]) == (False, None, "unknown")
    assert turn["cost"] == cost
    message = shown(alice, path)["messages"][-1]
    assert (message["settled"], message["cost_usd"]) == (False, None)
    (spent,) = alice.charges()
    assert 0 < spent <= micro_dollars(cost["reserved_usd"])


def test_a_reply_need_not_be_waited_for(alice: User) -> None:
    path, key = begin(alice), {"idempotency-key": "once"}
    sent = {"content": "mirror it"}
    answer = alice.post(f"{path}/messages", sent, headers={**ASYNC, **key})
    assert answer.status_code == 202
    job = alice.until(answer.headers["location"].rpartition("/")[2])
    assert (job["status"], job["op"], job["output"]["version"]) == ("succeeded", "turn", "v2")
    assert [image["sha256"] for image in job["output"]["images"]] == [
        shown(alice, path)["versions"][1]["image"]["sha256"]
    ]
    assert micro_dollars(job["cost"]["actual_usd"]) == sum(alice.charges())
    again = alice.post(f"{path}/messages", sent, headers=key)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert (again.json()["job"]["id"], again.json()["version"]["id"]) == (job["id"], "v2")
    other = alice.post(f"{path}/messages", {"content": "sharpen it"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len(alice.charges()) == 1
    assert_books_agree(alice, path)


def test_the_background_goes_by_words_where_the_model_is(alice: User) -> None:
    path = begin(alice)
    turn = say(alice, path, "remove the background and mirror it")
    cut = load(read(turn["version"]))
    assert (cut.mode, cut.size) == ("RGBA", (512, 512))
    face, wall = (cut.getchannel("A").getpixel(at) for at in ((511 - 230, 120), (511 - 330, 60)))
    assert isinstance(face, int)
    assert face >= 250
    assert wall == 0
    assert len(alice.charges()) == 1
    assert_books_agree(alice, path)


def test_a_recipe_makes_of_other_pictures_what_the_conversation_made_of_its_own(alice: User) -> None:
    path = begin(alice)
    say(alice, path, "crop it square, warmer, and a vignette")
    turn = say(alice, path, "some film grain")
    paid = alice.charges()
    recipe = alice.get(f"{path}/recipe").json()
    exported = {name: value for name, value in recipe.items() if name != "object"}
    uploads = [upload(alice, PHOTO), upload(alice, picture())]
    applied = alice.post("/v1/recipes/apply", {"recipe": exported, "images": uploads})
    assert applied.status_code == 202, applied.text
    job = alice.until(applied.json()["id"], "succeeded")
    same, other = (httpx.get(image["url"], trust_env=False).content for image in job["output"]["images"])
    assert same == read(turn["version"])
    assert same != other
    assert alice.charges() == paid


def upload(user: User, data: bytes) -> str:
    told = user.post("/v1/uploads", {"media_type": "image/png"}).json()
    httpx.post(told["url"], data=told["fields"], files={"file": data}, trust_env=False).raise_for_status()
    return str(told["upload_id"])


def test_a_conversation_may_begin_with_nothing_and_have_its_picture_painted(alice: User) -> None:
    path = begin(alice, None)
    turn = say(alice, path, "paint a red fox")
    assert (turn["version"]["id"], turn["version"]["parent"]) == ("v1", None)
    assert load(read(turn["version"])).width > 0
    assert_books_agree(alice, path)


def test_a_painter_that_refuses_is_told_as_an_error_with_what_was_charged(alice: User) -> None:
    path = begin(alice)
    alice.scenario("moderation", path="/images")
    answer = alice.post(f"{path}/messages", {"content": "add a hat"}, headers=WAIT)
    if answer.status_code == 202:
        answer = alice.get(f"/v1/jobs/{alice.until(answer.json()['id'], 'failed')['id']}")
        problem = answer.json()["error"]
    else:
        assert 400 <= answer.status_code < 500
        problem = answer.json()
    assert problem["charged"] is True
    assert shown(alice, path)["current"] == "v1"
    assert sum(receipt["actual_micro_usd"] for receipt in alice.receipts()) == sum(alice.charges()) > 0


def test_what_one_user_talks_of_is_nobody_elses(alice: User, people: People) -> None:
    bob, path = people.new("bob"), begin(alice)
    say(alice, path, "warmer")
    before = shown(alice, path)["messages"]
    for method, below, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/messages", {"content": "cooler"}),
        ("POST", "/undo", None),
        ("GET", "/versions/v1", None),
        ("GET", "/recipe", None),
    ):
        answer = bob.request(method, path + below, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), below
    job = shown(alice, path)["messages"][1]["job"]
    for job_id in (job, f"{job}-plan"):
        assert bob.get(f"/v1/jobs/{job_id}").status_code == 404
        assert alice.get(f"/v1/jobs/{job_id}").status_code == 200
    assert shown(alice, path)["messages"] == before
    assert bob.charges() == []


def test_a_message_that_is_sent_twice_at_once_does_not_break_the_conversation(alice: User) -> None:
    path = begin(alice)
    jobs = [
        alice.post(f"{path}/messages", {"content": said}, headers=ASYNC).json()["id"] for said in ("warmer", "flip it")
    ]
    for job in jobs:
        alice.until(job, "succeeded")
    found = eventually(lambda: shown(alice, path), lambda each: len(each["messages"]) == 4)
    assert [version["id"] for version in found["versions"]] == ["v1", "v2", "v3"]
    assert_books_agree(alice, path)
