"""GET /v1/operations: for everybody, told once, and never other than the operations are."""

import json
from collections.abc import Mapping

from darkroom import operations
from darkroom.http.app import Api
from darkroom.http.routes.docs import docs_routes
from darkroom.http.schemas.pages import OPERATIONS
from local.openapi.operations import SERVED, text
from tests.application import Studio
from tests.events import Context, http_event
from tests.openapi import handled


def ask(studio: Studio, headers: Mapping[str, str] | None = None) -> tuple[int, str, dict[str, str]]:
    api = Api(studio.app.callers, studio.app.rates, public=frozenset({OPERATIONS.route}))
    docs_routes(api)
    answer = handled(api.handle, http_event("GET", "/v1/operations", headers=dict(headers or {})), Context())
    return answer["statusCode"], answer.get("body") or "", {k.lower(): v for k, v in answer["headers"].items()}


def test_everybody_is_told_each_operation_with_words_and_ranges(studio: Studio) -> None:
    status, body, headers = ask(studio)
    listed = json.loads(body)
    assert (status, [each["op"] for each in listed["data"]]) == (200, list(operations.names()))
    brightness = next(each for each in listed["data"] if each["op"] == "brightness")
    assert (brightness["parameters"]["amount"]["minimum"], brightness["parameters"]["amount"]["maximum"]) == (-100, 100)
    assert brightness["title"].keys() == {"en", "de", "fr", "es", "zh", "ja"}
    assert "brighten" in brightness["words"]["en"]
    sepia = next(each for each in listed["data"] if each["op"] == "sepia")
    assert (sepia["title"]["en"], sepia["required"]) == ("sepia", [])
    assert headers["cache-control"] == "public, max-age=3600"


def test_who_has_it_is_not_told_again(studio: Studio) -> None:
    etag = ask(studio)[2]["etag"]
    assert ask(studio, {"if-none-match": etag})[:2] == (304, "")
    assert ask(studio, {"if-none-match": '"another"'})[0] == 200


def test_what_is_served_is_what_the_operations_are() -> None:
    assert SERVED.read_text(encoding="utf-8") == text(), "python -m local.openapi"
