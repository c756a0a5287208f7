"""POST /v1/images/generations, /try"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, validated
from darkroom.http.responder import Answering, terms_of
from darkroom.http.routes.try_it import try_routes
from darkroom.http.schemas.images import GENERATE
from darkroom.models.image_request import ImageRequest


def routes(app: Application) -> Api:
    api = Api(app.callers, app.rates)
    app.load("durations", "generate", "jobs")
    answering = Answering(app)

    @api.serve(GENERATE)
    def generate() -> Response[Any]:
        terms = terms_of(api)
        request = validated(ImageRequest, api.request.fields(ImageRequest.model_fields))
        submission = app.generate.submit(api.caller, request, terms)
        return answering.answer(api, submission, request, terms)

    try_routes(api, app)
    return api
