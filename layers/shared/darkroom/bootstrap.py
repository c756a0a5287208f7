"""The composition root: reads the environment once and puts the services together, for each function what it needs."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

from darkroom.adapters.aws import CLIENT_CONFIG, S3_CONFIG
from darkroom.adapters.image_store import S3ImageStore
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.services.jobs import Jobs
from darkroom.services.remove_background import RemoveBackground
from darkroom.services.sources import Sources
from darkroom.services.tokens import Tokens
from darkroom.services.uploads import Uploads
from darkroom.settings import Settings

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

    tokens: DynamoTokenStore
    jobs: DynamoJobStore
    images: S3ImageStore


def stores(settings: Settings) -> Stores:
    dynamodb = boto3.client("dynamodb", config=CLIENT_CONFIG)
    return Stores(
        tokens=DynamoTokenStore(settings.table, dynamodb),
        jobs=DynamoJobStore(settings.table, dynamodb),
        images=S3ImageStore(
            uploads=settings.uploads_bucket,
            outputs=settings.outputs_bucket,
            client=boto3.client("s3", config=S3_CONFIG),
            clock=now,
        ),
    )


@dataclass(frozen=True, slots=True)
class AccountServices:
    tokens: Tokens


def account(environ: Mapping[str, str]) -> AccountServices:
    return AccountServices(tokens=Tokens(stores(Settings.from_environ(environ)).tokens, now))


@dataclass(frozen=True, slots=True)
class JobsServices:
    tokens: Tokens
    jobs: Jobs
    uploads: Uploads


def jobs(environ: Mapping[str, str]) -> JobsServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    return JobsServices(
        tokens=Tokens(behind.tokens, now),
        jobs=Jobs(behind.jobs, behind.images, now, max_attempts=settings.upload_max_receives),
        uploads=Uploads(behind.images, now),
    )


@dataclass(frozen=True, slots=True)
class RemoveBackgroundServices:
    tokens: Tokens
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
        tokens=Tokens(behind.tokens, now),
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
