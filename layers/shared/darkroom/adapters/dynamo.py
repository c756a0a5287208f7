"""DynamoDB's typed items as plain rows, and back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from darkroom.adapters.aws import code_of, translated

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class ConditionFailed(Exception):
    """The write's condition did not hold, so nothing was written."""


def to_item(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in row.items()}


def to_row(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}


@contextmanager
def conditional() -> Iterator[None]:
    """Around a conditional write or a transaction.

    Raises:
        ConditionFailed: it was refused. A transaction is refused too while another one holds one of its rows.
    """
    with translated():
        try:
            yield
        except ClientError as error:
            if code_of(error) in ("ConditionalCheckFailedException", "TransactionCanceledException"):
                raise ConditionFailed from error
            raise
