"""The functions of paid jobs: asking for them, carrying them out, looking after them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from darkroom.adapters.sqs_queue import SqsJobQueue, SqsWebhookQueue
from darkroom.bootstrap._base import (
    Stores,
    alarm,
    budgets,
    callers,
    clients,
    cursors,
    jobs_of,
    now,
    providers,
    stores,
    url_guard,
)
from darkroom.bootstrap._catalogue import catalogue
from darkroom.bootstrap._usage import statistics
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job
from darkroom.observability import EmfTelemetry
from darkroom.ports import ImageStore, JobStore
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.cursors import Cursors
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.edit import Edit
from darkroom.services.generate import Generate
from darkroom.services.inputs.uploads import Uploads
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.paid.admission import Admission
from darkroom.services.paid.answers import Answers
from darkroom.services.paid.cutouts import Cutouts
from darkroom.services.paid.durations import Durations
from darkroom.services.paid.settlement import Settlement
from darkroom.services.paid.waiting import is_answer, wait_for
from darkroom.services.pricing.quotes import Quotes
from darkroom.settings import Settings


@dataclass(frozen=True, slots=True)
class JobsServices:
    callers: Callers
    jobs: Jobs
    settlement: Settlement
    uploads: Uploads
    cursors: Cursors


def jobs(environ: Mapping[str, str]) -> JobsServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    return JobsServices(
        callers=callers(settings, behind),
        jobs=jobs_of(settings, behind),
        settlement=settlement(settings, behind),
        uploads=Uploads(behind.images, now),
        cursors=cursors(settings, behind),
    )


@dataclass(frozen=True, slots=True)
class AnswerServices:
    """What an answer about a paid job is made from.

    Args:
        clock: seconds that only grow, by which a request waits for its job.
        sleep: waits that number of seconds between two looks at the job.
    """

    jobs: JobStore
    shown: Jobs
    images: ImageStore
    answers: Answers
    durations: Durations
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def wait(self, job: Job, seconds: float, gives_up: Callable[[], bool] = lambda: False) -> Job:
        """The job as its owner sees it, when it is over, or as it was last seen after that number of seconds."""
        deadline = Deadline(seconds, clock=self.clock)
        expected = None if is_answer(job) else self.durations.expected(job)
        return wait_for(
            self.jobs,
            job,
            deadline,
            self.sleep,
            as_shown=self.shown.as_shown,
            gives_up=gives_up,
            expected=expected,
        )


@dataclass(frozen=True, slots=True)
class GenerateServices:
    callers: Callers
    generate: Generate
    answering: AnswerServices


def generate(environ: Mapping[str, str]) -> GenerateServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    return GenerateServices(
        callers=callers(settings, behind),
        generate=Generate(admission(settings, behind), quotes(settings, behind), check_webhook(settings)),
        answering=answering(settings, behind),
    )


@dataclass(frozen=True, slots=True)
class EditServices:
    callers: Callers
    edit: Edit
    answering: AnswerServices


def edit(environ: Mapping[str, str]) -> EditServices:
    from darkroom.adapters.url_fetcher import HttpUrlFetcher
    from darkroom.services.inputs.inputs import Inputs
    from darkroom.services.inputs.sources import Sources

    settings = Settings.from_environ(environ)
    behind = stores(settings)
    sources = Sources(behind.images, HttpUrlFetcher(url_guard(settings)), behind.jobs)
    inputs = Inputs(sources, behind.images, max_megapixels=settings.max_megapixels)
    return EditServices(
        callers=callers(settings, behind),
        edit=Edit(admission(settings, behind), quotes(settings, behind), inputs, check_webhook(settings)),
        answering=answering(settings, behind),
    )


def admission(settings: Settings, behind: Stores) -> Admission:
    return Admission(
        jobs=behind.jobs,
        ledger=behind.ledger,
        answers=Answers(behind.answers, behind.jobs, now),
        queue=job_queue(settings),
        providers=providers(settings, behind),
        budgets=budgets(settings, behind),
        clock=now,
        retention=settings.retention,
        alarm=alarm,
    )


def settlement(settings: Settings, behind: Stores) -> Settlement:
    # Most functions that settle a job only cancel it.
    cut = cache(lambda: cutouts(settings, behind))
    return Settlement(
        jobs=behind.jobs,
        ledger=behind.ledger,
        budgets=budgets(settings, behind),
        images=behind.images,
        raw_answers=behind.raw_answers,
        webhooks=webhook_queue(settings),
        clock=now,
        alarm=alarm,
        max_megapixels=settings.max_megapixels,
        begin_cutouts=lambda job: cut().begin(job),
        keeps_books=lambda name: providers(settings, behind).get(name).keeps_books,
        telemetry=EmfTelemetry(),
        statistics=statistics(settings, behind),
    )


def cutouts(settings: Settings, behind: Stores) -> Cutouts:
    return Cutouts(behind.jobs, render_queue(settings), now, alarm)


def answering(settings: Settings, behind: Stores) -> AnswerServices:
    return AnswerServices(
        jobs=behind.jobs,
        shown=jobs_of(settings, behind),
        images=behind.images,
        answers=Answers(behind.answers, behind.jobs, now),
        durations=Durations(statistics(settings, behind), now),
    )


def quotes(settings: Settings, behind: Stores, published: Catalogue | None = None) -> Quotes:
    """Args: published: what is asked for prices, where others of the function ask it, too."""
    return Quotes(
        published or catalogue(settings, behind),
        generation_model=settings.image_generation_model,
        edit_model=settings.image_edit_model,
    )


def check_webhook(settings: Settings) -> Callable[[str], None]:
    from darkroom.adapters.webhook_sender import HttpWebhookSender

    return HttpWebhookSender(url_guard(settings)).check


def job_queue(settings: Settings) -> SqsJobQueue:
    return SqsJobQueue(settings.job_queue, clients().sqs)


def render_queue(settings: Settings) -> SqsJobQueue:
    return SqsJobQueue(settings.render_queue, clients().sqs)


def webhook_queue(settings: Settings) -> SqsWebhookQueue:
    return SqsWebhookQueue(settings.job_queue, clients().sqs)
