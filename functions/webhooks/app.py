"""GET /v1/webhooks/secret · POST /v1/webhooks/secret/rotate · the queue of webhook deliveries"""

from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from darkroom import bootstrap, triggers
from darkroom.api import Api
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


def handler_of(services: bootstrap.WebhooksServices) -> bootstrap.Handler:
    api = routes(services)

    def deliver(message: dict[str, Any], record: SQSRecord) -> None:
        wait = services.webhooks.deliver(message["user"], message["delivery_id"])
        if wait is not None:
            services.postpone(record.receipt_handle, wait)
            seconds = wait.total_seconds()
            raise triggers.ComesAgain(f"{message['delivery_id']}: the next attempt is in {seconds:.0f} s.")

    def handle(event: dict[str, Any], context: Any) -> Any:
        if triggers.is_queue_event(event):
            return triggers.each_message(event, context, deliver, services.postpone)
        return api.handle(event, context)

    return handle


lambda_handler = bootstrap.entry(lambda environ: handler_of(bootstrap.webhooks(environ)))
