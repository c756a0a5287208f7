"""How models have done, in DynamoDB: the stack's last runs of each, and nothing of whose they were.

pk=MODEL#{id}  sk=STATISTICS   `samples`: JSON, oldest first: [[seconds or null, 1 or 0], …]; `version` decides
                               conditions
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item, to_row
from darkroom.models.figures import ModelFigures, Sample, figures_of
from darkroom.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_SAMPLES = 100
# What was not run for so long says little of how a model does now.
_KEPT = timedelta(days=90)
_TRIES = 3
_MOST_KEYS = 100


class DynamoModelStatistics:
    """Args: on_lost: told of a model and an error when a figure could not be kept, which is nobody's trouble."""

    def __init__(
        self,
        table: str,
        client: "DynamoDBClient",
        clock: Clock,
        *,
        on_lost: Callable[[str, Exception], object] = lambda _model, _error: None,
    ) -> None:
        self._table = table
        self._client = client
        self._clock = clock
        self._on_lost = on_lost

    def record(self, model: str, *, seconds: float | None, succeeded: bool) -> None:
        sample = (None if seconds is None else round(seconds, 3), succeeded)
        try:
            for _ in range(_TRIES):
                if self._append(model, sample):
                    return
        except Exception as error:  # noqa: BLE001 - a figure less is nothing that a paid job may fail of
            self._on_lost(model, error)

    def of(self, models: Sequence[str]) -> Mapping[str, ModelFigures]:
        return {
            str(row["pk"]).removeprefix("MODEL#"): figures_of(_samples(row))
            for row in self._rows(list(dict.fromkeys(models)))
        }

    def _append(self, model: str, sample: Sample) -> bool:
        """False if somebody else was faster."""
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(_key(model)), ConsistentRead=True)
        row = to_row(found["Item"]) if "Item" in found else {}
        version = int(row.get("version", 0))
        samples = [*_samples(row), sample][-KEPT_SAMPLES:]
        new = {
            **_key(model),
            "samples": json.dumps([[seconds, int(succeeded)] for seconds, succeeded in samples]),
            "version": version + 1,
            "expires_at": int((self._clock() + _KEPT).timestamp()),
        }
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if version:
            condition = {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": to_item({":version": version}),
            }
        try:
            with conditional():
                self._client.put_item(TableName=self._table, Item=to_item(new), **condition)
        except ConditionFailed:
            return False
        return True

    def _rows(self, models: list[str]) -> Iterator[Mapping[str, Any]]:
        for start in range(0, len(models), _MOST_KEYS):
            wanted = [to_item(_key(model)) for model in models[start : start + _MOST_KEYS]]
            with translated():
                answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": wanted}})
            # What DynamoDB leaves unprocessed when it is busy is not worth waiting for.
            yield from (to_row(item) for item in answer["Responses"].get(self._table, ()))


def _key(model: str) -> dict[str, Any]:
    return {"pk": f"MODEL#{model}", "sk": "STATISTICS"}


def _samples(row: Mapping[str, Any]) -> list[Sample]:
    return [(seconds, bool(succeeded)) for seconds, succeeded in json.loads(row.get("samples", "[]"))]
