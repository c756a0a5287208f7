"""The gateway answers as an HTTP API of API Gateway does."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from local.gateway import MAX_BODY, Gateway, GatewayServer
from local.ports import PortInUse, listen
from local.routes import Routes
from local.template import Cors, Route
from tests.unit.local.conftest import MakePool

ORIGIN = "https://studio.example"
CORS = Cors(
    origins=(ORIGIN,),
    methods=("GET", "POST"),
    headers=("authorization", "content-type"),
    expose=("location", "retry-after"),
    max_age=600,
)
ROUTES = Routes(
    [
        Route("GET", "/things/{id}", "HttpFunction"),
        Route("POST", "/things/{id}", "HttpFunction"),
        Route("GET", "/broken", "BrokenFunction"),
    ]
)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The file for which requests to `/things/held` wait."""
    return tmp_path / "gate"


@pytest.fixture
def client(make_pool: MakePool, gate: Path, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Calls a gateway; its time-out, in seconds, is the fixture's parameter."""
    pools = {"HttpFunction": make_pool("http", cap=3, GATE=str(gate)), "BrokenFunction": make_pool("broken")}
    listener = listen(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    gateway = Gateway(ROUTES, pools, CORS, timeout=getattr(request, "param", 60.0))
    with GatewayServer(gateway, listener), httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client


def test_a_request_reaches_its_function_as_an_event(client: httpx.Client) -> None:
    response = client.get("/things/a%20b?x=1&x=2&y=a%2Bb", headers=[("x-a", "1"), ("x-a", "2"), ("cookie", "c=d")])
    event = response.json()
    assert response.status_code == 200
    assert event["rawPath"] == "/things/a b"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["rawQueryString"] == "x=1&x=2&y=a%2Bb"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "a+b"}
    assert event["headers"]["x-a"] == "1,2"
    assert event["cookies"] == ["c=d"]
    assert event["requestContext"]["requestId"] == response.headers["apigw-requestid"]


def test_bodies_go_in_and_come_out_whole(client: httpx.Client) -> None:
    event = client.post("/things/1", content=b"\x00\xff", headers={"content-type": "image/png"}).json()
    assert (event["body"], event["isBase64Encoded"]) == ("AP8=", True)
    assert client.post("/things/1", json={"a": 1}).json()["body"] == '{"a":1}'
    picture = client.get("/things/image")
    assert (picture.status_code, picture.headers["content-type"], picture.content) == (
        201,
        "image/png",
        b"\x89PNG\x00\xff",
    )


def test_bare_results_and_cookies(client: httpx.Client) -> None:
    bare = client.get("/things/bare")
    assert (bare.json(), bare.headers["content-type"]) == ({"a": "ü", "b": [1, 2]}, "application/json")
    assert client.get("/things/text").text == "plain words"
    assert client.get("/things/plain").headers["content-type"] == "text/plain;charset=UTF-8"
    cookies = client.get("/things/cookies")
    assert cookies.headers.get_list("set-cookie") == ["a=1; HttpOnly", "b=2"]
    assert (cookies.status_code, cookies.content, cookies.headers["x-number"]) == (204, b"", "3")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/nowhere"), ("PUT", "/things/1"), ("GET", "/things/1/2"), ("GET", "/things/")],
)
def test_what_no_route_covers_is_404(client: httpx.Client, method: str, path: str) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.json()) == (404, {"message": "Not Found"})
    assert response.headers["apigw-requestid"]


def test_head_is_not_get(client: httpx.Client) -> None:
    response = client.head("/things/1")
    assert (response.status_code, response.content) == (404, b"")


def test_text_that_is_not_utf_8_goes_in_whole(client: httpx.Client) -> None:
    event = client.post("/things/1", content=b'{"a": "caf\xe9"}', headers={"content-type": "application/json"}).json()
    assert (event["body"], event["isBase64Encoded"]) == ("eyJhIjogImNhZukifQ==", True)


@pytest.mark.parametrize("path", ["/things/raise", "/things/malformed", "/things/big", "/broken"])
def test_a_function_that_fails_is_500_and_nothing_leaks(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})
    assert "secret" not in response.text + str(response.headers)


def test_a_handler_s_own_404_is_the_handler_s(client: httpx.Client) -> None:
    response = client.get("/things/missing")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("client", [1.0], indirect=True)
def test_past_the_timeout_the_caller_is_told_503(client: httpx.Client) -> None:
    response = client.get("/things/held")
    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})


def test_requests_run_at_the_same_time(client: httpx.Client, gate: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(client.get, "/things/held")
        while not gate.with_suffix(".reached").exists():
            time.sleep(0.02)
        assert client.get("/things/1").status_code == 200
        assert not held.done()
        gate.touch()
        assert held.result().text == "released"


@pytest.mark.parametrize("size", [MAX_BODY + 1, 6_291_556 // 4 * 3])
def test_what_lambda_or_the_gateway_cannot_carry_is_413(client: httpx.Client, size: int) -> None:
    response = client.post("/things/1", content=b"x" * size, headers={"content-type": "image/png"})
    problem = response.json()
    assert (response.status_code, problem["message"], problem["charged"]) == (413, "Request Entity Too Large", False)
    assert "POST /v1/uploads" in problem["fix"]


def test_a_large_body_without_a_length_is_413(client: httpx.Client) -> None:
    chunks = (b"x" * 65536 for _ in range(MAX_BODY // 65536 + 1))
    assert client.post("/things/1", content=chunks).status_code == 413


def test_a_body_that_fits_arrives(client: httpx.Client) -> None:
    response = client.post("/things/plain", content=b"x" * 4_700_000, headers={"content-type": "image/png"})
    assert response.status_code == 200


def test_a_preflight_is_answered_by_the_gateway(client: httpx.Client) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "POST"}
    response = client.options("/things/1", headers=asked)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-allow-methods"] == "GET,POST"
    assert response.headers["access-control-allow-headers"] == "authorization,content-type"
    assert response.headers["access-control-max-age"] == "600"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://studio.example", "null"])
def test_other_origins_are_allowed_nothing(client: httpx.Client, origin: str) -> None:
    for response in (
        client.options("/things/1", headers={"origin": origin, "access-control-request-method": "POST"}),
        client.get("/things/cors", headers={"origin": origin}),
    ):
        assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/things/cors", "/things/raise", "/nowhere"])
def test_the_template_s_cors_headers_replace_the_handler_s(client: httpx.Client, path: str) -> None:
    response = client.get(path, headers={"origin": ORIGIN})
    cors = {name: value for name, value in response.headers.items() if name.startswith("access-control-")}
    assert cors == {
        "access-control-allow-origin": ORIGIN,
        "access-control-expose-headers": "location,retry-after",
    }


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example:80", "10.0.0.1"])
def test_names_that_are_not_this_computer_s_are_refused(client: httpx.Client, host: str) -> None:
    response = client.get("/things/1", headers={"host": host})
    assert (response.status_code, response.json()) == (403, {"message": "Forbidden"})


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "[::1]", "LOCALHOST"])
def test_names_of_this_computer_are_served(client: httpx.Client, host: str) -> None:
    assert client.get("/things/1", headers={"host": host}).status_code == 200


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with listen(0) as listener, pytest.raises(PortInUse):
        listen(listener.getsockname()[1])
