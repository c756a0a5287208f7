"""The worker: it carries paid jobs out, goes on with turns, and looks after what was left behind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from darkroom.adapters.sqs_queue import SqsDeadLetters
from darkroom.adapters.webhook_sender import HttpWebhookSender
from darkroom.adapters.webhook_store import DynamoWebhookStore
from darkroom.bootstrap._base import (
    LOST_SEAL,
    Stores,
    alarm,
    clients,
    jobs_of,
    keys,
    now,
    providers,
    sealer,
    stores,
    url_guard,
)
from darkroom.bootstrap._batches import advancing, batch_painting
from darkroom.bootstrap._catalogue import catalogue
from darkroom.bootstrap._chat import recipes, turns
from darkroom.bootstrap._paid import admission, cutouts, job_queue, settlement, webhook_queue
from darkroom.bootstrap._usage import reports
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.jobs.sweep import Sweep
from darkroom.services.paid.reconcile import Reconciliation
from darkroom.services.paid.rereading import Rereading
from darkroom.services.paid.webhooks import Webhooks
from darkroom.services.paid.worker import Worker
from darkroom.services.recipes.batch_notes import is_batch
from darkroom.services.usage.reports import Reports
from darkroom.settings import Settings


@dataclass(frozen=True, slots=True)
class WorkerServices:
    worker: Worker
    sweep: Sweep
    reports: Reports
    webhooks: Webhooks
    rereading: Rereading
    postpone: Callable[[str, timedelta], None]
    """Has the message of that receipt handle come again no sooner than after so long."""


def worker(environ: Mapping[str, str]) -> WorkerServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    queue, known = job_queue(settings), keys(settings, behind)
    by_name = providers(settings, behind).get
    settled = settlement(settings, behind)
    published = catalogue(settings, behind)
    advance = advancing(
        turns(settings, behind, admission(settings, behind), published).advance,
        batch_painting(settings, behind, published).advance,
    )
    free_jobs = jobs_of(settings, behind)
    monthly = reports(settings, behind)
    webhooks = _webhooks(settings, behind, free_jobs, monthly)
    carrying_out = Worker(
        jobs=behind.jobs,
        queue=queue,
        keys=known,
        providers=by_name,
        images=behind.images,
        raw_answers=behind.raw_answers,
        settlement=settled,
        clock=now,
        alarm=alarm,
        advance=advance,
    )
    dead = SqsDeadLetters(settings.job_dead_letters, clients().sqs)
    return WorkerServices(
        worker=carrying_out,
        sweep=Sweep(
            jobs=behind.jobs,
            free_jobs=free_jobs,
            queue=queue,
            providers=by_name,
            raw_answers=behind.raw_answers,
            settlement=settled,
            reconciliation=Reconciliation(
                keys=known, providers=by_name, jobs=behind.jobs, ledger=behind.ledger, clock=now
            ),
            resend_webhooks=lambda: len(webhooks.resend_stale()),
            sweep_dead_letters=lambda: dead.each(carrying_out.dead_letter),
            sweep_cutouts=cutouts(settings, behind).sweep,
            clock=now,
            alarm=alarm,
            advance=advance,
            is_batch=is_batch,
            resume_batch=recipes(settings, behind, published).resume,
        ),
        reports=monthly,
        webhooks=webhooks,
        rereading=Rereading(behind.jobs, behind.raw_answers, by_name, settled),
        postpone=queue.postpone,
    )


def _webhooks(settings: Settings, behind: Stores, free_jobs: Jobs, monthly: Reports) -> Webhooks:
    return Webhooks(
        store=DynamoWebhookStore(settings.table, behind.dynamodb, sealer(settings, fix=LOST_SEAL)),
        jobs=behind.jobs,
        queue=webhook_queue(settings),
        sender=HttpWebhookSender(url_guard(settings)),
        show=free_jobs.show,
        show_report=monthly.show,
        clock=now,
        alarm=alarm,
    )
