"""GET /v1/webhooks/secret · POST /v1/webhooks/secret/rotate"""

from typing import Any

from darkroom import bootstrap
from darkroom.http.app import Api
from darkroom.models.webhook import WebhookSecrets


def routes(services: bootstrap.WebhooksServices) -> Api:
    api = Api(services.callers)

    @api.get("/v1/webhooks/secret")
    def show_secret() -> dict[str, Any]:
        api.require_unrestricted()
        return _shown(services.webhooks.secret(api.user))

    @api.post("/v1/webhooks/secret/rotate")
    def rotate_secret() -> tuple[dict[str, Any], int]:
        api.require_unrestricted()
        return _shown(services.webhooks.rotate(api.user)), 201

    return api


def _shown(secrets: WebhookSecrets) -> dict[str, Any]:
    told = secrets.model_dump(mode="json", include={"created_at", "previous_until"})
    return {"object": "webhook_secret", "secret": secrets.current, **told}
