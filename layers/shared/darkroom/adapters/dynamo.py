"""DynamoDB's typed items as plain rows, and back."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from msgspec import Struct

from darkroom.adapters.attribute_values import from_attribute, to_attribute
from darkroom.adapters.aws import PASSING_REASONS, code_of, translated
from darkroom.errors import ServiceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


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
_KNOWN = PASSING_REASONS | {_REFUSED, "None"}


class Reason(Struct, frozen=True):
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
        return self.code in PASSING_REASONS


class TransactionCanceled(Exception):
    """None of its writes were done. `reasons` are in the writes' order."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = reasons


def to_item(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_attribute(value) for name, value in row.items()}


def to_row(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: from_attribute(value) for name, value in item.items()}


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
                raise in_use() from error
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


class Patience:
    """Tries that wait for others who want the same rows: a random while, longer each time, for about eight seconds.

    Args:
        sleep, uniform: how to wait between tries, and for how long: a random number of seconds from a to b.
    """

    LEAST_WAIT: Final = 0.02
    MOST_WAIT: Final = 0.64
    MOST_TRIES: Final = 30
    WAIT_IN_ALL: Final = 8.0

    def __init__(
        self,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._sleep = sleep
        self._uniform = uniform

    def tries(self) -> Iterator[None]:
        """Once at once, and then again and again after a while; ends when it is no use any more."""
        waited = 0.0
        for n in range(self.MOST_TRIES):
            yield
            wait = self._uniform(0, min(self.MOST_WAIT, self.LEAST_WAIT * 2**n))
            if waited + wait > self.WAIT_IN_ALL:
                return
            self._sleep(wait)
            waited += wait


def transact_patiently(
    client: "DynamoDBClient", writes: "Sequence[TransactWriteItemTypeDef]", patience: Patience
) -> None:
    """As transact, and again while other writes have one of the rows.

    Raises:
        TransactionCanceled: a condition did not hold.
        ServiceUnavailable: others had the rows all the time; nothing was written.
    """
    for _ in patience.tries():
        try:
            transact(client, writes)
        except TransactionCanceled as canceled:
            if any(reason.is_refused for reason in canceled.reasons):
                raise
        else:
            return
    raise in_use()


def in_use() -> ServiceUnavailable:
    """Another write has the row at this moment, and nothing was written."""
    return ServiceUnavailable(
        "Something else is just being recorded there.", fix="Try again in a moment.", retry_after=1
    )


def _reason(given: Mapping[str, Any]) -> Reason:
    return Reason(str(given.get("Code", "None")), _row_of(given))


def _row_of(given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return to_row(given["Item"]) if "Item" in given else None
