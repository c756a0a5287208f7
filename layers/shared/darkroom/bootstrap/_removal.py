"""The background-removal function, which alone has numpy and onnxruntime."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from darkroom.adapters.recipe_store import DynamoRecipeStore
from darkroom.adapters.sqs_queue import SqsJobQueue
from darkroom.adapters.work_log import DynamoWorkLog
from darkroom.bootstrap._base import (
    Stores,
    alarm,
    budgets,
    callers,
    clients,
    jobs_of,
    now,
    providers,
    stores,
    url_guard,
)
from darkroom.models.cutout import Cutout, CutoutOptions
from darkroom.models.job import Job
from darkroom.observability import logger
from darkroom.services.accounts.callers import Callers
from darkroom.services.conversations.turn_render import TurnRender
from darkroom.services.inputs.sources import Sources
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.recipes.batch_notes import Notes
from darkroom.services.recipes.painted_batch import PaintedBatches
from darkroom.services.recipes.recipe_worker import RecipeWorker
from darkroom.services.recipes.recipes import FolderRecipes
from darkroom.services.recipes.render import Render
from darkroom.services.removal.cutout_worker import CutoutWorker
from darkroom.services.removal.one_at_a_time import OneAtATime
from darkroom.services.removal.postponed import Postponed
from darkroom.services.removal.remove_background import RemoveBackground
from darkroom.settings import Settings

if TYPE_CHECKING:
    from darkroom.bootstrap._paid import AnswerServices
    from darkroom.services.removal.cloud_removal import CloudRemoval


@dataclass(frozen=True, slots=True)
class RemoveBackgroundServices:
    callers: Callers
    jobs: Jobs
    remove_background: RemoveBackground
    postponed: Postponed
    recipes_worker: RecipeWorker
    turns: TurnRender
    cutouts: CutoutWorker
    answering: "Callable[[], AnswerServices]"
    postpone: Callable[[str, timedelta], None]
    """Has the message of that receipt handle come again no sooner than after so long."""


def remove_background(environ: Mapping[str, str]) -> RemoveBackgroundServices:
    from darkroom.adapters.matter import RembgMatter
    from darkroom.adapters.numba_cache import NumbaCache
    from darkroom.adapters.segmenter import OnnxSegmenter
    from darkroom.adapters.url_fetcher import HttpUrlFetcher
    from darkroom.images.pipeline import remove_background as pipeline

    settings = Settings.from_environ(environ)
    behind = stores(settings)
    matter = RembgMatter(NumbaCache(settings.numba_cache_dir, settings.numba_baked_cache))
    segmenter = OnnxSegmenter(
        settings.weights_dir,
        default=settings.background_model,
        acknowledged=settings.acknowledged_licences,
        before_rembg=matter.prepare,
    )
    segmenter.load(settings.background_model)
    sources = Sources(behind.images, HttpUrlFetcher(url_guard(settings)), behind.jobs)
    render = Render(behind.images, sources, settings.max_megapixels, segmenter, settings.background_model)
    sqs = clients().sqs
    queue, job_queue = SqsJobQueue(settings.render_queue, sqs), SqsJobQueue(settings.job_queue, sqs)

    def cut_out(data: bytes, options: CutoutOptions, behind_it: bytes | None) -> Cutout:
        return pipeline(
            data,
            options,
            segmenter=segmenter,
            matter=matter,
            default_model=settings.background_model,
            max_megapixels=settings.max_megapixels,
            background_image=behind_it,
        )

    postponed = Postponed(
        pipeline=cut_out,
        matter=matter,
        images=behind.images,
        jobs=behind.jobs,
        queue=queue,
        clock=now,
        at_work=OneAtATime(),
        max_attempts=settings.upload_max_receives,
    )
    return RemoveBackgroundServices(
        callers=callers(settings, behind),
        jobs=jobs_of(settings, behind),
        remove_background=_removal(settings, behind, postponed, sources, render),
        postponed=postponed,
        recipes_worker=_recipes_worker(settings, behind, sources, render, queue, job_queue),
        turns=TurnRender(behind.jobs, job_queue, render, now),
        cutouts=CutoutWorker(
            cut_out, behind.images, behind.jobs, queue, behind.settings.load, alarm, settings.upload_max_receives
        ),
        answering=cache(lambda: _answering(settings, behind)),
        postpone=queue.postpone,
    )


def _removal(
    settings: Settings, behind: Stores, postponed: Postponed, sources: Sources, render: Render
) -> RemoveBackground:
    work = DynamoWorkLog(settings.table, behind.dynamodb)
    return RemoveBackground(
        pipeline=postponed.pipeline,
        sources=sources,
        images=behind.images,
        jobs=behind.jobs,
        clock=now,
        retention=settings.retention,
        max_attempts=settings.upload_max_receives,
        recipes=FolderRecipes(DynamoRecipeStore(settings.table, behind.dynamodb), render),
        settings=behind.settings.load,
        cloud=cache(lambda: cloud_removal(settings, behind, sources)),
        note=lambda job: work.note(job, at=now()),
        on_lost=_uncounted,
        postponed=postponed,
    )


def _recipes_worker(
    settings: Settings,
    behind: Stores,
    sources: Sources,
    render: Render,
    queue: SqsJobQueue,
    job_queue: SqsJobQueue,
) -> RecipeWorker:
    notes = Notes(behind.images)
    return RecipeWorker(
        render=render,
        sources=sources,
        notes=notes,
        jobs=behind.jobs,
        queue=queue,
        painted=PaintedBatches(render, sources, notes, behind.jobs, queue, job_queue, now, alarm),
        clock=now,
        alarm=alarm,
        max_attempts=settings.upload_max_receives,
    )


def cloud_removal(settings: Settings, behind: Stores, sources: Sources) -> "CloudRemoval":
    # What paying stands on is loaded when somebody pays.
    from darkroom.bootstrap._paid import admission
    from darkroom.services.inputs.inputs import Inputs
    from darkroom.services.removal.cloud_removal import CloudRemoval

    return CloudRemoval(
        admission=admission(settings, behind),
        inputs=Inputs(sources, behind.images, max_megapixels=settings.max_megapixels),
        budgets=budgets(settings, behind),
        providers=providers(settings, behind),
        credit=settings.removebg_credit_usd,
    )


def _uncounted(job: Job, error: Exception) -> None:
    logger.warning("A cut-out was not counted", extra={"job": job.id, "error": type(error).__name__})


def _answering(settings: Settings, behind: Stores) -> "AnswerServices":
    from darkroom.bootstrap._paid import answering

    return answering(settings, behind)
