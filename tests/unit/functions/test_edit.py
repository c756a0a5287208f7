"""`POST /v1/images/edits`, with every service as it is and the simulator behind the worker."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from darkroom.http.routes.edits import routes
from tests.application import KLEIN, Studio
from tests.events import Context, http_event
from tests.integration.users import mask, picture
from tests.openapi import handled

ROUTE = "/v1/images/edits"
UPLOAD = "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"
BASE64 = base64.b64encode(picture()).decode()

Answer = tuple[int, dict[str, Any]]
Call = Callable[..., Answer]


@pytest.fixture
def call(studio: Studio) -> Call:
    studio.job_queue.works = studio.app.worker
    api, token = routes(studio.app), studio.token("alice")

    def ask(body: Any = None, headers: dict[str, str] | None = None, content_type: str | None = None) -> Answer:
        given = {"prompt": "add a balloon", "model": KLEIN, **body} if isinstance(body, dict) else body
        event = http_event("POST", ROUTE, token=token, headers=headers, body=given, content_type=content_type)
        answer = handled(api.handle, event, Context())
        return answer["statusCode"], json.loads(answer["body"])

    return ask


def _form(fields: dict[str, str], files: list[tuple[str, bytes]]) -> tuple[bytes, str]:
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts += [
        f'Content-Disposition: form-data; name="{name}"; filename="a.png"\r\n\r\n'.encode() + data
        for name, data in files
    ]
    body = b"".join(b"--line\r\n" + part + b"\r\n" for part in parts) + b"--line--\r\n"
    return body, "multipart/form-data; boundary=line"


def test_a_form_with_a_picture_and_a_mask(call: Call, studio: Studio) -> None:
    body, content_type = _form({"prompt": "add a balloon", "model": KLEIN}, [("image", picture()), ("mask", mask())])
    status, answer = call(body, content_type=content_type)
    assert status == 200, answer
    assert [(parent["role"], parent["kind"]) for parent in answer["lineage"]] == [("image", "file"), ("mask", "file")]
    edited = Image.open(io.BytesIO(base64.b64decode(answer["data"][0]["b64_json"])))
    assert edited.size == (256, 256)
    (sent,) = studio.paid_requests()
    assert len(sent["body"]["input_references"]) == 1
    # Where to look is said in words, for no model here takes a mask.
    assert len(sent["body"]["prompt"]) > len("add a balloon")


def test_a_list_of_pictures_in_a_form(call: Call, studio: Studio) -> None:
    body, content_type = _form(
        {"prompt": "mix", "model": KLEIN}, [("image[]", picture("red")), ("image[]", picture("teal"))]
    )
    assert call(body, content_type=content_type)[0] == 200
    (sent,) = studio.paid_requests()
    assert len(sent["body"]["input_references"]) == 2


def test_what_it_begins_with_is_kept_where_its_content_says(call: Call, studio: Studio) -> None:
    for _ in range(2):
        call({"image_b64": BASE64})
    assert len([key for key in studio.images.outputs if key.startswith("inputs/alice/")]) == 1
    assert len(studio.charged("alice")) == 2


def test_a_jobs_picture_is_its_parent(call: Call, studio: Studio) -> None:
    first = call({"image_b64": BASE64})[1]["job"]["id"]
    _, second = call({"image": f"{first}/0"})
    assert [(parent["kind"], parent["ref"], parent["index"]) for parent in second["lineage"]] == [("job", first, 0)]


def test_an_upload_is_one_too(call: Call, studio: Studio) -> None:
    studio.images.drop(f"uploads/alice/{UPLOAD}", picture())
    assert call({"upload_id": UPLOAD})[0] == 200
    studio.images.drop("uploads/bob/upl_01ARZ3NDEKTSV4RRFFQ69G5FAW", picture())
    assert call({"upload_id": "upl_01ARZ3NDEKTSV4RRFFQ69G5FAW"})[1]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({}, 400, "INVALID_PARAMETER", "image"),
        ({"image_b64": "AAAA"}, 415, "UNSUPPORTED_MEDIA_TYPE", "image_b64"),
        ({"image_b64": BASE64, "mask": "data:image/png;base64," + base64.b64encode(mask((64, 64))).decode()},
         400, "INVALID_PARAMETER", "mask"),
        ({"image_b64": BASE64, "prompt": ""}, 400, "INVALID_PROMPT", "prompt"),
        ({"image_b64": BASE64, "prompt": " \n\t"}, 400, "INVALID_PROMPT", "prompt"),
        ({"image_b64": BASE64, "prompt": "x" * 32_001}, 400, "INVALID_PROMPT", "prompt"),
        ({"images": [{"file_id": UPLOAD}] * 17}, 400, "INVALID_PARAMETER", "images"),
        ({"image_b64": BASE64, "model": "nobody/nothing"}, 400, "UNSUPPORTED_MODEL", "model"),
        ({"job_id": "job_nobody"}, 404, "NOT_FOUND", "job_id"),
        ({"image_b64": BASE64, "max_cost_usd": 0.001}, 402, "COST_LIMIT", "max_cost_usd"),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_before_anything(
    call: Call, studio: Studio, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    answered, problem = call(body)
    assert (answered, problem["code"], problem["param"], problem["charged"]) == (status, code, param, False)
    assert not studio.jobs.jobs
    assert not studio.images.outputs
    assert studio.paid_requests() == []


def test_the_same_key_for_another_picture_is_another_request(call: Call, studio: Studio) -> None:
    keyed = {"idempotency-key": "k"}
    first = call({"image_b64": BASE64}, keyed)[1]["job"]["id"]
    assert call({"image_b64": BASE64}, keyed)[1]["job"]["id"] == first
    other = base64.b64encode(picture("red")).decode()
    assert call({"image_b64": other}, keyed)[1]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert len(studio.charged("alice")) == 1
