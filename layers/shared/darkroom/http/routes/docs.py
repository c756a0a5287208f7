"""GET /openapi.json · GET /docs: what the API is, for programs and for people. Both ask nothing of AWS."""

from functools import cache
from importlib import resources
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from darkroom.http.app import Api
from darkroom.http.pages import page
from darkroom.http.schemas.pages import DOCS, OPENAPI

ROUTES: Final = frozenset({OPENAPI.route, DOCS.route})


def docs_routes(api: Api) -> None:
    """Adds them to an Api, for which they are public or not."""

    @api.serve(OPENAPI)
    def show_document() -> Response[Any]:
        return Response(200, "application/json", _written("openapi.json"), headers={"access-control-allow-origin": "*"})

    @api.serve(DOCS)
    def show_docs() -> Response[Any]:
        return page("The API", _written("docs.html"))


@cache
def _written(name: str) -> str:
    """As `python -m local.openapi` has written it: building it takes what no other request needs."""
    return resources.files("darkroom.http").joinpath(name).read_text(encoding="utf-8")
