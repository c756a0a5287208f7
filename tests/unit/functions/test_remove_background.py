"""The route as callers see it, with a pipeline that says what it was given."""

import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from darkroom.errors import ServiceUnavailable
from darkroom.models.cutout import CutoutOptions
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.models.upload import UploadRequest
from darkroom.services.accounts.callers import Callers
from darkroom.services.pricing.answer_sizes import MAX_INLINE_BYTES
from tests.conftest import SteppingClock
from tests.events import http_event, queue_event, s3_record
from tests.paid_jobs import paid_job, succeeded
from tests.photos import load
from tests.unit.functions.removing import PATH, Studio
from tests.unit.services.baking import FLIP, Bakery, picture

JOB = "job_01JABCDEFGHJKMNPQRSTVWXYZ0"
PHOTO = bytes(range(256))
B64 = base64.b64encode(PHOTO).decode()


@pytest.fixture
def studio(callers: Callers, clock: SteppingClock, token: str) -> Studio:
    return Studio(callers, Bakery(clock), clock, token)


def _form(fields: dict[str, str] | None = None, **files: bytes) -> dict[str, Any]:
    """A multipart body as httpx builds it."""
    parts = {name: (f"{name}.jpg", data) for name, data in files.items()}
    request = httpx.Request("POST", "https://x.example", data=fields or {}, files=parts)
    return {"body": request.read(), "content_type": request.headers["content-type"]}


class TestWaysIn:
    def test_a_form_with_options(self, studio: Studio) -> None:
        studio.post(**_form({"format": "webp", "crop": "true", "margin": "5%", "max_size": "512"}, image=PHOTO))
        (data, options, behind) = studio.given[0]
        assert (data, behind) == (PHOTO, None)
        assert options == CutoutOptions(format="webp", crop=True, margin="5%", max_size=512)

    def test_a_form_with_a_background_picture(self, studio: Studio) -> None:
        studio.post(**_form(image=PHOTO, background_image=b"beach"))
        assert studio.given[0][2] == b"beach"

    def test_the_file_itself_with_options_in_the_query(self, studio: Studio) -> None:
        studio.post(body=PHOTO, content_type="image/jpeg", query={"channels": "alpha"})
        assert studio.given == [(PHOTO, CutoutOptions(channels="alpha"), None)]

    def test_json_with_base64(self, studio: Studio) -> None:
        studio.post(body={"image_b64": base64.b64encode(PHOTO).decode(), "background": "#fff"})
        assert studio.given == [(PHOTO, CutoutOptions(background="#fff"), None)]

    @pytest.mark.parametrize("nothing", [None, "", "null", "undefined"])
    def test_fields_that_say_nothing_are_absent(self, studio: Studio, nothing: str | None) -> None:
        names = (
            "image",
            "image_url",
            "upload_id",
            "background",
            "background_url",
            "model",
            "margin",
            "format",
            "max_size",
        )
        answer = studio.post(body={**dict.fromkeys(names, nothing), "image_b64": base64.b64encode(PHOTO).decode()})
        assert answer["statusCode"] == 200, answer["body"]
        assert studio.given == [(PHOTO, CutoutOptions(), None)]

    @pytest.mark.parametrize(
        "given",
        [
            {"image": {"b64_json": B64}},
            {"image": [{"image_url": f"data:image/jpeg;base64,{B64}"}]},
            {"images": [f"data:image/jpeg;base64,{B64}"]},
            {"image[]": [{"data": B64, "media_type": "image/jpeg"}]},
        ],
        ids=["object", "list", "images", "image[]"],
    )
    def test_a_picture_in_each_way_of_edits(self, studio: Studio, given: dict[str, Any]) -> None:
        studio.post(body=given)
        assert studio.given == [(PHOTO, CutoutOptions(), None)]

    @pytest.mark.parametrize("name", ["image[]", "images", "image[0]"])
    def test_a_file_by_each_name_of_edits(self, studio: Studio, name: str) -> None:
        studio.post(**_form({"format": "webp"}, **{name: PHOTO}))
        assert studio.given == [(PHOTO, CutoutOptions(format="webp"), None)]

    @pytest.mark.parametrize(
        ("given", "param"),
        [
            ({"images": [{"b64_json": B64}] * 2}, "images"),
            ({"image": {"href": "https://x.example/a.png"}}, "image"),
            ({"image": ["cat.png"]}, "image[0]"),
        ],
        ids=["two", "no way", "a name"],
    )
    def test_other_lists_are_refused_by_their_field(self, studio: Studio, given: dict[str, Any], param: str) -> None:
        problem = json.loads(studio.post(body=given)["body"])
        assert (problem["code"], problem["param"], problem["charged"]) == ("INVALID_PARAMETER", param, False)
        assert studio.given == []

    def test_json_with_urls(self, studio: Studio) -> None:
        studio.post(body={"image_url": "https://a.example/1", "background_url": "https://a.example/2"})
        data, _, behind = studio.given[0]
        assert data.startswith(b"https://a.example/1 ")
        assert behind is not None
        assert behind.startswith(b"https://a.example/2 ")

    @pytest.mark.parametrize(
        "given",
        [
            {"job_id": JOB, "index": 1},
            {"job_id": JOB, "job_index": "1"},
            {"job_id": f"{JOB}/1"},
            {"image": f"{JOB}/1"},
            {"image_url": f"{JOB}/1"},
            {"images": [f"{JOB}/1"]},
            {"image": {"job_id": JOB, "index": 1}},
        ],
        ids=["index", "job_index", "in one", "image", "image_url", "listed", "object"],
    )
    def test_a_jobs_picture_in_each_way_of_edits(
        self, studio: Studio, clock: SteppingClock, given: dict[str, Any]
    ) -> None:
        stored = []
        for index, data in enumerate((b"first", PHOTO)):
            key = f"outputs/alice/{JOB}/{index}.png"
            studio.images.write_output(key, data, media_type="image/png", metadata={})
            stored.append(StoredImage(key=key, media_type="image/png", width=3, height=4, bytes=5, sha256="ab"))
        made = {"id": JOB, "user": "alice", "op": "edit", "created_at": clock(), "status": JobStatus.SUCCEEDED}
        studio.jobs.add(Job(**made, images=tuple(stored)))
        answer = studio.post(body=given)
        assert answer["statusCode"] == 200, answer["body"]
        assert studio.given == [(PHOTO, CutoutOptions(), None)]
        shown = json.loads(answer["body"])["job"]
        assert [(each["kind"], each["ref"], each["index"]) for each in shown["lineage"]] == [("job", JOB, 1)]
        assert shown["input"]["job_id"] == JOB

    @pytest.mark.parametrize(
        ("given", "status", "param"),
        [
            ({"job_id": JOB}, 404, "job_id"),
            ({"job_id": "cat"}, 400, "job_id"),
            ({"job_id": JOB, "index": "x"}, 400, "index"),
            ({"job_id": JOB, "image_url": "https://x.example/a.png"}, 400, None),
            ({"job_index": 1, "image_url": "https://x.example/a.png"}, 400, None),
        ],
    )
    def test_a_jobs_picture_that_there_is_not(
        self, studio: Studio, given: dict[str, Any], status: int, param: str | None
    ) -> None:
        answer = studio.post(body=given)
        assert (answer["statusCode"], json.loads(answer["body"])["param"] if param else None) == (status, param)
        assert studio.given == []

    def test_an_upload_may_stand_in_the_pictures_place(self, studio: Studio) -> None:
        upload = studio.uploads.create("alice", UploadRequest(media_type="image/png"))
        studio.images.drop(upload.fields["key"], PHOTO)
        studio.post(body={"image": upload.upload_id})
        assert studio.given[0][0] == PHOTO

    def test_json_with_an_upload(self, studio: Studio) -> None:
        upload = studio.uploads.create("alice", UploadRequest(media_type="image/png"))
        studio.images.drop(upload.fields["key"], PHOTO)
        studio.post(body={"upload_id": upload.upload_id})
        assert studio.given[0][0] == PHOTO

    def test_anothers_upload_is_not_found(self, studio: Studio) -> None:
        upload = studio.uploads.create("bob", UploadRequest(media_type="image/png"))
        studio.images.drop(upload.fields["key"], PHOTO)
        answer = studio.post(body={"upload_id": upload.upload_id})
        assert answer["statusCode"] == 404
        assert studio.given == []


class TestWaysOut:
    @pytest.mark.parametrize("accept", ["image/*", "image/png", "image/webp,*/*;q=0.1", "text/html, image/png"])
    def test_the_picture_itself_when_asked_for(self, studio: Studio, accept: str) -> None:
        answer = studio.post(accept=accept, body=PHOTO, content_type="image/jpeg")
        assert answer["statusCode"] == 200
        assert base64.b64decode(answer["body"]) == b"cut out"
        assert answer["isBase64Encoded"] is True
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        assert headers["content-type"] == "image/png"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-foreground"] == "1,0,2,3"
        assert headers["x-quality"] == "0.25"
        assert headers["x-quality-verdict"] == "look"
        assert headers["x-quality-reasons"] == "fog,touching_border"
        assert headers["x-cost-usd"] == "0"
        assert headers["server-timing"] == "decode;dur=1.2, segment;dur=300.5"
        assert headers["x-warnings"] == "Only the first frame was used."
        assert (studio.jobs.jobs, studio.images.outputs) == ({}, {}), "a picture that was handed over is not kept"
        (counted,) = studio.jobs.work.values()
        assert (counted.user, counted.status, counted.images) == ("alice", "succeeded", 1)

    @pytest.mark.parametrize("accept", ["*/*", "application/json", "", "application/json, image/*"])
    def test_json_otherwise(self, studio: Studio, accept: str) -> None:
        answer = studio.post(accept=accept, body=PHOTO, content_type="image/jpeg")
        assert answer["statusCode"] == 200
        body = json.loads(answer["body"])
        assert body["object"] == "background_removal"
        assert (body["width"], body["height"], body["media_type"]) == (4, 3, "image/png")
        assert body["subject"] == {"left": 1, "top": 0, "width": 2, "height": 3}
        assert body["timings_ms"] == {"decode": 1.25, "segment": 300.5}
        assert (body["model"], body["cost_usd"]) == ("u2netp", 0)
        assert body["warnings"] == ["Only the first frame was used."]
        (key,) = studio.images.outputs
        assert body["url"] == f"https://outputs.example/{key}"
        assert body["job"]["id"] in key
        assert body["job"]["status"] == "succeeded"
        counted = [receipt.job_id for receipt in studio.jobs.work.values()]
        assert counted == [body["job"]["id"]], "its job counts, and nothing beside it"

    def test_a_picture_that_lambda_cannot_carry_is_fetched_by_url(self, studio: Studio) -> None:
        studio.result = b"x" * (MAX_INLINE_BYTES + 1)
        answer = studio.post(accept="image/png", body=PHOTO, content_type="image/jpeg")
        assert answer["statusCode"] == 303
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        (key,) = studio.images.outputs
        assert headers["location"] == f"https://outputs.example/{key}"
        assert (headers["x-width"], headers["x-height"]) == ("4", "3")


class TestMattingThatIsNotCompiled:
    @pytest.mark.parametrize("accept", ["*/*", "image/png"])
    def test_it_is_accepted_as_a_job_which_then_has_the_cut_out(self, studio: Studio, accept: str) -> None:
        studio.matter.is_ready = False
        answer = studio.post(accept=accept, **_form({"matting": "true"}, image=PHOTO))
        assert answer["statusCode"] == 202
        shown = json.loads(answer["body"])
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        assert headers["content-type"] == "application/json"
        assert headers["location"] == f"/v1/jobs/{shown['id']}"
        assert int(headers["retry-after"]) > 0
        assert (shown["object"], shown["status"], shown["charged"]) == ("job", "queued", False)
        assert (shown["cost"]["charged"], shown["cost"]["actual_usd"]) == (False, 0)
        assert "compiled" in shown["warnings"][0]
        # As the queue has it.
        message = {"user": "alice", "job_id": shown["id"]}
        assert studio.bakery.queue.sent == [("alice", shown["id"])]
        assert studio.queue(queue_event(message)) == {"batchItemFailures": []}
        job = studio.jobs.find("alice", shown["id"])
        assert job is not None
        assert (job.status, studio.given[-1][0], studio.given[-1][1].matting) == (JobStatus.SUCCEEDED, PHOTO, True)
        assert studio.images.outputs[job.images[0].key].data == b"cut out"
        # From now on there is nothing to wait for.
        assert studio.post(**_form({"matting": "true"}, image=PHOTO))["statusCode"] == 200

    def test_what_cannot_be_queued_is_a_problem_with_a_code(self, studio: Studio) -> None:
        studio.matter.is_ready = False
        studio.bakery.queue.error = ServiceUnavailable("SQS is away.")
        answer = studio.post(**_form({"matting": "true"}, image=PHOTO))
        problem = json.loads(answer["body"])
        assert answer["statusCode"] == 503
        assert (problem["code"], problem["charged"], problem["retryable"]) == ("SERVICE_UNAVAILABLE", False, True)
        assert answer["headers"]["content-type"] == "application/problem+json"


class TestRefusals:
    @pytest.mark.parametrize(
        ("sent", "status", "code"),
        [
            ({"body": {}}, 400, "INVALID_PARAMETER"),
            ({"body": {"image_b64": "YQ==", "image_url": "https://x.example"}}, 400, "INVALID_PARAMETER"),
            ({"body": {"image_b64": "YQ==", "background": "red", "background_b64": "YQ=="}}, 400, "INVALID_PARAMETER"),
            ({"body": {"image": "YQ=="}}, 400, "INVALID_PARAMETER"),
            ({"body": {"image_b64": "YQ==", "format": "tiff"}}, 400, "INVALID_PARAMETER"),
            ({"body": {"image_b64": "YQ==", "margin": "-5"}}, 400, "INVALID_PARAMETER"),
            ({"body": {"image_b64": "YQ==", "max_size": 3}}, 400, "INVALID_PARAMETER"),
            ({"body": {"image_b64": "YQ==", "colour": "red"}}, 400, "INVALID_PARAMETER"),
            ({"body": {"image_b64": "?"}}, 400, "INVALID_PARAMETER"),
            ({"body": "[1]", "content_type": "application/json"}, 400, "INVALID_PARAMETER"),
            ({"body": "{", "content_type": "application/json"}, 400, "INVALID_PARAMETER"),
            ({"body": b"\xff", "content_type": "application/json"}, 400, "INVALID_PARAMETER"),
            ({"body": "[" * 100_000, "content_type": "application/json"}, 400, "INVALID_PARAMETER"),
            ({"body": b"x", "content_type": "multipart/form-data"}, 400, "INVALID_PARAMETER"),
            ({"body": b"x", "content_type": "multipart/form-data; boundary=b"}, 400, "INVALID_PARAMETER"),
            ({"body": "a=b", "content_type": "application/x-www-form-urlencoded"}, 400, "INVALID_PARAMETER"),
            ({"body": "hello", "content_type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
            ({"body": {}, "query": {"image": "x"}}, 400, "INVALID_PARAMETER"),
        ],
    )
    def test_a_bad_request_is_told_what_is_wrong(
        self, studio: Studio, sent: dict[str, Any], status: int, code: str
    ) -> None:
        answer = studio.post(**sent)
        problem = json.loads(answer["body"])
        assert (answer["statusCode"], problem["code"], problem["charged"]) == (status, code, False), problem
        assert problem["detail"]
        assert problem["fix"]
        assert studio.given == []

    def test_a_message_is_our_own_words(self, studio: Studio) -> None:
        for body in ({"image_b64": None}, {"image_b64": "YQ==", "margin": "wide"}):
            detail = json.loads(studio.post(body=body)["body"])["detail"]
            assert "Value error" not in detail
            assert "pattern" not in detail

    def test_a_broken_form_field_is_refused(self, studio: Studio) -> None:
        body = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n\xff\xfe\r\n--b--\r\n'
        answer = studio.post(body=body, content_type="multipart/form-data; boundary=b")
        assert json.loads(answer["body"])["code"] == "INVALID_PARAMETER"

    def test_nobody_is_served_without_a_token(self, studio: Studio) -> None:
        answer = studio.post(token=None, body=PHOTO, content_type="image/jpeg")
        assert answer["statusCode"] == 401
        assert studio.given == []


class TestQueue:
    def test_dropped_files_are_cut_out(self, studio: Studio) -> None:
        studio.images.drop("inbox/alice/a.jpg", PHOTO, "v1")
        assert studio.queue(queue_event({"Records": [s3_record("inbox/alice/a.jpg")]})) == {"batchItemFailures": []}
        assert len(studio.images.outputs) == 1

    def test_a_file_in_a_recipes_folder_gets_the_recipe(self, studio: Studio) -> None:
        studio.bakery.recipes.save("alice", "shop", FLIP)
        studio.images.drop("inbox/alice/shop/a.png", picture(7), "v1")
        event = queue_event({"Records": [s3_record("inbox/alice/shop/a.png")]})
        for _ in range(3):
            assert studio.queue(event) == {"batchItemFailures": []}
        (job,) = studio.jobs.jobs.values()
        assert (job.op, job.status, job.input["recipe"]) == ("recipe", "succeeded", "shop")
        ((key, stored),) = studio.images.outputs.items()
        assert key == f"outputs/alice/{job.id}/a.png"
        assert load(stored.data).convert("RGB").getpixel((0, 0)) == (7, 0, 99)
        assert studio.given == [], "it was not cut out"

    def test_a_message_that_names_a_job_has_it_worked_on(self, studio: Studio) -> None:
        submission = studio.bakery.apply(FLIP, studio.bakery.upload(3))
        event = queue_event({"user": "alice", "job_id": submission.job.id}, {"user": "alice", "job_id": "job_gone"})
        assert studio.queue(event) == {"batchItemFailures": []}
        assert studio.bakery.job(submission).result["progress"] == {"done": 3, "failed": 0, "total": 3}

    def test_a_message_that_names_a_bought_job_has_its_picture_cut_out(
        self, studio: Studio, clock: SteppingClock
    ) -> None:
        job = succeeded(paid_job("alice", clock()), clock())
        assert job.work is not None
        studio.jobs.add(job.model_copy(update={"work": job.work.model_copy(update={"cutout_format": "webp"})}))
        studio.images.write_output(job.images[0].key, PHOTO, media_type="image/png", metadata={})
        assert studio.queue(queue_event({"user": "alice", "job_id": job.id})) == {"batchItemFailures": []}
        assert studio.given == [(PHOTO, CutoutOptions(model="isnet", format="webp"), None)]
        assert studio.images.outputs[f"outputs/alice/{job.id}/0-cut.webp"].data == b"cut out"

    def test_a_job_that_is_being_worked_on_is_left_to_whoever_does(self, studio: Studio, clock: SteppingClock) -> None:
        job = studio.bakery.apply(FLIP, studio.bakery.upload(1)).job
        assert studio.jobs.start(job, now=clock(), lease_expires_at=clock() + timedelta(minutes=1))
        assert studio.queue(queue_event({"user": "alice", "job_id": job.id})) == {"batchItemFailures": []}
        assert studio.jobs.find("alice", job.id).status == "running"  # type: ignore[union-attr]

    def test_nobody_passes_for_the_queue_over_http(self, studio: Studio) -> None:
        studio.images.drop("inbox/alice/a.jpg", PHOTO, "v1")
        queued = {**http_event("POST", PATH), **queue_event({"Records": [s3_record("inbox/alice/a.jpg")]})}
        assert (studio.queue(queued)["statusCode"], studio.images.outputs) == (401, {})
