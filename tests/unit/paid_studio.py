"""What a paid job needs in memory: accounts, providers, budgets, admission and settlement; see studio."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from PIL import Image, ImageDraw

from darkroom.models.budget import Budget
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job
from darkroom.models.key import StoredKey
from darkroom.models.user_settings import Limits
from darkroom.ports import Provider
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter, OpenRouterAuth
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.cursors import Cursors
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.sessions import Sessions
from darkroom.services.accounts.tokens import Tokens
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.paid.admission import Admission
from darkroom.services.paid.answers import Answers
from darkroom.services.paid.budgets import Budgets
from darkroom.services.paid.cutouts import Cutouts
from darkroom.services.paid.settlement import Settlement
from darkroom.services.paid.worker import Worker
from darkroom.services.preferences import Preferences
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.selection.providers import Providers
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
    MemorySigningKey,
    MemoryTokenStore,
)
from tests.fakes.paid import MemoryAnswerStore, MemoryJobQueue, MemoryRawAnswerStore, MemorySettingsStore
from tests.fakes.recipes import MemoryRecipeStore, MemoryRenderQueue
from tests.fakes.webhooks import MemoryWebhookQueue, MemoryWebhookStore
from tests.unit.preferring import preferring

KLEIN = "black-forest-labs/flux.2-klein-4b"
STREAMING = "openai/gpt-image-1-mini"
UNPRICED = "meta/muse-image"
PLANNER = "google/gemini-2.5-flash"
RETENTION = timedelta(days=30)
LIMITS = Limits(per_request=250_000, per_conversation=1_000_000, per_day=5_000_000, per_month=50_000_000)
LONG = 275.0


class Fetcher:
    """No provider is to be asked for a picture."""

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
class PaidStudio:
    """The path of a paid job up to its queue, and its settlement.

    Args:
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
    # Messages that were put off, and for how long.
    postponed: list[tuple[str, timedelta]] = field(default_factory=list)
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
    def cursors(self) -> Cursors:
        return Cursors(MemorySigningKey())

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
    def cutouts(self) -> Cutouts:
        return Cutouts(self.jobs, self.render_queue, self.clock, self.alarm)

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
            begin_cutouts=self.cutouts.begin,
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
