"""How models have done, in DynamoDB: the stack's last runs of each, and nothing of whose they were.

pk=MODEL#{id}  sk=STATISTICS   `samples`: JSON, oldest first: [[seconds or null, 1 or 0], …]; `version` decides
                               conditions

A process adds to what it wrote last, so that a figure is one write. Where another has written since, the refused write
brings the row along, and the next try adds to that.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item, to_row
from darkroom.models.model_row import ModelFigures, Sample, figures_of
from darkroom.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_SAMPLES = 100
# What was not run for so long says little of how a model does now.
_KEPT = timedelta(days=90)
_TRIES = 3
_MAX_REMEMBERED = 200
_MOST_KEYS = 100


class DynamoModelStatistics:
    """Args:
    pause: between two writes of a model's figures; what is recorded meanwhile goes with the next. If the process ends
        before, it is lost: some of many runs.
    on_lost: told of a model and an error when a figure could not be kept. The job goes on.
    """

    def __init__(
        self,
        table: str,
        client: "DynamoDBClient",
        clock: Clock,
        *,
        pause: timedelta = timedelta(),
        on_lost: Callable[[str, Exception], object] = lambda _model, _error: None,
    ) -> None:
        self._table = table
        self._client = client
        self._clock = clock
        self._pause = pause
        self._on_lost = on_lost
        self._lock = Lock()
        self._waiting: dict[str, list[Sample]] = {}
        self._written_at: dict[str, datetime] = {}
        # By model, as it was last written or found: what a further sample is added to, in one write and no read.
        self._seen: dict[str, tuple[int, tuple[Sample, ...]]] = {}

    def record(self, model: str, *, seconds: float | None, succeeded: bool) -> None:
        sample = (None if seconds is None else round(seconds, 3), succeeded)
        try:
            samples = self._due(model, sample)
            for _ in range(_TRIES):
                if not samples or self._append(model, samples):
                    return
        except Exception as error:  # noqa: BLE001 - a figure less is nothing that a paid job may fail of
            self._on_lost(model, error)

    def of(self, models: Sequence[str]) -> Mapping[str, ModelFigures]:
        return {
            str(row["pk"]).removeprefix("MODEL#"): figures_of(_samples(row))
            for row in self._rows(list(dict.fromkeys(models)))
        }

    def _due(self, model: str, sample: Sample) -> list[Sample]:
        """What is to be written now."""
        now = self._clock()
        with self._lock:
            if len(self._written_at) >= _MAX_REMEMBERED:
                self._written_at.clear()
            waiting = [*self._waiting.get(model, ()), sample][-KEPT_SAMPLES:]
            if model in self._written_at and now < self._written_at[model] + self._pause:
                self._waiting[model] = waiting
                return []
            self._waiting.pop(model, None)
            self._written_at[model] = now
            return waiting

    def _append(self, model: str, new_samples: Sequence[Sample]) -> bool:
        """False if somebody else has written since, whose samples are known then."""
        version, kept = self._seen.get(model, (0, ()))
        samples = [*kept, *new_samples][-KEPT_SAMPLES:]
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
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(new),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition,
                )
        except ConditionFailed as refused:
            self._remember(model, int(refused.row["version"]) if refused.row else 0, _samples(refused.row or {}))
            return False
        self._remember(model, version + 1, samples)
        return True

    def _remember(self, model: str, version: int, samples: Sequence[Sample]) -> None:
        if len(self._seen) >= _MAX_REMEMBERED:
            self._seen.clear()
        self._seen[model] = (version, tuple(samples))

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
