"""Routes are chosen as API Gateway chooses them."""

import pytest

from local.routes import Routes
from local.template import DEFAULT, Route

ROUTES = Routes(
    [
        Route("GET", "/{proxy+}", "Rest"),
        Route("ANY", "/v1/jobs/{job_id}", "AnyJob"),
        Route("GET", "/v1/jobs/{job_id}", "Job"),
        Route("GET", "/v1/jobs/latest", "Latest"),
        Route("GET", "/v1/jobs", "Jobs"),
        Route("GET", "/v1/{kind}/{key}/parts/{number}", "Part"),
        Route("POST", "/files/{path+}", "Files"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "function", "parameters"),
    [
        ("GET", "/v1/jobs", "Jobs", {}),
        ("GET", "/v1/jobs/latest", "Latest", {}),
        ("GET", "/v1/jobs/01J", "Job", {"job_id": "01J"}),
        ("DELETE", "/v1/jobs/01J", "AnyJob", {"job_id": "01J"}),
        ("DELETE", "/v1/jobs/latest", "AnyJob", {"job_id": "latest"}),
        ("GET", "/v1/a/b/parts/3", "Part", {"kind": "a", "key": "b", "number": "3"}),
        ("GET", "/v1/jobs/01J/more", "Rest", {"proxy": "v1/jobs/01J/more"}),
        ("GET", "/v1/jobs/", "Rest", {"proxy": "v1/jobs/"}),
        ("POST", "/files/a/b c.txt", "Files", {"path": "a/b c.txt"}),
    ],
)
def test_the_most_specific_route_is_taken(method: str, path: str, function: str, parameters: dict[str, str]) -> None:
    match = ROUTES.match(method, path)
    assert match is not None
    assert (match.route.function, match.parameters) == (function, parameters)


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/jobs"), ("HEAD", "/v1/jobs"), ("GET", "/"), ("GET", "//")])
def test_default_has_what_no_other_route_covers(method: str, path: str) -> None:
    routes = Routes([Route(DEFAULT, "", "Rest"), Route("GET", "/v1/jobs", "Jobs")])
    match = routes.match(method, path)
    assert match is not None
    assert (match.route.function, match.route.key, match.parameters) == ("Rest", "$default", {})
    found = routes.match("GET", "/v1/jobs")
    assert found is not None
    assert found.route.function == "Jobs"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/jobs"), ("HEAD", "/v1/jobs"), ("GET", "/"), ("POST", "/files"), ("POST", "/files/")],
)
def test_what_no_route_covers_has_none(method: str, path: str) -> None:
    assert ROUTES.match(method, path) is None
