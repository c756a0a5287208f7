"""The function that tells users what their webhooks are signed with."""

from collections.abc import Mapping
from dataclasses import dataclass

from darkroom.adapters.sqs_queue import SqsWebhookQueue
from darkroom.adapters.webhook_sender import HttpWebhookSender
from darkroom.adapters.webhook_store import DynamoWebhookStore
from darkroom.bootstrap._base import LOST_SEAL, callers, clients, jobs_of, now, sealer, stores, url_guard
from darkroom.services.accounts.callers import Callers
from darkroom.services.paid.webhooks import Webhooks
from darkroom.settings import Settings


@dataclass(frozen=True, slots=True)
class WebhooksServices:
    callers: Callers
    webhooks: Webhooks


def webhooks(environ: Mapping[str, str]) -> WebhooksServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    queue = SqsWebhookQueue(settings.job_queue, clients().sqs)
    return WebhooksServices(
        callers=callers(settings, behind),
        webhooks=Webhooks(
            store=DynamoWebhookStore(settings.table, behind.dynamodb, sealer(settings, fix=LOST_SEAL)),
            jobs=behind.jobs,
            queue=queue,
            sender=HttpWebhookSender(url_guard(settings)),
            show=jobs_of(settings, behind).show,
            clock=now,
        ),
    )
