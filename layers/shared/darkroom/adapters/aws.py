"""AWS clients, how long they may take, and what their errors mean to us."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final, Protocol, TypeVar

from botocore import exceptions as botocore_errors
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError

from darkroom.errors import DarkroomError, InternalError, PayloadTooLarge, ServiceUnavailable
from darkroom.models.deadline import Deadline

# Seconds of one attempt. Standard mode backs off with jitter, for up to one second and then for up to two.
CONNECT: Final = 2.0
READ: Final = 5.0
ATTEMPTS: Final = 3
MAX_BACKOFFS: Final = (1.0, 2.0)
# With every attempt hanging, a call ends after 24 seconds at the most, less than an HTTP function has; several in a row
# end by the request's own deadline (`within`).
CLIENT_CONFIG = Config(
    connect_timeout=CONNECT,
    read_timeout=READ,
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    signature_version="v4",
    # Otherwise botocore puts a long one together for each call: a sixth of the processor time that a call takes.
    user_agent="Darkroom",
)


def s3_config(environ: Mapping[str, str]) -> Config:
    """How S3 is called, and what host links and upload forms name: the bucket's own in its region.

    S3's global host, which links have by default, answers 307 for new buckets of most regions, and refuses those of
    regions opened since 2019. An emulator's host has no buckets below it.

    Args:
        environ: may name an emulator (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`).
    """
    own = CLIENT_CONFIG.merge(Config(signature_version="s3v4"))
    if environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL"):
        return own
    regional: Any = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    return own.merge(Config(s3=regional))


def bucket_origins(environ: Mapping[str, str], buckets: Iterable[str]) -> tuple[str, ...]:
    """The origins that links and upload forms of buckets name, as `s3_config` has them made: `https://…`."""
    emulator = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    if emulator:
        return (emulator.rstrip("/"),)
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION", "us-east-1")
    return tuple(f"https://{bucket}.s3.{region}.amazonaws.com" for bucket in buckets)


# Codes below status 500 that tell of a state that passes. The first lines are those that botocore itself tries again.
_PASSING = frozenset(
    {
        *("BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete"),
        *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled"),
        *("RequestThrottledException", "SlowDown", "ThrottledException", "Throttling", "ThrottlingException"),
        *("TooManyRequestsException", "TransactionInProgressException", "RequestTimeout", "RequestTimeoutException"),
        *("ReplicatedWriteConflictException", "BadDigest"),
        # What the services say with a status below 500, or without any.
        *("InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable"),
        *(
            "TransactionConflictException",
            "OverLimit",
            "KmsThrottled",
            "OperationAborted",
            "ConditionalRequestConflict",
        ),
        *("KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException", "InternalServiceError"),
    }
)
# Why one write of a transaction stood in its way, where that passes.
PASSING_REASONS: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
# Seconds to connect and seconds of silence, where less time is left than an attempt may take by itself: the longest
# that fit, so that an attempt is over by the deadline however it fails.
SHORT: Final = ((1.0, 3.0), (0.5, 1.5), (0.25, 0.5), (0.1, 0.2))

_log = logging.getLogger("darkroom")
_limits: ContextVar[tuple[Deadline, ...]] = ContextVar("darkroom_limits", default=())


class OutOfTime(BotoCoreError):
    """A call was not made, for there is no time left for its answer."""

    fmt = "No time is left for {call}"


class _Client(Protocol):
    @property
    def meta(self) -> Any: ...


_AnyClient = TypeVar("_AnyClient", bound=_Client)


def bounded(client: _AnyClient) -> _AnyClient:
    """The client, which from now on heeds the deadline of `within`."""
    client.meta.events.register_first("before-send", _in_time)
    # The client's own has this name, too: of several answers the first counts.
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"needs-retry.{service}", _at_once)
    return client


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """For as long as the block runs, its calls end by the deadline, also in threads that are given its context.

    A process that has several requests at the same time limits each one's calls by its own deadline alone.
    """
    token = _limits.set((*_limits.get(), deadline))
    try:
        yield
    finally:
        _limits.reset(token)


@contextmanager
def outlasting() -> Iterator[None]:
    """For as long as the block runs, its calls heed no deadline of before: what it does goes on after the request."""
    token = _limits.set(())
    try:
        yield
    finally:
        _limits.reset(token)


def _left() -> float | None:
    return min((deadline.left() for deadline in _limits.get()), default=None)


def _in_time(request: Any, event_name: str, **_: Any) -> Any:
    """Sends the request itself where the time left is short. None: it is sent as always."""
    left = _left()
    if left is None or left >= CONNECT + READ:
        return None
    timeout = next((each for each in SHORT if sum(each) <= left), None)
    if timeout is None:
        raise OutOfTime(call=event_name.removeprefix("before-send."))
    return _session(timeout).send(request)


def _at_once(attempts: int, response: Any, caught_exception: Exception | None, **_: Any) -> float | None:
    """Has an attempt follow without the wait before it, where that might pass the deadline. None: as always."""
    left = _left()
    if left is None or left > max(MAX_BACKOFFS) or attempts >= ATTEMPTS:
        return None
    if caught_exception is not None:
        return 0.0 if isinstance(caught_exception, _NO_ANSWER) else None
    reply, parsed = response
    return 0.0 if _passes(parsed.get("Error", {}).get("Code", ""), reply.status_code) else None


@cache
def _session(timeout: tuple[float, float]) -> URLLib3Session:
    # The stubs say that they are whole numbers; botocore itself passes what we do.
    return URLLib3Session(timeout=timeout)  # type: ignore[arg-type]


def _passes(code: str, status: int) -> bool:
    return code in _PASSING or status >= 500 or status == 429


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_passing(error: ClientError) -> bool:
    code = code_of(error)
    if code == "TransactionCanceledException":
        reasons: Any = error.response.get("CancellationReasons", ())
        met = {str(reason.get("Code", "None")) for reason in reasons} - {"None"}
        return bool(met) and met <= PASSING_REASONS
    return _passes(code, error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def translated() -> Iterator[None]:
    """Turns whatever AWS or its client raises into errors of ours.

    Raises:
        ServiceUnavailable: it will pass by itself, or no answer came; what was asked for may have been done.
        PayloadTooLarge: a row would be too large.
        InternalError: AWS refuses what we ask for, or cannot be asked at all; the log has an alarm.
    """
    try:
        yield
    except ClientError as error:
        raise _refusal(error) from error
    except ResponseParserError as error:
        raise _unavailable("AWS answered with something that cannot be read.") from error
    except OutOfTime as error:
        raise _unavailable(f"AWS did not answer in time ({error.kwargs['call']}).") from error
    except _NO_ANSWER as error:
        raise _unavailable("AWS did not answer.") from error
    except BotoCoreError as error:
        _alarm(type(error).__name__)
        raise InternalError("AWS cannot be called from here.", fix="Tell the stack's owner; the log has it.") from error


_NO_ANSWER = (
    botocore_errors.ConnectionError,
    botocore_errors.HTTPClientError,
    botocore_errors.IncompleteReadError,
    botocore_errors.ChecksumError,
    botocore_errors.FlexibleChecksumError,
)


def _refusal(error: ClientError) -> DarkroomError:
    code = code_of(error)
    if code == "ValidationException" and "size has exceeded" in str(error):
        return PayloadTooLarge("That is more than fits into one row.", fix="Send less of it.")
    if _is_passing(error):
        return _unavailable("AWS is busy.")
    _alarm(f"{error.operation_name}: {code}")
    return InternalError(f"AWS refuses {error.operation_name} ({code}).", fix="Tell the stack's owner; the log has it.")


def _unavailable(detail: str) -> ServiceUnavailable:
    return ServiceUnavailable(detail, fix="Try again in a moment.", retry_after=2)


def _alarm(what: str) -> None:
    """As `observability.alarm` does; an adapter is handed none."""
    _log.error("AWS refuses a call: %s", what, extra={"alarm": "AWS_REFUSED"})
