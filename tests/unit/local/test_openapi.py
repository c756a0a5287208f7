"""The OpenAPI document: made of the routes, kept in the repository, and never less than what callers rely on."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from darkroom import errors
from darkroom.http.route_table import DEFAULT, LIVE_ROUTES, ROUTES
from darkroom.http.routes.sign_in import PUBLIC
from darkroom.http.schemas.studio import FILE, FILE_IN_FOLDER, PAGE
from local.openapi import changes, tables
from local.openapi.document import OPERATIONS, SERVED, SERVED_PAGE, WRITTEN, document, served, text
from local.openapi.page import body
from tests.conftest import ROOT
from tests.openapi import closed_validator
from tests.template.test_template import TEMPLATE

MADE = document()
AGAIN = "run `.venv/bin/python -m local.openapi`"
Change = Callable[[dict[str, Any]], object]


def test_the_kept_document_is_what_the_routes_declare() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == text(MADE), AGAIN
    assert SERVED.read_text(encoding="utf-8") == served(MADE), AGAIN
    assert SERVED_PAGE.read_text(encoding="utf-8") == body(MADE), AGAIN
    page = tables.PAGE.read_text(encoding="utf-8")
    assert page == tables.rewritten(page), AGAIN


def test_every_route_is_declared_and_no_other() -> None:
    declared = [operation.route for operation in OPERATIONS]
    assert len(declared) == len(set(declared))
    assert set(declared) == set(ROUTES) == {route.key for route in TEMPLATE.routes} - {DEFAULT}


def test_the_second_server_is_the_live_door_and_names_its_routes() -> None:
    own, live = MADE["servers"]
    assert own["url"] == "/"
    filled = live["url"].format(**{name: each["default"] for name, each in live["variables"].items()})
    assert filled == "https://your-function-url-id.lambda-url.us-east-1.on.aws"
    named = re.findall(r"(?:GET|POST) /[\w/{}]+", live["description"])
    assert named == [route.replace("{proxy+}", "{model_id}") for route in LIVE_ROUTES]
    assert {path.split(" ")[1] for path in named} <= MADE["paths"].keys()


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in MADE["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _contents() -> Iterator[tuple[str, dict[str, Any]]]:
    for route, operation in _operations():
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{route} takes {media}", content
        for status, answer in operation["responses"].items():
            for media, content in answer["content"].items():
                yield f"{route} answers {status} as {media}", content


EXAMPLES = {where: content for where, content in _contents() if "example" in content}


@pytest.mark.parametrize("where", EXAMPLES)
def test_an_example_is_one_that_its_schema_takes(where: str) -> None:
    content = EXAMPLES[where]
    faults = [
        f"{fault.instance_path}: {fault.message}"
        for fault in closed_validator(content["schema"]).iter_errors(content["example"])
    ]
    assert faults == []


def test_every_route_that_answers_json_has_an_example() -> None:
    for route, operation in _operations():
        for status, answer in operation["responses"].items():
            if status.startswith("2") and "application/json" in answer["content"]:
                assert f"{route} answers {status} as application/json" in EXAMPLES


def test_the_codes_of_errors_are_those_of_the_tree_under_their_status() -> None:
    known = {
        (each.code, each.status)
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.DarkroomError)
    }
    page = (ROOT / "docs" / "api.md").read_text()
    for route, operation in _operations():
        for status, answer in operation["responses"].items():
            schema = answer["content"].get("application/problem+json", {}).get("schema", {})
            for code in schema.get("allOf", [{}, {}])[1].get("properties", {}).get("code", {}).get("enum", []):
                assert (code, int(status)) in known, route
                assert f"`{code}`" in page, f"docs/api.md says nothing of {code}"


STUDIO = {PAGE.route, FILE.route, FILE_IN_FOLDER.route}


def test_a_route_wants_a_token_unless_it_says_otherwise() -> None:
    free = {route for route, operation in _operations() if operation.get("security") == []}
    assert free == {"GET /healthz", "GET /openapi.json", "GET /docs", "GET /v1/operations"} | STUDIO | PUBLIC
    assert set(MADE["components"]["securitySchemes"]) == {"token", "apiKey", "session"}


def test_what_breaks_callers_of_the_last_release_is_in_the_changelog() -> None:
    unreleased = (ROOT / "CHANGELOG.md").read_text().split("## [Unreleased]")[1].split("\n## [")[0]
    notes = [note for note in unreleased.split("\n- ") if "**Breaking**" in note]
    for change in changes.breaking(json.loads(changes.RELEASED.read_text()), MADE):
        route = change.partition(":")[0]
        assert any(route in note for note in notes), f"CHANGELOG.md has no **Breaking** note about {change}"


def _removed_route(new: dict[str, Any]) -> None:
    del new["paths"]["/v1/jobs/{job_id}"]["delete"]


def _removed_field(new: dict[str, Any]) -> None:
    del new["components"]["schemas"]["Cost"]["properties"]["charged"]


def _absent_field(new: dict[str, Any]) -> None:
    new["components"]["schemas"]["UploadForm"]["required"].remove("url")


def _required_field(new: dict[str, Any]) -> None:
    schema = new["components"]["schemas"]["NewToken"]
    schema["required"] = [*schema.get("required", []), "name"]


def _untaken_field(new: dict[str, Any]) -> None:
    del new["components"]["schemas"]["NewToken"]["properties"]["expires_in_days"]


def _narrowed_type(new: dict[str, Any]) -> None:
    new["components"]["schemas"]["NewToken"]["properties"]["name"] = {"type": "integer"}


def _narrowed_values(new: dict[str, Any]) -> None:
    new["components"]["schemas"]["UploadRequest"]["properties"]["media_type"]["enum"].remove("image/png")


def _narrowed_length(new: dict[str, Any]) -> None:
    new["components"]["schemas"]["NewToken"]["properties"]["name"]["maxLength"] = 10


def _null_answer(new: dict[str, Any]) -> None:
    new["components"]["schemas"]["UploadForm"]["properties"]["url"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def _required_query(new: dict[str, Any]) -> None:
    new["paths"]["/v1/jobs"]["get"]["parameters"][0]["required"] = True


def _untaken_form(new: dict[str, Any]) -> None:
    del new["paths"]["/v1/uploads"]["post"]["requestBody"]["content"]["multipart/form-data"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_removed_route, "DELETE /v1/jobs/{job_id}: it is removed"),
        (_removed_field, "GET /v1/jobs: the field `data[].cost.charged` is removed from the answer"),
        (_absent_field, "POST /v1/uploads: the field `url` may now be absent from the answer"),
        (_required_field, "POST /v1/tokens: the field `name` is now required"),
        (_untaken_field, "POST /v1/tokens: the field `expires_in_days` is no longer taken"),
        (_narrowed_type, "POST /v1/tokens: the field `name` may no longer be string"),
        (_narrowed_values, "POST /v1/uploads: the field `media_type` no longer takes image/png"),
        (_narrowed_length, "POST /v1/tokens: the field `name` has a lower maxLength"),
        (_null_answer, "POST /v1/uploads: the field `url` may now be null"),
        (_required_query, "GET /v1/jobs: the query `limit` is now required"),
        (_untaken_form, "POST /v1/uploads: multipart/form-data is no longer taken"),
    ],
)
def test_a_change_that_breaks_callers_is_told(change: Change, said: str) -> None:
    new = copy.deepcopy(MADE)
    change(new)
    assert said in changes.breaking(MADE, new)


def test_what_is_added_breaks_nobody() -> None:
    new = copy.deepcopy(MADE)
    new["paths"]["/v1/new"] = new["paths"]["/v1/jobs"]
    new["components"]["schemas"]["Cost"]["properties"]["more"] = {"type": "string"}
    new["components"]["schemas"]["NewToken"]["properties"]["more"] = {"type": "string"}
    new["components"]["schemas"]["UploadRequest"]["properties"]["media_type"]["enum"].append("image/jxl")
    assert changes.breaking(MADE, new) == []
    assert changes.breaking(changes.contract(MADE), MADE) == []
