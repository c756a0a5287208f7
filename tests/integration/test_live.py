"""The live door on the running stack: one address for all, and the picture is made by the process that is asked."""

import json

import httpx
import pytest

from tests.integration.users import GENERATIONS, KLEIN, PATIENCE, People, User, eventually, plain_client

PRICE = 14_000
TALKER = "google/gemini-2.5-flash"
STREAMING = "openai/gpt-image-1-mini"


@pytest.fixture
def user(people: People) -> User:
    return people.new("live")


def test_the_process_that_is_asked_makes_the_picture(user: User) -> None:
    answer = user.post(f"/api{GENERATIONS}", {"prompt": "A red fox", "model": KLEIN})
    assert answer.status_code == 200, answer.text
    job = user.job(answer.json()["job"]["id"])
    # No worker came to it later: it was begun when it was admitted.
    assert (job["status"], job["started_at"]) == ("succeeded", job["created_at"])
    assert user.charges() == [PRICE]
    live = user.stack.live
    assert live is not None
    assert "IAM REFUSES" not in (user.stack.logs / "LiveFunction.log").read_text()


def test_a_client_that_hangs_up_gets_the_picture_when_it_asks_again(user: User) -> None:
    user.scenario("slow_headers", seconds=4)
    body = {"prompt": "A red fox", "model": KLEIN}
    headers = {"authorization": f"Bearer {user.token}"}
    with plain_client(user.stack.url, timeout=2.5) as client, pytest.raises(httpx.ReadTimeout):
        client.post(GENERATIONS, json=body, headers=headers)
    # What it did not wait for is free as soon as it is seen to be gone.
    eventually(lambda: _answers(user), lambda states: states == ["free"])
    again = user.post(GENERATIONS, body)
    assert again.status_code == 200, again.text
    assert len(user.get("/v1/jobs").json()["data"]) == 1
    assert user.charges() == [PRICE]


def test_a_token_is_through_the_gateway_before_the_provider_sends_the_next(user: User) -> None:
    user.scenario("held_stream", after=3)
    body = {"model": TALKER, "messages": [{"role": "user", "content": "Hello there " * 9}], "stream": True}
    headers = {"authorization": f"Bearer {user.token}"}
    with (
        plain_client(user.stack.url, timeout=PATIENCE) as client,
        client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer,
    ):
        events = (line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: "))
        first = json.loads(next(events))
        assert first["choices"][0]["delta"]["content"]
        assert user.charges() == []
        user.release()
        *chunks, end = events
    assert end == "[DONE]"
    assert json.loads(chunks[-1])["darkroom"]["cost"]["charged"] is True
    assert user.charges() == [receipt["actual_micro_usd"] for receipt in user.receipts()]


def test_a_follower_is_shown_the_partial_picture_of_a_workers_job_before_it_is_paid_for(user: User) -> None:
    user.scenario("held_stream", after=3)
    body = {"prompt": "A red fox", "model": STREAMING, "partial_images": 1}
    job_id = user.post(GENERATIONS, body, headers={"prefer": "respond-async"}).json()["id"]
    headers = {"authorization": f"Bearer {user.token}"}
    with (
        plain_client(user.stack.url, timeout=PATIENCE) as client,
        client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as answer,
    ):
        told = (json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: "))
        link = next(each["url"] for each in told if "partial_image_index" in each)
        shown = httpx.get(link, trust_env=False)
        assert (shown.headers["content-type"], shown.content[:4]) == ("image/png", b"\x89PNG")
        assert user.charges() == []
        user.release()
        *_, job = told
    assert (job["status"], job["cost"]["charged"]) == ("succeeded", True)
    assert user.request("DELETE", f"/v1/jobs/{job_id}").status_code == 200
    assert httpx.get(link, trust_env=False).status_code == 404
    for name in ("LiveFunction", "WorkerFunction", "JobsFunction"):
        log = user.stack.logs / f"{name}.log"
        assert not log.exists() or "IAM REFUSES" not in log.read_text()


def _answers(user: User) -> list[str]:
    """How the answers to the user's requests stand."""
    found = user.stack.aws.dynamodb.query(
        TableName=user.stack.template.scope.ref("Table"),
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": f"USER#{user.name}"}, ":sk": {"S": "ANSWER#"}},
        ConsistentRead=True,
    )
    return [item["state"]["S"] for item in found["Items"]]


def test_the_door_comes_back_when_its_process_was_killed(user: User) -> None:
    live = user.stack.live
    assert live is not None
    before = live.pid
    live.kill()
    answer = user.generate()
    assert answer.status_code == 200, answer.text
    assert live.pid != before
