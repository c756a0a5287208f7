"""Routes whose modules are loaded when one of them is first asked for: each is there, whichever comes first."""

import re
from collections.abc import Callable
from types import ModuleType

import pytest

from darkroom.application import Application
from darkroom.http.app import Api
from darkroom.http.operation import Operation
from darkroom.http.routes import account, conversations, edits
from darkroom.http.schemas import azure, completions, mcp, openrouter, recipes, responses, settings, usage
from tests.application import Studio
from tests.events import Context, http_event

Routes = Callable[[Application], Api]
LATER: list[tuple[Routes, ModuleType]] = [
    (edits.routes, openrouter),
    (account.routes, settings),
    (account.routes, usage),
    (conversations.routes, recipes),
    (conversations.routes, completions),
    (conversations.routes, responses),
    (conversations.routes, azure),
    (conversations.routes, mcp),
]
# Declared beside the others, and served elsewhere.
ELSEWHERE = {"POST /v1/conversations/{conversation_id}/versions", "POST /v1/recipes/{name}/check"}
ASKED = [
    (routes, each.route)
    for routes, module in LATER
    for each in vars(module).values()
    if isinstance(each, Operation) and each.route not in ELSEWHERE
]


@pytest.mark.parametrize(("routes", "route"), ASKED, ids=[route for _, route in ASKED])
def test_each_is_there_when_it_is_the_first_that_is_asked_for(studio: Studio, routes: Routes, route: str) -> None:
    method, _, path = route.partition(" ")
    event = http_event(method, re.sub(r"\{\w+\+?\}", "some", path), token=studio.token("alice"))
    event["routeKey"] = route
    answer = routes(studio.app).handle(event, Context())  # type: ignore[arg-type]
    # In whichever form a client's API has errors.
    assert "There is no such route." not in answer["body"]
