"""Clients of the emulator, deaf to whatever AWS settings and proxies this computer has."""

import os
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

import boto3
import botocore.loaders
import botocore.session
from botocore.client import BaseClient
from botocore.config import Config

from darkroom.adapters import json_calls

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

ACCOUNT = "000000000000"
REGION = "us-east-1"
STACK = "darkroom"

# Not secrets: the emulator accepts anything.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    # A developer's own profiles and endpoints must not reach a local function.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


# Reads each service's description once in a process, however many clients there are.
_LOADER = botocore.loaders.create_loader()


class Aws:
    """One client per service, made on first use."""

    def __init__(self, endpoint_url: str | None) -> None:
        self.endpoint_url = endpoint_url
        core = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        core.register_component("data_loader", _LOADER)
        json_calls.install(core)
        self._session = boto3.Session(
            botocore_session=core,
            aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        # `proxies={}`: loopback traffic never goes through HTTP_PROXY. One attempt: nothing here is far away.
        # A name of ours: botocore's own is put together for each call, a sixth of the processor time that a call takes.
        self._config = Config(
            proxies={}, retries={"total_max_attempts": 1}, max_pool_connections=50, user_agent="Darkroom"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in vars(self).values():
            if isinstance(client, BaseClient):
                client.close()

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self._session.client("dynamodb", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def s3(self) -> "S3Client":
        return self._session.client("s3", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        return self._session.client("secretsmanager", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def sqs(self) -> "SQSClient":
        return self._session.client("sqs", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def kms(self) -> "KMSClient":
        return self._session.client("kms", endpoint_url=self.endpoint_url, config=self._config)
