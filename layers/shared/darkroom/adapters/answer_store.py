"""Pending answers in DynamoDB.

pk=USER#{user}  sk=ANSWER#{request_sha256}#{job id}   written with its job by the ledger; removed by its TTL

`state` and `changed_at` (ISO 8601) decide conditions; the document holds everything.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item, to_row
from darkroom.models.admission import PendingAnswer
from darkroom.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoAnswerStore:
    def __init__(self, table: str, client: "DynamoDBClient", clock: Clock) -> None:
        self._table = table
        self._client = client
        self._clock = clock

    def of_request(self, user: str, request_sha256: str) -> Sequence[PendingAnswer]:
        prefix = answer_key(user, request_sha256, "")
        with translated():
            asked: Any = {
                "TableName": self._table,
                "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
                "ExpressionAttributeValues": to_item({":pk": prefix["pk"], ":prefix": prefix["sk"]}),
                "ConsistentRead": True,
            }
            page: Any = self._client.query(**asked)
            items = list(page["Items"])
            while start := page.get("LastEvaluatedKey"):
                page = self._client.query(**asked, ExclusiveStartKey=start)
                items += page["Items"]
        return [answer for answer in map(_to_answer, items) if self._is_valid(answer)]

    def change(self, seen: PendingAnswer, *, to: PendingAnswer) -> bool:
        try:
            with conditional():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(answer_row(to)),
                    ConditionExpression="#state = :state AND changed_at = :changed_at",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues=to_item({":state": seen.state, ":changed_at": _iso(seen.changed_at)}),
                )
        except ConditionFailed:
            # A write whose answer got lost is sent again, and then finds itself there.
            return self.find(to.user, to.request_sha256, to.job_id) == to
        return True

    def find(self, user: str, request_sha256: str, job_id: str) -> PendingAnswer | None:
        key = to_item(answer_key(user, request_sha256, job_id))
        with translated():
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        answer = _to_answer(item) if item else None
        return answer if answer and self._is_valid(answer) else None

    def _is_valid(self, answer: PendingAnswer) -> bool:
        """DynamoDB removes expired rows in its own time; until then the date is what counts."""
        return answer.expires_at > self._clock()


def answer_key(user: str, request_sha256: str, job_id: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"ANSWER#{request_sha256}#{job_id}"}


def answer_row(answer: PendingAnswer) -> dict[str, Any]:
    return {
        **answer_key(answer.user, answer.request_sha256, answer.job_id),
        "document": answer.model_dump_json(),
        "state": answer.state,
        "changed_at": _iso(answer.changed_at),
        "expires_at": int(answer.expires_at.timestamp()),
    }


def _to_answer(item: Mapping[str, Any]) -> PendingAnswer:
    return PendingAnswer.model_validate_json(to_row(item)["document"])


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
