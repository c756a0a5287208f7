"""`POST /v1/images/edits` on the running stack: every way to hand a picture over, and where an edit came from."""

import base64
import hashlib
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.integration.users import ASYNC, EDITS, KLEIN, People, User, mask, picture


@pytest.fixture
def user(people: People) -> User:
    return people.new("edit")


def _edited(user: User, **fields: Any) -> dict[str, Any]:
    answer = user.post(EDITS, {"prompt": "add a balloon", "model": KLEIN, **fields}, headers=ASYNC)
    assert answer.status_code == 202, answer.text
    return user.until(answer.json()["id"], "succeeded")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _output(job: dict[str, Any], index: int = 0) -> bytes:
    return httpx.get(job["output"]["images"][index]["url"], trust_env=False).content


def test_an_edit_of_an_edit_knows_its_parents(user: User) -> None:
    first = user.until(user.order()["id"], "succeeded")
    second = _edited(user, job_id=first["id"])
    third = _edited(user, image=f"{second['id']}/0")
    (parent,) = second["lineage"]
    assert parent == {
        "role": "image", "kind": "job", "ref": first["id"], "index": 0, "sha256": first["output"]["images"][0]["sha256"]
    }  # fmt: skip
    assert [each["ref"] for each in third["lineage"]] == [second["id"]]
    assert first["lineage"] == []
    assert [user.job(job_id)["op"] for job_id in (first["id"], third["id"])] == ["generation", "edit"]
    assert sum(user.charges()) == sum(receipt["actual_micro_usd"] for receipt in user.receipts())


def test_an_upload_a_data_url_and_base64_are_pictures_too(user: User) -> None:
    form = user.post("/v1/uploads", {"media_type": "image/png"}).json()
    sent = httpx.post(form["url"], data=form["fields"], files={"file": picture()}, trust_env=False)
    assert sent.status_code < 300, sent.text
    text = base64.b64encode(picture()).decode()
    ways = [{"upload_id": form["upload_id"]}, {"image": f"data:image/png;base64,{text}"}, {"image_b64": text}]
    kinds = []
    for way in ways:
        (parent,) = _edited(user, **way)["lineage"]
        assert parent["sha256"] == _sha256(picture())
        kinds.append(parent["kind"])
    assert kinds == ["upload", "file", "file"]


def test_a_mask_leaves_the_rest_as_it_was(user: User) -> None:
    answer = user.request(
        "POST",
        EDITS,
        data={"prompt": "add a balloon", "model": KLEIN},
        files={"image": ("a.png", picture()), "mask": ("m.png", mask())},
        headers=ASYNC,
    )
    job = user.until(answer.json()["id"], "succeeded")
    assert [parent["role"] for parent in job["lineage"]] == ["image", "mask"]
    after, before = (Image.open(io.BytesIO(data)).convert("RGB") for data in (_output(job), picture()))
    assert after.size == before.size
    outside = (0, 0, before.width, before.height // 5)
    assert after.crop(outside).tobytes() == before.crop(outside).tobytes()
    assert after.tobytes() != before.tobytes()
    assert any("mask" in warning for warning in job["warnings"])


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({}, 400, "INVALID_PARAMETER", "image"),
        ({"image": "not a picture"}, 400, "INVALID_PARAMETER", "image"),
        ({"image_url": "http://169.254.169.254/latest/meta-data/"}, 400, "URL_REFUSED", "image_url"),
        ({"image_url": "http://127.0.0.1:1/a.png"}, 400, "URL_REFUSED", "image_url"),
        ({"job_id": "job_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, 404, "NOT_FOUND", "job_id"),
        ({"image_b64": "AAAA"}, 415, "UNSUPPORTED_MEDIA_TYPE", "image_b64"),
        ({"image_b64": base64.b64encode(picture()).decode(), "webhook_url": "http://10.0.0.1/x"}, 400, "URL_REFUSED",
         "webhook_url"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused_by_name_and_costs_nothing(
    user: User, fields: dict[str, Any], status: int, code: str, param: str
) -> None:
    answer = user.post(EDITS, {"prompt": "add a balloon", "model": KLEIN, **fields})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["charged"]) == (status, code, False), answer.text
    assert problem.get("param") == param
    assert user.get("/v1/jobs").json()["data"] == []
    assert user.budget()["reserved_usd"] == 0


def test_what_is_not_over_has_nothing_to_edit(user: User) -> None:
    user.scenario("slow_headers", seconds=3)
    job = user.order()
    problem = user.post(EDITS, {"prompt": "x", "model": KLEIN, "job_id": job["id"]}).json()
    assert (problem["code"], problem["param"]) == ("INVALID_PARAMETER", "job_id")
    assert user.until(job["id"])["status"] == "succeeded"
