"""Pictures that open everywhere, and those that do not, through the intakes of the running stack."""

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.integration.users import ASYNC, EDITS, KLEIN, People, User
from tests.photos import load
from tests.unit.images.test_containers import EXACT, NEAR, UNSUPPORTED, WARNED, assert_is_sound, case

REMOVALS = "/v1/images/background-removals"


@pytest.fixture
def user(people: People) -> User:
    return people.new("kinds")


def _kept_inputs(stack: Stack, user: User) -> list[bytes]:
    bucket = stack.template.scope.ref("OutputsBucket")
    found = stack.aws.s3.list_objects_v2(Bucket=bucket, Prefix=f"inputs/{user.name}/").get("Contents", [])
    return [stack.aws.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found]


@pytest.mark.parametrize("name", [*EXACT, *NEAR])
def test_a_cut_out_is_made_of_what_opens_everywhere(client: httpx.Client, name: str) -> None:
    answer = client.post(REMOVALS, files={"image": (name, case(name))}, headers={"accept": "application/json"})
    assert answer.status_code == 200, answer.text
    said = [warning for warning in answer.json()["warnings"] if name in WARNED and WARNED[name] in warning]
    assert len(said) == (name in WARNED)
    cut = load(httpx.get(answer.json()["url"], trust_env=False).content)
    assert cut.size == (192, 256)


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_supported_is_told_from_what_is_damaged(client: httpx.Client, user: User, name: str) -> None:
    form: dict[str, Any] = {"files": {"image": (name, case(name))}}
    for answer in (
        client.post(REMOVALS, **form),
        user.request("POST", EDITS, data={"prompt": "add a hat", "model": KLEIN}, **form),
    ):
        told = answer.json()
        assert (answer.status_code, told["code"], told["charged"]) == (415, "UNSUPPORTED_IMAGE", False)
    assert user.charges() == []


@pytest.mark.parametrize("name", [*EXACT, *NEAR])
def test_a_provider_gets_a_sound_file(stack: Stack, user: User, name: str) -> None:
    answer = user.request(
        "POST",
        EDITS,
        data={"prompt": "add a hat", "model": KLEIN},
        files={"image": (name, case(name))},
        headers=ASYNC,
    )
    assert answer.status_code == 202, answer.text
    job = user.until(answer.json()["id"], "succeeded")
    assert ([WARNED[name] in said for said in job["warnings"]].count(True) == 1) if name in WARNED else True
    (kept,) = _kept_inputs(stack, user)
    assert_is_sound(kept)
    assert load(kept).size == (192, 256)
    # The simulator notes a picture's digest in place of the picture.
    (sent,) = user.paid_requests()
    assert hashlib.sha256(base64.b64encode(kept)).hexdigest() in json.dumps(sent["body"])


def test_a_conversation_begins_with_an_iphones_picture(user: User) -> None:
    answer = user.request("POST", "/v1/conversations", files={"image": ("IMG_0001.HEIC", case("iphone.heic"))})
    assert answer.status_code in (200, 201), answer.text
    shown = answer.json()["versions"][0]
    assert (shown["image"]["width"], shown["image"]["height"]) == (192, 256)
