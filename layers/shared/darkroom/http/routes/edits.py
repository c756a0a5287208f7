"""POST /v1/images/edits; and the routes that OpenRouter's API has beside it."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, validated
from darkroom.http.image_stream import PictureStream
from darkroom.http.responder import Answering, terms_of
from darkroom.http.schemas.images import EDIT
from darkroom.models.image_input import edit_fields, names_picture
from darkroom.models.image_request import EditRequest


def routes(app: Application) -> Api:
    api = Api(app.callers, app.rates)
    app.load("durations", "edit", "jobs")

    @api.serve(EDIT)
    def edit() -> Response[Any]:
        return edited(api, app, {})

    def openrouters() -> None:
        from darkroom.http.doors.openrouter import openrouter_routes

        openrouter_routes(api, app)

    api.serve_later(
        openrouters,
        *("/v1/images", "/v1/images/models", "/v1/images/models/", "/v1/key", "/v1/credits", "/v1/generation"),
    )
    return api


def edited(api: Api, app: Application, named: Mapping[str, Any]) -> Response[Any]:
    """Pictures over pictures. Args: named: fields that the path has said."""
    request = validated(EditRequest, edit_fields({**api.request.fields(_is_field), **named}))
    stream = PictureStream.of("image_edit", request, api.transport.outlet, app.ports.clock)
    terms = terms_of(api, stream.on_event if stream else None)
    submission = app.edit.submit(api.caller, request, terms)
    return Answering(app).answer(api, submission, request, terms, stream)


def _is_field(name: str) -> bool:
    return name in EditRequest.model_fields or names_picture(name)
