"""AWS clients and what their errors mean to us."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as botocore_errors
from botocore.config import Config
from botocore.exceptions import ClientError

from darkroom.errors import PayloadTooLarge, ServiceUnavailable

# Standard mode backs off with jitter and gives up soon enough to answer within an HTTP function's 29 seconds.
CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    signature_version="v4",
)
S3_CONFIG = CLIENT_CONFIG.merge(Config(signature_version="s3v4"))

_PASSING = frozenset(
    {
        "InternalError",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def translated() -> Iterator[None]:
    """Turns what will pass by itself into ServiceUnavailable; the rest is our mistake and stays as it is."""
    try:
        yield
    except ClientError as error:
        if code_of(error) == "ValidationException" and "size has exceeded" in str(error):
            raise PayloadTooLarge("That is more than fits into one row.", fix="Send less of it.") from error
        if code_of(error) in _PASSING:
            raise ServiceUnavailable("AWS is busy.", fix="Try again in a moment.", retry_after=2) from error
        raise
    except (botocore_errors.ConnectionError, botocore_errors.HTTPClientError) as error:
        raise ServiceUnavailable("AWS did not answer.", fix="Try again in a moment.", retry_after=2) from error
