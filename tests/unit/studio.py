"""The whole path of a paid job in memory: every service as it is, fakes behind the ports, the simulator at the end."""

from datetime import timedelta
from functools import cached_property

from darkroom.adapters.matter import RembgMatter
from darkroom.adapters.url_guard import UrlGuard
from darkroom.adapters.webhook_sender import HttpWebhookSender
from darkroom.bootstrap import (
    AccountServices,
    AnswerServices,
    ChatServices,
    EditServices,
    GenerateServices,
    JobsServices,
)
from darkroom.bootstrap import WorkerServices as Services
from darkroom.bootstrap._batches import advancing
from darkroom.images.pipeline import remove_background
from darkroom.models.cutout import Cutout, CutoutOptions
from darkroom.models.deadline import Deadline
from darkroom.models.money import CREDIT
from darkroom.services.accounts.identities import Identities
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.complete import Complete
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.conversations.painting import Painting
from darkroom.services.conversations.planner import Planner
from darkroom.services.conversations.planning import Planning
from darkroom.services.conversations.turn_cancel import TurnCancel
from darkroom.services.conversations.turn_cost import TurnCosts
from darkroom.services.conversations.turn_render import TurnRender
from darkroom.services.conversations.turns import Turns
from darkroom.services.edit import Edit
from darkroom.services.generate import Generate
from darkroom.services.health import Health
from darkroom.services.inputs.inputs import Inputs
from darkroom.services.inputs.sources import Sources
from darkroom.services.inputs.uploads import Uploads
from darkroom.services.jobs.sweep import Sweep
from darkroom.services.paid.durations import Durations
from darkroom.services.paid.reconcile import Reconciliation
from darkroom.services.paid.rereading import Rereading
from darkroom.services.paid.webhooks import Webhooks
from darkroom.services.paid.worker import Advance, Worker
from darkroom.services.recipes.batch_notes import Notes, is_batch
from darkroom.services.recipes.batch_painting import BatchPainting
from darkroom.services.recipes.batch_pricing import BatchPricing
from darkroom.services.recipes.painted_batch import PaintedBatches
from darkroom.services.recipes.recipe_worker import RecipeWorker
from darkroom.services.recipes.recipes import Recipes
from darkroom.services.recipes.render import Render
from darkroom.services.removal.cutout_worker import CutoutWorker
from darkroom.services.selection.chat_models import ChatModels
from darkroom.services.usage.usage import KeyFigures
from tests.fakes.people import MemoryIdentityStore
from tests.fakes.usage import MemoryModelStatistics
from tests.fakes.webhooks import MemoryWebhookStore
from tests.unit.counting import Counting, counting
from tests.unit.paid_studio import (
    KLEIN,
    LIMITS,
    LONG,
    PLANNER,
    RETENTION,
    STREAMING,
    UNPRICED,
    Fetcher,
    PaidStudio,
    PromptQueue,
)

__all__ = ["KLEIN", "LIMITS", "LONG", "PLANNER", "STREAMING", "UNPRICED", "PromptQueue", "Studio"]


class Studio(PaidStudio):
    @cached_property
    def worker(self) -> Worker:
        return Worker(
            jobs=self.jobs,
            queue=self.queue,
            keys=self.keys,
            providers=self.providers.get,
            images=self.images,
            raw_answers=self.raw_answers,
            settlement=self.settlement,
            clock=self.clock,
            alarm=self.alarm,
            advance=self.advance,
            sleep=lambda _seconds: None,
        )

    @cached_property
    def advance(self) -> Advance:
        return advancing(self.turns.advance, self.batch_painting.advance)

    @cached_property
    def sweep(self) -> Sweep:
        return Sweep(
            jobs=self.jobs,
            free_jobs=self.shown,
            queue=self.queue,
            providers=self.providers.get,
            raw_answers=self.raw_answers,
            settlement=self.settlement,
            reconciliation=Reconciliation(
                keys=self.keys,
                providers=self.providers.get,
                jobs=self.jobs,
                ledger=self.ledger,
                clock=self.clock,
            ),
            resend_webhooks=lambda: 0,
            clock=self.clock,
            alarm=self.alarm,
            advance=self.advance,
            sweep_cutouts=self.cutouts.sweep,
            is_batch=is_batch,
            resume_batch=self.recipes.resume,
        )

    @cached_property
    def generate(self) -> Generate:
        return Generate(self.admission, self.quotes, self.refused_webhooks.append)

    @cached_property
    def edit(self) -> Edit:
        return Edit(self.admission, self.quotes, self.inputs, self.refused_webhooks.append)

    @cached_property
    def sources(self) -> Sources:
        return Sources(self.images, Fetcher(), self.jobs, clock=self.clock)

    @cached_property
    def inputs(self) -> Inputs:
        return Inputs(self.sources, self.images, max_megapixels=25)

    @cached_property
    def conversations(self) -> Conversations:
        return Conversations(
            self.conversation_store,
            self.images,
            self.inputs,
            self.clock,
            retention=RETENTION,
            settings=self.settings.load,
            cancel_turns=TurnCancel(self.jobs, self.settlement.cancel, self.clock).of,
        )

    @cached_property
    def chat_models(self) -> ChatModels:
        return ChatModels(Catalogue(self.provider), default=PLANNER)

    @cached_property
    def turns(self) -> Turns:
        planner = Planner()
        render = Render(self.images, self.sources, 25)
        planning = Planning(planner, self.chat_models, self.settings, self.images, self.clock)
        return Turns(
            conversations=self.conversations,
            planner=planner,
            planning=planning,
            painting=Painting(self.quotes, self.budgets, self.providers, self.clock),
            rendering=TurnRender(self.jobs, self.queue, render, self.clock),
            costs=TurnCosts(self.conversations, self.jobs, planning.warn_at_cost),
            render_queue=self.render_queue,
            admission=self.admission,
            jobs=self.jobs,
            clock=self.clock,
        )

    @cached_property
    def cutout_worker(self) -> CutoutWorker:
        """What the function with the segmentation model does for pictures that were bought."""

        def cut_out(data: bytes, options: CutoutOptions, behind: bytes | None) -> Cutout:
            return remove_background(
                data,
                options,
                segmenter=self.segmenter,
                matter=RembgMatter(),
                default_model="middle",
                max_megapixels=25,
                background_image=behind,
            )

        return CutoutWorker(
            pipeline=cut_out,
            images=self.images,
            jobs=self.jobs,
            queue=self.render_queue,
            settings=self.settings.load,
            alarm=self.alarm,
            max_attempts=3,
        )

    @cached_property
    def image_function(self) -> TurnRender:
        """What the function with the segmentation model does for turns."""
        render = Render(self.images, self.sources, 25, self.segmenter, "middle")
        return TurnRender(self.jobs, self.queue, render, self.clock)

    @cached_property
    def recipes(self) -> Recipes:
        return Recipes(
            store=self.recipe_store,
            images=self.images,
            jobs=self.jobs,
            queue=self.render_queue,
            clock=self.clock,
            retention=RETENTION,
            alarm=self.alarm,
            max_megapixels=25,
            pricing=self.batch_pricing,
            settings=self.settings.load,
        )

    @cached_property
    def batch_pricing(self) -> BatchPricing:
        return BatchPricing(self.quotes, self.budgets, self.providers, self.clock)

    @cached_property
    def batch_painting(self) -> BatchPainting:
        return BatchPainting(
            pricing=self.batch_pricing,
            jobs=self.jobs,
            ledger=self.ledger,
            notes=Notes(self.images),
            queue=self.queue,
            render_queue=self.render_queue,
            settlement=self.settlement,
            clock=self.clock,
            alarm=self.alarm,
        )

    @cached_property
    def recipe_worker(self) -> RecipeWorker:
        """What the function with the segmentation model does for recipes."""
        render, notes = Render(self.images, self.sources, 25, self.segmenter, "middle"), Notes(self.images)
        painted = PaintedBatches(
            render, self.sources, notes, self.jobs, self.render_queue, self.queue, self.clock, self.alarm
        )
        return RecipeWorker(
            render=render,
            sources=self.sources,
            notes=notes,
            jobs=self.jobs,
            queue=self.render_queue,
            painted=painted,
            clock=self.clock,
            alarm=self.alarm,
            max_attempts=3,
        )

    @property
    def chat_services(self) -> ChatServices:
        return ChatServices(
            callers=self.callers,
            conversations=self.conversations,
            turns=self.turns,
            complete=Complete(self.admission, self.chat_models, self.images, lambda _: None, lambda _: None),
            recipes=self.recipes,
            answering=self.answering,
            cursors=self.cursors,
        )

    @cached_property
    def counting(self) -> Counting:
        return counting(
            self.jobs,
            self.ledger,
            self.settings,
            KeyFigures(self.vault, self.provider),
            self.clock,
            images=self.images,
            webhooks=self.webhooks,
            deliveries=self.delivery_store,
            price_of=lambda model, images, is_edit: None if model == UNPRICED else images * (3_000 + 1_000 * is_edit),
        )

    @property
    def answering(self) -> AnswerServices:
        return AnswerServices(
            self.jobs, self.shown, self.images, self.answers, Durations(MemoryModelStatistics(), self.clock)
        )

    @property
    def generate_services(self) -> GenerateServices:
        return GenerateServices(self.callers, self.generate, self.answering)

    @property
    def edit_services(self) -> EditServices:
        return EditServices(self.callers, self.edit, self.answering)

    @property
    def jobs_services(self) -> JobsServices:
        return JobsServices(self.callers, self.shown, self.settlement, Uploads(self.images, self.clock), self.cursors)

    @property
    def account_services(self) -> AccountServices:
        return AccountServices(
            public_docs=True,
            callers=self.callers,
            tokens=self.tokens,
            keys=self.keys,
            budgets=self.budgets,
            ledger=self.ledger,
            credit=CREDIT,
            preferences=self.preferences,
            health=Health({}, self.provider, self.keys, {}, self.clock),
            cursors=self.cursors,
            identities=Identities(MemoryIdentityStore(), self.clock),
            **self.counting,
        )

    @cached_property
    def delivering(self) -> Webhooks:
        return Webhooks(
            store=MemoryWebhookStore(),
            jobs=self.jobs,
            queue=self.webhooks,
            sender=HttpWebhookSender(UrlGuard()),
            show=self.shown.show,
            clock=self.clock,
        )

    @property
    def worker_services(self) -> Services:
        return Services(
            self.worker,
            self.sweep,
            self.counting["reports"],
            self.delivering,
            Rereading(self.jobs, self.raw_answers, self.providers.get, self.settlement),
            postpone=self.postpone,
        )

    def postpone(self, receipt_handle: str, wait: timedelta) -> None:
        self.postponed.append((receipt_handle, wait))

    def work(self) -> None:
        """Carries out what waits in the queue, each once."""
        sent, self.queue.sent = self.queue.sent, []
        for user, job_id in sent:
            self.worker.run(user, job_id, Deadline(LONG))
