"""The live door as a transport: a route reads what was sent, and what it answers goes out whole, and in time."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest
from aws_lambda_powertools.event_handler import Response

from darkroom.errors import InvalidParameter
from darkroom.http.app import Api, json_response
from darkroom.http.live import MAX_BODY, Live, Pace
from darkroom.models.rate_limit import RateLimits
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.rates import Rates
from darkroom.services.accounts.sessions import Sessions
from darkroom.services.accounts.tokens import Tokens
from tests.asgi_server import serving
from tests.conftest import SteppingClock
from tests.fakes.people import MemoryRequestCounts, MemoryTokenStore
from tests.fakes.sessions import MemorySessionStore

# Nothing here waits for it; where a test wants it otherwise it says so.
PATIENT = Pace(begins_after=60.0)
EAGER = Pace(begins_after=0.0, blank_every=0.001)
PICTURES = "POST /v1/images/generations"
LISTING = "GET /v1/models/{proxy+}"


class Door:
    """What `answers` says is what both routes do; Alice has a token."""

    def __init__(self, clock: SteppingClock, answers: Callable[[Api], Any]) -> None:
        tokens = Tokens(MemoryTokenStore(), clock)
        self.token = tokens.create(user="alice", name="t")[1]
        self._callers = Callers(tokens, Sessions(MemorySessionStore(), clock), public_url="")
        self._answers = answers
        self._clock = clock

    def _make(self) -> Api:
        api = Api(self._callers, Rates(MemoryRequestCounts(), self._clock, RateLimits()))

        @api.app.post("/v1/images/generations", enable_validation=False)
        def pictures() -> Response[Any]:
            answer: Response[Any] = self._answers(api)
            return answer

        @api.app.get("/v1/models/.+", enable_validation=False)
        def listing() -> Response[Any]:
            answer: Response[Any] = self._answers(api)
            return answer

        return api

    @contextmanager
    def open(self, pace: Pace = PATIENT, seconds: float = 60.0) -> Iterator[httpx.Client]:
        makers = dict.fromkeys((PICTURES, LISTING), self._make)
        live = Live(makers, clock=lambda: self._clock.now, api_url="https://api.example", seconds=seconds, pace=pace)
        with serving(live.application) as url, httpx.Client(base_url=url, timeout=30) as client:
            client.headers["authorization"] = f"Bearer {self.token}"
            yield client


def _post(client: httpx.Client, path: str = "/v1/images/generations", **more: Any) -> httpx.Response:
    return client.post(path, **({"json": {"prompt": "a fox"}} | more))


def _streamed(client: httpx.Client) -> AbstractContextManager[httpx.Response]:
    return client.stream("POST", "/v1/images/generations", json={"prompt": "a fox"})


@pytest.mark.parametrize(
    "path",
    ["/v1/images/generations", "/api/v1/images/generations", "//v1/images/generations", "//api/v1/images/generations"],
)
def test_a_route_reads_what_was_sent(clock: SteppingClock, path: str) -> None:
    def answers(api: Api) -> Response[Any]:
        return json_response(
            {"user": api.user, "route": api.route, "query": api.query, "ü": api.json_object, "x": api.headers["x-a"]}
        )

    with Door(clock, answers).open() as client:
        whole = f"{str(client.base_url).rstrip('/')}{path}"
        answer = _post(client, whole, params={"a": "1&2"}, headers=[("x-a", "1"), ("x-a", "2")], json={"p": "füchse"})
    assert answer.status_code == 200
    assert answer.json() == {
        "user": "alice",
        "route": PICTURES,
        "query": {"a": "1&2"},
        "ü": {"p": "füchse"},
        "x": "1,2",
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["x-request-id"]


def test_a_name_in_a_path_is_read_as_it_was_meant(clock: SteppingClock) -> None:
    with Door(clock, lambda api: json_response({"path": api.app.current_event.path})).open() as client:
        assert client.get("/v1/models/a%2Fb").json() == {"path": "/v1/models/a/b"}


def test_bytes_go_through_in_both_directions(clock: SteppingClock) -> None:
    data = bytes(range(256)) * 100
    with Door(clock, lambda api: Response(200, "image/png", api.body[::-1])).open() as client:
        answer = _post(client, json=None, content=data, headers={"content-type": "image/png"})
    assert (answer.headers["content-type"], answer.content) == ("image/png", data[::-1])


def test_an_answer_of_more_than_six_megabytes_goes_out_whole(clock: SteppingClock) -> None:
    text = "ü" * 10_000_000
    with Door(clock, lambda _api: json_response({"text": text})).open() as client:
        assert _post(client).json() == {"text": text}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("POST", "/v1/images/generations", {"authorization": "Bearer dk_wrong"}, 401, "INVALID_TOKEN"),
        ("DELETE", "/v1/images/generations", {}, 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/v1/pictures", {}, 404, "NO_SUCH_ROUTE"),
        ("GET", "/", {}, 404, "NO_SUCH_ROUTE"),
    ],
)
def test_a_refusal_is_the_one_of_the_api(
    clock: SteppingClock, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    with Door(clock, lambda _api: json_response({})).open() as client:
        answer = client.request(method, path, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["charged"]) == (status, code, False)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_route_that_only_the_api_has_is_pointed_to(clock: SteppingClock) -> None:
    with Door(clock, lambda _api: json_response({})).open() as client:
        answer = client.get("/v1/settings")
    assert (answer.status_code, answer.json()["code"]) == (404, "NO_SUCH_ROUTE")
    assert "https://api.example/v1/settings" in answer.json()["fix"]


def test_a_body_that_is_too_large_is_refused_to_who_sends_first_and_listens_afterwards(clock: SteppingClock) -> None:
    with Door(clock, lambda _api: json_response({})).open() as client:
        answer = _post(client, json=None, content=b"x" * (MAX_BODY + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert answer.json()["charged"] is False


def test_two_requests_at_once_do_not_read_each_other(clock: SteppingClock) -> None:
    both = threading.Barrier(2, timeout=20)

    def answers(api: Api) -> Response[Any]:
        both.wait()
        prompt = api.json_object["prompt"]
        both.wait()
        return json_response({"first": prompt, "again": api.json_object["prompt"], "user": api.user})

    with Door(clock, answers).open() as client, ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(_post, client, json={"prompt": prompt}) for prompt in ("fox", "owl")]
        found = [each.result(30).json() for each in asked]
    assert found == [{"first": prompt, "again": prompt, "user": "alice"} for prompt in ("fox", "owl")]


def test_a_long_answer_is_begun_with_blanks_and_is_json_all_the_same(clock: SteppingClock) -> None:
    goes_on = threading.Event()

    def answers(_api: Api) -> Response[Any]:
        assert goes_on.wait(20)
        return json_response({"data": []})

    with Door(clock, answers).open(EAGER) as client, _streamed(client) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        pieces = answer.iter_raw()
        assert [set(next(pieces)) for _ in range(3)] == [{ord(" ")}] * 3
        goes_on.set()
        rest = b"".join(pieces)
    assert rest.strip() == b'{"data": []}'
    assert json.loads(b" " + rest) == {"data": []}


def test_an_error_after_that_has_its_status_in_the_body(clock: SteppingClock) -> None:
    goes_on = threading.Event()

    def answers(_api: Api) -> Response[Any]:
        assert goes_on.wait(20)
        raise InvalidParameter("No.")

    with Door(clock, answers).open(EAGER) as client, _streamed(client) as answer:
        pieces = answer.iter_raw()
        assert set(next(pieces)) == {ord(" ")}
        goes_on.set()
        problem = json.loads(b"".join(pieces))
    assert answer.status_code == 200
    assert (problem["status"], problem["code"], problem["charged"]) == (400, "INVALID_PARAMETER", False)
    assert problem["error"]["code"] == "INVALID_PARAMETER"


@pytest.mark.parametrize("pace", [PATIENT, EAGER], ids=["before the answer is begun", "afterwards"])
def test_who_hangs_up_is_known_to_be_gone_and_the_work_goes_on(clock: SteppingClock, pace: Pace) -> None:
    begun, ended = threading.Event(), threading.Event()
    seen: list[bool] = []

    def answers(api: Api) -> Response[Any]:
        begun.set()
        while not api.transport.has_hung_up() and len(seen) < 2000:
            seen.append(threading.Event().wait(0.01))
        ended.set()
        return json_response({})

    door = Door(clock, answers)
    with door.open(pace) as client:
        host, port = str(client.base_url.host), int(client.base_url.port or 0)
        with socket.create_connection((host, port)) as plain:
            head = f"POST /v1/images/generations HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {door.token}\r\n"
            plain.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            assert begun.wait(20)
        assert ended.wait(20)
    assert len(seen) < 2000


def test_the_time_that_lambda_grants_is_what_a_route_has(clock: SteppingClock) -> None:
    def answers(api: Api) -> Response[Any]:
        return json_response({"left": api.seconds_left})

    with Door(clock, answers).open(seconds=50) as client:
        unsaid = _post(client).json()["left"]
        ends = json.dumps({"deadline": int(clock.now.timestamp() * 1000) + 20_000, "request_id": "abc"})
        said = _post(client, headers={"x-amzn-lambda-context": ends})
        garbled = _post(client, headers={"x-amzn-lambda-context": "{"}).json()["left"]
    assert 45 < unsaid <= 50
    assert 45 < garbled <= 50
    assert 15 < said.json()["left"] <= 20
    assert said.headers["x-request-id"] == "abc"
