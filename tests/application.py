"""The one test world: the application as production has it, over ports in memory and OpenRouter's simulator.

`Studio` is the ports; `studio.app` is the application. A test replaces a port by handing another one to `Studio`, and a
service, where it has to, by assigning it to `studio.app` before anything has asked for it.
"""

import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

from PIL import Image, ImageDraw

from darkroom.adapters.matter import RembgMatter
from darkroom.adapters.url_guard import UrlGuard
from darkroom.adapters.webhook_sender import HttpWebhookSender
from darkroom.application import Application
from darkroom.application.ports import Ports
from darkroom.models.budget import Budget
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job
from darkroom.models.key import StoredKey
from darkroom.models.receipt import KeyCharges
from darkroom.models.user_settings import Limits
from darkroom.models.webhook import WebhookReply
from darkroom.ports import CatalogueSource, KeyIssuer, Matter, Provider, UrlFetcher
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter, OpenRouterAuth
from darkroom.services.paid.budgets import Budgets
from darkroom.settings import Settings
from local.simulator import Simulator
from local.simulator.state import hash_of
from tests.conftest import SteppingClock
from tests.fakes.catalogue import MemoryCatalogueStore, Unreachable
from tests.fakes.conversations import MemoryConversationStore
from tests.fakes.issuer import ScriptedOpenRouter
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import (
    MemoryImageStore,
    MemoryJobStore,
    MemoryKeyVault,
    MemorySigningKey,
)
from tests.fakes.paid import MemoryAnswerStore, MemoryRawAnswerStore, MemorySettingsStore
from tests.fakes.people import MemoryIdentityStore, MemoryLinkStore, MemoryRequestCounts, MemoryTokenStore
from tests.fakes.prompt_queues import PromptQueue
from tests.fakes.recipes import MemoryRecipeStore, MemoryRenderQueue
from tests.fakes.sessions import MemorySessionStore
from tests.fakes.usage import MemoryModelStatistics, MemoryReportStore, MemoryTelemetry, MemoryUsageBooks, MemoryWorkLog
from tests.fakes.webhooks import MemoryWebhookQueue, MemoryWebhookStore

# What a deployment always has.
ENVIRON = {"DARKROOM_TABLE": "table", "DARKROOM_UPLOADS_BUCKET": "uploads", "DARKROOM_OUTPUTS_BUCKET": "outputs"}
KLEIN = "black-forest-labs/flux.2-klein-4b"
STREAMING = "openai/gpt-image-1-mini"
UNPRICED = "meta/muse-image"
PLANNER = "google/gemini-2.5-flash"
LONG = 275.0
LIMITS = Limits(per_request=250_000, per_conversation=1_000_000, per_day=5_000_000, per_month=50_000_000)


def environ_of(limits: Limits) -> dict[str, str]:
    """The variables of a deployment that has these limits."""
    return {
        f"DARKROOM_MAX_COST_{name.upper()}": str(Decimal(amount) / 1_000_000)
        for name, amount in limits.model_dump().items()
        if amount is not None
    }


def no_versions(_user: str, _conversation_id: str, _version_id: str) -> None:
    """There are no conversations."""


class NoWeb:
    """There is no web: no provider is to be asked for a picture. Implements ports.UrlFetcher."""

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        raise AssertionError(f"{url} ({max_bytes})")


class MiddleSegmenter:
    """The subject is a disc in the middle; `asked` counts how often it was wanted. Implements ports.Segmenter."""

    def __init__(self) -> None:
        self.asked = 0

    def available(self) -> tuple[str, ...]:
        return ("u2net",)

    def mask(self, image: Image.Image, model: str) -> Image.Image:
        self.asked += 1
        mask = Image.new("L", (64, 64))
        ImageDraw.Draw(mask).ellipse((16, 16, 47, 47), fill=255)
        return mask


class MemoryDeadLetters:
    """`sent` holds user and job id of each dead letter. Implements ports.DeadLetters."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def each(self, work: Callable[[str, str], object]) -> int:
        found, self.sent = self.sent, []
        for user, job_id in found:
            work(user, job_id)
        return len(found)


Wrap = Callable[[str, Any], Any]


class _WrappedProviders(Mapping[str, Any]):
    def __init__(self, providers: Mapping[str, Any], wrap: Wrap) -> None:
        self._providers = providers
        self._wrap = functools.cache(lambda name: wrap("provider", providers[name]))

    def __getitem__(self, name: str) -> Any:
        return self._wrap(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._providers)

    def __len__(self) -> int:
        return len(self._providers)


class Wrapped:
    """Ports with what `wrap` makes of each by its name; of a provider, by the name `provider`."""

    def __init__(self, ports: Ports, wrap: Wrap) -> None:
        self._ports = ports
        self._wrap = wrap

    def charges(self, _user: str, key_sha256: str) -> KeyCharges:
        found: KeyCharges = self.ledger.charges_with(key_sha256)
        return found

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ports, name)
        made: Any = self._wrap(name, found)
        if name == "providers":
            made = _WrappedProviders(found, self._wrap)
        setattr(self, name, made)
        return made


class WebhookSender:
    """Sends for real, and accepts each URL, which is in `checked` then. Implements ports.WebhookSender."""

    def __init__(self) -> None:
        self.checked: list[str] = []
        self.send: Callable[[str, bytes, Mapping[str, str]], WebhookReply] = HttpWebhookSender(UrlGuard()).send

    def check(self, url: str) -> None:
        self.checked.append(url)


@dataclass
class Studio:
    """Implements application.ports.Ports.

    Args:
        operator: the stack's own key, if it has one.
        painter: the models that are taken when none is named, as the deployment lists them; None: Darkroom's own.
        planner: likewise, for chat.
        direct: other providers than OpenRouter, by name.
        preferred: the stack's provider.
        issuer: who signs users in, and knows their keys, in OpenRouter's place.
        environ: further variables of the deployment.
        wrap: puts something between the services and a port, by its name.
    """

    simulator: Simulator
    clock: SteppingClock
    limits: Limits = LIMITS
    operator: str | None = None
    painter: str | None = KLEIN
    planner: str | None = PLANNER
    direct: dict[str, Provider] = field(default_factory=dict)
    preferred: str = "auto"
    issuer: ScriptedOpenRouter | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    wrap: Wrap | None = None

    waited: float = 0.0
    alarms: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    telemetry: MemoryTelemetry = field(default_factory=MemoryTelemetry)
    probes: dict[str, Callable[[], str]] = field(default_factory=dict)

    token_store: MemoryTokenStore = field(default_factory=MemoryTokenStore)
    sessions: MemorySessionStore = field(default_factory=MemorySessionStore)
    links: MemoryLinkStore = field(default_factory=MemoryLinkStore)
    settings: MemorySettingsStore = field(default_factory=MemorySettingsStore)
    signing_key: MemorySigningKey = field(default_factory=MemorySigningKey)
    vault: MemoryKeyVault = field(default_factory=MemoryKeyVault)

    jobs: MemoryJobStore = field(default_factory=MemoryJobStore)
    conversations: MemoryConversationStore = field(default_factory=MemoryConversationStore)
    recipes: MemoryRecipeStore = field(default_factory=MemoryRecipeStore)
    webhooks: MemoryWebhookStore = field(default_factory=MemoryWebhookStore)

    job_queue: PromptQueue = field(default_factory=PromptQueue)
    render_queue: MemoryRenderQueue = field(default_factory=MemoryRenderQueue)
    webhook_queue: MemoryWebhookQueue = field(default_factory=MemoryWebhookQueue)
    dead_letters: MemoryDeadLetters = field(default_factory=MemoryDeadLetters)

    statistics: MemoryModelStatistics = field(default_factory=MemoryModelStatistics)
    catalogue: MemoryCatalogueStore = field(default_factory=MemoryCatalogueStore)
    fetcher: UrlFetcher = field(default_factory=NoWeb)
    webhook_sender: WebhookSender = field(default_factory=WebhookSender)
    segmenter: Any = field(default_factory=MiddleSegmenter)
    matter: Matter = field(default_factory=RembgMatter)

    @cached_property
    def app(self) -> Application:
        app = Application(self.deployment, Wrapped(self, self.wrap) if self.wrap else self)
        if None in self.limits.model_dump().values():
            # A deployment has each of them.
            app.budgets = Budgets(self.settings, self.ledger, self.clock, defaults=self.limits)
        return app

    @cached_property
    def deployment(self) -> Settings:
        chosen = {
            "IMAGE_GENERATION_MODEL": self.painter,
            "IMAGE_EDIT_MODEL": self.painter,
            "CHAT_MODEL": self.planner,
            "AI_PROVIDER": self.preferred,
            "OPENROUTER_API_KEY": self.operator,
        }
        given = {f"DARKROOM_{name}": value for name, value in chosen.items() if value is not None}
        return Settings.from_environ({**ENVIRON, **environ_of(self.limits), **given, **self.environ})

    def stopwatch(self) -> float:
        return self.waited

    def sleep(self, seconds: float) -> None:
        """Time passes for what waits, and no test does."""
        self.waited += seconds

    def alarm(self, name: str, /, **facts: object) -> None:
        self.alarms.append((name, facts))

    def check_url(self, url: str) -> None:
        UrlGuard().check(url)

    def operator_key(self, provider: str) -> str | None:
        return self.operator

    @property
    def tokens(self) -> MemoryTokenStore:
        return self.token_store

    @cached_property
    def request_counts(self) -> MemoryRequestCounts:
        return MemoryRequestCounts()

    @cached_property
    def identities(self) -> MemoryIdentityStore:
        return MemoryIdentityStore(lambda user: bool(self.vault.describe(user)))

    @cached_property
    def ledger(self) -> MemoryLedger:
        return MemoryLedger(self.jobs, self.clock)

    def charges(self, _user: str, key_sha256: str) -> KeyCharges:
        return self.ledger.charges_with(key_sha256)

    @cached_property
    def images(self) -> MemoryImageStore:
        return MemoryImageStore(self.clock)

    @cached_property
    def raw_answers(self) -> MemoryRawAnswerStore:
        return MemoryRawAnswerStore(self.images)

    @cached_property
    def answers(self) -> MemoryAnswerStore:
        return MemoryAnswerStore(self.clock, self.ledger.answers)

    @cached_property
    def work(self) -> MemoryWorkLog:
        return MemoryWorkLog(self.jobs)

    @cached_property
    def books(self) -> MemoryUsageBooks:
        return MemoryUsageBooks(self.ledger, self.jobs)

    @cached_property
    def reports(self) -> MemoryReportStore:
        return MemoryReportStore(self.ledger, self.work, self.jobs, self.webhooks)

    @cached_property
    def openrouter(self) -> OpenRouter:
        retries = Retries(sleep=lambda _seconds: None, uniform=lambda _low, _high: 0.0)
        return OpenRouter(ProviderSettings(url=self.simulator.url), retries=retries)

    @cached_property
    def published(self) -> CatalogueSource:
        return self.openrouter

    @cached_property
    def providers(self) -> Mapping[str, Provider]:
        first: Any = self.issuer or self.openrouter
        return {"openrouter": first, **self.direct}

    @cached_property
    def key_issuer(self) -> KeyIssuer:
        return self.issuer or OpenRouterAuth(ProviderSettings(url=self.simulator.url))

    # From here on: what tests do with it.

    def beside(self, wrap: Wrap | None = None) -> Self:
        """Another process on the same rows and objects. Its alarms are kept apart."""
        for name in (
            "identities",
            "ledger",
            "images",
            "raw_answers",
            "answers",
            "work",
            "books",
            "reports",
            "providers",
        ):
            getattr(self, name)  # each is made when it is first asked for, and is then shared
        other = copy.copy(self)
        other.__dict__.pop("app", None)
        other.wrap, other.alarms = wrap, []
        return other

    def connect(self, user: str) -> str:
        """Gives the user a key of their own; the secret."""
        secret = self.simulator.state.mint(user)
        key = StoredKey(
            user=user, provider="openrouter", hint=secret[-4:], sha256=hash_of(secret), connected_at=self.clock()
        )
        self.vault.store(key, secret)
        return secret

    def token(self, user: str, **limits: Any) -> str:
        return self.app.tokens.create(user=user, **limits)[1]

    def carry_out(self) -> None:
        """Carries out what waits in the queue of paid jobs, each once."""
        sent, self.job_queue.sent = self.job_queue.sent, []
        for user, job_id in sent:
            self.app.worker.run(user, job_id, Deadline(LONG))

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


def offline(clock: SteppingClock, **ports: Any) -> Studio:
    """The studio where no provider is there to be asked."""
    nowhere: Any = None
    studio = Studio(nowhere, clock, issuer=ScriptedOpenRouter(), **ports)
    studio.published = Unreachable()
    return studio
