"""What counts usage, over ports in memory."""

from typing import TypedDict

from darkroom.models.money import CREDIT
from darkroom.ports import Clock, SettingsStore
from darkroom.services.usage.reports import Reports
from darkroom.services.usage.statement import PriceOf, nobody_knows
from darkroom.services.usage.usage import KeyFigures, Usage
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import MemoryImageStore, MemoryJobStore
from tests.fakes.usage import MemoryReportStore, MemoryUsageBooks, MemoryWorkLog
from tests.fakes.webhooks import MemoryWebhookQueue, MemoryWebhookStore


class Counting(TypedDict):
    """That part of the account's services."""

    usage: Usage
    key_figures: KeyFigures
    reports: Reports


def counting(
    jobs: MemoryJobStore,
    ledger: MemoryLedger,
    settings: SettingsStore,
    figures: KeyFigures,
    clock: Clock,
    *,
    images: MemoryImageStore | None = None,
    webhooks: MemoryWebhookQueue | None = None,
    deliveries: MemoryWebhookStore | None = None,
    price_of: PriceOf = nobody_knows,
) -> Counting:
    work = MemoryWorkLog(jobs)
    usage = Usage(
        books=MemoryUsageBooks(ledger, jobs), settings=settings, clock=clock, credit=CREDIT, price_of=price_of
    )
    reports = Reports(
        usage=usage,
        store=MemoryReportStore(ledger, work, jobs, deliveries),
        images=images or MemoryImageStore(clock),
        settings=settings,
        webhooks=webhooks or MemoryWebhookQueue(),
        clock=clock,
        alarm=_quiet,
    )
    return {"usage": usage, "key_figures": figures, "reports": reports}


def _quiet(_name: str, /, **_facts: object) -> None:
    """Nobody is called."""
