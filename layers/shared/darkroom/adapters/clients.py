"""AWS clients: one per service, made when it is first asked for.

They are botocore's own. `boto3.client` makes the same, and loads beside it what resources and file transfers need,
which no function here uses.
"""

from collections.abc import Mapping
from functools import cache, cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import Session

from darkroom.adapters.aws import CLIENT_CONFIG, bounded, s3_config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

# Making clients is not safe in threads, using them is.
_making = RLock()


@cache
def session() -> Session:
    """The process's: it keeps what it has read of the services' descriptions."""
    return Session()


class Clients:
    """The clients of one composition, which heed the deadline of `aws.within`.

    Args:
        environ: may name an emulator, as for `s3_config`. Region and credentials are found by botocore.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        made: DynamoDBClient = self._client("dynamodb", CLIENT_CONFIG)
        return made

    @cached_property
    def s3(self) -> "S3Client":
        made: S3Client = self._client("s3", s3_config(self._environ))
        return made

    @cached_property
    def sqs(self) -> "SQSClient":
        made: SQSClient = self._client("sqs", CLIENT_CONFIG)
        return made

    @cached_property
    def kms(self) -> "KMSClient":
        made: KMSClient = self._client("kms", CLIENT_CONFIG)
        return made

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        made: SecretsManagerClient = self._client("secretsmanager", CLIENT_CONFIG)
        return made

    def _client(self, service: str, config: Config) -> Any:
        with _making:
            return bounded(session().create_client(service, config=config))
