"""POST /v1/images/generations, /try"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, validated
from darkroom.http.image_stream import PictureStream
from darkroom.http.responder import Answering, terms_of
from darkroom.http.schemas.images import GENERATE
from darkroom.models.image_request import ImageRequest


def routes(app: Application) -> Api:
    api = Api(app.callers, app.rates)
    app.load("durations", "generate", "jobs")

    @api.serve(GENERATE)
    def generate() -> Response[Any]:
        return generated(api, app, {})

    def try_it() -> None:
        from darkroom.http.routes.try_it import try_routes

        try_routes(api, app)

    api.serve_later(try_it, "/try")
    return api


def generated(api: Api, app: Application, named: Mapping[str, Any]) -> Response[Any]:
    """Pictures from words. Args: named: fields that the path has said."""
    request = validated(ImageRequest, {**api.request.fields(ImageRequest.model_fields), **named})
    stream = PictureStream.of("image_generation", request, api.transport.outlet, app.ports.clock)
    terms = terms_of(api, stream.on_event if stream else None)
    submission = app.generate.submit(api.caller, request, terms)
    return Answering(app).answer(api, submission, request, terms, stream)
