"""What was used: statements, reports, measurements."""

from dataclasses import replace

from darkroom.adapters.report_store import DynamoReportStore
from darkroom.adapters.sqs_queue import SqsWebhookQueue
from darkroom.adapters.statistics_store import DynamoModelStatistics
from darkroom.adapters.usage_books import DynamoUsageBooks
from darkroom.bootstrap._base import Stores, alarm, clients, key_vault, now, openrouter_auth
from darkroom.bootstrap._catalogue import catalogue
from darkroom.observability import logger
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.usage.other_prices import OtherPrices
from darkroom.services.usage.reports import Reports
from darkroom.services.usage.usage import KeyFigures, Usage
from darkroom.settings import Settings


def usage(settings: Settings, behind: Stores) -> Usage:
    # A model is named: neither default is ever taken.
    quotes = Quotes(catalogue(settings, behind), generation_model="", edit_model="")
    return replace(_unpriced(settings, behind), price_of=OtherPrices(quotes))


def _unpriced(settings: Settings, behind: Stores) -> Usage:
    """For who compares with no other model, and so need not load what asks for prices."""
    return Usage(
        books=DynamoUsageBooks(settings.table, behind.dynamodb),
        settings=behind.settings,
        clock=now,
        credit=settings.credit,
    )


def key_figures(settings: Settings, behind: Stores) -> KeyFigures:
    return KeyFigures(key_vault(settings, behind), openrouter_auth(settings))


def reports(settings: Settings, behind: Stores) -> Reports:
    return Reports(
        usage=_unpriced(settings, behind),
        store=DynamoReportStore(settings.table, behind.dynamodb, bucket=settings.outputs_bucket, s3=behind.s3),
        images=behind.images,
        settings=behind.settings,
        webhooks=SqsWebhookQueue(settings.job_queue, clients().sqs),
        clock=now,
        alarm=alarm,
    )


def statistics(settings: Settings, behind: Stores) -> DynamoModelStatistics:
    def lost(model: str, error: Exception) -> None:
        logger.warning("A model's figure was not kept", extra={"model": model, "error": type(error).__name__})

    return DynamoModelStatistics(settings.table, behind.dynamodb, now, on_lost=lost)
