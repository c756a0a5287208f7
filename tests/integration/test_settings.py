"""Settings over HTTP: they apply to the next request, to nobody else's, and to pictures that are made from then on."""

import json
from datetime import datetime
from typing import Any

import pytest

from darkroom.adapters.image_store import RETENTION_TAG
from tests.fakes.webhooks import Receiver
from tests.integration.users import ASYNC, KLEIN, STREAMING, People, User, eventually

SETTINGS = "/v1/settings"


@pytest.fixture
def user(people: People) -> User:
    return people.new("settings")


def _set(user: User, **changes: Any) -> dict[str, Any]:
    answer = user.request("PATCH", SETTINGS, json=changes)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def _order(user: User, **fields: Any) -> dict[str, Any]:
    answer = user.post("/v1/images/generations", {"prompt": "A red fox", **fields}, headers=ASYNC)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def test_nobody_sees_or_sets_any_with_a_token_that_there_is_not(user: User) -> None:
    for method in ("GET", "PATCH"):
        answer = user.with_token("dk_" + "x" * 43).request(method, SETTINGS, json={"ai_provider": "auto"})
        assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")


def test_the_next_request_has_what_was_set_and_a_request_may_say_otherwise(people: People, user: User) -> None:
    bob = people.new("settings")
    before = bob.get(SETTINGS).json()
    stacks = _order(user)["model_requested"]
    assert stacks == KLEIN
    shown = _set(user, image_generation_model=STREAMING)
    assert (shown["image_generation_model"], shown["source"]["image_generation_model"]) == (STREAMING, "user")
    assert _order(user)["model_requested"] == STREAMING
    assert _order(user, model=KLEIN)["model_requested"] == KLEIN
    assert bob.get(SETTINGS).json() == before
    assert _order(bob)["model_requested"] == KLEIN
    _set(user, image_generation_model=None)
    assert _order(user)["model_requested"] == KLEIN


def test_what_there_is_not_is_refused_with_what_there_is(user: User) -> None:
    before = user.get(SETTINGS).json()
    answer = user.request("PATCH", SETTINGS, json={"image_edit_model": "somebody/painter"})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["param"]) == (400, "UNSUPPORTED_MODEL", "image_edit_model")
    assert KLEIN in problem["suggestions"]
    assert user.get(SETTINGS).json() == before


def test_a_limit_holds_before_anything_is_spent(user: User) -> None:
    _set(user, max_cost_per_request=0.01)
    assert user.generate().json()["code"] == "COST_LIMIT"
    assert user.paid_requests() == []


def test_what_is_to_be_kept_by_nobody_is_said_on_the_wire(user: User) -> None:
    _set(user, zero_data_retention=True)
    assert user.until(_order(user, model=KLEIN)["id"])["status"] == "succeeded"
    refused = user.generate(model=STREAMING)
    assert (refused.status_code, refused.json()["param"]) == (400, "zdr")
    chat = {"model": "google/gemini-2.5-flash", "messages": [{"role": "user", "content": "Hello"}]}
    assert user.post("/v1/chat/completions", chat).status_code == 200
    picture, words = user.paid_requests()
    assert picture["body"]["provider"]["only"] == ["black-forest-labs"]
    assert words["body"]["provider"]["zdr"] is True


def test_pictures_are_removed_as_soon_as_their_owner_wants(user: User) -> None:
    kept = user.until(_order(user)["id"])
    assert _set(user, retention_days=3)["retention_days"] == 3
    short = user.until(_order(user)["id"])
    days = [_days(job["created_at"], job["expires_at"]) for job in (kept, short)]
    assert days == [30, 3]
    assert [_tags(user, job["id"]) for job in (kept, short)] == [{}, {RETENTION_TAG: "3"}]


def test_every_job_is_announced_where_its_user_said(user: User, receiver: Receiver) -> None:
    _set(user, webhook_url=f"http://127.0.0.1:{receiver.port}/{user.name}?key=s3cret")
    assert "s3cret" not in user.get(SETTINGS).text
    job = _order(user)

    def mine() -> list[Any]:
        return [call for call in list(receiver.calls) if call.path.startswith(f"/{user.name}")]

    (call,) = eventually(mine, bool)
    assert json.loads(call.body)["data"]["id"] == job["id"]


@pytest.mark.parametrize("provider", ["openai", "gemini"])
def test_a_provider_without_a_key_is_nobody_elses_to_stand_in_for(user: User, provider: str) -> None:
    _set(user, ai_provider=provider)
    refused = user.generate(model=STREAMING)
    assert (refused.status_code, refused.json()["code"]) == (401, "INVALID_API_KEY")
    assert f"/v1/keys/{provider}" in refused.json()["fix"]
    assert user.paid_requests() == []
    assert _order(user, provider="openrouter")["status"] == "queued"


def _days(begin: str, end: str) -> int:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).days


def _tags(user: User, job_id: str) -> dict[str, str]:
    """Of the one picture of a job."""
    s3, bucket = user.stack.aws.s3, str(user.stack.template.scope.ref("OutputsBucket"))
    (found,) = s3.list_objects_v2(Bucket=bucket, Prefix=f"outputs/{user.name}/{job_id}/")["Contents"]
    return {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=bucket, Key=found["Key"])["TagSet"]}
