"""The routes of the live door, each the one that API Gateway has, too."""

from functools import partial
from typing import Final

from darkroom.application import Application
from darkroom.http.doors import mcp, openrouter
from darkroom.http.error_shapes import OPENROUTER_ROUTES
from darkroom.http.live import Live, Pace
from darkroom.http.route_table import LIVE_ROUTES
from darkroom.http.routes import completions, edits, generations, jobs, models

# As long as its function may run.
SECONDS: Final = 330.0


def live(app: Application, pace: Pace | None = None) -> Live:
    rooms = {"chat": completions, "edits": edits, "generations": generations, "jobs": jobs, "models": models}
    makers = {name: partial(room.routes, app) for name, room in rooms.items()}
    by_door = dict.fromkeys(OPENROUTER_ROUTES, partial(openrouter.routes, app))
    by_door["POST /mcp"] = partial(mcp.routes, app)
    by_route = {route: by_door.get(route) or makers[_room(route)] for route in LIVE_ROUTES}
    return Live(by_route, clock=app.ports.clock, api_url=app.settings.api_url, seconds=SECONDS, pace=pace)


def _room(route: str) -> str:
    """`POST /v1/images/edits` is in edits, `GET /v1/models/compare` in models."""
    parts = route.split("/")
    if parts[2] == "responses" or parts[1] == "openai":
        return "chat"
    return parts[3] if parts[2] == "images" else parts[2]
