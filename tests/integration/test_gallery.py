"""What a gallery shows, on the running stack: thumbnails by the functions' own rights, lists by what was asked for."""

from base64 import b64encode
from typing import Any

import httpx

from darkroom.models.job import thumbnail_key, thumbnail_size
from local.stack import Stack
from tests.integration.users import ASYNC, EDITS, People, User, mask, picture
from tests.photos import jpeg, load

TALKS = "/v1/conversations"


def _thumb(user: User, thumb: dict[str, Any], size: tuple[int, int]) -> None:
    assert (thumb["width"], thumb["height"]) == thumbnail_size(*size)
    answers = [user.get(thumb["url"]) for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp"), answer.text
        assert load(answer.content).size == (thumb["width"], thumb["height"])
    assert answers[0].content == answers[1].content
    etag = answers[0].headers["etag"]
    assert user.get(thumb["url"], headers={"if-none-match": etag}).status_code == 304


def test_a_picture_is_found_looked_at_and_removed_with_its_thumbnail(people: People, stack: Stack) -> None:
    user = people.new("gallery")
    job = user.until(user.order(prompt="A heron at dawn")["id"], "succeeded")
    (image,) = job["output"]["images"]
    _thumb(user, image["thumb"], (image["width"], image["height"]))
    full = user.get(f"/v1/jobs/{job['id']}/images/0")
    assert (full.status_code, httpx.get(full.headers["location"], trust_env=False).status_code) == (303, 200)
    talk = user.post(TALKS, {"job_id": job["id"]}).json()
    (version,) = talk["versions"]
    _thumb(user, version["image"]["thumb"], (version["image"]["width"], version["image"]["height"]))
    (line,) = user.get(TALKS).json()["data"]
    _thumb(user, line["thumb"], (version["image"]["width"], version["image"]["height"]))
    turn = user.post(f"{TALKS}/{talk['id']}/messages", {"content": "warmer"}, headers=ASYNC).json()["id"]
    user.until(turn, "succeeded")
    edited = user.until(user.post(EDITS, {"prompt": "At dusk", "job_id": job["id"]}, headers=ASYNC).json()["id"])
    derived = user.get(job["urls"]["derived"]).json()["data"]
    assert [each["id"] for each in derived] == [edited["id"], turn]
    came_from = [[(each["kind"], each["ref"]) for each in one["lineage"]] for one in derived]
    assert came_from[0] == [("job", job["id"])]
    assert came_from[1][:2] == [("conversation", talk["id"]), ("job", job["id"])]
    assert version["source"]["ref"] == job["id"]
    assert user.request("DELETE", f"/v1/jobs/{edited['id']}").status_code == 200
    assert [each["id"] for each in user.get(job["urls"]["derived"]).json()["data"]] == [turn]
    cutout = user.request(
        "POST", "/v1/images/background-removals", files={"image": ("a.jpg", jpeg(), "image/jpeg")}
    ).json()
    assert [each["kind"] for each in cutout["job"]["lineage"]] == ["file"]
    _thumb(user, cutout["thumb"], (cutout["width"], cutout["height"]))
    assert user.request("DELETE", f"/v1/jobs/{cutout['job']['id']}").status_code == 200
    for query, found in (
        ({"q": "heron", "has": "images", "op": "generation"}, [job["id"]]),
        ({"conversation": talk["id"]}, [turn]),
        ({"status": "succeeded"}, [turn, job["id"]]),
    ):
        page = user.get("/v1/jobs", params=query).json()
        assert [each["id"] for each in page["data"]] == found, query
        assert page["next_cursor"] is None
    label = user.request("PATCH", f"/v1/jobs/{job['id']}", json={"favourite": True, "title": "Heron"}).json()
    assert (label["favorite"], label["title"], label["output"]["images"][0]["sha256"]) == (
        True,
        "Heron",
        image["sha256"],
    )
    assert [each["id"] for each in user.get("/v1/jobs", params={"favorite": "true"}).json()["data"]] == [job["id"]]
    before = user.receipts(), user.budget()
    removed = user.post("/v1/jobs/remove", {"ids": [job["id"], turn, "job_none"]}).json()["data"]
    assert [(each["deleted"], each.get("error", {}).get("code")) for each in removed] == [
        (True, None),
        (True, None),
        (False, "NOT_FOUND"),
    ]
    assert user.get("/v1/jobs").json()["data"] == [], "a turn's calls went with it"
    assert (user.receipts(), user.budget()) == before
    assert user.get(image["thumb"]["url"]).status_code == 404
    bucket = stack.template.scope.ref("OutputsBucket")
    left = stack.aws.s3.list_objects_v2(Bucket=bucket, Prefix=f"outputs/{user.name}/{job['id']}/").get("Contents", [])
    assert [each["Key"] for each in left if each["Key"].endswith(thumbnail_key(""))] == []


def test_a_link_of_this_stack_is_a_picture_wherever_one_is_named_and_nobody_elses(people: People, stack: Stack) -> None:
    """On a laptop, too, where no other host may be fetched from."""
    user, another = people.new("links"), people.new("stranger")
    job = user.until(user.order(prompt="A heron at dawn")["id"], "succeeded")
    (image,) = job["output"]["images"]
    for link in (image["url"], f"{stack.url}/v1/jobs/{job['id']}/images/0"):
        named = {"image_url": link}
        assert user.post(TALKS, named).status_code == 201
        assert user.post("/v1/images/background-removals", named).status_code == 200
        assert user.post(EDITS, {"prompt": "At dusk", **named}, headers=ASYNC).status_code == 202
        parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": link}}]
        assert user.post("/v1/chat/completions", {"messages": [{"role": "user", "content": parts}]}).status_code == 200
        foreign = another.post(TALKS, named)
        assert (foreign.status_code, foreign.json()["charged"]) == (404, False), foreign.text


def test_a_marked_part_of_a_picture_is_painted_with_the_functions_own_rights(people: People) -> None:
    user = people.new("marked")
    talk = user.request("POST", TALKS, files={"image": ("a.png", picture(), "image/png")}).json()
    marked = f"data:image/png;base64,{b64encode(mask()).decode()}"
    message = {"content": "add a red balloon", "mask": marked}
    turn = user.post(f"{TALKS}/{talk['id']}/messages", message, headers=ASYNC).json()["id"]
    user.until(turn, "succeeded")
    after = user.get(f"{TALKS}/{talk['id']}").json()
    assert [[("paint" in step) for step in each["steps"]] for each in after["versions"]] == [[], [True]]


def test_a_field_that_is_not_known_is_refused_at_every_door(people: People) -> None:
    answer = people.new("typo").get("/v1/jobs", params={"staus": "failed"})
    assert (answer.status_code, answer.json()["charged"]) == (400, False)
    assert "Did you mean `status`?" in answer.json()["fix"]
