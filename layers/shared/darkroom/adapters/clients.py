"""AWS clients: one per service, made when it is first asked for.

They are botocore's own. `boto3.client` makes the same, and loads beside it what resources and file transfers need,
which no function here uses. What they know of the services is in `aws_descriptions`: the operations that Darkroom
calls. Reading botocore's own, with all operations and the endpoints of all services, is a third of a bare cold start.
"""

import random
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.credentials import ContainerProvider
from botocore.httpsession import URLLib3Session
from botocore.loaders import Loader
from botocore.session import Session
from botocore.utils import ContainerMetadataFetcher

from darkroom.adapters import json_calls
from darkroom.adapters.aws import CLIENT_CONFIG, bounded, s3_config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

# Written by `python -m local.aws_descriptions`.
_DESCRIPTIONS: Final = Path(__file__).with_name("aws_descriptions")
# As botocore's own fetcher has it.
_FETCH_SECONDS = 2
# Making clients is not safe in threads, using them is.
_making = RLock()


class _Loader(Loader):
    """Reads `aws_descriptions` alone."""

    def __init__(self) -> None:
        super().__init__([str(_DESCRIPTIONS)], include_default_search_paths=False, include_default_extras=False)

    def is_builtin_path(self, _: str) -> bool:
        """True: the endpoints are AWS's own. Of others botocore says that somebody has chosen them."""
        return True


@cache
def session() -> Session:
    """The process's: it keeps what it has read of the services' descriptions."""
    made, fetching = Session(), URLLib3Session(timeout=_FETCH_SECONDS)
    made.register_component("data_loader", _Loader())
    fetcher: Any = ContainerMetadataFetcher(session=fetching)  # which the stubs take for another
    container = ContainerProvider(fetcher=fetcher)
    made.get_component("credential_provider").insert_before(container.METHOD, container)
    json_calls.install(made)
    _be_ready_for_snapshots(fetching)
    return made


def _be_ready_for_snapshots(fetching: URLLib3Session) -> None:
    """Where many processes go on from what one has made (SnapStart), has them share no connection and no luck.

    Clients connect at their first call. What credentials were fetched by is closed; they are fetched again when they
    expire. What is secret or has to be unique is taken from the system, and so differs by itself; the waits before
    calls are tried again are not.
    """
    with suppress(ImportError):
        # Lambda's runtime has it.
        from snapshot_restore_py import register_after_restore, register_before_snapshot

        register_before_snapshot(fetching.close)
        register_after_restore(random.seed)


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
        # Here, for some functions have to do with no object.
        from darkroom.adapters import object_calls

        object_calls.install(session())
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
