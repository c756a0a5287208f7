"""What the dashboard shows is there to be shown."""

import json
import re
from typing import Any

from darkroom.observability import CATALOGUE_REQUESTS, NAMESPACE
from tests.template.test_template import LAMBDAS, RESOURCES, TEMPLATE

BODY: str = next(each.properties["DashboardBody"] for each in RESOURCES.values() if each.type.endswith("::Dashboard"))
FILTERS = [each.properties for each in RESOURCES.values() if each.type == "AWS::Logs::MetricFilter"]
WIDGETS: list[dict[str, Any]] = json.loads(BODY)["widgets"]


def _names(kind: str) -> set[str]:
    return {found.name for found in RESOURCES.values() if found.type == kind}


def test_the_metrics_are_those_that_are_sent() -> None:
    searched = set(re.findall(r"\{Darkroom,service\} MetricName=\\\"(\w+)\\\"", BODY))
    assert searched == {"CostMicroUsd", "Seconds", "Succeeded", "Failed", "Uncertain", "Reserved"}
    assert NAMESPACE == "Darkroom"


def test_the_log_queries_ask_for_what_stands_beside_the_metrics() -> None:
    queries = [each["properties"]["query"] for each in WIDGETS if each["type"] == "log"]
    assert len(queries) == 2
    for query in queries:
        assert query.startswith(f"SOURCE '{TEMPLATE.scope.name('FunctionLogs')}' | filter ispresent(`")
        assert "by model, op" in query


def test_no_more_custom_metrics_than_are_free() -> None:
    filters = {metric["MetricName"] for each in FILTERS for metric in each["MetricTransformations"]}
    assert filters == {"Alarms", "Errors"}
    # What is sent, with the count of requests for lists of models, whatever was done with whichever model.
    assert (
        len({"CostMicroUsd", "Seconds", "Succeeded", "Failed", "Uncertain", "Reserved", CATALOGUE_REQUESTS} | filters)
        <= 10
    )


def test_every_queue_function_and_alarm_is_on_it() -> None:
    for name in _names("AWS::SQS::Queue"):
        assert name in BODY, name
    for logical_id in LAMBDAS:
        assert BODY.count(f'"{RESOURCES[logical_id].name}"') == 2, f"{logical_id}: errors and throttles"
    (alarms,) = [each["properties"]["alarms"] for each in WIDGETS if each["type"] == "alarm"]
    assert len(alarms) == len(_names("AWS::CloudWatch::Alarm")) == len(set(alarms))


def test_nothing_lies_over_anything_else() -> None:
    taken = [
        (x, y)
        for each in WIDGETS
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_no_reference_is_left_open() -> None:
    assert "${" not in re.sub(r"\$\{PROP\('Dim\.\w+'\)\}", "", BODY)
    assert TEMPLATE.scope is not None
