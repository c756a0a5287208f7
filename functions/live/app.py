"""The live door: an ASGI application, which uvicorn asks `application` for (run.sh)."""

from starlette.types import ASGIApp

from darkroom.application.on_aws import at_live_door
from darkroom.http.live_door import live


def application() -> ASGIApp:
    return live(at_live_door()).application
