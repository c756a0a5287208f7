"""GET /v1/models · GET /v1/models/compare · GET /v1/models/{proxy+} · POST /v1/estimates"""

from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, answered
from darkroom.http.error_shapes import is_openrouters
from darkroom.http.schemas import model_views
from darkroom.http.schemas.models import COMPARE_MODELS, ESTIMATE, LIST_MODELS, SHOW_MODEL, ComparisonQuery
from darkroom.models.model_query import ModelQuery
from darkroom.services.listing.estimates import is_estimated

_MODELS = "/v1/models/"


def routes(app: Application) -> Api:
    api = Api(app.callers, app.rates)
    app.load("estimates", "models")

    @api.serve(LIST_MODELS)
    def list_models() -> Response[Any]:
        if is_openrouters(api.app.current_event.raw_event):
            from darkroom.http.doors.openrouter import listed

            return listed(api, app)
        if api.query.get("for", "").strip().lower() == "remove":
            stack = app.settings
            chosen, acknowledged = stack.background_model, stack.acknowledged_licences
            known = model_views.segmentation_list(chosen, acknowledged, stack.weights_dir, stack.cutout_models)
            return answered(known)
        query = api.query_as(ModelQuery)
        return answered(model_views.model_list(app.models.find(api.user, query), query))

    @api.serve(COMPARE_MODELS)
    def compare_models() -> Response[Any]:
        ids = [each.strip() for each in api.query_as(ComparisonQuery).ids.split(",") if each.strip()]
        return answered(model_views.comparison(*app.models.compare(api.user, ids)))

    # Ids contain slashes, which clients write as they are or as %2F.
    @api.serve(SHOW_MODEL)
    def show_model() -> Response[Any]:
        name = unquote(str(api.app.current_event.path).partition(_MODELS)[2])
        if is_openrouters(api.app.current_event.raw_event):
            from darkroom.http.doors.openrouter import shown

            if (found := shown(api, app, name)) is not None:
                return found
        return answered(model_views.one_model(*app.models.show(api.user, name)))

    @api.serve(ESTIMATE)
    def estimate() -> Response[Any]:
        fields = api.request.fields(is_estimated)
        return answered(model_views.estimate(app.estimates.estimate(api.user, fields)))

    return api
