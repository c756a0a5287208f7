"""remove.bg as the optional paid cut-out, on the running stack against its simulator."""

import io
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from darkroom.adapters.settings_store import DynamoSettingsStore
from darkroom.models.user_settings import Limits
from local.providers import World
from local.providers.removebg import Simulator
from local.stack import Stack
from tests.integration.canary import leaks
from tests.integration.users import ASYNC, People, User, eventually, picture
from tests.unit.cloud import dot

ROUTE = "/v1/images/background-removals"
CREDIT = 200_000
CANARY = "CANARYremovebg" + "0123456789" * 3


@pytest.fixture
def removebg(stack: Stack) -> Iterator[Simulator]:
    """As new; one account pays for everybody here, so each test looks at what it adds to the invoice."""
    simulator: World = stack.providers["removebg"]
    assert isinstance(simulator, Simulator)
    simulator.reset()
    yield simulator
    simulator.reset()


@pytest.fixture
def user(people: People, stack: Stack, removebg: Simulator) -> User:
    """Somebody with a key of remove.bg's, and limits that leave room for a credit."""
    user = people.new("cutter", connected=False)
    stored = user.request("PUT", "/v1/keys/removebg", json={"key": removebg.key})
    assert stored.status_code == 200, stored.text
    _set(stack, user)
    return user


def _set(stack: Stack, user: User, **settings: Any) -> None:
    store = DynamoSettingsStore(str(stack.template.scope.ref("Table")), stack.aws.dynamodb)
    changed = {"limits": Limits(per_request=500_000), **settings}
    assert store.save(user.name, store.load(user.name).model_copy(update=changed))


def _cut(user: User, image: bytes, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
    return user.request("POST", ROUTE, files={"image": ("a.png", image)}, data=fields, headers=headers)


def _nothing_there() -> bytes:
    """A picture in which no model of ours sees anything, and in which there is something."""
    image = Image.new("RGB", (512, 512), (128, 128, 128))
    image.paste((170, 170, 170), (500, 500, 512, 512))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def _balanced(user: User, removebg: Simulator) -> int:
    """What receipts, budget and invoice agree on, in micro-dollars."""
    receipts = sum(int(receipt["actual_micro_usd"]) for receipt in user.receipts())
    spent = round(user.budget()["spent_usd"] * 1_000_000)
    assert receipts == spent == removebg.invoice()
    assert user.budget()["reserved_usd"] == 0
    return receipts


def test_the_key_is_looked_at_before_it_is_kept(user: User, removebg: Simulator) -> None:
    answer = user.request("PUT", "/v1/keys/removebg", json={"key": removebg.key})
    assert answer.json()["status"]["limit_remaining"] == 100 * CREDIT
    wrong = user.request("PUT", "/v1/keys/removebg", json={"key": CANARY})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "INVALID_API_KEY")
    assert CANARY not in wrong.text


def test_the_setting_has_remove_bg_cut_out_and_the_books_agree(stack: Stack, user: User, removebg: Simulator) -> None:
    _set(stack, user, cloud_removal="always")
    body = _cut(user, dot(size=128)).json()
    assert (body["model"], body["cost_usd"], body["object"]) == ("remove.bg", 0.2, "background_removal"), body
    linked = Image.open(io.BytesIO(httpx.get(body["url"], trust_env=False).content))
    assert (linked.mode, linked.size, linked.getpixel((0, 0))) == ("RGBA", (128, 128), (255, 255, 255, 0))
    assert _balanced(user, removebg) == CREDIT
    (receipt,) = user.receipts()
    assert (receipt["op"], receipt["provider"]) == ("background-removal", "removebg")
    # What the request says goes before it.
    free = _cut(user, dot(size=128), cloud="false").json()
    assert (free["model"], free["cost_usd"]) == ("u2netp", 0)
    assert _balanced(user, removebg) == CREDIT


def test_what_cannot_be_done_here_is_done_there_where_that_is_allowed(
    stack: Stack, user: User, removebg: Simulator
) -> None:
    refused = _cut(user, _nothing_there())
    assert (refused.status_code, refused.json()["code"]) == (422, "NO_FOREGROUND")
    assert (removebg.log[1:], user.receipts()) == ([], [])
    _set(stack, user, cloud_removal="fallback")
    body = _cut(user, _nothing_there()).json()
    assert body["model"] == "remove.bg", body
    assert body["warnings"][0].startswith("It was not cut out here: ")
    assert _balanced(user, removebg) == CREDIT


def test_an_order_that_is_sent_twice_is_one_charge(user: User, removebg: Simulator) -> None:
    headers = {**ASYNC, "idempotency-key": "cut-1"}
    first, second = (_cut(user, dot(), headers, cloud="true") for _ in range(2))
    assert (first.status_code, second.headers["idempotent-replayed"]) == (202, "true"), first.text
    assert first.json()["id"] == second.json()["id"]
    job = user.until(first.json()["id"], "succeeded")
    assert job["cost"]["actual_usd"] == 0.2
    assert _balanced(user, removebg) == CREDIT


def test_who_may_not_or_cannot_pay_is_told_so_and_nothing_is_asked(
    stack: Stack, people: People, user: User, removebg: Simulator
) -> None:
    removebg.log.clear()
    _set(stack, user, limits=Limits(per_request=CREDIT - 1))
    over = _cut(user, dot(), cloud="true")
    assert (over.status_code, over.json()["code"], over.json()["charged"]) == (402, "COST_LIMIT", False)
    keyless = _cut(people.new("keyless"), dot(), cloud="true")
    assert (keyless.status_code, keyless.json()["code"]) == (401, "INVALID_API_KEY")
    assert "PUT /v1/keys/removebg" in keyless.json()["fix"]
    wrong = _cut(user, dot(), cloud="true", matting="true")
    assert (wrong.status_code, wrong.json()["param"]) == (400, "matting")
    assert (removebg.log, user.get("/v1/jobs").json()["data"]) == ([], [])


def test_a_refusal_there_is_free_and_says_so(user: User, removebg: Simulator) -> None:
    answer = _cut(user, picture(), cloud="true")
    assert (answer.status_code, answer.json()["code"], answer.json()["charged"]) == (422, "NO_FOREGROUND", False)
    assert _balanced(user, removebg) == 0


@pytest.mark.parametrize("setting", ["always", "fallback"])
def test_a_dropped_file_is_paid_for_once_however_often_it_is_told_of(
    stack: Stack, user: User, removebg: Simulator, setting: str
) -> None:
    _set(stack, user, cloud_removal=setting)
    key = f"inbox/{user.name}/a photo.png"
    record = _drop(stack, key, _nothing_there())
    job = _only_finished(user, key)
    assert (job["status"], job["model_used"], job["cost"]["actual_usd"]) == ("succeeded", "removebg", 0.2), job
    for _ in range(5):
        stack.aws.sqs.send_message(
            QueueUrl=stack.template.scope.ids["PictureQueue"], MessageBody=json.dumps({"Records": [record]})
        )
    # A file that comes after them has been looked at when they have.
    time.sleep(1)
    _drop(stack, f"inbox/{user.name}/bad.png", b"hello")
    assert _only_finished(user, f"inbox/{user.name}/bad.png")["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert _only_finished(user, key)["id"] == job["id"]
    assert _balanced(user, removebg) == CREDIT


def test_a_dropped_file_within_no_budget_says_so_and_costs_nothing(
    stack: Stack, user: User, removebg: Simulator
) -> None:
    removebg.log.clear()
    _set(stack, user, cloud_removal="always", limits=Limits(per_request=CREDIT - 1))
    key = f"inbox/{user.name}/b.png"
    _drop(stack, key, dot())
    job = _only_finished(user, key)
    assert (job["status"], job["error"]["code"], removebg.log) == ("failed", "COST_LIMIT", [])


def test_the_key_is_found_nowhere(stack: Stack, user: User, removebg: Simulator) -> None:
    removebg.go_wrong("error", status=403, body={"errors": [{"title": f"API Key {removebg.key} invalid"}]})
    answer = _cut(user, dot(), cloud="true")
    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_API_KEY")
    assert removebg.key not in answer.text
    assert leaks(stack) == []


def _drop(stack: Stack, key: str, data: bytes) -> dict[str, Any]:
    """Puts a file into the bucket; returns the record with which S3 tells of it."""
    bucket = stack.template.scope.ref("UploadsBucket")
    put = stack.aws.s3.put_object(Bucket=bucket, Key=key, Body=data)
    place = {"key": key, "versionId": put["VersionId"], "eTag": put["ETag"].strip('"'), "sequencer": "01", "size": 1}
    return {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": place}}


def _only_finished(user: User, key: str) -> dict[str, Any]:
    def of_key() -> list[dict[str, Any]]:
        jobs = user.get("/v1/jobs", params={"limit": 100}).json()["data"]
        return [job for job in jobs if job["input"].get("key") == key]

    def is_over(jobs: list[dict[str, Any]]) -> bool:
        return len(jobs) == 1 and jobs[0]["status"] in ("succeeded", "failed")

    (job,) = eventually(of_key, is_over)
    return dict(job)
