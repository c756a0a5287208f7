"""POST /v1/jobs/{job_id}/refine: a cut-out made once more of what is kept with it, for nothing, by its owner alone."""

import base64
import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from PIL import Image

from darkroom.events.removals import handler_of
from darkroom.http.routes.background_removals import routes
from tests.application import MiddleSegmenter, Studio
from tests.events import Context, http_event
from tests.openapi import handled
from tests.photos import load, save
from tests.unit.images.test_choosing import stroke

SIZE = (64, 64)
PHOTO = save(Image.new("RGB", SIZE, "teal"), "PNG", dpi=(300, 300))
LEFT = base64.b64encode(stroke((0, 0, 32, 64), SIZE)).decode()


class Service:
    """The image function, whose model finds a disc in the middle."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        studio.segmenter = self.model = MiddleSegmenter()
        self._handle = handler_of(studio.app, routes(studio.app).handle)

    def post(
        self, path: str, user: str = "alice", accept: str = "*/*", **kwargs: Any
    ) -> tuple[int, dict[str, str], Any]:
        token = self.studio.token(user)
        event = http_event("POST", path, token=token, headers={"accept": accept}, **kwargs)
        answer = handled(self._handle, event, Context())
        body = answer["body"]
        data = base64.b64decode(body) if answer["isBase64Encoded"] else json.loads(body)
        return answer["statusCode"], {name.lower(): value for name, value in answer["headers"].items()}, data

    def cut_out(self, **fields: Any) -> dict[str, Any]:
        body = {"image_b64": base64.b64encode(PHOTO).decode(), **fields}
        status, _, made = self.post("/v1/images/background-removals", body=body)
        assert status == 200, made
        return dict(made)

    def picture(self, made: dict[str, Any]) -> Image.Image:
        (key,) = (image.key for image in self.studio.jobs.jobs["alice", made["job"]["id"]].images)
        return load(self.studio.images.outputs[key].data)


@pytest.fixture
def service(studio: Studio) -> Service:
    return Service(studio)


def test_strokes_change_the_mask_and_nothing_is_segmented(service: Service) -> None:
    first = service.cut_out()
    status, _, second = service.post(f"/v1/jobs/{first['job']['id']}/refine", body={"erase": {"b64_json": LEFT}})
    assert (status, second["refinable"], second["cost_usd"], second["model"]) == (200, True, 0, first["model"])
    assert second["job"]["lineage"][0]["ref"] == first["job"]["id"]
    assert second["job"]["input"] == {"options": {}, "drawn": ["erase"]}
    assert service.model.asked == 1
    before, after = (service.picture(each).getchannel("A") for each in (first, second))
    assert (before.getpixel((25, 32)), after.getpixel((25, 32)), after.getpixel((40, 32))) == (255, 0, 255)
    # And what was refined can be refined again.
    status, _, third = service.post(
        f"/v1/jobs/{second['job']['id']}/refine", body={"keep": f"data:image/png;base64,{LEFT}", "background": "white"}
    )
    assert (status, service.picture(third).mode, service.model.asked) == (200, "RGB", 1)


def test_a_form_and_a_query_are_taken_and_nothing_is_kept_of_what_is_handed_out(service: Service) -> None:
    job = service.cut_out()["job"]["id"]
    request = httpx.Request("POST", "https://x.example", files={"erase": ("m.png", base64.b64decode(LEFT))})
    sent: dict[str, Any] = {
        "body": request.read(),
        "content_type": request.headers["content-type"],
        "query": {"format": "webp"},
    }
    status, headers, data = service.post(f"/v1/jobs/{job}/refine", accept="image/*", **sent)
    assert (status, headers["content-type"], headers["x-cost-usd"]) == (200, "image/webp", "0")
    assert load(data).getchannel("A").getpixel((25, 32)) == 0
    status, _, data = service.post(f"/v1/jobs/{job}/refine", accept="application/zip", query={"format": "zip"})
    assert (status, ZipFile(BytesIO(data)).namelist()) == (200, ["color.jpg", "alpha.png"])
    assert len(service.studio.jobs.jobs) == 1


def test_a_picture_keeps_its_pixels_per_inch(service: Service) -> None:
    first = service.cut_out()
    _, _, data = service.post(f"/v1/jobs/{first['job']['id']}/refine", accept="image/png")
    assert round(service.picture(first).info["dpi"][0]) == round(load(data).info["dpi"][0]) == 300


def test_the_job_shows_what_it_can_be_made_of_and_takes_it_along(service: Service) -> None:
    job = service.cut_out()["job"]
    shown = service.studio.app.jobs.show(service.studio.app.jobs.find("alice", job["id"]))
    assert {"original", "alpha", "refinable", "quality"} <= shown["output"].keys()
    assert [key.rpartition("/")[2] for key in sorted(service.studio.images.outputs)] == [
        "alpha.png",
        "cutout.png",
        "original",
    ]
    service.studio.app.jobs.remove("alice", job["id"], lambda _job: False)
    assert service.studio.images.outputs == {}


class TestRefused:
    def test_another_users_job_is_not_there(self, service: Service) -> None:
        job = service.cut_out()["job"]["id"]
        status, _, problem = service.post(f"/v1/jobs/{job}/refine", user="bob", body={"holes": "fill"})
        assert (status, problem["code"], problem["charged"]) == (404, "NOT_FOUND", False)

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"erase": "nothing"}, "erase"),
            ({"keep": {"b64_json": "!!"}}, "keep"),
            ({"keep": "job_01JABCDEFGHJKMNPQRSTVWXYZ0"}, "keep"),
            ({"subject": "900 900"}, "subject"),
            ({"model": "u2net"}, "model"),
            ({"image_b64": LEFT}, "image_b64"),
            ({"pad": "x"}, "pad"),
            ({"preset": "nowhere"}, "preset"),
        ],
    )
    def test_what_is_wrong_is_told_by_its_field(self, service: Service, body: dict[str, Any], param: str) -> None:
        job = service.cut_out()["job"]["id"]
        status, _, problem = service.post(f"/v1/jobs/{job}/refine", body=body)
        assert status in (400, 404, 422), problem
        assert (problem["param"], problem["charged"]) == (param, False)
        assert len(service.studio.jobs.jobs) == 1

    def test_what_was_made_before_pictures_were_kept_is_a_conflict(self, service: Service) -> None:
        job = service.cut_out()["job"]["id"]
        known = service.studio.jobs.jobs["alice", job]
        service.studio.jobs.jobs["alice", job] = known.model_copy(update={"result": {}})
        status, _, problem = service.post(f"/v1/jobs/{job}/refine", body={"holes": "fill"})
        assert (status, problem["code"]) == (409, "CONFLICT")
        service.studio.jobs.jobs["alice", job] = known
        for key in known.refining_keys:
            del service.studio.images.outputs[key]
        status, _, problem = service.post(f"/v1/jobs/{job}/refine", body={"holes": "fill"})
        assert (status, problem["code"]) == (404, "NOT_FOUND")
