"""`POST /mcp`: Darkroom's tools for programs that speak the Model Context Protocol: streamable HTTP, without state.

https://modelcontextprotocol.io/specification. Each call is a request like any other, with the same token; what it takes
and answers is translated, and its money is the service's (`mcp_tools`).
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api
from darkroom.http.schemas.mcp import CALL


def routes(app: Application) -> Api:
    """The route by itself."""
    api = Api(app.callers, app.rates)
    mcp_route(api, app)
    return api


def mcp_route(api: Api, app: Application) -> None:
    """Puts the route on the API. What answers it is loaded by the first request."""

    @api.serve(CALL)
    def call() -> Response[Any]:
        from darkroom.http.doors.mcp_wire import answer

        return answer(api, app)
