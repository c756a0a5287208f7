"""What webhooks are signed with."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from darkroom.http.operation import JSON, Answer, Operation, json_of
from darkroom.models.webhook import WebhookSecrets


class WebhookSecret(Answer):
    object: Literal["webhook_secret"] = "webhook_secret"
    secret: str = Field(description="`whsec_…`, as https://www.standardwebhooks.com has it.")
    created_at: datetime
    previous_until: datetime | None = Field(description="Until then the secret before signs as well.")


def secret_of(secrets: WebhookSecrets) -> WebhookSecret:
    return WebhookSecret(secret=secrets.current, created_at=secrets.created_at, previous_until=secrets.previous_until)


SHOW_SECRET: Final = Operation("GET /v1/webhooks/secret", json_of(WebhookSecret))
ROTATE_SECRET: Final = Operation("POST /v1/webhooks/secret/rotate", {201: {JSON: WebhookSecret}})
