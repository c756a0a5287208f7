"""Everything that a paid job meets, as in production but for the clock and the queues: real adapters on an emulator,
the real client of OpenRouter on its simulator. Parent and child processes put it together alike.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from darkroom.adapters.answer_store import DynamoAnswerStore
from darkroom.adapters.image_store import S3ImageStore
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.key_vault import KmsKeyVault
from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.raw_answer_store import S3RawAnswerStore
from darkroom.adapters.sealing import KmsSealer
from darkroom.adapters.settings_store import DynamoSettingsStore
from darkroom.adapters.sqs_queue import SqsJobQueue, SqsWebhookQueue
from darkroom.adapters.url_guard import UrlGuard
from darkroom.adapters.webhook_sender import HttpWebhookSender
from darkroom.adapters.webhook_store import DynamoWebhookStore
from darkroom.models.user_settings import Limits
from darkroom.ports import Clock, Provider
from darkroom.providers import ProviderSettings
from darkroom.providers.openrouter import OpenRouter, OpenRouterAuth
from darkroom.services.accounts.keys import Keys
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.complete import Complete
from darkroom.services.generate import Generate
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.jobs.sweep import Sweep
from darkroom.services.paid.admission import Admission
from darkroom.services.paid.answers import Answers
from darkroom.services.paid.budgets import Budgets
from darkroom.services.paid.in_place import InPlace
from darkroom.services.paid.reconcile import Reconciliation
from darkroom.services.paid.settlement import Settlement
from darkroom.services.paid.webhooks import Webhooks
from darkroom.services.paid.worker import Worker
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.selection.chat_models import ChatModels
from darkroom.services.selection.providers import Providers
from local.aws import Aws
from local.simulator import Simulator
from local.template import Template

DOLLAR = 1_000_000
BUFFERED = "black-forest-labs/flux.2-klein-4b"
STREAMED = "openai/gpt-image-1-mini"
TALKER = "google/gemini-2.5-flash"
LIMITS = Limits(per_request=DOLLAR // 10, per_day=5 * DOLLAR, per_month=50 * DOLLAR)

Wrap = Callable[[str, Any], Any]
"""What stands in for a port, by its role's name."""


@dataclass(frozen=True)
class Place:
    """Where everything is; can be handed to another process."""

    aws: str
    table: str
    uploads: str
    outputs: str
    vault_key: str
    job_queue: str
    webhook_queue: str
    openrouter: str

    @classmethod
    def of(cls, aws: Aws, template: Template, openrouter: Simulator) -> "Place":
        """Args: template: its resources were created there."""
        ids = template.scope.ids
        return cls(
            aws=str(aws.endpoint_url),
            table=ids["Table"],
            uploads=ids["UploadsBucket"],
            outputs=ids["OutputsBucket"],
            vault_key=ids["VaultKey"],
            job_queue=ids["JobQueue"],
            webhook_queue=ids["JobQueue"],
            openrouter=openrouter.url,
        )


class RecordingQueue:
    """A queue of jobs or of deliveries. `sent` holds its messages until somebody takes them."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.delays: list[int] = []

    def send(self, user: str, thing: str, *, delay_seconds: int = 0) -> None:
        self.sent.append((user, thing))
        self.delays.append(delay_seconds)

    def postpone(self, receipt_handle: str, wait: timedelta) -> None:
        raise NotImplementedError

    def take(self) -> list[tuple[str, str]]:
        taken, self.sent = self.sent, []
        return taken


@dataclass
class Shop:
    """Args:
    wrap: puts something between the services and a port.
    recorded: whether messages are kept here, rather than sent by SQS.
    operator_key: of the stack, for users without one.
    """

    place: Place
    clock: Clock
    aws: Aws
    wrap: Wrap = lambda _role, port: port
    recorded: bool = True
    operator_key: str | None = None
    limits: Limits = LIMITS
    alarms: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def alarm(self, name: str, /, **facts: object) -> None:
        self.alarms.append((name, facts))

    @cached_property
    def job_queue(self) -> Any:
        real = SqsJobQueue(self.place.job_queue, self.aws.sqs)
        return self.wrap("queue", RecordingQueue() if self.recorded else real)

    @cached_property
    def webhook_queue(self) -> Any:
        real = SqsWebhookQueue(self.place.webhook_queue, self.aws.sqs)
        return self.wrap("webhooks", RecordingQueue() if self.recorded else real)

    @cached_property
    def jobs(self) -> DynamoJobStore:
        found: DynamoJobStore = self.wrap("jobs", DynamoJobStore(self.place.table, self.aws.dynamodb))
        return found

    @cached_property
    def ledger(self) -> DynamoLedger:
        real = DynamoLedger(self.place.table, self.aws.dynamodb, clock=self.clock)
        found: DynamoLedger = self.wrap("ledger", real)
        return found

    @cached_property
    def images(self) -> S3ImageStore:
        real = S3ImageStore(
            uploads=self.place.uploads, outputs=self.place.outputs, client=self.aws.s3, clock=self.clock
        )
        found: S3ImageStore = self.wrap("images", real)
        return found

    @cached_property
    def raw_answers(self) -> S3RawAnswerStore:
        found: S3RawAnswerStore = self.wrap("raw_answers", S3RawAnswerStore(self.place.outputs, self.aws.s3))
        return found

    @cached_property
    def provider(self) -> Provider:
        found: Provider = self.wrap("provider", OpenRouter(ProviderSettings(url=self.place.openrouter)))
        return found

    @cached_property
    def keys(self) -> Keys:
        vault = KmsKeyVault(
            table=self.place.table,
            dynamodb=self.aws.dynamodb,
            kms=self.aws.kms,
            key_id=self.place.vault_key,
            clock=self.clock,
        )
        return Keys(
            self.wrap("vault", vault),
            {"openrouter": OpenRouterAuth(ProviderSettings(url=self.place.openrouter))},
            self.clock,
            operator_key=lambda _provider: self.operator_key,
            operated=frozenset({"openrouter"}) if self.operator_key else frozenset(),
        )

    @cached_property
    def settings(self) -> DynamoSettingsStore:
        return DynamoSettingsStore(self.place.table, self.aws.dynamodb)

    @cached_property
    def budgets(self) -> Budgets:
        return Budgets(self.settings, self.ledger, self.clock, defaults=self.limits)

    @cached_property
    def free_jobs(self) -> Jobs:
        return Jobs(self.jobs, self.images, self.clock, max_attempts=3, raw_answers=self.raw_answers)

    @cached_property
    def webhooks(self) -> DynamoWebhookStore:
        sealer = KmsSealer(kms=self.aws.kms, key_id=self.place.vault_key, clock=self.clock, fix="Rotate the secret.")
        return DynamoWebhookStore(self.place.table, self.aws.dynamodb, sealer)

    @cached_property
    def generate(self) -> Generate:
        """At the door that has workers carry out what it admits."""
        return self._generate(None)

    @cached_property
    def generate_in_place(self) -> Generate:
        """At the door that carries out what it admits."""
        return self._generate(InPlace(self.worker))

    def _generate(self, in_place: InPlace | None) -> Generate:
        catalogue = Catalogue(OpenRouter(ProviderSettings(url=self.place.openrouter)))
        quotes = Quotes(catalogue, generation_model=BUFFERED, edit_model=BUFFERED)
        return Generate(self._admission(in_place), quotes, HttpWebhookSender(UrlGuard()).check)

    @cached_property
    def complete_in_place(self) -> Complete:
        models = ChatModels(Catalogue(OpenRouter(ProviderSettings(url=self.place.openrouter))), default=TALKER)
        guard = UrlGuard()
        admission = self._admission(InPlace(self.worker))
        return Complete(admission, models, self.images, guard.check, HttpWebhookSender(guard).check)

    def _admission(self, in_place: InPlace | None) -> Admission:
        answers = Answers(DynamoAnswerStore(self.place.table, self.aws.dynamodb, self.clock), self.jobs, self.clock)
        return Admission(
            jobs=self.jobs,
            ledger=self.ledger,
            answers=answers,
            queue=self.job_queue,
            providers=Providers({"openrouter": self.provider}, self.keys, self.settings),
            budgets=self.budgets,
            clock=self.clock,
            retention=timedelta(days=30),
            alarm=self.alarm,
            in_place=in_place,
        )

    @cached_property
    def settlement(self) -> Settlement:
        return Settlement(
            jobs=self.jobs,
            ledger=self.ledger,
            budgets=self.budgets,
            images=self.images,
            raw_answers=self.raw_answers,
            webhooks=self.webhook_queue,
            clock=self.clock,
            alarm=self.alarm,
            max_megapixels=25,
        )

    @cached_property
    def worker(self) -> Worker:
        return Worker(
            jobs=self.jobs,
            queue=self.job_queue,
            keys=self.keys,
            providers=lambda _name: self.provider,
            images=self.images,
            raw_answers=self.raw_answers,
            settlement=self.settlement,
            clock=self.clock,
            alarm=self.alarm,
            sleep=lambda _seconds: None,
        )

    @cached_property
    def sweep(self) -> Sweep:
        webhooks = Webhooks(
            store=self.webhooks,
            jobs=self.jobs,
            queue=self.webhook_queue,
            sender=HttpWebhookSender(UrlGuard()),
            show=self.free_jobs.show,
            clock=self.clock,
            alarm=self.alarm,
        )
        return Sweep(
            jobs=self.jobs,
            free_jobs=self.free_jobs,
            queue=self.job_queue,
            providers=lambda _name: self.provider,
            raw_answers=self.raw_answers,
            settlement=self.settlement,
            reconciliation=Reconciliation(
                keys=self.keys,
                providers=lambda _name: self.provider,
                jobs=self.jobs,
                ledger=self.ledger,
                clock=self.clock,
            ),
            resend_webhooks=lambda: len(webhooks.resend_stale()),
            clock=self.clock,
            alarm=self.alarm,
        )


def standing(now: datetime) -> Clock:
    return lambda: now
