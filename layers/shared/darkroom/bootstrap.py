"""The composition root: reads the environment once and puts the services together, for each function what it needs."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3

from darkroom.adapters.aws import CLIENT_CONFIG, S3_CONFIG, translated
from darkroom.adapters.image_store import S3ImageStore
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.session_store import DynamoSessionStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.models.key import KeyProvider
from darkroom.services.callers import Callers
from darkroom.services.connect import Connect, SignInPolicy
from darkroom.services.jobs import Jobs
from darkroom.services.keys import Keys
from darkroom.services.remove_background import RemoveBackground
from darkroom.services.sessions import Sessions
from darkroom.services.sources import Sources
from darkroom.services.tokens import Tokens
from darkroom.services.uploads import Uploads
from darkroom.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from darkroom.adapters.key_vault import KmsKeyVault
    from darkroom.providers.openrouter import OpenRouterAuth

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


@dataclass(frozen=True, slots=True)
class Stores:
    """The adapters that every function shares."""

    dynamodb: "DynamoDBClient"
    tokens: DynamoTokenStore
    sessions: DynamoSessionStore
    jobs: DynamoJobStore
    images: S3ImageStore


def stores(settings: Settings) -> Stores:
    dynamodb = boto3.client("dynamodb", config=CLIENT_CONFIG)
    return Stores(
        dynamodb=dynamodb,
        tokens=DynamoTokenStore(settings.table, dynamodb),
        sessions=DynamoSessionStore(settings.table, dynamodb),
        jobs=DynamoJobStore(settings.table, dynamodb),
        images=S3ImageStore(
            uploads=settings.uploads_bucket,
            outputs=settings.outputs_bucket,
            client=boto3.client("s3", config=S3_CONFIG),
            clock=now,
        ),
    )


def callers(settings: Settings, behind: Stores) -> Callers:
    return Callers(
        Tokens(behind.tokens, now), Sessions(behind.sessions, now), public_url=settings.public_url.rstrip("/")
    )


def key_vault(settings: Settings, behind: Stores) -> "KmsKeyVault":
    # Here and below: only functions that have to do with keys load cryptography and the providers' client.
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


def keys(settings: Settings, behind: Stores) -> Keys:
    return Keys(
        key_vault(settings, behind),
        {"openrouter": openrouter_auth(settings)},
        now,
        operator_key=operator_key(settings),
        operated=frozenset({"openrouter"}) if settings.has_operator_key else frozenset(),
    )


@dataclass(frozen=True, slots=True)
class AccountServices:
    callers: Callers
    tokens: Tokens
    keys: Keys


def account(environ: Mapping[str, str]) -> AccountServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    return AccountServices(
        callers=callers(settings, behind),
        tokens=Tokens(behind.tokens, now),
        keys=keys(settings, behind),
    )


@dataclass(frozen=True, slots=True)
class OAuthServices:
    callers: Callers
    connect: Connect
    keys: Keys
    sessions: Sessions


def oauth(environ: Mapping[str, str]) -> OAuthServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    sessions, kept = Sessions(behind.sessions, now), keys(settings, behind)
    return OAuthServices(
        callers=callers(settings, behind),
        connect=Connect(
            store=behind.sessions,
            sessions=sessions,
            keys=kept,
            issuer=openrouter_auth(settings),
            policy=SignInPolicy(settings.sign_in, settings.sign_in_users),
            clock=now,
        ),
        keys=kept,
        sessions=sessions,
    )


@dataclass(frozen=True, slots=True)
class JobsServices:
    callers: Callers
    jobs: Jobs
    uploads: Uploads


def jobs(environ: Mapping[str, str]) -> JobsServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    return JobsServices(
        callers=callers(settings, behind),
        jobs=Jobs(behind.jobs, behind.images, now, max_attempts=settings.upload_max_receives),
        uploads=Uploads(behind.images, now),
    )


@dataclass(frozen=True, slots=True)
class RemoveBackgroundServices:
    callers: Callers
    jobs: Jobs
    remove_background: RemoveBackground


def remove_background(environ: Mapping[str, str]) -> RemoveBackgroundServices:
    # Only the image function has numpy and onnxruntime.
    from darkroom.adapters.matter import RembgMatter
    from darkroom.adapters.segmenter import OnnxSegmenter
    from darkroom.adapters.url_fetcher import HttpUrlFetcher
    from darkroom.images.pipeline import remove_background as pipeline

    settings = Settings.from_environ(environ)
    behind = stores(settings)
    matter = RembgMatter(baked_cache=settings.numba_baked_cache, cache_dir=settings.numba_cache_dir)
    segmenter = OnnxSegmenter(
        settings.weights_dir,
        default=settings.background_model,
        acknowledged=settings.acknowledged_licences,
        before_rembg=matter.prepare,
    )
    segmenter.load(settings.background_model)
    return RemoveBackgroundServices(
        callers=callers(settings, behind),
        jobs=Jobs(behind.jobs, behind.images, now, max_attempts=settings.upload_max_receives),
        remove_background=RemoveBackground(
            pipeline=lambda data, options, behind_it: pipeline(
                data,
                options,
                segmenter=segmenter,
                matter=matter,
                default_model=settings.background_model,
                max_megapixels=settings.max_megapixels,
                background_image=behind_it,
            ),
            sources=Sources(behind.images, HttpUrlFetcher()),
            images=behind.images,
            jobs=behind.jobs,
            clock=now,
            retention=settings.retention,
            max_attempts=settings.upload_max_receives,
        ),
    )
