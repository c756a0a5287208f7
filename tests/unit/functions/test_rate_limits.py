"""What callers are told of their limits, on every route, and what those are told who are over one."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx2
import openai
import pytest

from darkroom.application import Application
from darkroom.http.app import Api
from darkroom.http.routes.account import routes as account
from darkroom.http.routes.completions import routes as completions
from darkroom.http.routes.edits import routes as edits
from darkroom.http.routes.generations import routes as generations
from darkroom.http.routes.jobs import routes as jobs
from darkroom.http.routes.models import routes as models
from darkroom.http.routes.oauth import routes as oauth
from darkroom.http.transport import Following, Transport
from darkroom.models.door import LIVE
from local.simulator import Simulator
from tests.application import KLEIN, Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.openapi import handled

OVER = {"code": "TOO_MANY_REQUESTS", "status": 429, "charged": False, "retryable": True, "retry_after": 60}


@pytest.fixture
def limited(studio_simulator: Simulator, clock: SteppingClock) -> Callable[..., Studio]:
    studio_simulator.reset()

    def made(user: int = 0, token: int = 0, address: int = 0) -> Studio:
        names = ("", "_PER_TOKEN", "_PER_ADDRESS")
        environ = {
            f"DARKROOM_MAX_REQUESTS_PER_MINUTE{name}": str(limit)
            for name, limit in zip(names, (user, token, address), strict=True)
        }
        return Studio(studio_simulator, clock, environ=environ)

    return made


def _get(api: Api, path: str, token: str | None, **parts: Any) -> dict[str, Any]:
    return handled(api.handle, http_event("GET", path, token=token, **parts), Context())


def test_an_answer_says_what_is_left_of_each_limit(limited: Callable[..., Studio], clock: SteppingClock) -> None:
    studio = limited(user=600, token=300)
    api, token = jobs(studio.app), studio.token("alice")
    clock.step(timedelta(seconds=18))
    for left in (1, 2):
        answer = _get(api, "/v1/jobs", token)
        assert answer["statusCode"] == 200
        assert answer["headers"]["ratelimit-policy"] == '"user";q=600;w=60, "token";q=300;w=60'
        assert answer["headers"]["ratelimit"] == f'"user";r={600 - left};t=42, "token";r={300 - left};t=42'
    # Of errors as well.
    answer = _get(api, "/v1/jobs/job_01J00000000000000000000000", token)
    assert (answer["statusCode"], answer["headers"]["ratelimit"]) == (404, '"user";r=597;t=42, "token";r=297;t=42')


class Begun:
    """An answer that is begun early: the headers that are known by the time a job is. Implements transport.Outlet."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.at_opening: dict[str, str] | None = None

    def put(self, headers: Mapping[str, str]) -> None:
        self.headers |= headers

    def open(self, headers: Mapping[str, str]) -> None:
        self.at_opening = {**self.headers, **headers}

    def expect(self) -> bool:
        return True

    def send(self, data: bytes) -> None:
        pass

    def follow(self, following: Following) -> None:
        pass


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_begun_early_says_it_as_well(limited: Callable[..., Studio], stream: bool) -> None:
    studio, begun = limited(user=600), Begun()
    studio.connect("alice")
    studio.job_queue.works = studio.app.worker
    event = http_event(
        "POST",
        "/v1/images/generations",
        token=studio.token("alice"),
        body={"prompt": "A red fox", "model": KLEIN, "stream": stream},
    )
    answer = generations(studio.app).handle(event, Context(), Transport(LIVE, outlet=begun))  # type: ignore[arg-type]
    assert answer["statusCode"] == 200
    assert begun.at_opening is not None
    told = {name: answer["headers"][name] for name in ("ratelimit", "ratelimit-policy", "location")}
    assert begun.at_opening == told
    assert told["ratelimit-policy"] == '"user";q=600;w=60'


def test_who_is_not_known_and_who_has_no_limit_is_told_of_none(limited: Callable[..., Studio]) -> None:
    studio = limited(token=300)
    assert "ratelimit" not in _get(jobs(studio.app), "/v1/jobs", "dk_unknown")["headers"]
    assert "ratelimit" not in _get(account(studio.app), "/healthz", None)["headers"]
    assert "ratelimit" not in _get(jobs(limited().app), "/v1/jobs", None)["headers"]
    unlimited = limited()
    answer = _get(jobs(unlimited.app), "/v1/jobs", unlimited.token("alice"))
    assert (answer["statusCode"], "ratelimit" in answer["headers"]) == (200, False)


@pytest.mark.parametrize(
    ("routes", "path"),
    [
        (generations, "/v1/images/generations"),
        (edits, "/v1/images/edits"),
        (completions, "/v1/chat/completions"),
    ],
)
def test_a_paid_request_over_the_limit_costs_nothing_and_is_told_so_as_openai_does(
    limited: Callable[..., Studio], routes: Callable[..., Api], path: str
) -> None:
    studio = limited(token=1)
    studio.connect("alice")
    token = studio.token("alice")
    assert _get(jobs(studio.app), "/v1/jobs", token)["statusCode"] == 200
    body = {"prompt": "A red fox", "messages": [{"role": "user", "content": "hello"}]}
    answer = handled(routes(studio.app).handle, http_event("POST", path, token=token, body=body), Context())
    problem = json.loads(answer["body"])
    assert {name: problem[name] for name in OVER} == OVER
    assert problem["error"]["code"] == "TOO_MANY_REQUESTS"
    assert problem["violated-policies"] == ["token"]
    told = ("retry-after", "x-should-retry", "ratelimit", "ratelimit-policy")
    assert [answer["headers"][name] for name in told] == ["60", "true", '"token";r=0;t=60', '"token";q=1;w=60']
    assert (studio.of("alice"), studio.charged("alice")) == ({}, [])


def test_all_functions_count_together(limited: Callable[..., Studio]) -> None:
    """Each is a process by itself on AWS: here two applications share what they keep."""
    studio = limited(token=4)
    token = studio.token("alice")
    apis = {"/v1/jobs": jobs(studio.app), "/v1/keys": account(Application(studio.deployment, studio))}
    paths = ["/v1/jobs", "/v1/keys", "/v1/jobs", "/v1/keys", "/v1/jobs"]
    assert [_get(apis[path], path, token)["statusCode"] for path in paths] == [200] * 4 + [429]


def test_a_session_counts_as_its_user(limited: Callable[..., Studio]) -> None:
    studio = limited(user=1)
    event = http_event("GET", "/v1/session")
    event["cookies"] = [f"__Host-darkroom-session={studio.app.sessions.open('alice', 'link')}"]
    api = account(studio.app)
    assert [handled(api.handle, dict(event), Context())["statusCode"] for _ in range(2)] == [200, 429]
    # And another of that user's.
    assert _get(jobs(studio.app), "/v1/jobs", studio.token("alice"))["statusCode"] == 429


def test_signing_in_is_limited_by_address_and_told_as_a_page(limited: Callable[..., Studio]) -> None:
    studio = limited(address=2)
    api = oauth(studio.app)

    def sent(address: str) -> dict[str, Any]:
        event = http_event("GET", "/oauth")
        event["requestContext"]["http"]["sourceIp"] = address
        return handled(api.handle, event, Context())

    assert [sent("192.0.2.1")["statusCode"] for _ in range(3)] == [200, 200, 429]
    refused = sent("192.0.2.1")
    assert refused["headers"]["content-type"].startswith("text/html")
    assert (refused["headers"]["retry-after"], "TOO_MANY_REQUESTS" in refused["body"]) == ("60", True)
    assert sent("192.0.2.2")["statusCode"] == 200


def test_the_openai_sdk_waits_as_long_as_it_is_told(limited: Callable[..., Studio], clock: SteppingClock) -> None:
    studio = limited(token=1)
    api, token = models(studio.app), studio.token("alice")
    seen: list[tuple[int, str]] = []

    def answered(request: httpx2.Request) -> httpx2.Response:
        event = http_event("GET", request.url.path, headers=dict(request.headers))
        answer = handled(api.handle, event, Context())
        seen.append((answer["statusCode"], request.headers["x-stainless-retry-count"]))
        if answer["statusCode"] == 429:
            # Meanwhile the SDK sleeps.
            clock.step(timedelta(seconds=int(answer["headers"]["retry-after"])))
        return httpx2.Response(answer["statusCode"], headers=answer["headers"], text=answer["body"])

    http_client = httpx2.Client(transport=httpx2.MockTransport(answered))
    client = openai.OpenAI(base_url="http://127.0.0.1/v1", api_key=token, http_client=http_client)
    clock.now = clock.now.replace(second=59)
    for _ in range(2):
        assert client.models.list().data
    assert seen == [(200, "0"), (429, "0"), (200, "1")]
    with pytest.raises(openai.RateLimitError) as raised:
        client.with_options(max_retries=0).models.list()
    assert (raised.value.code, raised.value.response.headers["retry-after"]) == ("TOO_MANY_REQUESTS", "60")
