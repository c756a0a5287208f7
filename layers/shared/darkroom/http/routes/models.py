"""GET /v1/models · GET /v1/models/compare · GET /v1/models/{proxy+} · POST /v1/estimates"""

from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, json_response, validated
from darkroom.models.model_query import ModelQuery
from darkroom.services.listing.estimates import Sum, is_estimated
from darkroom.services.listing.model_view import amount_view, comparison_view, list_view, model_view

_MODELS = "/v1/models/"
_QUERY = frozenset(field.alias or name for name, field in ModelQuery.model_fields.items())


def routes(app: Application) -> Api:
    api = Api(app.callers)
    app.load("estimates", "models")

    @api.get("/v1/models", enable_validation=False)
    def list_models() -> Response[Any]:
        query = validated(ModelQuery, api.query_of(_QUERY))
        return json_response(list_view(app.models.find(api.user, query), query))

    @api.get("/v1/models/compare", enable_validation=False)
    def compare_models() -> Response[Any]:
        ids = [each.strip() for each in api.query.get("ids", "").split(",") if each.strip()]
        return json_response(comparison_view(*app.models.compare(api.user, ids)))

    # Ids contain slashes, which clients write as they are or as %2F.
    @api.get(f"{_MODELS}.+", enable_validation=False)
    def show_model() -> Response[Any]:
        name = unquote(str(api.app.current_event.path).partition(_MODELS)[2])
        return json_response(model_view(*app.models.show(api.user, name)))

    @api.post("/v1/estimates", enable_validation=False)
    def estimate() -> Response[Any]:
        return json_response(_estimate(app.estimates.estimate(api.user, api.request.fields(is_estimated))))

    return api


def _estimate(found: Sum) -> dict[str, Any]:
    items = [
        {
            "for": each.task,
            "model_requested": each.model_requested,
            "model": each.model,
            "times": each.times,
            "each": amount_view(each.each, found.credit),
            "total": amount_view(each.total, found.credit),
            "warnings": list(each.warnings),
        }
        for each in found.items
    ]
    return {
        "object": "estimate",
        "items": items,
        "total": amount_view(found.total, found.credit),
        "known": amount_view(found.known, found.credit),
    }
