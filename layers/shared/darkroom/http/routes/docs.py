"""GET /openapi.json · GET /docs · GET /v1/operations: what the API is, for programs and for people.

They ask nothing of AWS.
"""

from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from darkroom.http.app import Api
from darkroom.http.pages import page
from darkroom.http.schemas.pages import DOCS, OPENAPI, OPERATIONS

ROUTES: Final = frozenset({OPENAPI.route, DOCS.route, OPERATIONS.route})


def docs_routes(api: Api) -> None:
    """Adds them to an Api, for which they are public or not."""

    @api.serve(OPENAPI)
    def show_document() -> Response[Any]:
        return Response(200, "application/json", _written("openapi.json"), headers={"access-control-allow-origin": "*"})

    @api.serve(OPERATIONS)
    def list_operations() -> Response[Any]:
        text = _written("operations.json")
        etag = f'"{sha256(text.encode()).hexdigest()[:32]}"'
        headers = {"etag": etag, "cache-control": "public, max-age=3600", "access-control-allow-origin": "*"}
        if etag in api.headers.get("if-none-match", ""):
            return Response(304, headers=headers)
        return Response(200, "application/json", text, headers=headers)

    @api.serve(DOCS)
    def show_docs() -> Response[Any]:
        return page("The API", _written("docs.html"))


@cache
def _written(name: str) -> str:
    """As `python -m local.openapi` has written it: building it takes what no other request needs."""
    return resources.files("darkroom.http").joinpath(name).read_text(encoding="utf-8")
