"""What every function is put together from: a clock, the handler's frame, the stores, who calls, whose key pays."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from darkroom.adapters.account_store import DynamoAccountStore
from darkroom.adapters.answer_store import DynamoAnswerStore
from darkroom.adapters.aws import translated
from darkroom.adapters.clients import Clients
from darkroom.adapters.image_store import S3ImageStore
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.month_users import MonthUsers
from darkroom.adapters.raw_answer_store import S3RawAnswerStore
from darkroom.adapters.session_store import DynamoSessionStore
from darkroom.adapters.settings_store import DynamoSettingsStore
from darkroom.adapters.signing_key_store import DynamoSigningKey
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.errors import InternalError
from darkroom.models.key import KeyProvider
from darkroom.observability import log_provider_calls, logger
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.cursors import Cursors
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.sessions import Sessions
from darkroom.services.accounts.snapshot import SnapshotKeys, Snapshots, SnapshotSettings
from darkroom.services.accounts.tokens import Tokens
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.paid.budgets import Budgets
from darkroom.services.selection.providers import Providers
from darkroom.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from darkroom.adapters.sealing import KmsSealer
    from darkroom.adapters.url_guard import UrlGuard
    from darkroom.ports import Provider
    from darkroom.providers import ProviderSettings
    from darkroom.providers.openrouter import OpenRouter, OpenRouterAuth

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
    s3: "S3Client"
    tokens: Tokens
    sessions: DynamoSessionStore
    jobs: DynamoJobStore
    images: S3ImageStore
    ledger: DynamoLedger
    answers: DynamoAnswerStore
    raw_answers: S3RawAnswerStore
    settings: SnapshotSettings
    accounts: Snapshots


def clients() -> Clients:
    return Clients(os.environ)


def s3_client() -> "S3Client":
    return clients().s3


def stores(settings: Settings) -> Stores:
    if settings.openrouter_debug:
        log_provider_calls()
    dynamodb = clients().dynamodb
    s3 = s3_client()
    table = settings.table
    users = MonthUsers(table, dynamodb)
    accounts = Snapshots(DynamoAccountStore(table, dynamodb, providers=provider_names))
    chosen = SnapshotSettings(accounts, DynamoSettingsStore(table, dynamodb))

    def keep_days(user: str) -> int | None:
        return chosen.load(user).retention_days

    return Stores(
        dynamodb=dynamodb,
        s3=s3,
        # One for whatever authenticates and revokes in this process: what is revoked here is refused here at once.
        tokens=Tokens(DynamoTokenStore(table, dynamodb), now),
        sessions=DynamoSessionStore(table, dynamodb),
        jobs=DynamoJobStore(table, dynamodb, users=users),
        images=S3ImageStore(
            uploads=settings.uploads_bucket,
            outputs=settings.outputs_bucket,
            client=s3,
            clock=now,
            keep_days=keep_days,
        ),
        ledger=DynamoLedger(table, dynamodb, clock=now, users=users),
        answers=DynamoAnswerStore(table, dynamodb, now),
        raw_answers=S3RawAnswerStore(settings.outputs_bucket, s3, keep_days=keep_days),
        settings=chosen,
        accounts=accounts,
    )


def callers(settings: Settings, behind: Stores) -> Callers:
    return Callers(behind.tokens, Sessions(behind.sessions, now), public_url=settings.public_url.rstrip("/"))


def cursors(settings: Settings, behind: Stores) -> Cursors:
    return Cursors(DynamoSigningKey(settings.table, behind.dynamodb))


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

    return KmsSealer(kms=clients().kms, key_id=settings.vault_key, clock=now, fix=fix)


def key_vault(settings: Settings, behind: Stores) -> SnapshotKeys:
    from darkroom.adapters.key_vault import KmsKeyVault

    vault = KmsKeyVault(
        table=settings.table,
        dynamodb=behind.dynamodb,
        kms=clients().kms,
        key_id=settings.vault_key,
        clock=now,
    )
    return SnapshotKeys(behind.accounts, vault)


def operator_key(settings: Settings) -> Callable[[KeyProvider], str | None]:
    """The stack's own keys: OpenRouter's from a secret of Secrets Manager, any on a laptop from the environment."""

    def reveal(provider: KeyProvider) -> str | None:
        if provider in settings.provider_keys:
            return settings.provider_keys[provider].get_secret_value()
        if provider != "openrouter":
            return None
        if settings.openrouter_api_key and settings.openrouter_api_key.get_secret_value():
            return settings.openrouter_api_key.get_secret_value()
        if not settings.operator_key_secret:
            return None
        secrets = clients().secretsmanager
        with translated():
            secret = secrets.get_secret_value(SecretId=settings.operator_key_secret).get("SecretString", "").strip()
        if not secret or secret.startswith("{"):
            # As the console stores it: a key and a value, of which the name is not known here.
            alarm("OPERATOR_KEY_UNUSABLE", detail="The secret is empty, binary, or JSON; it has to be the key alone.")
            raise InternalError("The stack's own key cannot be used.", fix="Tell the stack's owner; the log has why.")
        return secret

    return reveal


def openrouter_auth(settings: Settings) -> "OpenRouterAuth":
    from darkroom.providers.openrouter import OpenRouterAuth

    return OpenRouterAuth(provider_settings(settings, "openrouter"))


def openrouter(settings: Settings) -> "OpenRouter":
    from darkroom.providers.openrouter import OpenRouter

    return OpenRouter(provider_settings(settings, "openrouter"))


def provider_settings(settings: Settings, name: str) -> "ProviderSettings":
    from darkroom.adapters.url_fetcher import HttpUrlFetcher
    from darkroom.providers import ProviderSettings

    return ProviderSettings(
        url=settings.openrouter_url if name == "openrouter" else settings.provider_urls.get(name),
        referer=settings.openrouter_http_referer or None,
        title=settings.openrouter_app_name,
        read_seconds=settings.openrouter_timeout_ms / 1000,
        attempts=settings.openrouter_max_retries + 1,
        credit_usd=settings.removebg_credit_usd if name == "removebg" else None,
        fetcher=HttpUrlFetcher(url_guard(settings), https_only=True),
    )


class ProvidersByName(Mapping[str, "Provider"]):
    """All the providers there are; one that nobody asks for is not loaded."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[str, Provider] = {}

    def __getitem__(self, name: str) -> "Provider":
        from darkroom.providers import load

        if name not in self:
            raise KeyError(name)
        if name not in self._loaded:
            self._loaded[name] = load(name)(provider_settings(self._settings, name))
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in provider_names()

    def __iter__(self) -> Iterator[str]:
        return iter(provider_names())

    def __len__(self) -> int:
        return len(provider_names())


@cache
def provider_names() -> tuple[str, ...]:
    from darkroom.providers import names

    return names()


def keys(settings: Settings, behind: Stores) -> Keys:
    operated = {"openrouter"} if settings.has_operator_key else set()
    return Keys(
        key_vault(settings, behind),
        ProvidersByName(settings),
        now,
        operator_key=operator_key(settings),
        operated=frozenset(operated | settings.provider_keys.keys()),
    )


def providers(settings: Settings, behind: Stores) -> Providers:
    return Providers(ProvidersByName(settings), keys(settings, behind), behind.settings, preferred=settings.ai_provider)


def url_guard(settings: Settings) -> "UrlGuard":
    from darkroom.adapters.url_guard import UrlGuard

    return UrlGuard(also_allowed=settings.url_also_allowed)
