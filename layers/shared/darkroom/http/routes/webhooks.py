"""GET /v1/webhooks/secret · POST /v1/webhooks/secret/rotate"""

from typing import Any

from darkroom.application import Application
from darkroom.http.app import Api
from darkroom.models.webhook import WebhookSecrets


def routes(app: Application) -> Api:
    api = Api(app.callers)
    app.load("webhooks")

    @api.get("/v1/webhooks/secret")
    def show_secret() -> dict[str, Any]:
        api.require_unrestricted()
        return _shown(app.webhooks.secret(api.user))

    @api.post("/v1/webhooks/secret/rotate")
    def rotate_secret() -> tuple[dict[str, Any], int]:
        api.require_unrestricted()
        return _shown(app.webhooks.rotate(api.user)), 201

    return api


def _shown(secrets: WebhookSecrets) -> dict[str, Any]:
    told = secrets.model_dump(mode="json", include={"created_at", "previous_until"})
    return {"object": "webhook_secret", "secret": secrets.current, **told}
