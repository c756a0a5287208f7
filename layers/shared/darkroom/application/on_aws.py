"""The application on AWS: what stands behind its ports there, and how Lambda calls it.

One client per service and process. What is behind a port is imported and made when it is first asked for.
"""

from __future__ import annotations

import gc
import os
import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import bucket_origins, translated
from darkroom.adapters.clients import Clients
from darkroom.adapters.clock import utc_now
from darkroom.application import Application, Handler
from darkroom.application._outside import Outside
from darkroom.errors import DarkroomFault, InternalError
from darkroom.observability import EmfTelemetry, alarm, log_provider_calls, logger
from darkroom.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from darkroom import ports
    from darkroom.adapters.matter import RembgMatter
    from darkroom.adapters.month_users import MonthUsers
    from darkroom.adapters.segmenter import OnnxSegmenter
    from darkroom.models.key import KeyProvider
    from darkroom.services.accounts.snapshot import SnapshotCharges, Snapshots

# Between two writes of a model's figures, which a busy process would make for each picture.
FIGURES_PAUSE = timedelta(seconds=10)
LOST_SEAL = "Ask the stack's owner to remove the row WEBHOOK_SECRET of this user; a new secret is then made."


def entry(handler_of: Callable[[Application], Handler]) -> Handler:
    """A Lambda handler, made by `handler_of`: in Lambda's init phase when there is one, else at the first call.

    The init phase has a full processor whatever memory was chosen, so loading belongs there; but importing a
    function's module elsewhere, in a test or a type checker, does nothing.
    """
    made: list[Handler] = []

    def in_place(app: Application) -> Handler | None:
        # Most functions have no need of it.
        from darkroom.application.outlasting import outlasting_handler

        return outlasting_handler(app.settings, app.ports, os.environ, handler_of)

    def make() -> None:
        app = on_aws(Settings.from_environ(os.environ))
        made.append((in_place(app) if app.settings.in_place else None) or handler_of(app))
        _loaded()

    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        make()

    def lambda_handler(event: dict[str, Any], context: Any) -> Any:
        if not made:
            make()
        return made[0](event, context)

    return lambda_handler


def _loaded() -> None:
    """Begins to collect garbage (`darkroom` has stopped it), but for what is there now, which stays."""
    gc.freeze()
    gc.enable()


def link_origins(settings: Settings) -> tuple[str, ...]:
    """Where links to pictures lead, and where upload forms are sent to."""
    return bucket_origins(os.environ, settings.buckets)


def at_live_door() -> Application:
    """With this process's environment."""
    from darkroom.application.live import LiveApplication

    settings = Settings.from_environ(os.environ)
    if settings.openrouter_debug:
        log_provider_calls()
    _loaded()
    return LiveApplication(settings, AwsPorts(settings))


def on_aws(settings: Settings) -> Application:
    if settings.openrouter_debug:
        log_provider_calls()
    return Application(settings, AwsPorts(settings))


class AwsPorts(Outside):
    """Implements application.ports.Ports."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.clients = Clients(os.environ)
        self.clock = utc_now
        self.stopwatch: Callable[[], float] = time.monotonic
        self.sleep: Callable[[float], None] = time.sleep
        self.alarm = alarm
        self.telemetry = EmfTelemetry()

    @cached_property
    def probes(self) -> Mapping[str, Callable[[], str]]:
        from darkroom.adapters import probes

        settings = self._settings
        queues = {"jobs and webhooks": settings.job_queue, "pictures": settings.render_queue}
        return {
            "table": probes.table(settings.table, self.clients.dynamodb),
            "bucket:uploads": probes.bucket(settings.uploads_bucket, self.clients.s3),
            "bucket:outputs": probes.bucket(settings.outputs_bucket, self.clients.s3),
            **{f"queue:{name}": probes.queue(url, self.clients.sqs) for name, url in queues.items() if url},
        }

    @cached_property
    def tokens(self) -> ports.TokenStore:
        from darkroom.adapters.token_store import DynamoTokenStore

        return DynamoTokenStore(self._settings.table, self.clients.dynamodb)

    @cached_property
    def sessions(self) -> ports.SessionStore:
        from darkroom.adapters.session_store import DynamoSessionStore

        return DynamoSessionStore(self._settings.table, self.clients.dynamodb)

    @cached_property
    def request_counts(self) -> ports.RequestCounts:
        from darkroom.adapters.request_counts import DynamoRequestCounts

        def lost(fault: DarkroomFault) -> None:
            logger.warning("Requests were not counted", code=fault.code)

        return DynamoRequestCounts(self._settings.table, self.clients.dynamodb, on_lost=lost)

    @cached_property
    def identities(self) -> ports.IdentityStore:
        from darkroom.adapters.identity_store import DynamoIdentityStore

        return DynamoIdentityStore(self._settings.table, self.clients.dynamodb)

    @cached_property
    def links(self) -> ports.LinkStore:
        from darkroom.adapters.link_store import DynamoLinkStore

        return DynamoLinkStore(self._settings.table, self.clients.dynamodb)

    @cached_property
    def snapshots(self) -> Snapshots:
        from darkroom.adapters.account_store import DynamoAccountStore
        from darkroom.services.accounts.snapshot import Snapshots

        return Snapshots(
            DynamoAccountStore(self._settings.table, self.clients.dynamodb, providers=lambda: tuple(self.providers))
        )

    @cached_property
    def settings(self) -> ports.SettingsStore:
        from darkroom.adapters.settings_store import DynamoSettingsStore
        from darkroom.services.accounts.snapshot import SnapshotSettings

        return SnapshotSettings(self.snapshots, DynamoSettingsStore(self._settings.table, self.clients.dynamodb))

    @cached_property
    def signing_key(self) -> ports.SigningKey:
        from darkroom.adapters.signing_key_store import DynamoSigningKey

        return DynamoSigningKey(self._settings.table, self.clients.dynamodb)

    @cached_property
    def vault(self) -> ports.KeyVault:
        from darkroom.adapters.key_vault import KmsKeyVault
        from darkroom.services.accounts.snapshot import SnapshotKeys

        vault = KmsKeyVault(
            table=self._settings.table,
            dynamodb=self.clients.dynamodb,
            kms=self.clients.kms,
            key_id=self._settings.vault_key,
            clock=self.clock,
        )
        return SnapshotKeys(self.snapshots, vault)

    @cached_property
    def jobs(self) -> ports.JobStore:
        from darkroom.adapters.job_store import DynamoJobStore

        return DynamoJobStore(self._settings.table, self.clients.dynamodb, users=self._month_users)

    @cached_property
    def ledger(self) -> ports.Ledger:
        from darkroom.adapters.ledger import DynamoLedger

        return DynamoLedger(self._settings.table, self.clients.dynamodb, clock=self.clock, users=self._month_users)

    @cached_property
    def charges(self) -> SnapshotCharges:
        from darkroom.services.accounts.snapshot import SnapshotCharges

        return SnapshotCharges(self.snapshots, self.ledger)

    @cached_property
    def _month_users(self) -> MonthUsers:
        from darkroom.adapters.month_users import MonthUsers

        return MonthUsers(self._settings.table, self.clients.dynamodb)

    @cached_property
    def answers(self) -> ports.AnswerStore:
        from darkroom.adapters.answer_store import DynamoAnswerStore

        return DynamoAnswerStore(self._settings.table, self.clients.dynamodb, self.clock)

    @cached_property
    def raw_answers(self) -> ports.RawAnswerStore:
        from darkroom.adapters.raw_answer_store import S3RawAnswerStore

        return S3RawAnswerStore(self._settings.outputs_bucket, self.clients.s3, keep_days=self._keep_days)

    @cached_property
    def images(self) -> ports.ImageStore:
        from darkroom.adapters.image_store import S3ImageStore

        return S3ImageStore(
            uploads=self._settings.uploads_bucket,
            outputs=self._settings.outputs_bucket,
            client=self.clients.s3,
            clock=self.clock,
            keep_days=self._keep_days,
        )

    def _keep_days(self, user: str) -> int | None:
        return self.settings.load(user).retention_days

    @cached_property
    def conversations(self) -> ports.ConversationStore:
        from darkroom.adapters.conversation_store import DynamoConversationStore

        return DynamoConversationStore(self._settings.table, self.clients.dynamodb)

    @cached_property
    def recipes(self) -> ports.RecipeStore:
        from darkroom.adapters.recipe_store import DynamoRecipeStore

        return DynamoRecipeStore(self._settings.table, self.clients.dynamodb)

    @cached_property
    def webhooks(self) -> ports.WebhookStore:
        from darkroom.adapters.sealing import KmsSealer
        from darkroom.adapters.webhook_store import DynamoWebhookStore

        sealer = KmsSealer(kms=self.clients.kms, key_id=self._settings.vault_key, clock=self.clock, fix=LOST_SEAL)
        return DynamoWebhookStore(self._settings.table, self.clients.dynamodb, sealer)

    @cached_property
    def job_queue(self) -> ports.JobQueue:
        from darkroom.adapters.sqs_queue import SqsJobQueue

        return SqsJobQueue(self._settings.job_queue, self.clients.sqs)

    @cached_property
    def render_queue(self) -> ports.RenderQueue:
        from darkroom.adapters.sqs_queue import SqsJobQueue

        return SqsJobQueue(self._settings.render_queue, self.clients.sqs)

    @cached_property
    def webhook_queue(self) -> ports.WebhookQueue:
        from darkroom.adapters.sqs_queue import SqsWebhookQueue

        return SqsWebhookQueue(self._settings.job_queue, self.clients.sqs)

    @cached_property
    def dead_letters(self) -> ports.DeadLetters:
        from darkroom.adapters.sqs_queue import SqsDeadLetters

        return SqsDeadLetters(self._settings.job_dead_letters, self.clients.sqs)

    @cached_property
    def work(self) -> ports.WorkLog:
        from darkroom.adapters.work_log import DynamoWorkLog

        return DynamoWorkLog(self._settings.table, self.clients.dynamodb)

    @cached_property
    def books(self) -> ports.UsageBooks:
        from darkroom.adapters.usage_books import DynamoUsageBooks

        return DynamoUsageBooks(self._settings.table, self.clients.dynamodb)

    @cached_property
    def reports(self) -> ports.ReportStore:
        from darkroom.adapters.report_store import DynamoReportStore

        return DynamoReportStore(
            self._settings.table, self.clients.dynamodb, bucket=self._settings.outputs_bucket, s3=self.clients.s3
        )

    @cached_property
    def statistics(self) -> ports.ModelStatistics:
        from darkroom.adapters.statistics_store import DynamoModelStatistics

        def lost(model: str, error: Exception) -> None:
            logger.warning("A model's figure was not kept", extra={"model": model, "error": type(error).__name__})

        return DynamoModelStatistics(
            self._settings.table, self.clients.dynamodb, self.clock, pause=FIGURES_PAUSE, on_lost=lost
        )

    @cached_property
    def catalogue(self) -> ports.CatalogueStore:
        from darkroom.adapters.catalogue_store import DynamoCatalogueStore

        return DynamoCatalogueStore(self._settings.table, self.clients.dynamodb)

    @cached_property
    def operator_key(self) -> Callable[[KeyProvider], str | None]:
        """OpenRouter's from a secret of Secrets Manager, any on a laptop from the environment."""
        settings = self._settings

        def reveal(provider: KeyProvider) -> str | None:
            if provider in settings.provider_keys:
                return settings.provider_keys[provider].get_secret_value()
            if provider != "openrouter":
                return None
            if settings.openrouter_api_key and settings.openrouter_api_key.get_secret_value():
                return settings.openrouter_api_key.get_secret_value()
            return self._stored_secret(settings.operator_key_secret) if settings.operator_key_secret else None

        return reveal

    def _stored_secret(self, arn: str) -> str:
        """Raises InternalError if the secret is not the key alone."""
        with translated():
            secret = self.clients.secretsmanager.get_secret_value(SecretId=arn).get("SecretString", "").strip()
        if not secret or secret.startswith("{"):
            # As the console stores it: a key and a value, of which the name is not known here.
            alarm("OPERATOR_KEY_UNUSABLE", detail="The secret is empty, binary, or JSON; it has to be the key alone.")
            raise InternalError("The stack's own key cannot be used.", fix="Tell the stack's owner; the log has why.")
        return secret

    @cached_property
    def segmenter(self) -> OnnxSegmenter:
        from darkroom.adapters.segmenter import OnnxSegmenter
        from darkroom.models.segmentation import usable

        settings = self._settings
        segmenter = OnnxSegmenter(
            settings.weights_dir,
            default=settings.background_model,
            acknowledged=settings.acknowledged_licences,
            remembered=8,
        )
        segmenter.load(usable(settings.background_model, segmenter.available()))
        return segmenter

    @cached_property
    def matter(self) -> RembgMatter:
        from darkroom.adapters.matter import RembgMatter
        from darkroom.adapters.numba_cache import NumbaCache

        return RembgMatter(NumbaCache(self._settings.numba_cache_dir, self._settings.numba_baked_cache))
