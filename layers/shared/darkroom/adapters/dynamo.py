"""DynamoDB's typed items as plain rows, and back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from darkroom.adapters.aws import code_of, translated
from darkroom.errors import ServiceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class ConditionFailed(Exception):
    """The write's condition did not hold, so nothing was written.

    `row` is the row as it is, if the write asks for it (`ReturnValuesOnConditionCheckFailure`) and there is one.
    """

    def __init__(self, row: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.row = row

    def found(self, column: str, value: str) -> bool:
        """Whether the row as it is has this in the column."""
        return self.row is not None and self.row.get(column) == value


_REFUSED = "ConditionalCheckFailed"
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_KNOWN = _PASSING | {_REFUSED, "None"}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one write of a transaction stood in its way, or that it did not."""

    code: str
    row: Mapping[str, Any] | None = None
    """The row as it is, if the write asks for it (`ReturnValuesOnConditionCheckFailure`) and there is one."""

    @property
    def is_refused(self) -> bool:
        return self.code == _REFUSED

    def found(self, column: str, value: str) -> bool:
        """Whether the row as it is has this in the column."""
        return self.row is not None and self.row.get(column) == value

    @property
    def is_passing(self) -> bool:
        return self.code in _PASSING


class TransactionCanceled(Exception):
    """None of its writes were done. `reasons` are in the writes' order."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = reasons


def to_item(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in row.items()}


def to_row(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}


@contextmanager
def conditional() -> Iterator[None]:
    """Around a conditional write or a transaction.

    Raises:
        ConditionFailed: it was refused. A transaction is refused too while another one holds one of its rows.
        ServiceUnavailable: a transaction holds the row at this moment.
    """
    with translated():
        try:
            yield
        except ClientError as error:
            if code_of(error) in ("ConditionalCheckFailedException", "TransactionCanceledException"):
                raise ConditionFailed(_row_of(error.response)) from error
            if code_of(error) == "TransactionConflictException":
                raise ServiceUnavailable(
                    "Something else is just being recorded there.", fix="Try again in a moment.", retry_after=1
                ) from error
            raise


def transact(client: "DynamoDBClient", writes: "Sequence[TransactWriteItemTypeDef]") -> None:
    """All of the writes or none. botocore gives it a token, so what it sends again after a broken answer counts once.

    Raises:
        TransactionCanceled: a condition did not hold, or another write has one of the rows at this moment.
    """
    with translated():
        try:
            client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            reasons = [_reason(given) for given in error.response.get("CancellationReasons", ())]
            # What is none of these, such as a mistake in an expression, is ours.
            if not reasons or any(reason.code not in _KNOWN for reason in reasons):
                raise
            raise TransactionCanceled(reasons) from error


def _reason(given: Mapping[str, Any]) -> Reason:
    return Reason(str(given.get("Code", "None")), _row_of(given))


def _row_of(given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return to_row(given["Item"]) if "Item" in given else None
