"""The recipes' routes as callers see them, with a worker that is as prompt as it is told to be."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from darkroom.http.app import Api
from darkroom.http.routes.recipes import mount
from darkroom.models.deadline import Deadline
from darkroom.operations import ENGINE_VERSION
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.fakes.recipes import MemoryRenderQueue
from tests.openapi import handled
from tests.photos import load
from tests.unit.images.test_containers import EXACT, NEAR, UNSUPPORTED, case
from tests.unit.services.baking import Bakery, picture, upload_id
from tests.unit.services.batches import Gallery

APPLY = "/v1/recipes/apply"
FLIP = {"steps": [{"operation": {"op": "flip"}}]}
WHOLE_FLIP = {"operation": {"op": "flip", "direction": "horizontal"}}
BASE64 = base64.b64encode(picture(7)).decode()
DATA_URL = f"data:image/png;base64,{BASE64}"
PAINTED = {"steps": [{"paint": {"prompt": "a fox"}}]}


class PromptQueue(MemoryRenderQueue):
    """A queue that, while `bakery` is set, has the job worked on before `send` returns."""

    bakery: Bakery | None = None

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        super().send(user, job_id, delay_seconds=delay_seconds)
        if self.bakery is not None:
            self.bakery.worker().run(user, job_id, Deadline(50))


class Site:
    def __init__(self, clock: SteppingClock) -> None:
        self.queue = PromptQueue()
        self.bakery = Bakery(clock, self.queue)
        app = self.bakery.studio.app
        self.tokens = {user: app.tokens.create(user=user)[1] for user in ("alice", "bob")}
        api = Api(app.callers, app.rates)
        mount(api, app)
        self._handle = api.handle

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str | None = "alice",
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        content_type: str | None = None,
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        token = self.tokens[user] if user else None
        event = http_event(
            method, path, token=token, headers=headers, body=body, query=query, content_type=content_type
        )
        answer = handled(self._handle, event, Context())
        return answer["statusCode"], json.loads(answer["body"]), {k.lower(): v for k, v in answer["headers"].items()}


@pytest.fixture
def site(clock: SteppingClock) -> Site:
    return Site(clock)


class TestKept:
    def test_a_recipe_is_kept_shown_listed_and_removed(self, site: Site) -> None:
        status, saved, _ = site.call("PUT", "/v1/recipes/shop", FLIP)
        assert status == 200
        assert (saved["object"], saved["name"], saved["engine"]) == ("recipe", "shop", ENGINE_VERSION)
        assert saved["steps"] == [WHOLE_FLIP]
        assert site.call("GET", "/v1/recipes/shop")[1] == saved
        (listed,) = site.call("GET", "/v1/recipes")[1]["data"]
        assert (listed["name"], listed["step_count"], listed["painted_step_count"]) == ("shop", 1, 0)
        assert "steps" not in listed
        assert site.call("DELETE", "/v1/recipes/shop")[:2] == (
            200,
            {"name": "shop", "object": "recipe", "deleted": True},
        )
        assert site.call("GET", "/v1/recipes/shop")[0] == 404
        assert site.call("DELETE", "/v1/recipes/shop")[0] == 404

    def test_what_is_shown_can_be_kept_again(self, site: Site) -> None:
        saved = site.call("PUT", "/v1/recipes/shop", FLIP)[1]
        again = site.call("PUT", "/v1/recipes/other", saved)[1]
        assert (again["name"], again["steps"]) == ("other", saved["steps"])

    def test_a_painted_recipe_is_kept_and_listed_as_such(self, site: Site) -> None:
        assert site.call("PUT", "/v1/recipes/fox", PAINTED)[1]["steps"] == [{"paint": {"prompt": "a fox"}}]
        assert site.call("GET", "/v1/recipes")[1]["data"][0]["painted_step_count"] == 1

    @pytest.mark.parametrize(
        ("name", "body", "param"),
        [
            ("Shop", FLIP, "name"),
            ("shop", {}, "steps"),
            ("shop", {"steps": []}, "steps"),
            ("shop", {"steps": [{}]}, "steps[0]"),
            ("shop", {"steps": [{"operation": {"op": "melt"}}]}, "steps[0].operation.op"),
            ("shop", {"steps": [{"operation": {"op": "flip", "direction": "inside"}}]}, "steps[0].operation.direction"),
            ("shop", {**FLIP, "colour": "red"}, "colour"),
            ("shop", {**FLIP, "schema_version": 2}, "schema_version"),
        ],
    )
    def test_what_is_no_recipe_is_told_what_is_wrong(
        self, site: Site, name: str, body: dict[str, Any], param: str
    ) -> None:
        status, problem, _ = site.call("PUT", f"/v1/recipes/{name}", body)
        assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", param)
        assert problem["fix"]

    @pytest.mark.parametrize(
        ("prompt", "param"),
        [("", "steps.0.paint.prompt"), (" \n", "steps[0].paint.prompt"), ("x" * 4001, "steps.0.paint.prompt")],
    )
    @pytest.mark.parametrize("paid", [{}, {"allow_paid": True, "max_cost_usd": 1}])
    def test_a_painted_step_says_what_is_painted(
        self, site: Site, prompt: str, param: str, paid: dict[str, Any]
    ) -> None:
        recipe = {"steps": [{"paint": {"prompt": prompt}}]}
        for method, path, body in (
            ("PUT", "/v1/recipes/fox", recipe),
            ("POST", APPLY, {"recipe": recipe, "images": ["upl_1"], **paid}),
        ):
            status, problem, _ = site.call(method, path, body)
            assert (status, problem["code"], problem["param"]) == (400, "INVALID_PROMPT", param)
        assert site.bakery.jobs.jobs == {}

    def test_nobody_sees_or_changes_anothers(self, site: Site) -> None:
        site.call("PUT", "/v1/recipes/shop", FLIP)
        assert site.call("GET", "/v1/recipes", user="bob")[1]["data"] == []
        for method in ("GET", "DELETE"):
            assert site.call(method, "/v1/recipes/shop", user="bob")[0] == 404
        assert site.call("POST", APPLY, {"recipe": "shop", "images": ["upl_1"]}, user="bob")[0] == 404
        assert site.call("GET", "/v1/recipes/shop")[0] == 200

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/v1/recipes"),
            ("PUT", "/v1/recipes/x"),
            ("GET", "/v1/recipes/x"),
            ("DELETE", "/v1/recipes/x"),
            ("POST", APPLY),
        ],
    )
    def test_nobody_is_served_without_a_token(self, site: Site, method: str, path: str) -> None:
        assert site.call(method, path, FLIP if method in ("PUT", "POST") else None, user=None)[0] == 401


class TestApply:
    def test_the_answer_is_the_way_to_the_job(self, site: Site) -> None:
        status, job, headers = site.call("POST", APPLY, {"recipe": FLIP, "images": site.bakery.upload(2)})
        assert (status, headers["location"]) == (202, f"/v1/jobs/{job['id']}")
        assert (headers["retry-after"], headers["x-cost-usd"]) == ("2", "0")
        assert (job["op"], job["status"], job["cost"]["actual_usd"]) == ("recipe", "queued", 0)
        assert job["output"]["progress"] == {"done": 0, "failed": 0, "total": 2}
        assert site.queue.sent == [("alice", job["id"])]

    def test_who_waits_gets_the_pictures(self, site: Site) -> None:
        site.queue.bakery = site.bakery
        site.call("PUT", "/v1/recipes/shop", FLIP)
        status, job, headers = site.call(
            "POST", APPLY, {"recipe": "shop", "images": site.bakery.upload(2)}, headers={"prefer": "wait=5"}
        )
        assert (status, headers["preference-applied"], job["status"]) == (200, "wait=5", "succeeded")
        assert [image["url"] for image in job["output"]["images"]] == [
            f"https://outputs.example/outputs/alice/{job['id']}/{number}.png" for number in range(2)
        ]
        assert job["input"]["recipe"] == "shop"

    def test_who_waits_in_vain_gets_the_way_to_the_job(self, site: Site) -> None:
        request = {"recipe": FLIP, "images": site.bakery.upload(1)}
        status, _, headers = site.call("POST", APPLY, request, headers={"prefer": "wait=0.2"})
        assert (status, headers["preference-applied"]) == (202, "wait=0.2")
        status, _, headers = site.call("POST", APPLY, request, headers={"prefer": "respond-async"})
        assert (status, headers["preference-applied"]) == (202, "respond-async")

    def test_a_job_that_failed_is_an_error_to_who_waited(self, site: Site) -> None:
        site.queue.bakery = site.bakery
        request = {"recipe": FLIP, "images": ["upl_01HZZZZZZZZZZZZZZZZZZZZ000"]}
        status, problem, headers = site.call("POST", APPLY, request, headers={"prefer": "wait=5"})
        assert (status, problem["code"], problem["charged"]) == (404, "NOT_FOUND", False)
        assert headers["content-type"] == "application/problem+json"
        assert problem["job"]["output"]["errors"][0]["index"] == 0

    def test_the_same_idempotency_key_is_the_same_job(self, site: Site) -> None:
        request, key = {"recipe": FLIP, "images": site.bakery.upload(2)}, {"idempotency-key": "k"}
        first = site.call("POST", APPLY, request, headers=key)
        again = site.call("POST", APPLY, request, headers=key)
        assert first[1]["id"] == again[1]["id"]
        assert again[2]["idempotent-replayed"] == "true"
        fewer = {**request, "images": site.bakery.upload(1)}
        assert site.call("POST", APPLY, fewer, headers=key)[1]["code"] == "IDEMPOTENCY_KEY_REUSED"

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({}, "recipe"),
            ({"recipe": FLIP}, "images"),
            ({"recipe": 5, "images": ["upl_1"]}, "recipe"),
            ({"recipe": None, "images": ["upl_1"]}, "recipe"),
            ({"recipe": FLIP, "images": []}, "images"),
            ({"recipe": FLIP, "images": ["upl_1"] * 501}, "images"),
            ({"recipe": FLIP, "images": [5]}, "images[0]"),
            ({"recipe": FLIP, "images": ["nonsense"]}, "images[0]"),
            ({"recipe": FLIP, "images": [{"b64_json": "!"}]}, "images[0]"),
            ({"recipe": FLIP, "image": "upl_1", "mask": "upl_2"}, "mask"),
            ({"recipe": FLIP, "images": ["upl_1"], "allow_paid": "perhaps"}, "allow_paid"),
            ({"recipe": FLIP, "images": ["upl_1"], "max_cost_usd": -1}, "max_cost_usd"),
            ({"recipe": FLIP, "images": ["upl_1"], "max_cost_usd": "NaN"}, "max_cost_usd"),
            ({"recipe": PAINTED, "images": ["upl_1"]}, "steps[0].paint"),
            ({"recipe": {"steps": [{"operation": {"op": "melt"}}]}, "images": ["upl_1"]}, "steps[0].operation.op"),
            ({"recipe": FLIP, "images": ["upl_1"], "n": 2}, "n"),
        ],
    )
    def test_a_bad_request_is_told_what_is_wrong_and_makes_no_job(
        self, site: Site, body: dict[str, Any], param: str
    ) -> None:
        status, problem, _ = site.call("POST", APPLY, body)
        assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", param), problem
        assert problem["fix"]
        assert site.bakery.jobs.jobs == {}


class TestSent:
    """Pictures that the request itself brings along, in every way in which edits take them."""

    def _made(self, site: Site, body: Any, **sent: Any) -> list[bytes]:
        """What became of them, and that nothing else is kept."""
        site.queue.bakery = site.bakery
        status, job, _ = site.call("POST", APPLY, body, headers={"prefer": "wait=5"}, **sent)
        assert (status, job["status"]) == (200, "succeeded"), job
        outputs = site.bakery.images.outputs
        assert len(outputs) == len(job["output"]["images"])
        return [each.data for _, each in sorted(outputs.items())]

    @pytest.fixture
    def expected(self, site: Site) -> bytes:
        site.bakery.images.drop(f"uploads/alice/{upload_id(0)}", picture(7))
        (found,) = self._made(site, {"recipe": FLIP, "images": [upload_id(0)]})
        site.bakery.images.outputs.clear()
        return found

    @pytest.mark.parametrize(
        "fields",
        [
            {"image": DATA_URL},
            {"image_url": DATA_URL},
            {"image_b64": BASE64},
            {"image": BASE64},
            {"images": [DATA_URL]},
            {"images": [{"b64_json": BASE64}]},
            {"images": [{"type": "input_image", "image_url": {"url": DATA_URL}}]},
            {"images[]": [DATA_URL], "job_id": None},
            {"upload_id": upload_id(0)},
            {"file_id": upload_id(0)},
        ],
    )
    def test_in_json(self, site: Site, expected: bytes, fields: dict[str, Any]) -> None:
        assert self._made(site, {"recipe": FLIP, **fields}) == [expected]

    @pytest.mark.parametrize("names", [["image"], ["images"], ["image[]", "image[]"], ["images[0]", "images[1]"]])
    def test_in_a_form(self, site: Site, expected: bytes, names: list[str]) -> None:
        parts = [("recipe", json.dumps(FLIP).encode()), *((name, picture(7)) for name in names)]
        body = b"".join(
            b'--BB\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
            % (name.encode(), b'; filename="p.png"' * (name != "recipe"), content)
            for name, content in parts
        )
        kind = "multipart/form-data; boundary=BB"
        assert self._made(site, body + b"--BB--\r\n", content_type=kind) == [expected] * len(names)

    def test_as_the_body_itself(self, site: Site, expected: bytes) -> None:
        site.call("PUT", "/v1/recipes/shop", FLIP)
        assert self._made(site, picture(7), content_type="image/png", query={"recipe": "shop"}) == [expected]

    @pytest.mark.parametrize("name", [*EXACT, *NEAR])
    def test_every_picture_that_opens(self, site: Site, name: str) -> None:
        (made,) = self._made(site, {"recipe": FLIP, "image": base64.b64encode(case(name)).decode()})
        assert load(made).size == (192, 256)

    @pytest.mark.parametrize("name", UNSUPPORTED)
    def test_what_is_not_supported_is_told_from_what_is_damaged(self, site: Site, name: str) -> None:
        sent = {"recipe": FLIP, "image": base64.b64encode(case(name)).decode()}
        status, problem, _ = site.call("POST", APPLY, sent)
        assert (status, problem["code"], problem["charged"]) == (415, "UNSUPPORTED_IMAGE", False)
        assert site.bakery.jobs.jobs == {}

    @pytest.mark.parametrize(
        ("content", "status", "code"),
        [
            (b"hello", 415, "UNSUPPORTED_MEDIA_TYPE"),
            (picture(7)[:60], 400, "UNREADABLE_IMAGE"),
            (b"", 400, "EMPTY_IMAGE"),
        ],
    )
    def test_what_is_no_picture_is_told_as_everywhere(self, site: Site, content: bytes, status: int, code: str) -> None:
        images = [upload_id(0), "data:image/png;base64," + base64.b64encode(content).decode()]
        found, problem, _ = site.call("POST", APPLY, {"recipe": FLIP, "images": images})
        assert (found, problem["code"], problem["param"], problem["charged"]) == (status, code, "images[1]", False)
        assert site.bakery.jobs.jobs == {}


class TestPaid:
    """With the whole path of a paid job behind it."""

    @pytest.fixture
    def call(self, studio: Studio) -> Callable[..., tuple[int, dict[str, Any], dict[str, str]]]:
        api = Api(studio.app.callers, studio.app.rates)
        mount(api, studio.app)
        token = studio.token("alice")

        def call(body: Any, **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
            event = http_event("POST", APPLY, token=token, headers=headers, body=body)
            answer = handled(api.handle, event, Context())
            return answer["statusCode"], json.loads(answer["body"]), answer["headers"]

        return call

    def test_the_answer_tells_the_estimate_and_no_cost_yet(self, studio: Studio, call: Any) -> None:
        images = Gallery(studio).upload(3)
        request = {"recipe": PAINTED, "images": images, "allow_paid": True, "max_cost_usd": 0.5}
        status, job, headers = call(request)
        assert (status, job["op"], job["input"]["max_cost_usd"]) == (202, "recipe", 0.5)
        assert job["cost"]["estimated_usd"] > 0
        assert (job["cost"]["actual_usd"], job["cost"]["settled"]) == (None, False)
        assert "x-cost-usd" not in {name.lower() for name in headers}
        Gallery(studio).run()
        assert studio.app.jobs.show(studio.job("alice", job["id"]))["cost"]["actual_usd"] == sum(studio.charged()) / 1e6

    @pytest.mark.parametrize(
        ("more", "status", "code", "param"),
        [
            ({}, 400, "INVALID_PARAMETER", "steps[0].paint"),
            ({"max_cost_usd": 1}, 400, "INVALID_PARAMETER", "steps[0].paint"),
            ({"allow_paid": True}, 400, "INVALID_PARAMETER", "max_cost_usd"),
            ({"allow_paid": True, "max_cost_usd": 0.0001}, 402, "COST_LIMIT", "max_cost_usd"),
        ],
    )
    def test_what_may_not_be_paid_is_refused_and_nothing_is_made(
        self, studio: Studio, call: Any, more: dict[str, Any], status: int, code: str, param: str
    ) -> None:
        found, problem, _ = call({"recipe": PAINTED, "images": ["upl_1"], **more})
        assert (found, problem["code"], problem["param"], problem["charged"]) == (status, code, param, False)
        assert (studio.of("alice"), studio.images.outputs, studio.paid_requests()) == ({}, {}, [])
