"""What every function is put together from: a clock, the handler's frame, the stores, who calls, whose key pays."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3

from darkroom.adapters.answer_store import DynamoAnswerStore
from darkroom.adapters.aws import CLIENT_CONFIG, S3_CONFIG, translated
from darkroom.adapters.image_store import S3ImageStore
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.raw_answer_store import S3RawAnswerStore
from darkroom.adapters.session_store import DynamoSessionStore
from darkroom.adapters.settings_store import DynamoSettingsStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.models.key import KeyProvider
from darkroom.observability import logger
from darkroom.services.budgets import Budgets
from darkroom.services.callers import Callers
from darkroom.services.jobs import Jobs
from darkroom.services.keys import Keys
from darkroom.services.sessions import Sessions
from darkroom.services.tokens import Tokens
from darkroom.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from darkroom.adapters.key_vault import KmsKeyVault
    from darkroom.adapters.sealing import KmsSealer
    from darkroom.adapters.url_guard import UrlGuard
    from darkroom.ports import Provider
    from darkroom.providers.openrouter import OpenRouterAuth

LOST_SEAL = "Ask the stack's owner to remove the row WEBHOOK_SECRET of this user; a new secret is then made."

Handler = Callable[[dict[str, Any], Any], Any]


def now() -> datetime:
    return datetime.now(UTC)


def entry(compose: Callable[[Mapping[str, str]], Handler]) -> Handler:
    """A Lambda handler put together by `compose`: in Lambda's init phase when there is one, else at the first call.

    The init phase has a full processor whatever memory was chosen, so loading belongs there; but importing a
    function's module elsewhere, in a test or a type checker, does nothing.
    """
    made: list[Handler] = []
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        made.append(compose(os.environ))

    def lambda_handler(event: dict[str, Any], context: Any) -> Any:
        if not made:
            made.append(compose(os.environ))
        return made[0](event, context)

    return lambda_handler


def alarm(name: str, /, **facts: object) -> None:
    """A line in the log that the stack's metric filter counts and its alarm watches."""
    logger.error("Something that should not happen", extra={"alarm": name, **facts})


@dataclass(frozen=True, slots=True)
class Stores:
    """The adapters that every function shares."""

    dynamodb: "DynamoDBClient"
    tokens: DynamoTokenStore
    sessions: DynamoSessionStore
    jobs: DynamoJobStore
    images: S3ImageStore
    ledger: DynamoLedger
    answers: DynamoAnswerStore
    raw_answers: S3RawAnswerStore
    settings: DynamoSettingsStore


def stores(settings: Settings) -> Stores:
    dynamodb = boto3.client("dynamodb", config=CLIENT_CONFIG)
    s3 = boto3.client("s3", config=S3_CONFIG)
    table = settings.table
    return Stores(
        dynamodb=dynamodb,
        tokens=DynamoTokenStore(table, dynamodb),
        sessions=DynamoSessionStore(table, dynamodb),
        jobs=DynamoJobStore(table, dynamodb),
        images=S3ImageStore(uploads=settings.uploads_bucket, outputs=settings.outputs_bucket, client=s3, clock=now),
        ledger=DynamoLedger(table, dynamodb, clock=now),
        answers=DynamoAnswerStore(table, dynamodb, now),
        raw_answers=S3RawAnswerStore(settings.outputs_bucket, s3),
        settings=DynamoSettingsStore(table, dynamodb),
    )


def callers(settings: Settings, behind: Stores) -> Callers:
    return Callers(
        Tokens(behind.tokens, now), Sessions(behind.sessions, now), public_url=settings.public_url.rstrip("/")
    )


def budgets(settings: Settings, behind: Stores) -> Budgets:
    return Budgets(behind.settings, behind.ledger, now, defaults=settings.limits)


def jobs_of(settings: Settings, behind: Stores) -> Jobs:
    return Jobs(
        behind.jobs,
        behind.images,
        now,
        max_attempts=settings.upload_max_receives,
        raw_answers=behind.raw_answers,
        credit=settings.credit,
    )


def sealer(settings: Settings, *, fix: str) -> "KmsSealer":
    # Here and below: only functions that have to do with secrets load cryptography, or the providers' client.
    from darkroom.adapters.sealing import KmsSealer

    return KmsSealer(kms=boto3.client("kms", config=CLIENT_CONFIG), key_id=settings.vault_key, clock=now, fix=fix)


def key_vault(settings: Settings, behind: Stores) -> "KmsKeyVault":
    from darkroom.adapters.key_vault import KmsKeyVault

    return KmsKeyVault(
        table=settings.table,
        dynamodb=behind.dynamodb,
        kms=boto3.client("kms", config=CLIENT_CONFIG),
        key_id=settings.vault_key,
        clock=now,
    )


def operator_key(settings: Settings) -> Callable[[KeyProvider], str | None]:
    """The stack's own OpenRouter key: from a secret of Secrets Manager, or on a laptop from the environment."""

    def reveal(provider: KeyProvider) -> str | None:
        if provider != "openrouter":
            return None
        if settings.openrouter_api_key and settings.openrouter_api_key.get_secret_value():
            return settings.openrouter_api_key.get_secret_value()
        if not settings.operator_key_secret:
            return None
        secrets = boto3.client("secretsmanager", config=CLIENT_CONFIG)
        with translated():
            return secrets.get_secret_value(SecretId=settings.operator_key_secret)["SecretString"].strip()

    return reveal


def openrouter_auth(settings: Settings) -> "OpenRouterAuth":
    from darkroom.providers import ProviderSettings
    from darkroom.providers.openrouter import OpenRouterAuth

    return OpenRouterAuth(
        ProviderSettings(
            url=settings.openrouter_url,
            referer=settings.openrouter_http_referer or None,
            title=settings.openrouter_app_name,
        )
    )


def openrouter(settings: Settings) -> "Provider":
    from darkroom.providers import ProviderSettings, load

    return load("openrouter")(
        ProviderSettings(
            url=settings.openrouter_url,
            referer=settings.openrouter_http_referer or None,
            title=settings.openrouter_app_name,
        )
    )


def keys(settings: Settings, behind: Stores) -> Keys:
    return Keys(
        key_vault(settings, behind),
        {"openrouter": openrouter_auth(settings)},
        now,
        operator_key=operator_key(settings),
        operated=frozenset({"openrouter"}) if settings.has_operator_key else frozenset(),
    )


def url_guard(settings: Settings) -> "UrlGuard":
    from darkroom.adapters.url_guard import UrlGuard

    return UrlGuard(also_allowed=settings.url_also_allowed)
