"""Each route and trigger of the template has an event to be tried with, and each event a route or trigger."""

import json
from typing import Any

import pytest

from darkroom.http.route_table import DEFAULT
from darkroom.http.routes.docs import ROUTES as DOCS
from darkroom.http.routes.sign_in import PUBLIC
from darkroom.http.schemas.studio import FILE, FILE_IN_FOLDER, PAGE
from tests.conftest import ROOT
from tests.template.test_template import TEMPLATE

EVENTS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("*.json"))
}
SCHEDULE = "aws.events"
STUDIO = {PAGE.route, FILE.route, FILE_IN_FOLDER.route}
QUEUES = {source.queue_arn for source in TEMPLATE.queue_sources}
# A schedule is told by its own input where it has one.
SCHEDULES = {schedule.input or SCHEDULE for schedule in TEMPLATE.schedules}


def source_of(event: dict[str, Any]) -> str:
    if "requestContext" in event:
        return str(event["routeKey"])
    if "task" in event:
        return json.dumps(event)
    return str(event["source"] if "source" in event else event["Records"][0]["eventSourceARN"])


def test_every_route_and_trigger_has_an_event() -> None:
    wanted = {route.key for route in TEMPLATE.routes} | QUEUES | SCHEDULES
    assert {source_of(event) for event in EVENTS.values()} == wanted
    assert len(TEMPLATE.schedules) == len(SCHEDULES), "two schedules need events that can be told apart"


@pytest.mark.parametrize("name", [name for name in EVENTS if "requestContext" in EVENTS[name]])
def test_an_event_says_the_same_everywhere(name: str) -> None:
    event = EVENTS[name]
    http = event["requestContext"]["http"]
    if event["routeKey"] == DEFAULT:
        assert (event["requestContext"]["routeKey"], event["rawPath"]) == (DEFAULT, http["path"])
        return
    method, path = event["routeKey"].split(" ")
    assert (event["requestContext"]["routeKey"], http["method"]) == (event["routeKey"], method)
    for parameter, value in event.get("pathParameters", {}).items():
        path = path.replace(f"{{{parameter}}}", value).replace(f"{{{parameter}+}}", value)
    assert event["rawPath"] == http["path"] == path


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_carries_no_token_of_its_own(name: str) -> None:
    text = json.dumps(EVENTS[name])
    assert "dk_" not in text
    public = source_of(EVENTS[name]) in PUBLIC | DOCS | STUDIO | {DEFAULT}
    assert public or source_of(EVENTS[name]) in SCHEDULES | QUEUES or "Bearer ${TOKEN}" in text
