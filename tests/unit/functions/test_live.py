"""Pictures ordered at the live door: carried out by the process that is asked, however long it takes."""

import asyncio
import base64
import json
import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import httpx
import openai
import pytest
import requests  # type: ignore[import-untyped]

from darkroom.application import Application
from darkroom.application.live import LiveApplication
from darkroom.http.live import Live, Pace
from darkroom.http.live_door import live
from darkroom.http.routes.generations import routes
from darkroom.http.transport import Transport
from darkroom.models.door import LIVE
from darkroom.models.job import JobStatus
from local.simulator import Simulator
from tests.application import KLEIN, Studio
from tests.asgi_server import serving
from tests.conftest import ROOT
from tests.events import http_event

ROUTE = "/v1/images/generations"
JAVASCRIPT = ROOT / "tests" / "clients" / "javascript"
PRICE = 14_000
# Begun at once with blanks, as a real one is after 25 s.
EAGER = Pace(begins_after=0.0, blank_every=0.01)


class Minutes:
    """Lambda's context of a function that has minutes."""

    aws_request_id = "r"

    def get_remaining_time_in_millis(self) -> int:
        return 330_000


@pytest.fixture
def services(studio: Studio) -> Application:
    return LiveApplication(studio.deployment, studio)


def _ask(services: Application, token: str, transport: Transport, **fields: Any) -> tuple[int, dict[str, Any]]:
    event = http_event("POST", ROUTE, token=token, body={"prompt": "A red fox", "model": KLEIN, **fields})
    answer = routes(services).handle(event, Minutes(), transport)  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"])


def test_the_answer_is_the_apis_without_queue_or_worker(studio: Studio, services: Application) -> None:
    status, body = _ask(services, studio.token("alice"), Transport(LIVE))
    (job,) = studio.of("alice").values()
    assert status == 200
    assert base64.b64decode(body["data"][0]["b64_json"]) == studio.images.outputs[job.images[0].key].data
    assert (body["cost"]["charged"], body["cost"]["settled"]) == (True, True)
    assert (job.attempt, studio.job_queue.sent) == (1, [])
    assert studio.charged("alice") == [PRICE]


def test_a_failure_of_the_provider_is_told_as_the_api_tells_it(studio: Studio, services: Application) -> None:
    studio.simulator.scenario("moderation", key=studio.vault.reveal("alice", "openrouter"))
    status, body = _ask(services, studio.token("alice"), Transport(LIVE))
    (job,) = studio.of("alice").values()
    assert (status, body["charged"]) == (job.error and job.error["status"], False)
    assert status in range(400, 500)
    assert studio.charged("alice") == []
    assert studio.budget("alice", "day").reserved == 0


def test_who_hangs_up_ends_the_wait_and_not_the_picture_which_the_same_request_gets(
    studio: Studio, services: Application
) -> None:
    token = studio.token("alice")
    studio.simulator.scenario("slow_headers", key=studio.vault.reveal("alice", "openrouter"), seconds=2)
    status, gone = _ask(services, token, Transport(LIVE, lambda: True))
    assert (status, gone["code"], gone["charged"]) == (503, "STILL_RUNNING", "unknown")
    # It goes on in a thread of this process; the studio's own time stands still meanwhile.
    while not studio.job("alice", gone["job"]["id"]).status.is_final:
        threading.Event().wait(0.01)
    status, body = _ask(services, token, Transport(LIVE))
    assert (status, body["job"]["id"]) == (200, gone["job"]["id"])
    assert len(studio.of("alice")) == 1
    assert studio.charged("alice") == [PRICE]


def test_the_same_request_while_somebody_waits_is_another_picture(studio: Studio, services: Application) -> None:
    token = studio.token("alice")
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(_ask, services, token, Transport(LIVE)) for _ in range(2)]
        ids = {each.result(60)[1]["job"]["id"] for each in asked}
    assert len(ids) == 2
    assert studio.charged("alice") == [PRICE, PRICE]


@pytest.mark.usefixtures("large_files")
def test_more_than_six_megabytes_are_given_as_they_were_made(
    studio: Studio, services: Application, studio_simulator: Simulator
) -> None:
    studio_simulator.world.detail = 1024
    _, body = _ask(services, studio.token("alice"), Transport(LIVE), n=4, output_format="png", size="2048x2048")
    assert sum(len(each["b64_json"]) for each in body["data"]) > 6_000_000
    jobs = studio.of("alice").values()
    made = [studio.images.outputs[image.key].data for job in jobs for image in job.images]
    assert [base64.b64decode(each["b64_json"]) for each in body["data"]] == made
    assert not [warning for warning in body["warnings"] if "more than one answer can carry" in warning]


def test_work_that_breaks_off_is_no_silent_wait(studio: Studio, services: Application) -> None:
    def broken(_user: str, _provider: str) -> str:
        raise MemoryError

    studio.vault.reveal = broken  # type: ignore[method-assign, assignment]
    status, body = _ask(services, studio.token("alice"), Transport(LIVE))
    assert (status, body["code"]) == (503, "ANSWER_PENDING")
    (job,) = studio.of("alice").values()
    assert (job.status, job.dispatched_at) == (JobStatus.RUNNING, None)


def _with_openai(url: str, token: str) -> str:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0)
    found = client.images.generate(prompt="A red fox", model=KLEIN, response_format="b64_json")
    assert found.data
    return str(found.data[0].b64_json)


def _with_httpx(url: str, token: str) -> str:
    with httpx.Client(timeout=60, headers={"authorization": f"Bearer {token}"}) as client:
        answer = client.post(f"{url}{ROUTE}", json={"prompt": "A red fox", "model": KLEIN})
    return str(answer.raise_for_status().json()["data"][0]["b64_json"])


def _with_requests(url: str, token: str) -> str:
    headers = {"authorization": f"Bearer {token}"}
    with requests.post(
        f"{url}{ROUTE}", json={"prompt": "A red fox", "model": KLEIN}, headers=headers, timeout=60
    ) as answer:
        answer.raise_for_status()
        return str(answer.json()["data"][0]["b64_json"])


def _with_aiohttp(url: str, token: str) -> str:
    async def ask() -> str:
        async with (
            aiohttp.ClientSession(headers={"authorization": f"Bearer {token}"}) as session,
            session.post(f"{url}{ROUTE}", json={"prompt": "A red fox", "model": KLEIN}) as answer,
        ):
            answer.raise_for_status()
            return str((await answer.json())["data"][0]["b64_json"])

    return asyncio.run(ask())


def _with_node(call: str) -> Callable[[str, str], str]:
    """A call of `tests/clients/javascript/calls.mjs`."""

    def ask(url: str, token: str) -> str:
        environment = {"PATH": os.environ["PATH"], "BASE_URL": url, "API_KEY": token}
        done = subprocess.run(
            ["node", str(JAVASCRIPT / "calls.mjs"), call],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return str(json.loads(done.stdout.splitlines()[-1])["b64_json"])

    return ask


IN_NODE = [
    pytest.param(
        _with_node(call),
        id=call,
        marks=pytest.mark.skipif(not (JAVASCRIPT / "node_modules").is_dir(), reason="SKIPPED FOR WANT OF NODE.JS"),
    )
    for call in ("openai_one", "vercel_one", "axios_one", "fetch_one")
]


@pytest.mark.parametrize("client", [_with_openai, _with_httpx, _with_requests, _with_aiohttp, *IN_NODE])
def test_clients_that_never_retry_get_a_picture_that_takes_long(
    studio: Studio, services: Application, client: Callable[[str, str], str]
) -> None:
    studio.simulator.scenario("slow_headers", key=studio.vault.reveal("alice", "openrouter"), seconds=0.5)
    live = Live(
        {f"POST {ROUTE}": lambda: routes(services)},
        clock=studio.clock,
        api_url="https://api.example",
        seconds=330,
        pace=EAGER,
    )
    with serving(live.application) as url:
        picture = client(url, studio.token("alice"))
    (job,) = studio.of("alice").values()
    assert base64.b64decode(picture) == studio.images.outputs[job.images[0].key].data
    assert studio.charged("alice") == [PRICE]
    assert threading.active_count() < 100


def test_a_thumbnails_address_is_one_at_the_live_door_too(studio: Studio, services: Application) -> None:
    _ask(services, studio.token("alice"), Transport(LIVE))
    (job,) = studio.of("alice").values()
    (thumb,) = (each["thumb"] for each in studio.app.jobs.show(job)["output"]["images"])
    with serving(live(services).application) as url:
        headers = {"authorization": f"Bearer {studio.token('alice')}"}
        small = httpx.get(f"{url}{thumb['url']}", headers=headers, timeout=60)
        fresh = httpx.get(f"{url}{thumb['url'].partition('?')[0]}", headers=headers, timeout=60)
    assert (small.status_code, small.headers["content-type"]) == (200, "image/webp")
    assert fresh.status_code in (200, 303)
