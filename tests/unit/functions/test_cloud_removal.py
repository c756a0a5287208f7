"""The route when remove.bg cuts out: answered as every paid job is, with what it really cost."""

import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from darkroom.errors import NoForeground
from darkroom.events.removals import handler_of
from darkroom.http.routes.background_removals import routes
from darkroom.models.user_settings import Limits
from darkroom.services.paid.settlement import SIMULATED
from local.providers.removebg import Simulator
from tests.application import Studio
from tests.conftest import ROOT
from tests.events import Context, http_event, queue_event, s3_record
from tests.openapi import handled
from tests.unit.cloud import CREDIT, Cloud, dot

PATH = "/v1/images/background-removals"


class Service:
    """The handler, with Alice's token; a worker carries out whatever is admitted before anybody waits for it."""

    def __init__(self, cloud: Cloud, *, worked: bool = True) -> None:
        studio = cloud.studio
        self.cloud = cloud
        self.token = studio.token("alice")
        if worked:
            studio.job_queue.works = cloud.worker
        app = studio.app
        app.remove_background = cloud.service
        app.postponed = cloud.postponed
        self._handle = handler_of(app, routes(app).handle)

    def post(self, *, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
        body = {"image_b64": base64.b64encode(dot()).decode(), **fields}
        event = http_event("POST", PATH, token=self.token, headers=headers or {}, body=body)
        answer: dict[str, Any] = handled(self._handle, event, Context())
        answer["headers"] = {name.lower(): value for name, value in answer["headers"].items()}
        return answer

    def queue(self, event: dict[str, Any]) -> Any:
        return self._handle(event, Context())


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def cloud(studio: Studio, running: Simulator) -> Cloud:
    running.reset()
    cloud = Cloud(studio, running)
    cloud.connect("alice")
    cloud.set("alice")
    return cloud


def test_json_says_what_it_cost_and_where_the_picture_is(cloud: Cloud) -> None:
    answer = Service(cloud).post(cloud=True)
    body = json.loads(answer["body"])
    assert answer["statusCode"] == 200, body
    assert (body["object"], body["model"], body["cost_usd"]) == ("background_removal", "remove.bg", 0.2)
    assert (body["width"], body["height"], body["media_type"]) == (64, 64, "image/png")
    assert body["job"]["cost"]["actual_usd"] == 0.2
    assert float(answer["headers"]["x-cost-usd"]) == 0.2
    assert answer["headers"]["location"] == f"/v1/jobs/{body['job']['id']}"
    assert cloud.simulator.invoice() == CREDIT


def test_the_picture_itself_when_asked_for(cloud: Cloud) -> None:
    answer = Service(cloud).post(cloud=True, headers={"accept": "image/png"})
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "image/png")
    picture = Image.open(io.BytesIO(base64.b64decode(answer["body"])))
    assert (picture.mode, picture.getpixel((0, 0))) == ("RGBA", (255, 255, 255, 0))
    assert float(answer["headers"]["x-cost-usd"]) == 0.2
    assert answer["headers"]["x-model"] == "remove.bg"


def test_nobody_has_to_wait_and_twice_is_once(cloud: Cloud) -> None:
    service = Service(cloud, worked=False)
    headers = {"prefer": "respond-async", "idempotency-key": "k"}
    first, second = (service.post(cloud=True, headers=headers) for _ in range(2))
    assert (first["statusCode"], second["statusCode"]) == (202, 202)
    assert first["headers"]["location"] == second["headers"]["location"]
    cloud.work()
    assert cloud.simulator.invoice() == CREDIT
    third = service.post(cloud=True, headers=headers)
    assert (third["statusCode"], third["headers"]["idempotent-replayed"]) == (200, "true")


def test_without_either_the_caller_is_told_to_come_again_and_joins(cloud: Cloud) -> None:
    service = Service(cloud, worked=False)
    waiting = service.post(cloud=True, headers={"prefer": "wait=0"})
    assert waiting["statusCode"] == 202
    cloud.work()
    assert cloud.simulator.invoice() == CREDIT


def test_a_refusal_is_an_error_that_says_it_was_free(cloud: Cloud) -> None:
    cloud.simulator.go_wrong("refused")
    answer = Service(cloud).post(cloud=True)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["code"], problem["charged"]) == (422, "NO_FOREGROUND", False)
    assert float(answer["headers"]["x-cost-usd"]) == 0


@pytest.mark.parametrize(
    ("user_has_key", "per_request", "status", "code"),
    [(False, 500_000, 401, "INVALID_API_KEY"), (True, CREDIT - 1, 402, "COST_LIMIT")],
)
def test_who_cannot_pay_is_told_so_before_anything_is_asked(
    cloud: Cloud, user_has_key: bool, per_request: int, status: int, code: str
) -> None:
    if not user_has_key:
        cloud.studio.vault.remove("alice", "removebg")
    cloud.set("alice", limits=Limits(per_request=per_request))
    answer = Service(cloud).post(cloud=True)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["code"], problem["charged"]) == (status, code, False)
    assert (cloud.calls(), cloud.studio.of("alice")) == ([], {})


def test_the_setting_falls_back_and_says_why(cloud: Cloud) -> None:
    cloud.set("alice", cloud_removal="fallback")
    service = Service(cloud)
    assert json.loads(service.post()["body"])["cost_usd"] == 0
    cloud.fails = NoForeground("Nothing stands out.")
    body = json.loads(service.post()["body"])
    assert (body["model"], body["cost_usd"]) == ("remove.bg", 0.2)
    assert body["warnings"] == ["It was not cut out here: Nothing stands out.", SIMULATED]


def test_a_dropped_file_goes_the_same_way_once(cloud: Cloud) -> None:
    cloud.set("alice", cloud_removal="always")
    service = Service(cloud)
    cloud.studio.images.drop("inbox/alice/a.png", dot(), "v1")
    for _ in range(3):
        answer = service.queue(queue_event({"Records": [s3_record("inbox/alice/a.png")]}))
        assert answer == {"batchItemFailures": []}
    assert cloud.only_job().cost.actual == cloud.simulator.invoice() == CREDIT


def test_a_limited_token_spends_within_its_limits(cloud: Cloud) -> None:
    service = Service(cloud)
    service.token = cloud.studio.token("alice", day_limit=CREDIT)
    assert service.post(cloud=True)["statusCode"] == 200
    problem = json.loads(service.post(cloud=True, crop=True)["body"])
    assert problem["code"] == "BUDGET_EXCEEDED"
    assert cloud.simulator.invoice() == CREDIT


def test_what_paying_stands_on_is_loaded_when_somebody_pays() -> None:
    paid = {"darkroom.services.paid.settlement", "darkroom.http.responder", "darkroom.adapters.key_vault"}
    script = f"import sys; import functions.remove_background.app; print(*sorted({paid!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
