"""The function that tells users' servers what has become of their jobs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import boto3

from darkroom.adapters.aws import CLIENT_CONFIG, bounded
from darkroom.adapters.sqs_queue import SqsWebhookQueue
from darkroom.adapters.webhook_sender import HttpWebhookSender
from darkroom.adapters.webhook_store import DynamoWebhookStore
from darkroom.bootstrap._base import LOST_SEAL, callers, jobs_of, now, sealer, stores, url_guard
from darkroom.bootstrap._usage import reports
from darkroom.services.accounts.callers import Callers
from darkroom.services.paid.webhooks import Webhooks
from darkroom.settings import Settings


@dataclass(frozen=True, slots=True)
class WebhooksServices:
    callers: Callers
    webhooks: Webhooks
    postpone: Callable[[str, timedelta], None]
    """Has the message of that receipt handle come again no sooner than after so long."""


def webhooks(environ: Mapping[str, str]) -> WebhooksServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    queue = SqsWebhookQueue(settings.webhook_queue, bounded(boto3.client("sqs", config=CLIENT_CONFIG)))
    return WebhooksServices(
        callers=callers(settings, behind),
        webhooks=Webhooks(
            store=DynamoWebhookStore(settings.table, behind.dynamodb, sealer(settings, fix=LOST_SEAL)),
            jobs=behind.jobs,
            queue=queue,
            sender=HttpWebhookSender(url_guard(settings)),
            show=jobs_of(settings, behind).show,
            show_report=reports(settings, behind).show,
            clock=now,
        ),
        postpone=queue.postpone,
    )
