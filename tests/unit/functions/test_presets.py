"""Built-in recipes: listed with their frames, shown, taken by name, and the rules that pictures are checked against."""

import base64
import json
from typing import Any

import pytest
from PIL import Image, ImageDraw

from darkroom.events.removals import handler_of
from darkroom.http.routes.background_removals import routes
from darkroom.models.dropped import DroppedFile
from darkroom.models.presets import presets
from darkroom.services.recipes.built_in import built_in
from tests.application import MiddleSegmenter, Studio
from tests.events import Context, http_event
from tests.openapi import handled
from tests.photos import load, save
from tests.unit.functions.test_chat import Chat


@pytest.fixture
def service(studio: Studio) -> Studio:
    studio.segmenter = MiddleSegmenter()
    return studio


def asked(studio: Studio, path: str, body: Any, **kwargs: Any) -> tuple[int, dict[str, Any]]:
    handle = handler_of(studio.app, routes(studio.app).handle)
    answer = handled(handle, http_event("POST", path, token=studio.token("alice"), body=body, **kwargs), Context())
    return answer["statusCode"], json.loads(answer["body"])


def product(
    size: tuple[int, int] = (1200, 1200), fill: float = 0.9, ground: Any = "white", kind: str = "JPEG"
) -> bytes:
    picture = Image.new("RGB", size, ground)
    width, height = (round(side * fill) for side in size)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    ImageDraw.Draw(picture).ellipse((left, top, left + width - 1, top + height - 1), fill="#803010")
    return save(picture, kind, **({"quality": 92} if kind == "JPEG" else {}))


@pytest.mark.parametrize("name", list(presets()))
def test_what_a_preset_makes_meets_its_own_rules(service: Studio, name: str) -> None:
    """By the cut-out and by the recipe, which are the same frame."""
    photo = save(Image.new("RGB", (800, 800), "teal"), "PNG")
    steps = built_in(name)
    assert steps is not None
    made = service.app.folder_recipes.apply("alice", name, photo)
    b64 = base64.b64encode(photo).decode()
    status, answer = asked(service, "/v1/images/background-removals", {"image_b64": b64, "preset": name})
    assert status == 200, answer
    assert (made.width, made.height) == (answer["width"], answer["height"]) == presets()[name].size
    assert made.media_type == answer["media_type"]
    for picture in ({"image_b64": base64.b64encode(made.data).decode()}, {"job_id": answer["job"]["id"]}):
        status, found = asked(service, f"/v1/recipes/{name}/check", picture)
        assert (status, [each for each in found["checks"] if not each["ok"]]) == (200, [])
        assert found["ok"] is True


@pytest.mark.parametrize(
    ("picture", "broken"),
    [
        (product(), set()),
        (product(fill=0.5), {"fill"}),
        (product(ground=(252, 252, 252)), {"background"}),
        (product(size=(800, 800)), {"least_longest"}),
        (product(kind="WEBP"), {"format"}),
        (
            product(size=(600, 400), fill=0.3, ground="navy", kind="BMP"),
            {"least_longest", "background", "fill", "format"},
        ),
    ],
    ids=["good", "small subject", "nearly white", "few pixels", "webp", "all of it"],
)
def test_a_check_says_what_is_wrong(service: Studio, picture: bytes, broken: set[str]) -> None:
    status, found = asked(service, "/v1/recipes/amazon/check", picture, content_type="image/jpeg")
    assert status == 200
    assert {each["rule"] for each in found["checks"] if not each["ok"]} == broken
    assert all(bool(each["fix"]) is not each["ok"] for each in found["checks"])
    assert service.jobs.jobs == {}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/recipes/nowhere/check", {"image_b64": "eA=="}, 404, "NOT_FOUND"),
        ("/v1/recipes/amazon/check", {"image_b64": "eA=="}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("/v1/recipes/amazon/check", {}, 400, "INVALID_PARAMETER"),
        ("/v1/recipes/amazon/check", {"images": ["job_01JABCDEFGHJKMNPQRSTVWXYZ0"]}, 404, "NOT_FOUND"),
    ],
)
def test_what_cannot_be_checked_is_refused(service: Studio, path: str, body: Any, status: int, code: str) -> None:
    answered, problem = asked(service, path, body)
    assert (answered, problem["code"], problem["charged"]) == (status, code, False)


def test_a_folder_of_the_inbox_with_a_presets_name_gets_it(service: Studio) -> None:
    file = DroppedFile("uploads", "inbox/alice/favicon/logo.png", "v1", "etag", "01")
    service.images.drop(file.key, save(Image.new("RGB", (300, 300), "teal"), "PNG"), file.version)
    job = service.app.remove_background.on_dropped(file)
    assert job is not None
    (image,) = job.images
    assert (image.width, image.height) == (512, 512)
    assert load(service.images.outputs[image.key].data).getchannel("A").getpixel((2, 2)) == 0


def test_everybody_has_them_and_what_is_kept_goes_before_them(studio: Studio) -> None:
    chat = Chat(studio)
    status, listed, _ = chat("GET", "/v1/recipes", query={"built_in": "true"})
    assert (status, [each["name"] for each in listed["data"]]) == (200, list(presets()))
    shown = chat("GET", "/v1/recipes/amazon")[1]
    assert shown == next(each for each in listed["data"] if each["name"] == "amazon")
    assert shown["frame"] == {
        "width": 2000, "height": 2000, "fill": 85, "position": "center", "background": "white", "shadow": "none",
        "format": "jpeg", "dpi": None,
    }  # fmt: skip
    assert chat("GET", "/v1/recipes")[1]["data"] == []
    assert chat("DELETE", "/v1/recipes/amazon")[0] == 404
    # What is shown can be kept, and changed: then it is one's own.
    steps = [{"op": "sepia"}]
    assert chat("PUT", "/v1/recipes/amazon", {"steps": steps})[0] == 200
    assert len(chat("GET", "/v1/recipes/amazon")[1]["steps"]) == 1
    assert studio.app.folder_recipes.has("alice", "amazon")
