"""The whole path of a paid job in memory: every service as it is, fakes behind the ports, the simulator at the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from PIL import Image, ImageDraw

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
from darkroom.models.budget import Budget
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job
from darkroom.models.key import StoredKey
from darkroom.models.money import CREDIT
from darkroom.models.user_settings import Limits
from darkroom.ports import Provider
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter, OpenRouterAuth
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.sessions import Sessions
from darkroom.services.accounts.tokens import Tokens
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
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.jobs.sweep import Sweep
from darkroom.services.paid.admission import Admission
from darkroom.services.paid.answers import Answers
from darkroom.services.paid.budgets import Budgets
from darkroom.services.paid.reconcile import Reconciliation
from darkroom.services.paid.rereading import Rereading
from darkroom.services.paid.settlement import Settlement
from darkroom.services.paid.worker import Advance, Worker
from darkroom.services.preferences import Preferences
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.recipes.batch_notes import Notes, is_batch
from darkroom.services.recipes.batch_painting import BatchPainting
from darkroom.services.recipes.batch_pricing import BatchPricing
from darkroom.services.recipes.painted_batch import PaintedBatches
from darkroom.services.recipes.recipe_worker import RecipeWorker
from darkroom.services.recipes.recipes import Recipes
from darkroom.services.recipes.render import Render
from darkroom.services.selection.chat_models import ChatModels
from darkroom.services.selection.providers import Providers
from darkroom.services.usage.usage import KeyFigures
from local.simulator import Simulator
from local.simulator.state import hash_of
from tests.conftest import SteppingClock
from tests.fakes.conversations import MemoryConversationStore
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import (
    MemoryImageStore,
    MemoryJobStore,
    MemoryKeyVault,
    MemorySessionStore,
    MemoryTokenStore,
)
from tests.fakes.paid import MemoryAnswerStore, MemoryJobQueue, MemoryRawAnswerStore, MemorySettingsStore
from tests.fakes.recipes import MemoryRecipeStore, MemoryRenderQueue
from tests.fakes.webhooks import MemoryWebhookQueue, MemoryWebhookStore
from tests.unit.counting import Counting, counting
from tests.unit.preferring import preferring

KLEIN = "black-forest-labs/flux.2-klein-4b"
STREAMING = "openai/gpt-image-1-mini"
UNPRICED = "meta/muse-image"
PLANNER = "google/gemini-2.5-flash"
RETENTION = timedelta(days=30)
LIMITS = Limits(per_request=250_000, per_conversation=1_000_000, per_day=5_000_000, per_month=50_000_000)
LONG = 275.0


class Fetcher:
    """Nobody is to be asked for a picture."""

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        raise AssertionError(f"{url} ({max_bytes})")


class MiddleSegmenter:
    """The subject is a disc in the middle; `asked` counts how often it was wanted."""

    def __init__(self) -> None:
        self.asked = 0

    def available(self) -> tuple[str, ...]:
        return ("middle",)

    def mask(self, image: Image.Image, model: str) -> Image.Image:
        self.asked += 1
        mask = Image.new("L", (64, 64))
        ImageDraw.Draw(mask).ellipse((16, 16, 47, 47), fill=255)
        return mask


class PromptQueue(MemoryJobQueue):
    """A queue that, while `works` is set, has the job carried out before `send` returns."""

    def __init__(self) -> None:
        super().__init__()
        self.works: Worker | None = None

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        super().send(user, job_id, delay_seconds=delay_seconds)
        if self.works is not None:
            self.works.run(user, job_id, Deadline(LONG))


@dataclass
class Studio:
    """Args:
    operator: the stack's own key, if it has one.
    painter: the model that is taken when none is named.
    direct: other providers than OpenRouter, by name.
    preferred: the stack's provider.
    """

    simulator: Simulator
    clock: SteppingClock
    limits: Limits = LIMITS
    operator: str | None = None
    painter: str = KLEIN
    direct: dict[str, Provider] = field(default_factory=dict)
    preferred: str = "auto"
    jobs: MemoryJobStore = field(default_factory=MemoryJobStore)
    vault: MemoryKeyVault = field(default_factory=MemoryKeyVault)
    queue: PromptQueue = field(default_factory=PromptQueue)
    raw_answers: MemoryRawAnswerStore = field(default_factory=MemoryRawAnswerStore)
    settings: MemorySettingsStore = field(default_factory=MemorySettingsStore)
    webhooks: MemoryWebhookQueue = field(default_factory=MemoryWebhookQueue)
    delivery_store: MemoryWebhookStore = field(default_factory=MemoryWebhookStore)
    alarms: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    refused_webhooks: list[str] = field(default_factory=list)
    conversation_store: MemoryConversationStore = field(default_factory=MemoryConversationStore)
    render_queue: MemoryRenderQueue = field(default_factory=MemoryRenderQueue)
    recipe_store: MemoryRecipeStore = field(default_factory=MemoryRecipeStore)
    segmenter: MiddleSegmenter = field(default_factory=MiddleSegmenter)

    @cached_property
    def ledger(self) -> MemoryLedger:
        return MemoryLedger(self.jobs, self.clock)

    @cached_property
    def images(self) -> MemoryImageStore:
        return MemoryImageStore(self.clock)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(MemoryTokenStore(), self.clock)

    @cached_property
    def callers(self) -> Callers:
        return Callers(self.tokens, Sessions(MemorySessionStore(), self.clock))

    @cached_property
    def provider(self) -> OpenRouter:
        retries = Retries(sleep=lambda _seconds: None, uniform=lambda _low, _high: 0.0)
        return OpenRouter(ProviderSettings(url=self.simulator.url), retries=retries)

    @cached_property
    def keys(self) -> Keys:
        inspector = OpenRouterAuth(ProviderSettings(url=self.simulator.url))
        return Keys(
            self.vault,
            {"openrouter": inspector},
            self.clock,
            operator_key=lambda _provider: self.operator,
            operated=frozenset({"openrouter"}) if self.operator else frozenset(),
        )

    @cached_property
    def providers(self) -> Providers:
        known = {"openrouter": self.provider, **self.direct}
        return Providers(known, self.keys, self.settings, preferred=self.preferred)

    @cached_property
    def budgets(self) -> Budgets:
        return Budgets(self.settings, self.ledger, self.clock, defaults=self.limits)

    @cached_property
    def preferences(self) -> Preferences:
        known = {"openrouter": self.provider, **self.direct}
        return preferring(self.budgets, self.provider, known, self.refused_webhooks.append)

    @cached_property
    def answers(self) -> Answers:
        return Answers(MemoryAnswerStore(self.clock, self.ledger.answers), self.jobs, self.clock)

    @cached_property
    def shown(self) -> Jobs:
        return Jobs(self.jobs, self.images, self.clock, max_attempts=3, raw_answers=self.raw_answers)

    @cached_property
    def admission(self) -> Admission:
        return Admission(
            jobs=self.jobs,
            ledger=self.ledger,
            answers=self.answers,
            queue=self.queue,
            providers=self.providers,
            budgets=self.budgets,
            clock=self.clock,
            retention=timedelta(days=30),
            alarm=self.alarm,
        )

    @cached_property
    def quotes(self) -> Quotes:
        return Quotes(Catalogue(self.provider), generation_model=self.painter, edit_model=self.painter)

    @cached_property
    def settlement(self) -> Settlement:
        return Settlement(
            jobs=self.jobs,
            ledger=self.ledger,
            budgets=self.budgets,
            images=self.images,
            raw_answers=self.raw_answers,
            webhooks=self.webhooks,
            clock=self.clock,
            alarm=self.alarm,
            max_megapixels=25,
        )

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
        return Sources(self.images, Fetcher(), self.jobs)

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
        return AnswerServices(self.jobs, self.shown, self.images, self.answers)

    @property
    def generate_services(self) -> GenerateServices:
        return GenerateServices(self.callers, self.generate, self.answering)

    @property
    def edit_services(self) -> EditServices:
        return EditServices(self.callers, self.edit, self.answering)

    @property
    def jobs_services(self) -> JobsServices:
        return JobsServices(self.callers, self.shown, self.settlement, Uploads(self.images, self.clock))

    @property
    def account_services(self) -> AccountServices:
        return AccountServices(
            callers=self.callers,
            tokens=self.tokens,
            keys=self.keys,
            budgets=self.budgets,
            ledger=self.ledger,
            credit=CREDIT,
            preferences=self.preferences,
            health=Health({}, self.provider, self.keys, {}, self.clock),
            **self.counting,
        )

    @property
    def worker_services(self) -> Services:
        return Services(
            self.worker,
            self.sweep,
            self.counting["reports"],
            Rereading(self.jobs, self.raw_answers, self.providers.get, self.settlement),
            dead_letters="arn:aws:sqs:us-east-1:000000000000:dead",
        )

    def alarm(self, name: str, /, **facts: object) -> None:
        self.alarms.append((name, facts))

    def connect(self, user: str) -> str:
        """Gives the user a key of their own; the secret."""
        secret = self.simulator.state.mint(user)
        key = StoredKey(
            user=user, provider="openrouter", hint=secret[-4:], sha256=hash_of(secret), connected_at=self.clock()
        )
        self.vault.store(key, secret)
        return secret

    def token(self, user: str, **limits: Any) -> str:
        return self.tokens.create(user=user, **limits)[1]

    def charged(self, user: str | None = None) -> list[int]:
        """The invoice in micro-dollars, of one user's key or of all."""
        secret = self.vault.reveal(user, "openrouter") if user else None
        of_key = hash_of(secret) if secret else None
        invoice = self.simulator.state.invoice()
        return [row["micro_usd"] for row in invoice if of_key in (None, row["key_hash"])]

    def paid_requests(self) -> list[dict[str, Any]]:
        return [row for row in self.simulator.world.log.entries() if row["method"] == "POST"]

    def budget(self, user: str, name: str) -> Budget:
        found = next(key for key in self.ledger.accounts if key[0] == user and key[1].startswith(name))
        return self.ledger.budgets(user, [found[1]])[found[1]]

    def job(self, user: str, job_id: str) -> Job:
        found = self.jobs.find(user, job_id)
        assert found is not None
        return found

    def of(self, user: str) -> Mapping[str, Job]:
        return {job.id: job for (owner, _), job in self.jobs.jobs.items() if owner == user}

    def work(self) -> None:
        """Carries out what waits in the queue, each once."""
        sent, self.queue.sent = self.queue.sent, []
        for user, job_id in sent:
            self.worker.run(user, job_id, Deadline(LONG))
