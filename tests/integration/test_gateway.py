"""The gateway in front of the real functions."""

import io
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from darkroom import __version__
from darkroom.http.error_shapes import OPENROUTER_ROUTES, REMBG_ROUTE, REMOVEBG_ROUTES
from darkroom.http.pages.try_page import PATH as TRY
from darkroom.http.route_table import DEFAULT
from darkroom.http.routes.account import SESSION
from darkroom.http.routes.docs import ROUTES as DOCS
from darkroom.http.routes.health import ROUTE as HEALTH
from darkroom.http.routes.sign_in import PUBLIC
from darkroom.http.schemas.studio import FILE, FILE_IN_FOLDER, PAGE
from local.stack import Stack

# The page and its files, which ask for no token.
STUDIO = {PAGE.route, FILE.route, FILE_IN_FOLDER.route}
REMOVALS = "/v1/images/background-removals"


def test_every_route_reaches_a_function_that_asks_who_calls(stack: Stack) -> None:
    with httpx.Client(base_url=stack.url, timeout=60, trust_env=False) as nobody:
        for route in stack.template.routes:
            if route.key in PUBLIC | DOCS | STUDIO | {HEALTH, SESSION, DEFAULT}:
                continue
            response = nobody.request(route.method, route.path.replace("{", "").replace("}", ""))
            # Other services' clients are answered as these services do: remove.bg has 403 for it.
            assert response.status_code == (403 if route.path in REMOVEBG_ROUTES else 401), route.key
            doors = (*REMOVEBG_ROUTES, REMBG_ROUTE, "/mcp")
            is_door = route.key in OPENROUTER_ROUTES or route.path in doors
            # People press its button, so that its errors are pages.
            kind = "text/html" if route.path == TRY else "application/json" if is_door else "application/problem+json"
            assert response.headers["content-type"].startswith(kind), route.key


def test_that_it_answers_at_all_is_everybodys_to_know(stack: Stack) -> None:
    with httpx.Client(base_url=stack.url, timeout=60, trust_env=False) as nobody:
        assert nobody.get("/healthz").json() == {"object": "health", "status": "ok", "version": __version__}
        assert nobody.get("/healthz", params={"deep": "1"}).status_code == 401


def test_only_the_way_to_sign_in_is_open_to_everybody(stack: Stack) -> None:
    assert {route.key for route in stack.template.routes} >= PUBLIC
    assert {key.split()[1].split("/")[1] for key in PUBLIC} == {"oauth"}


@pytest.mark.parametrize(
    ("method", "path", "status", "nearest"),
    [
        ("GET", "/nowhere", 404, []),
        ("GET", REMOVALS, 405, [f"POST {REMOVALS}"]),
        ("PUT", "/v1/jobs", 405, ["GET /v1/jobs"]),
        ("GET", "/v1/jobs/", 404, ["GET /v1/jobs"]),
        ("POST", "/images/generations", 404, ["POST /v1/images/generations"]),
    ],
)
def test_what_no_route_covers_is_told_to_everybody(
    stack: Stack, method: str, path: str, status: int, nearest: list[str]
) -> None:
    with httpx.Client(base_url=stack.url, timeout=60, trust_env=False) as nobody:
        response = nobody.request(method, path)
    problem = response.json()
    assert (response.status_code, problem["status"], problem["nearest"]) == (status, status, nearest)
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["charged"] is False
    assert problem["error"]["code"] == problem["code"]
    assert response.headers["apigw-requestid"]


def test_a_method_that_a_route_lacks_is_405_and_says_which_it_has(client: httpx.Client) -> None:
    response = client.head("/v1/jobs")
    assert (response.status_code, response.headers["allow"], response.content) == (405, "GET", b"")


@pytest.mark.parametrize("megabytes", [5, 11])
def test_what_lambda_or_the_gateway_cannot_carry_is_413(client: httpx.Client, megabytes: int) -> None:
    """5 MB are 6.7 MB as base64, which is more than Lambda takes; 11 MB are more than API Gateway takes."""
    response = client.post(REMOVALS, content=b"x" * megabytes * 1024 * 1024, headers={"content-type": "image/png"})
    problem = response.json()
    assert (response.status_code, problem["code"], problem["charged"]) == (413, "PAYLOAD_TOO_LARGE", False)
    assert "POST /v1/uploads" in problem["fix"]


def test_a_preflight_names_what_the_template_allows(stack: Stack, client: httpx.Client) -> None:
    asked = {"origin": stack.url, "access-control-request-method": "POST"}
    response = client.options(REMOVALS, headers=asked)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == stack.url
    assert "authorization" in response.headers["access-control-allow-headers"].split(",")
    assert set(response.headers["access-control-allow-methods"].split(",")) == {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert response.headers["access-control-max-age"] == "600"


def test_answers_carry_the_template_s_cors_headers(stack: Stack, client: httpx.Client) -> None:
    response = client.get("/v1/jobs", headers={"origin": stack.url})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == stack.url
    assert "retry-after" in response.headers["access-control-expose-headers"].split(",")


def test_other_origins_are_allowed_nothing(client: httpx.Client) -> None:
    for response in (
        client.options(REMOVALS, headers={"origin": "https://evil.example", "access-control-request-method": "POST"}),
        client.get("/v1/jobs", headers={"origin": "https://evil.example"}),
    ):
        assert not [name for name in response.headers if name.startswith("access-control-")]


def test_a_function_that_dies_in_a_request_is_500_and_replaced(stack: Stack, client: httpx.Client) -> None:
    pool = stack.pools["RemoveBackgroundFunction"]
    pool.warm_up()
    calls = pool.log.read_text().count("START RequestId")
    noise = Image.effect_noise((4000, 3000), 16).convert("RGB")
    data = io.BytesIO()
    noise.save(data, "JPEG", quality=40)
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(
            client.post,
            REMOVALS,
            content=data.getvalue(),
            headers={"content-type": "image/jpeg", "accept": "image/png"},
        )
        while pool.log.read_text().count("START RequestId") == calls and not sent.done():
            time.sleep(0.01)
        killed = pool.processes
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        response = sent.result()
        while set(killed) & set(pool.processes):  # a kill takes a moment to be true
            time.sleep(0.01)
    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})
    assert client.post(REMOVALS, content=b"", headers={"content-type": "image/png"}).status_code == 400


def test_requests_run_at_the_same_time(client: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: client.get("/v1/jobs").status_code, range(40)))
    assert answers == [200] * 40
