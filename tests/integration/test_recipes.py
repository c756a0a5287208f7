"""Recipes on the running stack: kept, taken on many pictures by the function with the model, and dropped files."""

import base64
import hashlib
import json

import httpx
import pytest
from PIL import Image

from local.stack import Stack
from tests.conftest import ROOT
from tests.integration.conftest import simulator_of
from tests.integration.users import People, User, eventually
from tests.photos import load, save

PHOTO = (ROOT / "events" / "photo.jpg").read_bytes()
APPLY = "/v1/recipes/apply"
WARM = {
    "steps": [
        {"operation": {"op": "crop", "ratio": "1:1"}},
        {"operation": {"op": "brightness", "amount": 10}},
        {"operation": {"op": "grain", "amount": 20, "seed": 5}},
    ]
}
CUT_OUT = {"steps": [{"operation": {"op": "remove_background"}}, {"operation": {"op": "flip"}}]}
PAINTED = {"steps": [{"paint": {"prompt": "a fox"}}]}


@pytest.fixture
def alice(people: People) -> User:
    return people.new("alice")


def _upload(user: User, data: bytes, media_type: str = "image/png") -> str:
    upload = user.post("/v1/uploads", {"media_type": media_type}).json()
    httpx.post(upload["url"], data=upload["fields"], files={"file": data}, trust_env=False).raise_for_status()
    return str(upload["upload_id"])


def _picture(number: int) -> bytes:
    return save(Image.new("RGB", (40, 30), (number, 90, 200)), "PNG")


def _read(job: dict[str, object]) -> list[bytes]:
    output = job["output"]
    assert isinstance(output, dict)
    return [httpx.get(image["url"], trust_env=False).content for image in output["images"]]


def _invoice(stack: Stack) -> list[object]:
    with simulator_of(stack) as simulator:
        rows: list[object] = simulator.get("/_simulator/invoice").json()
        return rows


def test_an_iphones_picture_gives_the_same_in_a_form_as_base64_and_uploaded(alice: User) -> None:
    """Whichever way it is handed over: upright by its container, in tiles, and beside others of a form."""
    heic = (ROOT / "tests" / "cases" / "pictures" / "heic_turned_grid_exif6.heic").read_bytes()
    data_url = "data:image/heic;base64," + base64.b64encode(heic).decode()
    wanted = {"steps": [{"op": "sepia"}]}
    sent = alice.request(
        "POST",
        APPLY,
        data={"recipe": json.dumps(wanted)},
        files=[("images", ("IMG_1.HEIC", heic, "image/heic")), ("images", ("IMG_2.HEIC", heic, "image/heic"))],
    )
    named = alice.post(APPLY, {"recipe": wanted, "images": [data_url, _upload(alice, heic, "IMAGE/HEIC")]})
    found = []
    for answer in (sent, named):
        assert answer.status_code == 202, answer.text
        job = alice.until(answer.json()["id"])
        assert (job["status"], job["cost"]["actual_usd"]) == ("succeeded", 0), job
        found += _read(job)
    assert len(set(found)) == 1
    assert load(found[0]).size == (96, 128)


def test_a_kept_recipe_is_taken_on_many_pictures_for_nothing(alice: User, stack: Stack) -> None:
    saved = alice.request("PUT", "/v1/recipes/warm", json=WARM)
    assert saved.status_code == 200, saved.text
    uploads = [_upload(alice, _picture(number)) for number in range(12)]
    before = _invoice(stack)
    request = {"recipe": "warm", "images": [*uploads, "upl_01HZZZZZZZZZZZZZZZZZZZZ000"]}
    jobs = []
    for _ in range(2):
        answer = alice.post(APPLY, request)
        assert answer.status_code == 202, answer.text
        jobs.append(alice.until(answer.headers["location"].rpartition("/")[2]))
    for job in jobs:
        assert job["status"] == "succeeded", job
        assert job["output"]["progress"] == {"done": 12, "failed": 1, "total": 13}
        assert [(failed["index"], failed["code"]) for failed in job["output"]["errors"]] == [(12, "NOT_FOUND")]
        assert job["cost"]["actual_usd"] == 0
    first, second = (_read(job) for job in jobs)
    assert first == second, "the same pictures and recipe are the same bytes"
    assert len(set(first)) == 12
    assert {load(data).size for data in first} == {(30, 30)}
    assert _invoice(stack) == before
    assert alice.paid_requests() == []


def test_a_recipe_that_needs_the_subject_is_taken_where_the_model_is(alice: User) -> None:
    answer = alice.post(APPLY, {"recipe": CUT_OUT, "images": [_upload(alice, PHOTO)]}, headers={"prefer": "wait=20"})
    assert answer.status_code == 200, answer.text
    job = answer.json()
    (data,) = _read(job)
    picture = load(data)
    assert (picture.mode, picture.size) == ("RGBA", (512, 512))
    face, wall = (picture.getchannel("A").getpixel(at) for at in ((511 - 230, 120), (511 - 330, 60)))
    assert isinstance(face, int)
    assert face >= 250
    assert wall == 0
    assert hashlib.sha256(data).hexdigest() == job["output"]["images"][0]["sha256"]


def test_nobody_takes_anothers_recipe_or_pictures(alice: User, people: People) -> None:
    bob = people.new("bob")
    alice.request("PUT", "/v1/recipes/mine", json=WARM)
    assert bob.get("/v1/recipes/mine").status_code == 404
    assert bob.request("DELETE", "/v1/recipes/mine").status_code == 404
    assert bob.post(APPLY, {"recipe": "mine", "images": ["upl_1"]}).status_code == 404
    theirs = bob.post(APPLY, {"recipe": WARM, "images": [_upload(alice, PHOTO)]}).json()
    job = bob.until(theirs["id"])
    assert (job["status"], job["error"]["code"]) == ("failed", "NOT_FOUND")
    assert alice.get(f"/v1/jobs/{job['id']}").status_code == 404


def test_the_same_idempotency_key_is_one_job(alice: User) -> None:
    request, key = {"recipe": WARM, "images": [_upload(alice, PHOTO)]}, {"idempotency-key": "once"}
    ids = {alice.post(APPLY, request, headers=key).json()["id"] for _ in range(4)}
    assert len(ids) == 1
    assert alice.post(APPLY, {**request, "recipe": CUT_OUT}, headers=key).status_code == 422


def test_a_job_that_is_over_leaves_nothing_but_its_pictures(alice: User, stack: Stack) -> None:
    job = alice.post(APPLY, {"recipe": WARM, "images": [_upload(alice, PHOTO)]}, headers={"prefer": "wait=20"}).json()
    bucket, prefix = stack.template.scope.ref("OutputsBucket"), f"outputs/{alice.name}/{job['id']}/"

    def left() -> list[str]:
        listed = stack.aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [item["Key"].removeprefix(prefix) for item in listed.get("Contents", [])]

    # What only the work needed goes after the job is over.
    found = eventually(left, lambda names: len(names) == 1)
    assert found == ["0.jpg"]
    assert alice.request("DELETE", f"/v1/jobs/{job['id']}").status_code == 200


@pytest.mark.parametrize(("recipe", "status", "op"), [(WARM, "succeeded", "recipe"), (PAINTED, "failed", "recipe")])
def test_a_file_in_a_recipes_folder_gets_the_recipe(
    alice: User, stack: Stack, recipe: dict[str, object], status: str, op: str
) -> None:
    alice.request("PUT", "/v1/recipes/shop", json=recipe)
    bucket, key = stack.template.scope.ref("UploadsBucket"), f"inbox/{alice.name}/shop/a photo.jpg"
    put = stack.aws.s3.put_object(Bucket=bucket, Key=key, Body=PHOTO)
    place = {"key": key, "versionId": put["VersionId"], "eTag": put["ETag"].strip('"'), "sequencer": "01"}
    record = {"s3": {"bucket": {"name": bucket}, "object": place}}
    for _ in range(3):
        body = json.dumps({"Records": [record]})
        stack.aws.sqs.send_message(QueueUrl=stack.template.scope.ids["PictureQueue"], MessageBody=body)

    def over() -> list[dict[str, object]]:
        jobs: list[dict[str, object]] = alice.get("/v1/jobs").json()["data"]
        return [job for job in jobs if job["status"] in ("succeeded", "failed")]

    (job,) = eventually(over, lambda jobs: len(jobs) > 0)
    assert (job["status"], job["op"]) == (status, op), job
    if status == "succeeded":
        (data,) = _read(job)
        assert (load(data).format, load(data).size) == ("JPEG", (512, 512))
    else:
        assert "costs money" in str(job["error"])


def test_a_file_in_any_other_folder_is_cut_out(alice: User, stack: Stack) -> None:
    bucket = stack.template.scope.ref("UploadsBucket")
    stack.aws.s3.put_object(Bucket=bucket, Key=f"inbox/{alice.name}/holiday/a.jpg", Body=PHOTO)
    jobs = eventually(lambda: alice.get("/v1/jobs").json()["data"], lambda jobs: jobs and jobs[0]["completed_at"])
    assert [(job["op"], job["status"]) for job in jobs] == [("background-removal", "succeeded")]


def test_a_recipe_that_paints_is_paid_once_for_each_picture_and_never_above_its_cap(alice: User) -> None:
    """Flip, paint, flip: the money in one function, the pixels in another."""
    steps = [{"op": "flip"}, {"paint": {"prompt": "as a watercolour"}}, {"op": "flip", "direction": "vertical"}]
    request = {"recipe": {"steps": steps}, "images": [_upload(alice, _picture(60 * number)) for number in range(4)]}
    refused = alice.post(APPLY, request)
    assert (refused.status_code, refused.json()["param"]) == (400, "steps[1].paint")
    assert (refused.json()["charged"], "allow_paid" in refused.json()["fix"]) == (False, True)
    small = alice.post(APPLY, {**request, "allow_paid": True, "max_cost_usd": 0.0001})
    assert (small.status_code, small.json()["code"]) == (402, "COST_LIMIT")
    paid = {**request, "allow_paid": True, "max_cost_usd": 1}
    keyed = [alice.post(APPLY, paid, headers={"idempotency-key": "paint"}) for _ in range(3)]
    (job_id,) = {answer.json()["id"] for answer in keyed}
    each = keyed[0].json()["cost"]["estimated_usd"] / 4
    job = alice.until(job_id)
    assert (job["status"], job["output"]["progress"]) == ("succeeded", {"done": 4, "failed": 0, "total": 4})
    assert len(set(_read(job))) == 4
    assert [parent["kind"] for parent in job["lineage"]] == ["upload"] * 4
    assert len(alice.paid_requests()) == len(alice.charges()) == 4
    assert round(job["cost"]["actual_usd"] * 1_000_000) == sum(alice.charges())
    capped = alice.post(APPLY, {**paid, "max_cost_usd": round(1.5 * each, 6)}).json()
    job = alice.until(capped["id"])
    assert job["output"]["progress"] == {"done": 1, "failed": 3, "total": 4}
    assert {(error["code"], error["charged"]) for error in job["output"]["errors"]} == {("COST_LIMIT", False)}
    assert len(alice.charges()) == 5
    assert alice.budget()["reserved_usd"] == 0
    assert round(alice.budget()["spent_usd"] * 1_000_000) == sum(alice.charges())


def test_a_batch_is_canceled_by_its_owner_alone(alice: User, people: People) -> None:
    steps = [{"paint": {"prompt": "as a watercolour"}}]
    request = {"recipe": {"steps": steps}, "images": [_upload(alice, _picture(number)) for number in range(14)]}
    alice.scenario("slow_headers", seconds=3)
    job = alice.post(APPLY, {**request, "allow_paid": True, "max_cost_usd": 1}).json()
    assert people.new("bob").post(job["urls"]["cancel"]).status_code == 404
    eventually(alice.paid_requests, bool)
    assert alice.post(job["urls"]["cancel"]).status_code == 200
    done = alice.until(job["id"])
    assert done["status"] == "canceled"
    progress = done["output"]["progress"]
    assert progress["done"] + progress["failed"] < 14 or progress["failed"] > 0
    assert len(done["output"]["images"]) == progress["done"] == len(alice.charges())
    assert round(done["cost"]["actual_usd"] * 1_000_000) == sum(alice.charges())
    assert alice.budget()["reserved_usd"] == 0
    assert alice.post(job["urls"]["cancel"]).json()["status"] == "canceled"
