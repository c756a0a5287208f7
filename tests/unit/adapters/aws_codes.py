"""The errors of the AWS calls that Darkroom makes, as botocore's service models list them, and those every service has.

Each is in one of two tables, so that a code which a later botocore brings has to be looked up before the tests pass.
"""

from collections.abc import Iterator
from typing import Final

import botocore.session

_LOADED = botocore.session.get_session()

# What Darkroom calls, by service.
CALLS: Final = {
    "dynamodb": (
        *("GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "TransactWriteItems"),
    ),
    "kms": ("GenerateDataKey", "Decrypt"),
    "s3": ("GetObject", "HeadObject", "PutObject", "CopyObject", "DeleteObject", "ListObjectsV2", "HeadBucket"),
    "sqs": ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"),
    "secretsmanager": ("GetSecretValue",),
}
# https://docs.aws.amazon.com/IAM/latest/UserGuide/common-errors.html, and S3's ErrorResponses.html.
_EVERYWHERE: Final = ("InternalFailure", "ServiceUnavailable", "ThrottlingException", "Throttling")
_S3_CONFLICTS: Final = ("OperationAborted", "ConditionalRequestConflict")
_COMMON: Final = {
    "s3": (
        "InternalError",
        "SlowDown",
        "RequestTimeout",
        "OperationAborted",
        "ConditionalRequestConflict",
        "BadDigest",
    ),
    "sqs": ("OverLimit",),
}
# HTTP statuses that tell nothing by themselves: where the code has to.
PASS: Final = frozenset(
    {
        *_EVERYWHERE,
        *(code for codes in _COMMON.values() for code in codes),
        *("InternalServerError", "ProvisionedThroughputExceededException", "RequestLimitExceeded"),
        *("ReplicatedWriteConflictException", "TransactionConflictException", "TransactionInProgressException"),
        *("KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException"),
        *("KmsThrottled", "RequestThrottled", "InternalServiceError"),
    }
)
STAY: Final = frozenset(
    {
        *(
            "ResourceNotFoundException",
            "ItemCollectionSizeLimitExceededException",
            "IdempotentParameterMismatchException",
        ),
        *(
            "IdempotentParameterMismatchException",
            "DisabledException",
            "NotFoundException",
            "InvalidKeyUsageException",
            "DryRunOperationException",
        ),
        *(
            "DryRunOperationException",
            "InvalidCiphertextException",
            "IncorrectKeyException",
        ),
        *(
            "NoSuchBucket",
            "InvalidObjectState",
            "ObjectNotInActiveTierError",
            "EncryptionTypeMismatch",
            "InvalidRequest",
        ),
        *("InvalidWriteOffset", "TooManyParts", "AccessDenied"),
        *("QueueDoesNotExist", "InvalidMessageContents", "UnsupportedOperation", "InvalidAddress", "InvalidSecurity"),
        *("KmsDisabled", "KmsInvalidState", "KmsNotFound", "KmsOptInRequired", "KmsAccessDenied", "KmsInvalidKeyUsage"),
        *("InvalidIdFormat", "ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidAttributeName"),
        *(
            "KMSInvalidStateException",
            "InvalidGrantTokenException",
            "InvalidParameterException",
            "InvalidRequestException",
            "DecryptionFailure",
        ),
    }
)
# What adapters take for an answer of another kind: a condition that did not hold, an object that is not there.
ANSWERS: Final = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException", "NoSuchKey"})


def listed(service: str, operation: str) -> frozenset[str]:
    """The codes with which that call may fail, by its service's model."""
    shapes = _LOADED.get_service_model(service).operation_model(operation).error_shapes
    return frozenset(str(shape.metadata.get("error", {}).get("code", shape.name)) for shape in shapes)


def of_call(service: str, operation: str) -> frozenset[str]:
    """Those, and the ones that every call of the service may fail with."""
    return listed(service, operation) | {*_EVERYWHERE, *_COMMON.get(service, ())}


def all_listed() -> Iterator[str]:
    for service, operations in CALLS.items():
        for operation in operations:
            yield from listed(service, operation)
