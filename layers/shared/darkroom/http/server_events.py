"""Answers that are streams of events, as they are written. https://html.spec.whatwg.org/multipage/server-sent-events.html

An error that comes once the status is sent is an event with OpenAI's `error` in it, in which `charged` stands, too: the
SDKs keep nothing else of such an event.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

EVENTS: Final = "text/event-stream"
DONE: Final = "data: [DONE]\n\n"
# What readers of events skip, and what keeps a silent connection from being cut.
HEARTBEAT: Final = ": DARKROOM PROCESSING\n\n"
_GOES_ON: Final = {
    "message": "The answer is not finished yet; the work goes on. Send the same request again, or look at the job.",
    "type": "server_error",
    "param": None,
    "code": "STILL_RUNNING",
}
# nginx and its like would gather the events.
HEADERS: Final = {"content-type": EVENTS, "x-accel-buffering": "no"}


def event(data: Mapping[str, Any], name: str = "") -> str:
    """Args: name: its `event`, where readers look at that."""
    return f"{f'event: {name}{chr(10)}' if name else ''}data: {json.dumps(data)}\n\n"


def failure(answer: Mapping[str, Any]) -> str:
    """Args: answer: a problem, or a job that goes on, as in an answer that is no stream."""
    error = {**(answer.get("error") or _GOES_ON), "charged": answer.get("charged", "unknown")}
    return event({**answer, "type": "error", "error": error}) + DONE
