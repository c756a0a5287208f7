"""What the ledger has written, read from DynamoDB. See budget_rows and ledger_rows."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.budget_rows import budget_key, to_budget
from darkroom.adapters.dynamo import ConditionFailed, Patience, conditional, to_item, to_row
from darkroom.adapters.ledger_rows import RECEIPT, idempotency_key, to_idempotency
from darkroom.adapters.month_users import MonthUsers
from darkroom.adapters.receipt_pages import receipt_page
from darkroom.errors import ServiceUnavailable
from darkroom.models.admission import IdempotencyRecord
from darkroom.models.budget import Budget
from darkroom.ports import Clock, ReceiptPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Books:
    """Args:
    sleep, uniform: how to wait between tries, and for how long: a random number of seconds from a to b.
    users: who is listed for a month's reports, where another store of the process lists them, too.
    """

    def __init__(
        self,
        table: str,
        client: "DynamoDBClient",
        *,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
        users: MonthUsers | None = None,
    ) -> None:
        self._table = table
        self._client = client
        self._clock = clock
        self._patience = Patience(sleep, uniform)
        self._users = users or MonthUsers(table, client)

    def budgets(self, user: str, ids: Sequence[str]) -> Mapping[str, Budget]:
        wanted = [to_item(budget_key(user, budget_id)) for budget_id in dict.fromkeys(ids)]
        found: list[Mapping[str, Any]] = []
        for _ in self._tries():
            if not wanted:
                break
            with translated():
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}}
                )
            found += [to_row(item) for item in answer["Responses"].get(self._table, ())]
            wanted = [dict(key) for key in answer["UnprocessedKeys"].get(self._table, {"Keys": []})["Keys"]]
        if wanted:
            raise busy("Nothing was changed.")
        return {budget.id: budget for budget in map(to_budget, found)}

    def warn_once(self, user: str, budget_id: str) -> bool:
        word = token_hex(8)
        try:
            with conditional():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item(budget_key(user, budget_id)),
                    UpdateExpression="SET warned = :word",
                    ConditionExpression="attribute_exists(pk) AND attribute_not_exists(warned)",
                    ExpressionAttributeValues=to_item({":word": word}),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as refused:
            # See job_table: its answer was lost, and it was sent again.
            return refused.found("warned", word)
        return True

    def receipts(self, user: str, *, limit: int, before: str | None = None, month: str | None = None) -> ReceiptPage:
        return receipt_page(self._client, self._table, RECEIPT, user, limit=limit, before=before, month=month)

    def idempotency(self, user: str, sha256: str) -> IdempotencyRecord | None:
        item = self._get(idempotency_key(user, sha256))
        record = to_idempotency(to_row(item)) if item else None
        return record if record and record.expires_at > self._clock() else None

    def _get(self, key: dict[str, Any]) -> Mapping[str, Any] | None:
        with translated():
            return self._client.get_item(TableName=self._table, Key=to_item(key), ConsistentRead=True).get("Item")

    def _tries(self) -> Iterator[None]:
        return self._patience.tries()


def busy(meanwhile: str) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"Too much is being spent from the same budgets at once. {meanwhile}",
        fix="Try again in a second, with fewer requests at the same time.",
        retry_after=1,
    )
