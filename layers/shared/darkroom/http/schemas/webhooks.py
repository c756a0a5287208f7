"""What webhooks are signed with."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from darkroom.errors import KeyUnreadable
from darkroom.http.operation import JSON, Answer, Operation, json_of
from darkroom.models.webhook import WebhookSecrets


class WebhookSecret(Answer):
    object: Literal["webhook_secret"] = "webhook_secret"
    secret: str = Field(description="`whsec_…`, as https://www.standardwebhooks.com has it.")
    created_at: datetime
    previous_until: datetime | None = Field(description="Until then the secret before signs as well.")


def secret_of(secrets: WebhookSecrets) -> WebhookSecret:
    return WebhookSecret(secret=secrets.current, created_at=secrets.created_at, previous_until=secrets.previous_until)


SHOW_SECRET: Final = Operation(
    "GET /v1/webhooks/secret",
    "what webhooks are signed with; see [webhooks](#webhooks)",
    json_of(WebhookSecret),
    unrestricted=True,
    errors=(KeyUnreadable,),
)
ROTATE_SECRET: Final = Operation(
    "POST /v1/webhooks/secret/rotate",
    "makes another one; see [webhooks](#webhooks)",
    {201: {JSON: WebhookSecret}},
    unrestricted=True,
    errors=(KeyUnreadable,),
)
OPERATIONS: Final = (SHOW_SECRET, ROTATE_SECRET)
