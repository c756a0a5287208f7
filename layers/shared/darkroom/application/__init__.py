"""The application: every service, put together over its ports. This is the one place where that is done.

A service is imported and made when it is first asked for, so no function loads what only others need. The chain
`Accounts <- PaidJobs <- Application` is one class in three files: each knows the services of those before it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from darkroom.application._paid import PaidJobs
from darkroom.observability import logger

if TYPE_CHECKING:
    from darkroom.models.cutout import Beside, Cutout, CutoutOptions
    from darkroom.models.job import Job
    from darkroom.services.conversations.by_hand import ByHand
    from darkroom.services.conversations.conversations import Conversations
    from darkroom.services.conversations.first_turn import FirstTurn
    from darkroom.services.conversations.forecasts import Forecasts
    from darkroom.services.conversations.planning import Planning
    from darkroom.services.conversations.turn_render import TurnRender
    from darkroom.services.conversations.turns import Turns
    from darkroom.services.jobs.sweep import Sweep
    from darkroom.services.paid.worker import Worker
    from darkroom.services.recipes.batch_notes import Notes
    from darkroom.services.recipes.batch_painting import BatchPainting
    from darkroom.services.recipes.batch_pricing import BatchPricing
    from darkroom.services.recipes.check import Check
    from darkroom.services.recipes.recipe_worker import RecipeWorker
    from darkroom.services.recipes.recipes import FolderRecipes, Recipes
    from darkroom.services.recipes.render import Render
    from darkroom.services.removal.cloud_removal import CloudRemoval
    from darkroom.services.removal.cutout_worker import CutoutWorker
    from darkroom.services.removal.postponed import Postponed
    from darkroom.services.removal.queued_removal import QueuedRemoval
    from darkroom.services.removal.refine import Refine
    from darkroom.services.removal.remove_background import RemoveBackground
    from darkroom.services.removal.results import Pipeline

__all__ = ["Application", "Handler"]

Handler = Callable[[dict[str, Any], Any], Any]
"""(event, context) -> what Lambda is answered."""


class Application(PaidJobs):
    """Args:
    settings: the deployment's.
    ports: what stands behind the services.
    """

    @cached_property
    def render(self) -> Render:
        """Without a segmentation model: what needs one is left to the image function."""
        from darkroom.services.recipes.render import Render

        return Render(
            self.ports.images, self.sources, self.settings.max_megapixels, segmenter=None, model=lambda _user: ""
        )

    @cached_property
    def conversations(self) -> Conversations:
        from darkroom.services.conversations.conversations import Conversations
        from darkroom.services.conversations.turn_cancel import TurnCancel

        return Conversations(
            self.ports.conversations,
            self.ports.images,
            self.inputs,
            self.ports.clock,
            retention=self.settings.retention,
            settings=self.ports.settings.load,
            cancel_turns=TurnCancel(self.ports.jobs, self.settlement.cancel, self.ports.clock).of,
        )

    @cached_property
    def planning(self) -> Planning:
        from darkroom.services.conversations.planner import Planner
        from darkroom.services.conversations.planning import Planning

        ports = self.ports
        return Planning(Planner(), self.chat_models, ports.settings, ports.images, ports.clock, self.budgets)

    @cached_property
    def forecasts(self) -> Forecasts:
        from darkroom.services.conversations.forecasts import Forecasts
        from darkroom.services.conversations.painting import Painting

        painting = Painting(self.quotes, self.budgets, self.providers, self.ports.images, self.ports.clock)
        return Forecasts(self.planning, painting, self.budgets, self.providers)

    @cached_property
    def turns(self) -> Turns:
        from darkroom.services.conversations.turn_cost import TurnCosts
        from darkroom.services.conversations.turn_render import TurnRender
        from darkroom.services.conversations.turns import Turns

        return Turns(
            conversations=self.conversations,
            planner=self.planning.planner,
            planning=self.planning,
            painting=self.forecasts.painting,
            forecasts=self.forecasts,
            rendering=TurnRender(self.ports.jobs, self.ports.job_queue, self.render, self.ports.clock),
            costs=TurnCosts(self.conversations, self.ports.jobs, self.planning.warn_at_cost),
            render_queue=self.ports.render_queue,
            admission=self.admission,
            jobs=self.ports.jobs,
            clock=self.ports.clock,
        )

    @cached_property
    def first_turn(self) -> FirstTurn:
        from darkroom.services.conversations.first_turn import FirstTurn

        return FirstTurn(self.conversations, self.planning, self.admission)

    @cached_property
    def by_hand(self) -> ByHand:
        from darkroom.services.conversations.by_hand import ByHand

        ports, kept = self.ports, self.settings.retention
        return ByHand(self.conversations, ports.jobs, ports.clock, self.turns.advance, kept, ports.settings.load)

    @cached_property
    def recipes(self) -> Recipes:
        from darkroom.services.recipes.recipes import Recipes

        return Recipes(
            store=self.ports.recipes,
            images=self.ports.images,
            jobs=self.ports.jobs,
            queue=self.ports.render_queue,
            clock=self.ports.clock,
            retention=self.settings.retention,
            alarm=self.ports.alarm,
            max_megapixels=self.settings.max_megapixels,
            pricing=self.batch_pricing,
            settings=self.ports.settings.load,
        )

    @cached_property
    def batch_pricing(self) -> BatchPricing:
        from darkroom.services.recipes.batch_pricing import BatchPricing

        return BatchPricing(self.quotes, self.budgets, self.providers, self.ports.clock)

    @cached_property
    def batch_notes(self) -> Notes:
        from darkroom.services.recipes.batch_notes import Notes

        return Notes(self.ports.images)

    @cached_property
    def batch_painting(self) -> BatchPainting:
        """What the worker does for recipes that paint on many pictures."""
        from darkroom.services.recipes.batch_painting import BatchPainting

        return BatchPainting(
            pricing=self.batch_pricing,
            jobs=self.ports.jobs,
            ledger=self.ports.ledger,
            notes=self.batch_notes,
            queue=self.ports.job_queue,
            render_queue=self.ports.render_queue,
            settlement=self.settlement,
            clock=self.ports.clock,
            alarm=self.ports.alarm,
        )

    def advance(self, user: str, job_id: str) -> None:
        """Goes on with whatever the job is: a turn, which says so, or a batch."""
        if not self.turns.advance(user, job_id):
            self.batch_painting.advance(user, job_id)

    @cached_property
    def worker(self) -> Worker:
        from darkroom.providers import load_sending
        from darkroom.services.paid.worker import Worker, after

        # Who has a worker calls providers, and loads in the init phase, which has a full processor.
        load_sending()
        return Worker(
            jobs=self.ports.jobs,
            queue=self.ports.job_queue,
            keys=self.keys,
            providers=self.providers.get,
            images=self.ports.images,
            raw_answers=self.ports.raw_answers,
            settlement=self.settlement,
            charges=self.ports.charges,
            clock=self.ports.clock,
            alarm=self.ports.alarm,
            advance=self.advance,
            sleep=self.ports.sleep,
            later=after,
        )

    @cached_property
    def sweep(self) -> Sweep:
        from darkroom.services.jobs.sweep import Sweep
        from darkroom.services.recipes.batch_notes import is_batch

        return Sweep(
            jobs=self.ports.jobs,
            free_jobs=self.jobs,
            queue=self.ports.job_queue,
            providers=self.providers.get,
            raw_answers=self.ports.raw_answers,
            settlement=self.settlement,
            reconciliation=self.reconciliation,
            resend_webhooks=lambda: len(self.webhooks.resend_stale()),
            sweep_dead_letters=lambda: self.ports.dead_letters.each(self.worker.dead_letter),
            sweep_cutouts=self.cutouts.sweep,
            clock=self.ports.clock,
            alarm=self.ports.alarm,
            advance=self.advance,
            is_batch=is_batch,
            resume_batch=self.recipes.resume,
        )

    @cached_property
    def queued_removal(self) -> QueuedRemoval:
        """Background removal, asked for where no segmentation model is."""
        from darkroom.services.removal.postponed import Queued
        from darkroom.services.removal.queued_removal import QueuedRemoval

        ports = self.ports
        queued = Queued(ports.images, ports.jobs, ports.render_queue, ports.clock)
        return QueuedRemoval(
            self.sources, queued, self.settings.retention, ports.settings.load, lambda: self.cloud_removal
        )

    # From here on: the image function's, which alone has numpy and a segmentation model.

    @cached_property
    def pipeline(self) -> Pipeline:
        from darkroom.images.pipeline import remove_background

        segmenter, matter = self.ports.segmenter, self.ports.matter

        def cut_out(data: bytes, options: CutoutOptions, beside: Beside) -> Cutout:
            return remove_background(
                data,
                options,
                beside,
                segmenter=segmenter,
                matter=matter,
                default_model=self.settings.background_model,
                max_megapixels=self.settings.max_megapixels,
            )

        return cut_out

    @cached_property
    def subject_render(self) -> Render:
        from darkroom.services.recipes.render import Render

        return Render(
            self.ports.images,
            self.sources,
            self.settings.max_megapixels,
            self.ports.segmenter,
            lambda user: self.ports.settings.load(user).background_model or self.settings.background_model,
        )

    @cached_property
    def turn_render(self) -> TurnRender:
        """What the image function does for turns."""
        from darkroom.services.conversations.turn_render import TurnRender

        return TurnRender(self.ports.jobs, self.ports.job_queue, self.subject_render, self.ports.clock)

    @cached_property
    def cutout_worker(self) -> CutoutWorker:
        """What the image function does for pictures that were bought."""
        from darkroom.services.removal.cutout_worker import CutoutWorker

        return CutoutWorker(
            pipeline=self.pipeline,
            images=self.ports.images,
            jobs=self.ports.jobs,
            queue=self.ports.render_queue,
            settings=self.ports.settings.load,
            alarm=self.ports.alarm,
            max_attempts=self.settings.upload_max_receives,
        )

    @cached_property
    def postponed(self) -> Postponed:
        from darkroom.services.removal.postponed import OneAtATime, Postponed

        return Postponed(
            pipeline=self.pipeline,
            matter=self.ports.matter,
            images=self.ports.images,
            jobs=self.ports.jobs,
            queue=self.ports.render_queue,
            clock=self.ports.clock,
            at_work=OneAtATime(),
            max_attempts=self.settings.upload_max_receives,
        )

    @cached_property
    def remove_background(self) -> RemoveBackground:
        from darkroom.services.removal.remove_background import RemoveBackground

        return RemoveBackground(
            pipeline=self.pipeline,
            sources=self.sources,
            images=self.ports.images,
            jobs=self.ports.jobs,
            clock=self.ports.clock,
            retention=self.settings.retention,
            max_attempts=self.settings.upload_max_receives,
            recipes=self.folder_recipes,
            settings=self.ports.settings.load,
            # What paying needs is loaded when somebody pays.
            cloud=lambda: self.cloud_removal,
            note=lambda job: self.ports.work.note(job, at=self.ports.clock()),
            on_lost=_uncounted,
            postponed=self.postponed,
        )

    @cached_property
    def check(self) -> Check:
        from darkroom.services.recipes.check import Check

        return Check(self.sources, self.settings.max_megapixels)

    @cached_property
    def refine(self) -> Refine:
        from darkroom.images.pipeline import refine
        from darkroom.services.removal.refine import Refine

        most = self.settings.max_megapixels

        def again(data: bytes, alpha: bytes, options: CutoutOptions, beside: Beside, model: str) -> Cutout:
            return refine(data, alpha, options, beside, model=model, max_megapixels=most)

        return Refine(again, self.jobs.find, self.sources, self.ports.images, self.postponed.at_work)

    @cached_property
    def cloud_removal(self) -> CloudRemoval:
        from darkroom.services.removal.cloud_removal import CloudRemoval

        return CloudRemoval(
            admission=self.admission,
            inputs=self.inputs,
            budgets=self.budgets,
            providers=self.providers,
            credit=self.settings.removebg_credit_usd,
        )

    @cached_property
    def folder_recipes(self) -> FolderRecipes:
        from darkroom.services.recipes.recipes import FolderRecipes

        return FolderRecipes(self.ports.recipes, self.subject_render)

    @cached_property
    def recipe_worker(self) -> RecipeWorker:
        """What the image function does for recipes."""
        from darkroom.services.recipes.recipe_worker import RecipeWorker

        return RecipeWorker(
            render=self.subject_render,
            sources=self.sources,
            notes=self.batch_notes,
            jobs=self.ports.jobs,
            queue=self.ports.render_queue,
            job_queue=self.ports.job_queue,
            clock=self.ports.clock,
            alarm=self.ports.alarm,
            max_attempts=self.settings.upload_max_receives,
        )


def _uncounted(job: Job, error: Exception) -> None:
    logger.warning("A cut-out was not counted", extra={"job": job.id, "error": type(error).__name__})
