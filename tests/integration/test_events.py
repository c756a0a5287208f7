"""Each event of `events/` works on the running stack, filled in as `make invoke` does it."""

import json
from typing import Any

import pytest

from local.http_events import from_result
from local.placeholders import fill_in
from local.stack import Stack
from tests.conftest import ROOT
from tests.template.test_events import EVENTS, SCHEDULE, SCHEDULES, source_of
from tests.template.test_template import TEMPLATE

# Those that are not simply well: attempts to sign in that nobody has begun, and a job that may be over by now.
ANSWERS = {
    "jobs_cancel": {200, 409},
    "jobs_refine": {200, 404, 409},
    "jobs_picture": {200, 404},
    # In whatever order they come.
    "recipes_remove": {200, 404},
    "recipes_show": {200, 404},
    "oauth_callback_denied": {400},
    "oauth_callback_ok": {400},
    "oauth_connect": {200},
    # A link and a token that there are not, and an origin without the stack's port; events carry none of their own.
    "oauth_guest": {403},
    "oauth_link": {400},
    "oauth_link_used": {403},
    "oauth_token": {403},
    "oauth_tokens_revoked": {404},
    "oauth_unlinked": {404},
    "oauth_pasted": {403},
    "oauth_sign_out": {302},
    "oauth_start": {302},
    "no_such_route": {404},
    # Of a call that there was not.
    "generation_show": {404},
    # It is a no, and this is a request without its URL.
    "removebg_improve": {400},
    "rembg_of_url": {400},
}
# They would take from the local user what others want to find.
HARMFUL = {"keys_connect", "keys_disconnect", "oauth_disconnect", "jobs_remove"}


def _function_of(event: dict[str, Any]) -> str:
    if "requestContext" in event:
        (found,) = [route.function for route in TEMPLATE.routes if route.key == event["routeKey"]]
    elif source_of(event) in SCHEDULES:
        (found,) = [each.function for each in TEMPLATE.schedules if (each.input or SCHEDULE) == source_of(event)]
    else:
        arn = event["Records"][0]["eventSourceARN"]
        (found,) = [source.function for source in TEMPLATE.queue_sources if source.queue_arn == arn]
    return found


@pytest.mark.parametrize("name", sorted(EVENTS.keys() - HARMFUL))
def test_an_event_is_answered(stack: Stack, name: str) -> None:
    text = (ROOT / "events" / f"{name}.json").read_text()
    event = json.loads(fill_in(text, stack.describe(), stack.aws))
    outcome = stack.pools[_function_of(event)].call(event)
    assert not outcome.is_error, outcome.summary
    if "requestContext" in event:
        assert from_result(outcome.value).status in ANSWERS.get(name, {200, 201, 202}), outcome.value
    elif "Records" in event:
        assert outcome.value == {"batchItemFailures": []}
    else:
        assert outcome.value["failed"] == 0
