"""GET /v1/webhooks/secret · POST /v1/webhooks/secret/rotate"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, answered
from darkroom.http.schemas.webhooks import ROTATE_SECRET, SHOW_SECRET, secret_of


def routes(app: Application) -> Api:
    api = Api(app.callers, app.rates)
    app.load("webhooks")

    @api.serve(SHOW_SECRET)
    def show_secret() -> Response[Any]:
        api.require_unrestricted()
        return answered(secret_of(app.webhooks.secret(api.user)))

    @api.serve(ROTATE_SECRET)
    def rotate_secret() -> Response[Any]:
        api.require_unrestricted()
        return answered(secret_of(app.webhooks.rotate(api.user)), 201)

    return api
